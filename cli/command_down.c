/* SPDX-License-Identifier: Apache-2.0 */
/* down: stop the daemon of this state, and wait until it has gone. */
#include "cli/command.h"
#include "cli/state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Longer than the daemon's own patience with requests and with its PostgreSQL together. */
enum { PATIENCE = 90 * 1000 };

static int run(const struct settings *settings, const void *options)
{
    struct state state;
    (void)options; /* it has none */
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    json_t *running = state_running_read(&state);
    int process = running != NULL ? state_process(running) : -1;
    int pid = (int)json_integer_value(json_object_get(running, "pid"));
    json_decref(running);
    if (process < 0) {
        progress("stopped", "nothing runs from %s", state.directory);
        return EXIT_SUCCESS;
    }
    int status = EXIT_FAILURE;
    struct pollfd gone = {.fd = process, .events = POLLIN};
    if (pidfd_send_signal(process, SIGTERM, NULL, 0) != 0 && errno != ESRCH)
        complain("cannot stop the process %d: %s", pid, strerror(errno));
    else if (poll(&gone, 1, PATIENCE) != 1)
        complain("the process %d has been told to stop, and has not after %d s", pid,
                 PATIENCE / 1000);
    else
        status = EXIT_SUCCESS;
    if (status == EXIT_SUCCESS)
        progress("stopped", "process %d", pid);
    close(process);
    return status;
}

const struct verb verb_down = {
    .name = "down",
    .scope = SCOPE_STATE,
    .run = run,
};
