/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the state directory: whose it is, who holds it, what runs from it.
 *
 *   lock         flock(2)ed by the daemon for as long as it lives
 *   running      JSON about the daemon that holds the lock; of no meaning while nobody does
 *   credentials  what the first start made, mode 0600
 *   log/         of the detached daemon and of PostgreSQL
 *   postgres/, socket/   see db/embedded/cluster.h
 *
 * Nothing of it is ever handled as root: who starts as root goes on as the owner of the directory,
 * which is the system user "onramp" unless somebody else has made it. */
#ifndef ONRAMP_CLI_STATE_H
#define ONRAMP_CLI_STATE_H

#include "cli/settings.h"

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

struct state {
    char directory[PATH_MAX / 2]; /* absolute; room for names behind it */
    int lock;                     /* descriptor, -1: not held */
};

/* Find the directory (--state, /var/lib/onramp, $XDG_STATE_HOME/onramp), become its user, and with
 * create make it when it is not there. Without create a directory that is missing is no error: it
 * is empty then. False after complaining. */
bool state_open(struct state *out, const struct settings *settings, bool create);

/* "<directory>/<name>" in a buffer of PATH_MAX. */
const char *state_path(char path[PATH_MAX], const struct state *state, const char *name);

/* Whether a daemon has ever run from it. */
bool state_is_used(const struct state *state);

enum hold { HELD, HELD_BY_OTHERS, HOLD_FAILED };

/* Take the lock without waiting. HOLD_FAILED after complaining. */
enum hold state_hold(struct state *state);

/* Give the lock back, if it is held. */
void state_release(struct state *state);

/* Write a file of the state so that it is there whole or not at all, mode 0600, and survives a
 * power cut. False after complaining. */
bool state_write(const struct state *state, const char *name, const char *text);

/* What is in `running`, NULL when there is nothing. The caller gives it back with json_decref. */
json_t *state_running_read(const struct state *state);

/* Write `running` for this process: its phase ("starting", "ready", "stopping"), and the members of
 * more (borrowed, may be NULL). */
bool state_running_write(const struct state *state, const char *phase, json_t *more);

/* A descriptor of the process that `running` names, or -1 when that one has gone. */
int state_process(const json_t *running);

#endif
