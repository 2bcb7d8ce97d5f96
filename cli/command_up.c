/* SPDX-License-Identifier: Apache-2.0 */
/* up: become the daemon, or find that there is one. */
#include "api/rate_limit.h"
#include "api/server.h"
#include "base/log.h"
#include "base/network.h"
#include "cli/command.h"
#include "cli/first_start.h"
#include "cli/listen_address.h"
#include "cli/secrets.h"
#include "cli/signals.h"
#include "crypto/seal.h"
#include "db/embedded/embedded.h"
#include "http/shares.h"
#include "webhooks/destination.h"
#include "webhooks/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct up_options {
    bool detach;
};

static const struct option_row up_options[] = {
    {"detach", OPTION_FLAG, offsetof(struct up_options, detach)},
    {0},
};

enum {
    DEFAULT_PORT = 8480,
    CONNECTIONS_PER_ADDRESS = 1000,
    READY_SECONDS = 30,
    GRACE_SECONDS = 30,
    WAIT_SECONDS = 120
};
enum {
    LOOK = 20,     /* milliseconds between two looks at a server that starts */
    DYING_MS = 100 /* that a process takes to go when it was killed */
};

static const char default_listen[] = "127.0.0.1";
static const struct timespec start_pause = {.tv_nsec = 100 * 1000 * 1000};

/* What the parent of a detached start waits on; -1 in the foreground. */
static int ready_pipe = -1;
static bool ready;

void progress(const char *step, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%-11s ", step);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
}

void daemon_say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (ready)
        log_line(LOG_WARNING, "%s", line);
    else
        complain("%s", line);
}

static const char *listen_address(const struct settings *settings)
{
    return settings->listen != NULL ? listen_address_read(settings->listen) : default_listen;
}

/* --- one that runs already --- */

static bool differs(const char *option, const char *wanted, const char *has)
{
    if (wanted == NULL || has == NULL || strcmp(wanted, has) == 0)
        return false;
    complain("it runs already, but with --%s %s, not %s; stop it first: onramp down", option, has,
             wanted);
    return true;
}

static int running_greet(const struct state *state, const struct settings *settings,
                         const json_t *running)
{
    char port[8], *place = NULL;
    const char *url = json_string_value(json_object_get(running, "url"));
    snprintf(port, sizeof port, "%d", settings->port);
    char has[8];
    snprintf(has, sizeof has, "%d", (int)json_integer_value(json_object_get(running, "port")));
    struct storage asked = {0};
    if (storage_url(settings) != NULL && storage_start(&asked, state, settings, NULL))
        place = asked.place;
    bool other =
        differs("listen", settings->listen != NULL ? listen_address(settings) : NULL,
                json_string_value(json_object_get(running, "listen"))) ||
        differs("port", settings->port > 0 ? port : NULL, has) ||
        differs("database", place, json_string_value(json_object_get(running, "database")));
    storage_stop(&asked);
    if (other)
        return EXIT_FAILURE;
    progress("running", "already, as process %d",
             (int)json_integer_value(json_object_get(running, "pid")));
    printf("ready %s\n", url != NULL ? url : "");
    return EXIT_SUCCESS;
}

/* Hold the state, or find who does. Returns -1 when it is held, otherwise the exit status. */
static int hold(struct state *state, const struct settings *settings)
{
    for (int tries = 0; tries < WAIT_SECONDS * 10; tries++, nanosleep(&start_pause, NULL)) {
        enum hold held = state_hold(state);
        if (held != HELD_BY_OTHERS)
            return held == HELD ? -1 : EXIT_FAILURE;
        json_t *running = state_running_read(state);
        int process = running != NULL ? state_process(running) : -1;
        const char *phase = json_string_value(json_object_get(running, "phase"));
        bool is_ready = process >= 0 && phase != NULL && strcmp(phase, "ready") == 0;
        /* One that was killed a moment ago holds the lock until it is gone. */
        struct pollfd gone = {.fd = process, .events = POLLIN};
        is_ready = is_ready && poll(&gone, 1, DYING_MS) == 0;
        int status = is_ready ? running_greet(state, settings, running) : -1;
        if (process >= 0)
            close(process);
        json_decref(running);
        if (is_ready)
            return status;
    }
    complain("%s is held by another onramp that does not get ready", state->directory);
    return EXIT_FAILURE;
}

/* --- the daemon --- */

static bool starting_cancelled(void)
{
    return signals_stop();
}

static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (geteuid() == 0 && limit.rlim_max < 65536)
        limit.rlim_max = 65536;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool log_folder_make(char path[PATH_MAX], const struct state *state)
{
    if (mkdir(state_path(path, state, "log"), 0700) == 0 || errno == EEXIST)
        return true;
    complain("cannot make %s: %s", path, strerror(errno));
    return false;
}

/* Wait until every loop has its connections, looking after the PostgreSQL meanwhile. */
static bool ready_wait(const struct server *server, const struct storage *storage)
{
    for (int waited = 0; waited < READY_SECONDS * 1000; waited += LOOK) {
        if (server_ready(server))
            return true;
        if (signals_stop())
            return false;
        if (storage->embedded != NULL)
            embedded_tend(storage->embedded);
        signals_wait(LOOK);
    }
    complain("the server is not ready after %d s: its database connections do not stand",
             READY_SECONDS);
    return false;
}

/* Tell who waits, and let go of what they gave us. */
static bool detach_finish(const struct state *state)
{
    char path[PATH_MAX], name[PATH_MAX + 16];
    if (ready_pipe < 0)
        return true;
    snprintf(name, sizeof name, "%s/onramp.log", state_path(path, state, "log"));
    int log = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) {
        complain("cannot write to %s: %s", name, strerror(errno));
        return false;
    }
    close(log);
    /* When nobody waits any more the start was given up. */
    bool told = write(ready_pipe, "", 1) == 1;
    close(ready_pipe);
    ready_pipe = -1;
    return told;
}

static bool announce(const struct state *state, const struct settings *settings,
                     const struct storage *storage, const char *secrets, uint16_t port)
{
    char url[LISTEN_URL];
    const char *address = listen_address(settings);
    listen_address_url(url, address, port);
    json_t *more = json_pack("{s:s, s:i, s:s, s:s, s:s}", "url", url, "port", (int)port, "listen",
                             address, "database", storage->place, "secretsKey", secrets);
    bool good = state_running_write(state, "ready", more);
    json_decref(more);
    if (!good)
        return false;
    printf("ready %s\n", url);
    fflush(stdout);
    return detach_finish(state);
}

static void serve_until_told(const struct storage *storage)
{
    ready = true;
    while (!signals_stop())
        signals_wait(storage->embedded != NULL ? embedded_tend(storage->embedded) : -1);
}

static int64_t time_given(const char *text, const char *otherwise)
{
    int64_t milliseconds = 0;
    duration_read(&milliseconds, text != NULL ? text : otherwise);
    return milliseconds;
}

static struct sender *webhooks_start(const struct settings *settings, const struct storage *storage)
{
    struct sender_settings sender = {
        .conninfo = storage->daemon,
        .timeout_ms = time_given(settings->webhook_timeout, "15s"),
        .disable_after_ms = time_given(settings->webhook_disable_after, "5d"),
        .ca = settings->webhook_ca,
        .log = log_line,
    };
    schedule_read(&sender.schedule, settings->webhook_schedule != NULL ? settings->webhook_schedule
                                                                       : schedule_default);
    if (sender.ca != NULL && access(sender.ca, R_OK) != 0) {
        complain("cannot read %s: %s", sender.ca, strerror(errno));
        return NULL;
    }
    return sender_start(&sender);
}

static int daemon_run(struct state *state, const struct settings *settings)
{
    char path[PATH_MAX], secrets[PATH_MAX];
    const char *address = listen_address(settings);
    int status = EXIT_FAILURE;
    struct storage storage = {0};
    struct server *server = NULL;
    struct sender *sender = NULL;
    struct rate_limits *rates = NULL;
    struct shares *shares = NULL;
    struct block proxies[OPTION_TEXTS_MAX];
    if (!signals_open() || !log_folder_make(path, state) ||
        !state_running_write(state, "starting", NULL))
        return EXIT_FAILURE;
    if (!storage_start(&storage, state, settings, starting_cancelled))
        goto done;
    if (storage.embedded != NULL)
        progress("database", "%s PostgreSQL in %s",
                 embedded_is_new(storage.embedded) ? "new" : "embedded", state->directory);
    else
        progress("database", "%s", storage.place);
    if (!storage_migrate(&storage, starting_cancelled) ||
        !secrets_start(secrets_place(secrets, state, settings), &storage) ||
        !first_start(state, &storage) || signals_stop())
        goto done;
    sender = webhooks_start(settings, &storage);
    if (sender == NULL)
        goto done;
    struct rate rate = rate_usual;
    if (settings->rate_limit != NULL)
        rate_read(&rate, settings->rate_limit);
    rates = rate_limits_new(rate);
    int each = settings->connections_per_address;
    if (each != 0)
        shares = shares_new(each > 0 ? (unsigned)each : CONNECTIONS_PER_ADDRESS);
    for (int i = 0; i < settings->trusted_proxy.count; i++)
        (void)block_read(&proxies[i], settings->trusted_proxy.items[i]); /* it was read before */
    if (listen_address_any(address))
        complain(
            "--listen %s: the API can be reached from everywhere, and is not encrypted; a proxy"
            " with TLS belongs before it",
            address);
    struct server_settings serving = {
        .rates = rates,
        .shares = shares,
        .proxies = proxies,
        .proxy_count = (size_t)settings->trusted_proxy.count,
        .sender = sender,
        .conninfo = storage.daemon,
        .listen = address,
        .loops = settings->loops,
        .port = (uint16_t)(settings->port >= 0 ? settings->port : DEFAULT_PORT),
    };
    server = server_start(&serving);
    if (server == NULL || !ready_wait(server, &storage) ||
        !announce(state, settings, &storage, secrets, server_port(server)))
        goto done;
    serve_until_told(&storage);
    state_running_write(state, "stopping", NULL);
    status = EXIT_SUCCESS;
done:
    if (status != EXIT_SUCCESS && signals_stop())
        complain("told to stop before it was ready");
    signals_insist();
    if (sender != NULL)
        sender_leave(sender, GRACE_SECONDS);
    if (server != NULL)
        server_stop(server, GRACE_SECONDS);
    rate_limits_free(rates);
    shares_free(shares);
    if (sender != NULL)
        sender_end(sender);
    seal_keys_forget();
    storage_stop(&storage);
    unlink(state_path(path, state, "running"));
    return status;
}

/* --- in the background --- */

/* Fork; the parent returns the start's exit status, the child -1. */
static int detach(struct state *state)
{
    int ends[2], status = 0;
    char byte;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        complain("cannot go into the background: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    pid_t child = fork();
    if (child < 0) {
        complain("cannot go into the background: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (child > 0) {
        close(ends[1]);
        state_release(state);
        ssize_t got;
        do
            got = read(ends[0], &byte, 1);
        while (got < 0 && errno == EINTR);
        close(ends[0]);
        if (got == 1)
            return EXIT_SUCCESS;
        return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                        : EXIT_FAILURE;
    }
    setsid();
    ready_pipe = ends[1];
    /* Whoever started us may wait for the end of a pipe that we were handed. */
    for (int file = 3; file < 1024; file++)
        if (file != ready_pipe && file != state->lock)
            close(file);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        close(nothing);
    }
    return -1;
}

static int run(const struct settings *settings, const void *given)
{
    const struct up_options *options = given;
    struct state state;
    descriptors_raise();
    if (settings->log_level != NULL)
        log_level(log_level_named(settings->log_level));
    for (int i = 0; i < settings->webhook_allow_cidr.count; i++)
        destination_allow(settings->webhook_allow_cidr.items[i]);
    if (!state_open(&state, settings, true))
        return EXIT_FAILURE;
    /* A working directory would be kept from being unmounted, and may not be ours to enter. */
    if (chdir("/") != 0)
        return EXIT_FAILURE;
    int status = hold(&state, settings);
    if (status < 0 && options->detach)
        status = detach(&state);
    if (status < 0)
        status = daemon_run(&state, settings);
    state_release(&state);
    return status;
}

const struct verb verb_up = {
    .name = "up",
    .scope = SCOPE_SERVER,
    .options = up_options,
    .size = sizeof(struct up_options),
    .run = run,
};
