/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/caller.h"

#include "base/arena.h"

#include <stddef.h>
#include <string.h>

const char *role_name(enum role role)
{
    switch (role) {
    case ROLE_CUSTOMER:
        return "customer";
    case ROLE_PARTNER:
        return "partner";
    case ROLE_OPERATOR:
        return "operator";
    case ROLE_NONE:
        break;
    }
    return "";
}

/* PostgreSQL, "Composite Type Input and Output Syntax": in quotes all but quote and backslash is
 * itself, and nothing between two commas is null. */
static char *put_field(char *at, const char *value)
{
    if (!value)
        return at;
    *at++ = '"';
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            *at++ = '\\';
        *at++ = *value;
    }
    *at++ = '"';
    return at;
}

const char *caller_text(struct arena *arena, const struct caller *caller)
{
    const char *const fields[] = {role_name(caller->role), caller->name,       caller->token_id,
                                  caller->address,         caller->request_id, caller->trace};
    enum { FIELDS = sizeof fields / sizeof *fields, AROUND = 3 /* two quotes and a comma */ };
    size_t most = 2 + 1; /* parentheses and the end */
    for (size_t i = 0; i < FIELDS; i++)
        most += AROUND + (fields[i] ? 2 * strlen(fields[i]) : 0);
    char *text = arena_alloc(arena, most), *at = text;
    *at++ = '(';
    for (size_t i = 0; i < FIELDS; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_field(at, fields[i]);
    }
    *at++ = ')';
    *at = '\0';
    return text;
}
