/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storage.h"

#include "cli/command.h"
#include "db/database.h"
#include "db/embedded/embedded.h"
#include "db/migration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *storage_url(const struct settings *settings)
{
    return settings->database;
}

/* libpq reads its defaults from the environment; they are not meant for our own PostgreSQL. */
static void environment_clear(void)
{
    for (char **entry = environ; *entry != NULL;) {
        char name[64];
        const char *end = strchr(*entry, '=');
        if (strncmp(*entry, "PG", 2) == 0 && end != NULL && end - *entry < (int)sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)(end - *entry), *entry);
            unsetenv(name);
        } else {
            entry++;
        }
    }
}

static bool external_take(struct storage *out, const char *url)
{
    char *error = NULL;
    out->external = true;
    out->daemon = database_conninfo_as(url, CLUSTER_DAEMON, &error);
    if (out->daemon == NULL) {
        complain("the database URL cannot be read: %s", error);
        free(error);
        return false;
    }
    out->owner = strdup(url);
    out->place = database_place(url);
    return true;
}

bool storage_start(struct storage *out, const struct state *state, const struct settings *settings,
                   bool (*cancelled)(void))
{
    const char *url = storage_url(settings);
    struct embedded_settings embedded = {
        .state = state->directory, .say = daemon_say, .cancelled = cancelled};
    memset(out, 0, sizeof *out);
    if (url != NULL)
        return external_take(out, url);
    environment_clear();
    out->embedded = embedded_start(&embedded);
    if (out->embedded == NULL)
        return false;
    out->owner = embedded_conninfo(out->embedded, CLUSTER_ADMIN);
    out->daemon = embedded_conninfo(out->embedded, CLUSTER_DAEMON);
    out->place = strdup("embedded");
    return true;
}

/* The embedded PostgreSQL of a daemon that runs: we only connect. */
static bool running_take(struct storage *out, const struct state *state)
{
    struct cluster cluster;
    environment_clear();
    if (!cluster_find(&cluster, state->directory, complain))
        return false;
    out->owner = cluster_conninfo(&cluster, CLUSTER_ADMIN, CLUSTER_DATABASE);
    out->daemon = cluster_conninfo(&cluster, CLUSTER_DAEMON, CLUSTER_DATABASE);
    out->place = strdup("embedded");
    return true;
}

bool storage_reach(struct storage *out, struct state *state, const struct settings *settings)
{
    static const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    memset(out, 0, sizeof *out);
    if (storage_url(settings) != NULL)
        return storage_start(out, state, settings, NULL);
    for (int tries = 0; tries < 600; tries++, nanosleep(&pause, NULL)) {
        enum hold hold = state_hold(state);
        if (hold == HOLD_FAILED)
            return false;
        if (hold == HELD)
            return storage_start(out, state, settings, NULL);
        json_t *running = state_running_read(state);
        const char *phase = json_string_value(json_object_get(running, "phase"));
        const char *place = json_string_value(json_object_get(running, "database"));
        bool ready = phase != NULL && strcmp(phase, "ready") == 0;
        bool external = place != NULL && strcmp(place, "embedded") != 0;
        json_decref(running);
        if (ready && external) {
            complain("the daemon that runs uses a database of yours; say which: --database URL");
            return false;
        }
        if (ready)
            return running_take(out, state);
    }
    complain("%s is held by another onramp that does not get ready", state->directory);
    return false;
}

bool storage_reach_started(struct storage *out, struct state *state,
                           const struct settings *settings)
{
    if (storage_url(settings) != NULL || state_is_used(state))
        return storage_reach(out, state, settings);
    complain("nothing has run from %s yet; start it first: onramp up --detach", state->directory);
    return false;
}

void storage_stop(struct storage *storage)
{
    if (storage->embedded != NULL)
        embedded_stop(storage->embedded);
    free(storage->owner);
    free(storage->daemon);
    free(storage->place);
    memset(storage, 0, sizeof *storage);
}

bool storage_migrate(const struct storage *storage, bool (*cancelled)(void))
{
    struct migration done;
    bool good = migrate(&done, storage->owner, cancelled);
    if (done.adopted)
        progress("migrations", "the schema of before 0.2.0 adopted");
    if (done.applied > 0 || (good && done.functions))
        progress("migrations", "%d of %d applied%s", done.applied, done.known,
                 done.functions ? ", functions applied" : "");
    else if (good)
        progress("migrations", "%s",
                 done.unchecked ? "not checked: the role of the database URL may not look at them"
                                : "up to date");
    if (!good)
        complain("%s", done.error);
    free(done.error);
    return good;
}
