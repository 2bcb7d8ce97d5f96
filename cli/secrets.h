/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.h - secrets at rest, seen from the command line: the file of keys, and the database that
 * knows its keys by their ids.
 *
 * The file is never behind the database: a key is in it before anything is sealed with it, and
 * leaves it when nothing is any more. */
#ifndef ONRAMP_CLI_SECRETS_H
#define ONRAMP_CLI_SECRETS_H

#include "cli/storage.h"

/* Where the keys are: --secrets-key, or what the daemon uses that runs from the state, or
 * secrets.key in the state. In a buffer of PATH_MAX. */
const char *secrets_place(char path[PATH_MAX], const struct state *state,
                          const struct settings *settings);

/* Make the keys this process's, once the database is migrated: make the file when neither it nor
 * the database has a key, and see that it opens what the database holds. The process gives them
 * back with seal_keys_forget. False after complaining. */
bool secrets_start(const char *path, const struct storage *storage);

/* Seal every secret anew with a new key, then drop the others. What was interrupted is carried on
 * with by the next call. Servers that run meanwhile go on. False after complaining. */
bool secrets_rotate(const char *path, const struct storage *storage);

#endif
