/* SPDX-License-Identifier: Apache-2.0 */
/* migration.h - bring a database to the schema that this program was built with.
 *
 * The files of migrations/ are embedded in name order; its README.md says what stands where. The
 * numbered ones, the chapters, run once each, every one in a transaction of its own together with
 * its row in onramp.migrations (name, sha256, applied_at). The functions run whole, in one
 * transaction, whenever their text or the schema below them has changed. 0001 runs as the role that
 * connects, everything after it as onramp_owner.
 *
 * The body of a function stands in functions/ alone. A chapter that needs one (a default, a
 * generated column, a constraint, a trigger, a view) includes it by a line of psql's, which runs
 * the function's file in its place: \ir functions/NAME.sql
 *
 * Forward only: a file that was edited after it ran, and a database that a newer program has
 * migrated, are refused. A database of before 0.2.0 is adopted or refused (db/adoption.h). Runners
 * take turns by an advisory lock, so any number may start at once.
 */
#ifndef ONRAMP_DB_MIGRATION_H
#define ONRAMP_DB_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>

struct migration_file {
    const char *name;          /* "0002_circuits", or a function's name */
    const unsigned char *text; /* NUL-terminated */
    const size_t *length;
};

/* The embedded files, in name order (made by the build). */
extern const struct migration_file migration_files[], function_files[];
extern const size_t migration_file_count, function_file_count;

struct migration {
    int known;      /* numbered files of this program */
    int applied;    /* of them, by this run */
    bool adopted;   /* whether this run has adopted a database of before 0.2.0 */
    bool functions; /* whether this run has applied the functions */
    bool unchecked; /* the role may not read onramp.migrations: nothing was looked at */
    char *error;    /* why it failed, a sentence or more; free it with free() */
};

/* Run what is missing. False with out->error set when the database is not as this program needs it;
 * what had been applied by then stays. cancelled() is asked while other runners are waited for. */
bool migrate(struct migration *out, const char *conninfo, bool (*cancelled)(void));

#endif
