/* SPDX-License-Identifier: Apache-2.0 */
/* statement.h - the prepared statement of an operation, and what PostgreSQL says of it.
 *
 * Every operation is `SELECT * FROM onramp.<name>($1, ...)`, prepared under its name; a conditional
 * one is what db/conditional.h says. */
#ifndef ONRAMP_DB_STATEMENT_H
#define ONRAMP_DB_STATEMENT_H

#include "db/operation.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* Locks the rows of many calls in one order; the first statement of a shared transaction. */
extern const struct operation batch_lock;

/* The statement's SQL; the caller frees it. */
char *statement_text(const struct operation *operation);

/* Whether the described statement answers (outcome, facts) and then the columns of the operation's
 * members, in order; of a binary one, with types whose binary form is known: text, boolean, int2,
 * int4, int8, timestamptz, uuid, jsonb. Otherwise out says the first difference, with both names.
 */
bool statement_fits(const struct operation *operation, const PGresult *described, char *out,
                    size_t size);

/* What an error means for the calls in its transaction, all of which were rolled back. */
enum verdict_kind {
    ERROR_OF_THE_MOMENT, /* deadlock, serialization, lock time-out: again, alone */
    ERROR_OF_RESOURCES,  /* time-out, disk full, out of memory: not again */
    ERROR_OF_SESSION,    /* this session is of no more use, another one may be: again, elsewhere */
    ERROR_OF_SERVER,     /* the session is dying: nobody knows what was done */
    ERROR_OF_STATEMENT   /* a bug */
};

enum verdict_kind statement_verdict(const PGresult *error);

/* The five characters of the error's SQLSTATE; "?????" when there is none. Borrowed. */
const char *statement_sqlstate(const PGresult *error);

/* The error for the log: SQLSTATE, names of objects, and the message where it can't hold values. */
void statement_complaint(const PGresult *error, char *out, size_t size);

#endif
