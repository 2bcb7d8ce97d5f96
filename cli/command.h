/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the verbs of the command line, one function each.
 *
 * Each gets the options that were read, and returns the exit status. */
#ifndef ONRAMP_CLI_COMMAND_H
#define ONRAMP_CLI_COMMAND_H

#include "cli/options.h"

int command_up(const struct options *options);
int command_down(const struct options *options);
int command_status(const struct options *options);
int command_env(const struct options *options);
int command_psql(const struct options *options);
int command_migrate(const struct options *options);
int command_reset(const struct options *options);
int command_retention(const struct options *options);
int command_secrets(const struct options *options);
int command_token(const struct options *options);
int command_callback(const struct options *options);
int command_simulate_partner(const struct options *options);

/* A step that is done, for who watches: "<step>  <what>" on standard output. */
void progress(const char *step, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the embedded PostgreSQL has to say: a line of the log once the daemon is ready, and before
 * that a line for who watches. */
void daemon_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
