/* SPDX-License-Identifier: Apache-2.0 */
#include "db/embedded/embedded.h"

#include "db/database.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum {
    PREDECESSOR_PATIENCE = 15000, /* milliseconds until a left-behind server is made to go */
    PREDECESSOR_END = 10000,      /* and then until we give up */
    STOP_PATIENCE = 300000,       /* it writes what it has in memory, which may be gigabytes */
    STOP_SAID = 10000,            /* how often that is said meanwhile */
    STOP_END = 10000,
    STEADY = 10000,   /* a server that lived this long was healthy */
    DELAY_FIRST = 50, /* before the second start in a row; then doubling */
    DELAY_MAX = 10000,
    LOOK = 20 /* between two looks at a server that starts */
};

struct embedded {
    struct embedded_settings settings;
    struct cluster cluster;
    char *ping;
    bool is_new;
    pid_t pid;          /* 0: down */
    bool answered;      /* since it was started */
    int64_t started_at; /* milliseconds of CLOCK_MONOTONIC */
    int64_t retry_at;   /* while down */
    int64_t died_at;    /* 0: never */
    int failures;       /* starts in a row that did not last */
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_for(int milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static bool cancelled(const struct embedded *embedded)
{
    return embedded->settings.cancelled != NULL && embedded->settings.cancelled();
}

/* Reap the server if it has ended. */
static bool ended(struct embedded *embedded)
{
    int status = 0;
    pid_t gone = waitpid(embedded->pid, &status, WNOHANG);
    if (gone == 0 || (gone < 0 && errno == EINTR))
        return false;
    embedded->pid = 0;
    return true;
}

/* Wait until no process works in the data directory any more. */
static bool emptied(const struct embedded *embedded, int patience)
{
    for (int64_t until = now() + patience; now() < until; pause_for(LOOK)) {
        if (cluster_signal(&embedded->cluster, 0) == 0)
            return true;
        if (cancelled(embedded))
            return false;
    }
    return false;
}

/* The server of a daemon that was killed stops by itself (it was told to by the kernel); workers
 * whose server was killed end as soon as they notice. Who does not is made to. */
static bool predecessor_wait(const struct embedded *embedded)
{
    if (cluster_signal(&embedded->cluster, 0) == 0)
        return true;
    embedded->settings.say("waiting for the PostgreSQL of a daemon that was killed");
    if (cluster_postmaster(&embedded->cluster) != 0 && emptied(embedded, PREDECESSOR_PATIENCE))
        return true;
    if (cancelled(embedded))
        return false;
    cluster_signal(&embedded->cluster, SIGQUIT);
    if (emptied(embedded, PREDECESSOR_END))
        return true;
    if (!cancelled(embedded))
        embedded->settings.say("processes of an earlier PostgreSQL still work in %s and do not end",
                               embedded->cluster.data);
    return false;
}

static bool serve(struct embedded *embedded)
{
    embedded->pid = cluster_serve(&embedded->cluster);
    embedded->started_at = now();
    embedded->answered = false;
    if (embedded->pid > 0)
        return true;
    embedded->pid = 0;
    embedded->settings.say("cannot start PostgreSQL: %s", strerror(errno));
    return false;
}

/* Recovery after a crash takes the time that it takes: there is no limit but the operator's. */
static bool answer_wait(struct embedded *embedded)
{
    while (database_ping(embedded->ping) != ANSWERS) {
        if (ended(embedded)) {
            embedded->settings.say("PostgreSQL ended while it started; see %s",
                                   embedded->cluster.log);
            return false;
        }
        if (cancelled(embedded))
            return false;
        pause_for(LOOK);
    }
    embedded->answered = true;
    return true;
}

static bool database_make(const struct embedded *embedded)
{
    char *error = NULL;
    char *conninfo = cluster_conninfo(&embedded->cluster, CLUSTER_ADMIN, "postgres");
    struct database *database = database_open(conninfo, &error);
    free(conninfo);
    if (database == NULL) {
        embedded->settings.say("cannot connect to PostgreSQL: %s", error);
        free(error);
        return false;
    }
    struct rows *rows = database_query(
        database, "SELECT 1 FROM pg_database WHERE datname = '" CLUSTER_DATABASE "'", NULL, 0);
    bool good = rows != NULL && (rows_count(rows) > 0 ||
                                 database_run(database, "CREATE DATABASE " CLUSTER_DATABASE));
    if (!good)
        embedded->settings.say("cannot make the database: %s", database_error(database));
    database_release(rows);
    database_close(database);
    return good;
}

struct embedded *embedded_start(const struct embedded_settings *settings)
{
    struct embedded *embedded = calloc(1, sizeof *embedded);
    if (embedded == NULL)
        abort();
    embedded->settings = *settings;
    if (!cluster_find(&embedded->cluster, settings->state, settings->say))
        goto failed;
    embedded->is_new = !cluster_exists(&embedded->cluster);
    if (embedded->is_new &&
        !cluster_create(&embedded->cluster, settings->state, settings->say, settings->cancelled))
        goto failed;
    embedded->ping = cluster_conninfo(&embedded->cluster, CLUSTER_ADMIN, "postgres");
    if (!predecessor_wait(embedded))
        goto failed;
    cluster_clear(&embedded->cluster);
    if (!cluster_configure(&embedded->cluster, settings->say) || !serve(embedded) ||
        !answer_wait(embedded) || !database_make(embedded))
        goto failed;
    return embedded;
failed:
    embedded_stop(embedded);
    return NULL;
}

bool embedded_is_new(const struct embedded *embedded)
{
    return embedded->is_new;
}

/* The server has died: choose when to start it again. */
static void plan(struct embedded *embedded)
{
    int64_t died_at = now();
    embedded->failures = died_at - embedded->started_at >= STEADY ? 0 : embedded->failures + 1;
    int64_t delay = 0;
    for (int i = 0; i < embedded->failures && delay < DELAY_MAX; i++)
        delay = delay == 0 ? DELAY_FIRST : 2 * delay;
    if (delay > DELAY_MAX)
        delay = DELAY_MAX;
    embedded->died_at = died_at;
    embedded->retry_at = died_at + delay;
    /* Its workers would hold the shared memory until they look up from their work. */
    cluster_signal(&embedded->cluster, SIGQUIT);
    embedded->settings.say("PostgreSQL died; starting it again in %d ms", (int)delay);
}

int embedded_tend(struct embedded *embedded)
{
    if (embedded->pid != 0 && ended(embedded))
        plan(embedded);
    if (embedded->pid == 0) {
        int64_t left = embedded->retry_at - now();
        if (left > 0)
            return (int)left;
        if (!serve(embedded)) {
            embedded->failures++;
            embedded->retry_at = now() + DELAY_MAX;
            return DELAY_MAX;
        }
        return LOOK;
    }
    if (embedded->answered)
        return -1;
    if (database_ping(embedded->ping) != ANSWERS)
        return LOOK;
    embedded->answered = true;
    embedded->settings.say("PostgreSQL answers again, %d ms after it died",
                           (int)(now() - embedded->died_at));
    return -1;
}

char *embedded_conninfo(const struct embedded *embedded, const char *role)
{
    return cluster_conninfo(&embedded->cluster, role, CLUSTER_DATABASE);
}

static bool stop_wait(struct embedded *embedded, int patience)
{
    int64_t until = now() + patience, say_at = now() + STOP_SAID;
    for (; now() < until; pause_for(LOOK / 4)) {
        if (ended(embedded))
            return true;
        if (now() < say_at)
            continue;
        embedded->settings.say("PostgreSQL is still writing what it has in memory");
        say_at += STOP_SAID;
    }
    return false;
}

void embedded_stop(struct embedded *embedded)
{
    if (embedded->pid != 0) {
        kill(embedded->pid, SIGINT);
        if (!stop_wait(embedded, STOP_PATIENCE)) {
            embedded->settings.say("PostgreSQL does not stop; ending it by force");
            kill(embedded->pid, SIGQUIT);
            if (!stop_wait(embedded, STOP_END)) {
                cluster_signal(&embedded->cluster, SIGKILL);
                waitpid(embedded->pid, NULL, 0);
            }
        }
    }
    free(embedded->ping);
    free(embedded);
}
