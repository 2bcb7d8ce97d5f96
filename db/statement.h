/* SPDX-License-Identifier: Apache-2.0 */
/* statement.h - what a lane sends: one prepared statement, and what PostgreSQL says of it.
 *
 * A statement answers (outcome, facts) and then the columns that it names. It says all that the
 * lanes need to know: where it may run, which rows a shared transaction locks for it first, and
 * which other statement runs several calls of it at once. */
#ifndef ONRAMP_DB_STATEMENT_H
#define ONRAMP_DB_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct pg_result;

enum { STATEMENT_PARAMETERS_MAX = 24 };

enum lane_kind {
    LANE_READ,  /* pipelined deep */
    LANE_WRITE, /* shares transactions with its neighbours */
    LANE_ALONE  /* must not share a transaction */
};

/* Rows that a shared transaction locks first, as batch_lock(circuits, service_keys, vnets,
 * connections, customers, deliveries, authorization_keys) does: all circuits, also those of the
 * keys and connections, before all VNets, before the quotas of all customers, before the turns of
 * all endpoints. */
enum lock_kind {
    LOCK_NONE,
    LOCK_CIRCUIT,
    LOCK_SERVICE_KEY,
    LOCK_VNET,
    LOCK_CONNECTION,
    LOCK_CUSTOMER,     /* its quotas of circuits */
    LOCK_DELIVERY,     /* the turn of its endpoint */
    LOCK_AUTHORIZATION /* the circuit that it opens */
};

/* Which types a column may have in a binary answer; those of a text answer are not looked at. */
enum column_type {
    COLUMN_OF_NO_BINARY, /* none */
    COLUMN_TEXT,
    COLUMN_UUID,
    COLUMN_INTEGER, /* int2, int4, int8 */
    COLUMN_BOOLEAN,
    COLUMN_TIME, /* timestamptz */
    COLUMN_JSON  /* jsonb */
};

struct column {
    const char *name;
    enum column_type type;
};

struct statement {
    const char *name; /* it is prepared under it; statements with one name have one text */
    const char *text; /* SQL with $1 to $parameter_count */
    enum lane_kind lane;
    size_t parameter_count;
    const enum lock_kind *locks;  /* one a parameter; NULL: no parameter names a row to be locked */
    const struct column *columns; /* those behind outcome and facts */
    size_t column_count;
    bool binary;                  /* the rows come in PostgreSQL's binary form, not as text */
    const struct statement *each; /* that does several calls of this at once (each.h); or NULL */
};

/* Whether the described statement answers (outcome, facts) and then its columns, in order; of a
 * binary one, with types whose binary form is known. Otherwise out says the first difference, with
 * both names. */
bool statement_fits(const struct statement *statement, const struct pg_result *described, char *out,
                    size_t size);

/* What an error means for the calls in its transaction, all of which were rolled back. */
enum verdict_kind {
    ERROR_OF_THE_MOMENT, /* deadlock, serialization, lock time-out: again, alone */
    ERROR_OF_TIME,       /* it was cancelled, as a rule by its time limit: not again */
    ERROR_OF_STORAGE,    /* the server's disk is full: not again */
    ERROR_OF_RESOURCES,  /* out of memory, of connections; files that cannot be read: not again */
    ERROR_OF_SESSION,    /* this session is of no more use, another one may be: again, elsewhere */
    ERROR_OF_SERVER,     /* the session is dying: nobody knows what was done */
    ERROR_OF_STATEMENT   /* a bug */
};

enum verdict_kind statement_verdict(const struct pg_result *error);

/* The five characters of the error's SQLSTATE; "?????" when there is none. Borrowed. */
const char *statement_sqlstate(const struct pg_result *error);

/* The error for the log: SQLSTATE, names of objects, and the message where it can't hold values. */
void statement_complaint(const struct pg_result *error, char *out, size_t size);

#endif
