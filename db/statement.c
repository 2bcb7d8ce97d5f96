/* SPDX-License-Identifier: Apache-2.0 */
#include "db/statement.h"

#include "db/conditional.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct parameter batch_lock_parameters[] = {
    {.source = FROM_HOOK, .name = "circuits"},
    {.source = FROM_HOOK, .name = "service_keys"},
    {.source = FROM_HOOK, .name = "vnets"},
    {.source = FROM_HOOK, .name = "connections"},
    {.source = FROM_HOOK, .name = "customers"},
    {.source = FROM_HOOK, .name = "deliveries"},
    {.source = FROM_HOOK, .name = "authorization_keys"},
};

const struct operation batch_lock = {
    .name = "batch_lock", .lane = LANE_WRITE, PARAMETERS(batch_lock_parameters)};

char *statement_text(const struct operation *operation)
{
    if (operation->of != NULL)
        return conditional_text(operation);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    fprintf(out, "SELECT * FROM onramp.%s(", operation->name);
    for (size_t i = 1; i <= operation->parameter_count; i++)
        fprintf(out, "%s$%zu", i > 1 ? ", " : "", i);
    fputc(')', out);
    if (fclose(out) != 0)
        abort();
    return text;
}

static bool takes_column(const struct member *member)
{
    switch (member->kind) {
    case MEMBER_OPEN:
    case MEMBER_OPEN_IF:
    case MEMBER_CLOSE:
    case MEMBER_ISSUED:
        return false;
    case MEMBER_TEXT:
    case MEMBER_PLAIN:
    case MEMBER_UUID:
    case MEMBER_PLAIN_IF:
    case MEMBER_KEY:
    case MEMBER_NUMBER:
    case MEMBER_BOOLEAN:
    case MEMBER_TIME:
    case MEMBER_JSON:
        return true;
    }
    abort();
}

/* NULL behind the last column. */
static const struct member *expected_column(const struct operation *operation, int column)
{
    static const struct member outcome = {NULL, MEMBER_PLAIN, "outcome"};
    static const struct member facts = {NULL, MEMBER_JSON, "facts"};
    if (column == 0)
        return &outcome;
    if (column == 1)
        return &facts;
    int at = 2;
    for (size_t i = 0; i < operation->member_count; i++)
        if (takes_column(&operation->members[i]) && at++ == column)
            return &operation->members[i];
    return NULL;
}

/* Whether the binary form of a type is what is read for that kind. The numbers are those of
 * pg_type.dat; a domain is described as what it is made of. */
static bool binary_known(enum member_kind kind, Oid type)
{
    enum { BOOL = 16, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25 };
    enum { TIMESTAMPTZ = 1184, UUID = 2950, JSONB = 3802 };
    switch (kind) {
    case MEMBER_TEXT:
    case MEMBER_PLAIN:
    case MEMBER_PLAIN_IF:
        return type == TEXT;
    case MEMBER_UUID:
        return type == UUID;
    case MEMBER_NUMBER:
        return type == INT2 || type == INT4 || type == INT8;
    case MEMBER_BOOLEAN:
        return type == BOOL;
    case MEMBER_TIME:
        return type == TIMESTAMPTZ;
    case MEMBER_JSON:
        return type == JSONB;
    default:
        return false;
    }
}

bool statement_fits(const struct operation *operation, const PGresult *described, char *out,
                    size_t size)
{
    int count = PQnfields(described);
    for (int i = 0;; i++) {
        const struct member *member = expected_column(operation, i);
        const char *expected = member != NULL ? member->column : NULL;
        const char *found = i < count ? PQfname(described, i) : NULL;
        if (expected == NULL && found == NULL)
            return true;
        if (expected == NULL || found == NULL || strcmp(expected, found) != 0) {
            snprintf(out, size, "column %d of onramp.%s is %s, expected %s", i + 1, operation->name,
                     found != NULL ? found : "missing", expected != NULL ? expected : "none");
            return false;
        }
        if (operation->binary && !binary_known(member->kind, PQftype(described, i))) {
            snprintf(out, size, "column %d of onramp.%s, %s, is of type %u, which is not read",
                     i + 1, operation->name, found, PQftype(described, i));
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

static bool is_one_of(const char *state, const char *const *list)
{
    while (*list != NULL && strcmp(state, *list) != 0)
        list++;
    return *list != NULL;
}

enum verdict_kind statement_verdict(const PGresult *error)
{
    static const char *const moment[] = {"40P01", "40001", "55P03", NULL};
    /* Read-only (a demoted primary), a changed row type, a statement that somebody deallocated. */
    static const char *const session[] = {"25006", "0A000", "26000", NULL};
    const char *state = statement_sqlstate(error);
    const char *severity = PQresultErrorField(error, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0 ||
        starts(state, "08") || starts(state, "57P"))
        return ERROR_OF_SERVER;
    if (is_one_of(state, moment))
        return ERROR_OF_THE_MOMENT;
    if (is_one_of(state, session))
        return ERROR_OF_SESSION;
    if (strcmp(state, "57014") == 0 || starts(state, "53") || starts(state, "58"))
        return ERROR_OF_RESOURCES;
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
