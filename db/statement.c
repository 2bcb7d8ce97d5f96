/* SPDX-License-Identifier: Apache-2.0 */
#include "db/statement.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* Whether the binary form of a type is what is read for that column. The numbers are those of
 * pg_type.dat; a domain is described as what it is made of. */
static bool binary_known(enum column_type expected, Oid type)
{
    enum { BOOL = 16, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25 };
    enum { TIMESTAMPTZ = 1184, UUID = 2950, JSONB = 3802 };
    switch (expected) {
    case COLUMN_TEXT:
        return type == TEXT;
    case COLUMN_UUID:
        return type == UUID;
    case COLUMN_INTEGER:
        return type == INT2 || type == INT4 || type == INT8;
    case COLUMN_BOOLEAN:
        return type == BOOL;
    case COLUMN_TIME:
        return type == TIMESTAMPTZ;
    case COLUMN_JSON:
        return type == JSONB;
    case COLUMN_OF_NO_BINARY:
        break;
    }
    return false;
}

/* NULL behind the last column. */
static const struct column *expected_column(const struct statement *statement, size_t index)
{
    static const struct column first[] = {{"outcome", COLUMN_TEXT}, {"facts", COLUMN_JSON}};
    enum { FIRST = sizeof first / sizeof *first };
    if (index < FIRST)
        return &first[index];
    return index - FIRST < statement->column_count ? &statement->columns[index - FIRST] : NULL;
}

bool statement_fits(const struct statement *statement, const PGresult *described, char *out,
                    size_t size)
{
    int count = PQnfields(described);
    for (int i = 0;; i++) {
        const struct column *column = expected_column(statement, (size_t)i);
        const char *found = i < count ? PQfname(described, i) : NULL;
        if (column == NULL && found == NULL)
            return true;
        if (column == NULL || found == NULL || strcmp(column->name, found) != 0) {
            snprintf(out, size, "column %d of onramp.%s is %s, expected %s", i + 1, statement->name,
                     found != NULL ? found : "missing", column != NULL ? column->name : "none");
            return false;
        }
        if (statement->binary && !binary_known(column->type, PQftype(described, i))) {
            snprintf(out, size, "column %d of onramp.%s, %s, is of type %u, which is not read",
                     i + 1, statement->name, found, PQftype(described, i));
            return false;
        }
    }
}

const char *statement_sqlstate(const PGresult *error)
{
    const char *state = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    return state != NULL ? state : "?????";
}

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* PostgreSQL, "Error Codes". The first that fits counts; what fits none is a bug. */
static const struct {
    const char *start; /* of the SQLSTATE */
    enum verdict_kind verdict;
} classes[] = {
    {"08", ERROR_OF_SERVER},        /* connection exceptions */
    {"57P", ERROR_OF_SERVER},       /* shut down, crashed, dropped */
    {"40003", ERROR_OF_SERVER},     /* nobody knows whether it was done */
    {"40001", ERROR_OF_THE_MOMENT}, /* serialization failure */
    {"40P01", ERROR_OF_THE_MOMENT}, /* deadlock */
    {"55P03", ERROR_OF_THE_MOMENT}, /* lock time-out */
    {"55006", ERROR_OF_THE_MOMENT}, /* an object is in use */
    {"72000", ERROR_OF_THE_MOMENT}, /* the snapshot is too old */
    {"25006", ERROR_OF_SESSION},    /* read-only: a primary that was demoted */
    {"0A000", ERROR_OF_SESSION},    /* a changed row type */
    {"26000", ERROR_OF_SESSION},    /* a statement that somebody deallocated */
    {"57014", ERROR_OF_TIME},       {"53100", ERROR_OF_STORAGE},
    {"53", ERROR_OF_RESOURCES}, /* memory, connections, a configured limit */
    {"58", ERROR_OF_RESOURCES}, /* the system's errors: I/O, files */
};

enum verdict_kind statement_verdict(const PGresult *error)
{
    const char *state = statement_sqlstate(error);
    const char *severity = PQresultErrorField(error, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
        return ERROR_OF_SERVER;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (starts(state, classes[i].start))
            return classes[i].verdict;
    return ERROR_OF_STATEMENT;
}

void statement_complaint(const PGresult *error, char *out, size_t size)
{
    static const struct {
        int field;
        const char *word;
    } names[] = {
        {PG_DIAG_TABLE_NAME, "table"},
        {PG_DIAG_COLUMN_NAME, "column"},
        {PG_DIAG_CONSTRAINT_NAME, "constraint"},
        {PG_DIAG_SOURCE_FUNCTION, "raised in"},
    };
    const char *state = statement_sqlstate(error);
    size_t used = (size_t)snprintf(out, size, "SQLSTATE %s", state);
    for (size_t i = 0; i < sizeof names / sizeof *names && used < size; i++) {
        const char *name = PQresultErrorField(error, names[i].field);
        if (name != NULL)
            used += (size_t)snprintf(out + used, size - used, ", %s %s", names[i].word, name);
    }
    /* Data exceptions and constraint violations quote the data. */
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    if (message != NULL && !starts(state, "22") && !starts(state, "23") && used < size)
        snprintf(out + used, size - used, ": %.200s", message);
}
