/* SPDX-License-Identifier: Apache-2.0 */
/* storage.h - the database behind the state: the embedded PostgreSQL, or the one that --database or
 * ONRAMP_DATABASE_URL names. */
#ifndef ONRAMP_CLI_STORAGE_H
#define ONRAMP_CLI_STORAGE_H

#include "cli/state.h"

struct storage {
    struct embedded *embedded; /* when this process runs it */
    bool external;
    char *owner;  /* connection string for migrations; owned */
    char *daemon; /* for everything else: acts as onramp_daemon; owned */
    char *place;  /* what may be shown of it; owned */
};

/* The external database's URL, or NULL when the embedded one is meant. */
const char *storage_url(const struct settings *settings);

/* Start the embedded PostgreSQL (the caller holds the state), or take the external one as it is.
 * False after complaining, or when cancelled. */
bool storage_start(struct storage *out, const struct state *state, const struct settings *settings,
                   bool (*cancelled)(void));

/* The same for a command: goes to the PostgreSQL of the daemon that runs, and when none does, holds
 * the state and starts it for as long as the command lasts. False after complaining. */
bool storage_reach(struct storage *out, struct state *state, const struct settings *settings);

/* The same for a command that has nothing to do before the first start, which it then says. */
bool storage_reach_started(struct storage *out, struct state *state,
                           const struct settings *settings);

/* Stop what was started, free what is owned. */
void storage_stop(struct storage *storage);

/* Bring it to this program's schema and say what was done, on out. False after complaining. */
bool storage_migrate(const struct storage *storage, bool (*cancelled)(void));

#endif
