/* SPDX-License-Identifier: Apache-2.0 */
/* operation.h - one operation of the API: one SQL function, one round trip, one transaction.
 *
 * An operation is data. Its name is the SQL function, the prepared statement and the C object; its
 * parameters say where each argument comes from; its members say how the columns of the answer are
 * called in JSON. What goes to PostgreSQL, and what stands between the values of a row, is worked
 * out from these tables once (preparation.h). */
#ifndef ONRAMP_OPERATIONS_OPERATION_H
#define ONRAMP_OPERATIONS_OPERATION_H

#include "db/statement.h"
#include "operations/caller.h"
#include "operations/kind.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { PARAMETERS_MAX = STATEMENT_PARAMETERS_MAX };

enum source {
    FROM_BODY,   /* name: path in the body, "sku/tier" */
    FROM_QUERY,  /* name: query parameter */
    FROM_PATH,   /* name: the segment in braces of the route, "id" */
    FROM_HEADER, /* name: header field, lower case */
    FROM_CALLER, /* name: caller (all of who calls, the first parameter of whatever writes),
                  customer, partner, role, secret, partner-of-caller (where the request names a
                  partner itself) */
    FROM_HOOK    /* set by the operation's complete(); name is for readers only */
};

struct parameter {
    enum source source;
    const char *name;
    const struct kind *kind;
    bool required;        /* absent is a fault; otherwise absent is the fallback */
    const char *fallback; /* text, or NULL for SQL NULL */
    enum lock_kind locks;
};

/* How a column (or none) becomes a JSON member. OPEN and CLOSE bracket a nested object and take no
 * column; OPEN_IF takes none either and writes null for the whole object when the next column is
 * null. ISSUED takes no column: it writes call.issued, the secret that is shown once. */
enum member_kind {
    MEMBER_TEXT,     /* string, escaped */
    MEMBER_PLAIN,    /* string that needs no escaping: known words, prefixes, UUIDs as text */
    MEMBER_UUID,     /* uuid */
    MEMBER_PLAIN_IF, /* the same, left out altogether when the column is null */
    MEMBER_KEY,      /* not shown: a column that a list is keyed by, or that the server reads */
    MEMBER_NUMBER,   /* integer */
    MEMBER_BOOLEAN,
    MEMBER_TIME,       /* timestamptz; written as RFC 3339 UTC with milliseconds */
    MEMBER_TIME_EXACT, /* the same with microseconds; in answers that come as text */
    MEMBER_JSON,       /* json or jsonb, written as it is */
    MEMBER_OPEN,
    MEMBER_OPEN_IF,
    MEMBER_CLOSE,
    MEMBER_ISSUED
};

struct member {
    const char *name; /* JSON name; NULL for CLOSE and KEY */
    enum member_kind kind;
    const char *column; /* in the row type, for all kinds that take a column */
};

/* How an answer may wait, on a GET: until a column is as the request says, or, without one, until
 * there is an item. Both parameters are query parameters, and not given to the statement. */
struct waiting {
    struct parameter what;    /* what the column is to be; none without a column */
    struct parameter seconds; /* how long at most */
    const char *column;
};

enum answer_kind {
    ANSWER_ONE,    /* the first row as an object */
    ANSWER_LIST,   /* {"items": [...], "nextCursor": ...}; one row more than limit means more */
    ANSWER_FEED,   /* the same members; the last row is none of the items: its key is where to go
                      on, and it has facts where there may be more already */
    ANSWER_NOTHING /* 204 */
};

enum { LAYOUT_COLUMNS_MAX = 48, PIECE_PAD = 32 };

/* What stands before each column's value in a row, and behind the last. layout.c writes it. */
struct layout {
    char *text;    /* all of it and PIECE_PAD octets; NULL: not written, or not the same in every
                      row */
    size_t length; /* with those */
    struct piece {
        size_t length;         /* of the text before the value */
        enum member_kind kind; /* of the value */
    } * pieces;                /* one a column, and one for the end */
    size_t columns;
};

struct call;

struct operation {
    const char *name;
    struct statement *statement; /* filled by operations_prepare */
    enum lane_kind lane;
    enum answer_kind answer;
    int success;          /* HTTP status of the outcome "ok" */
    const char *location; /* prefix of the Location header, the first member follows; or NULL */
    const struct parameter *parameters;
    size_t parameter_count;
    const struct member *members; /* NULL: the function returns (outcome, facts) alone */
    size_t member_count;
    struct layout *layout;
    /* The rows come in PostgreSQL's binary form (binary.h), not as text: it costs PostgreSQL a
     * fifth less where there are fifty of them, and nothing where there is one. */
    bool binary;
    const char *key; /* column that a list is keyed by; NULL: that of the first member */
    /* Column of a time by which this call's list is ordered before its key, or NULL; NULL: by the
     * key alone in every call. */
    const char *(*order)(const struct call *call);
    const char *open_member; /* body member whose unknown members are ignored; or NULL */
    const struct operation
        *of; /* what this is the conditional form of (operations/conditional.h); or NULL */
    const struct operation *each;  /* that does several calls of this at once (db/each.h); or NULL.
                                      Of a write, its conditional form has one too */
    const struct waiting *waiting; /* or NULL: it answers at once */
    bool makes_due;                /* after it deliveries may be due that no event announces */
    /* Of partners and peering locations: the answer has an ETag of what is in it, and is given from
     * memory where that is known to be current; or it changes them. */
    bool of_catalogue, changes_catalogue;
    /* Whether a member of the answer that is no parameter is 422 immutable_field in the body,
     * rather than a member that nobody knows. */
    bool fixed_members;
    /* After the declared parameters were read without a fault, or with some: checks across
     * members, and FROM_HOOK values. May add faults. NULL: nothing to do. */
    void (*complete)(struct call *call);
};

/* The first line of every operation: its name, and room for its statement. */
#define OPERATION(called)                                                                          \
    .name = (called), .statement = &(struct statement)                                             \
    {                                                                                              \
        0                                                                                          \
    }
#define NO_PARAMETERS                                                                              \
    .statement = &(struct statement)                                                               \
    {                                                                                              \
        0                                                                                          \
    }
#define PARAMETERS(list)                                                                           \
    .parameters = (list), .parameter_count = sizeof(list) / sizeof *(list), NO_PARAMETERS
#define MEMBERS(list)                                                                              \
    .members = (list), .member_count = sizeof(list) / sizeof *(list), .layout = &(struct layout)   \
    {                                                                                              \
        0                                                                                          \
    }

/* One use of an operation, filled from a request. All texts are arena-owned or static. */
struct call {
    const struct operation *operation;
    struct arena *arena;
    struct faults *faults;
    const struct caller *caller;
    const json_t *body;     /* NULL: none */
    const char *raw_body;   /* the bytes received */
    size_t raw_body_length; /* in octets */
    const char *values[PARAMETERS_MAX];
    const char *issued;                  /* a secret to be shown once, or NULL */
    const char *wait_for, *wait_seconds; /* of operation->waiting */
    bool wait_given;                     /* seconds were named */
};

/* The value of the named parameter in the call, or NULL. Unknown names abort: a programming error.
 */
const char *call_value(const struct call *call, const char *name);

/* Give a FROM_HOOK parameter its value. */
void call_set(struct call *call, const char *name, const char *value);

#endif
