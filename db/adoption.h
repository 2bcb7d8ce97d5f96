/* SPDX-License-Identifier: Apache-2.0 */
/* adoption.h - take over a database whose schema was made by the files of before 0.2.0.
 *
 * Those and the first schema make the same tables. So a database that holds exactly their rows in
 * onramp.migrations, and whose catalogue is the one that migrations/adoption/catalogue.txt lists,
 * is as if the first schema had made it, and gets its rows instead of theirs. The functions are
 * none of this: the runner applies them afterwards, as after every change of the schema. */
#ifndef ONRAMP_DB_ADOPTION_H
#define ONRAMP_DB_ADOPTION_H

#include "db/database.h"

#include <stdbool.h>

/* The last chapter of the first schema, which is as far as a database is adopted. */
extern const char adoption_last[];

/* SHA-256 in hex of the file of before 0.2.0 that has this name; NULL: none has it. */
const char *adoption_sha256(const char *name);

/* Whether these rows, (name, sha256 in hex, ...), are all of those files and no other. Otherwise
 * *error is a sentence that names the first that is not; free it with free(). */
bool adoption_complete(const struct rows *rows, char **error);

/* In a transaction that acts as onramp_owner: check the catalogue and take the rows of those files
 * away. False with *error as above; the transaction is then to be rolled back. */
bool adoption_take(struct database *database, char **error);

#endif
