/* SPDX-License-Identifier: Apache-2.0 */
/* status: what runs from this state. */
#include "cli/command.h"
#include "cli/state.h"
#include "db/embedded/cluster.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct status_options {
    bool json;
};

static const struct option_row status_options[] = {
    {"json", OPTION_FLAG, offsetof(struct status_options, json)},
    {0},
};

static const char ready_request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
                                    "Connection: close\r\n\r\n";
static const char ready_answer[] = "HTTP/1.1 200";

/* Whether /readyz of a URL that we wrote ourselves answers 200. */
static bool answers_ready(const char *url)
{
    char host[256] = "", port[8] = "", answer[sizeof ready_answer] = "";
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct timeval patience = {.tv_sec = 3};
    bool ready = false;
    if (sscanf(url, "http://[%255[^]]]:%7[0-9]", host, port) != 2 &&
        sscanf(url, "http://%255[^:]:%7[0-9]", host, port) != 2)
        return false;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    int peer = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer >= 0 && setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(peer, found->ai_addr, found->ai_addrlen) == 0 &&
        send(peer, ready_request, sizeof ready_request - 1, MSG_NOSIGNAL) ==
            (ssize_t)sizeof ready_request - 1)
        ready = recv(peer, answer, sizeof answer - 1, MSG_WAITALL) == sizeof answer - 1 &&
                strcmp(answer, ready_answer) == 0;
    if (peer >= 0)
        close(peer);
    freeaddrinfo(found);
    return ready;
}

static void be_quiet(const char *format, ...)
{
    (void)format;
}

static pid_t postgres_of(const struct state *state)
{
    struct cluster cluster;
    return cluster_find(&cluster, state->directory, be_quiet) ? cluster_postmaster(&cluster) : 0;
}

static json_t *number_or_null(int number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static void print(const json_t *status)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)status, name, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        printf("%-12s %s\n", name,
               json_is_string(value) ? json_string_value(value)
               : json_is_true(value) ? "yes"
               : json_is_null(value) ? "-"
               : text != NULL        ? text
                                     : "");
        free(text);
    }
}

static int run(const struct settings *settings, const void *given)
{
    const struct status_options *options = given;
    struct state state;
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    json_t *running = state_running_read(&state);
    int process = running != NULL ? state_process(running) : -1;
    const char *url = NULL, *phase = "stopped", *place = NULL;
    int pid = 0;
    if (process >= 0) {
        pid = (int)json_integer_value(json_object_get(running, "pid"));
        url = json_string_value(json_object_get(running, "url"));
        phase = json_string_value(json_object_get(running, "phase"));
        place = json_string_value(json_object_get(running, "database"));
        close(process);
    }
    bool embedded = place == NULL || strcmp(place, "embedded") == 0;
    bool ready = url != NULL && answers_ready(url);
    json_t *status =
        json_pack("{s:o, s:o, s:s?, s:s, s:b, s:s, s:s?}", "pid", number_or_null(pid),
                  "postgresPid", number_or_null(embedded ? postgres_of(&state) : 0), "url", url,
                  "state", state.directory, "ready", ready, "phase", phase, "database", place);
    if (status == NULL)
        abort();
    if (options->json) {
        json_dumpf(status, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print(status);
    }
    json_decref(status);
    json_decref(running);
    return process < 0 ? EXIT_STOPPED : ready ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct verb verb_status = {
    .name = "status",
    .scope = SCOPE_STATE,
    .options = status_options,
    .size = sizeof(struct status_options),
    .run = run,
};
