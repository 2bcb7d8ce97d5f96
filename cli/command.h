/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the verbs of the command line, each in a command_*.c of its own with its options. */
#ifndef ONRAMP_CLI_COMMAND_H
#define ONRAMP_CLI_COMMAND_H

#include "cli/settings.h"

struct verb {
    const char *name; /* its words, such as "token create"; no two begin with the same word */
    enum settings_scope scope;
    const struct option_row *options; /* of its own; NULL: none */
    size_t size;                      /* of the struct that they fill */
    /* Returns the exit status. options is that struct. */
    int (*run)(const struct settings *settings, const void *options);
};

extern const struct verb verb_up, verb_down, verb_status, verb_env, verb_psql, verb_migrate,
    verb_reset, verb_retention, verb_secrets_rotate, verb_token_create, verb_callback,
    verb_simulate_partner;

/* A step that is done, for who watches: "<step>  <what>" on standard output. */
void progress(const char *step, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the embedded PostgreSQL has to say: a line of the log once the daemon is ready, and before
 * that a line for who watches. */
void daemon_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
