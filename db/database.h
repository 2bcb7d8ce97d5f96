/* SPDX-License-Identifier: Apache-2.0 */
/* database.h - one blocking connection, for the daemon's start and for commands.
 *
 * Requests never come this way: they go through the lanes of their loop. */
#ifndef ONRAMP_DB_DATABASE_H
#define ONRAMP_DB_DATABASE_H

#include "db/rows.h"

#include <stdbool.h>
#include <stddef.h>

struct database;

/* Connect to the first host that takes writes: within ten seconds, of several within two each,
 * unless conninfo says otherwise. NULL when it fails, or when something in between drops the
 * options of the connection; *error is then a sentence without secrets, the caller's to free. */
struct database *database_open(const char *conninfo, char **error);

void database_close(struct database *database);

/* Run statements that take no parameters; several in one text are allowed. False when one fails. */
bool database_run(struct database *database, const char *sql);

/* Run one statement with text parameters (NULL = SQL NULL) and text results. NULL when it fails;
 * the caller gives the rows back with database_release. */
struct rows *database_query(struct database *database, const char *sql, const char *const *values,
                            int count);

/* Call an API function: SELECT * FROM onramp.<function>($1, ..., $count). As database_query. */
struct rows *database_call(struct database *database, const char *function,
                           const char *const *values, int count);

void database_release(struct rows *rows);

/* What went wrong last: the server's sentence, its SQLSTATE ("" when there is none), and the
 * character of the statement that it stands at, counted from 1 (0: unknown). */
const char *database_error(const struct database *database);
const char *database_sqlstate(const struct database *database);
size_t database_position(const struct database *database);

/* Whether a transaction stands open and whole. */
bool database_in_transaction(const struct database *database);

enum answer { ANSWERS, ANSWERS_NOT_YET, ANSWERS_NOT };

/* Whether a server takes sessions there, is starting or stopping, or does not answer. */
enum answer database_ping(const char *conninfo);

/* conninfo (keywords or URL) so that its sessions act as the role: unchanged when it logs in as
 * that role. The caller frees it. NULL when conninfo cannot be parsed; *error as in database_open.
 */
char *database_conninfo_as(const char *conninfo, const char *role, char **error);

/* conninfo as it may be shown: host, port and database, no user or password. The caller frees it.
 */
char *database_place(const char *conninfo);

#endif
