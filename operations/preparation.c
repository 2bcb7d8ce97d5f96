/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/preparation.h"

#include "operations/conditional.h"
#include "operations/layout.h"

#include <stdio.h>
#include <stdlib.h>

static char *text_of(const struct operation *operation)
{
    if (operation->of)
        return conditional_text(operation);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fprintf(out, "SELECT * FROM onramp.%s(", operation->name);
    for (size_t i = 1; i <= operation->parameter_count; i++)
        fprintf(out, "%s$%zu", i > 1 ? ", " : "", i);
    fputc(')', out);
    if (fclose(out) != 0)
        abort();
    return text;
}

static const enum lock_kind *locks_of(const struct operation *operation)
{
    enum lock_kind *locks = calloc(operation->parameter_count + 1, sizeof *locks);
    bool any = false;
    if (!locks)
        abort();
    for (size_t i = 0; i < operation->parameter_count; i++) {
        locks[i] = operation->parameters[i].locks;
        any = any || locks[i] != LOCK_NONE;
    }
    if (any)
        return locks;
    free(locks);
    return NULL;
}

/* Which type of a binary answer is written as a member of that kind. */
static enum column_type type_of(enum member_kind kind)
{
    switch (kind) {
    case MEMBER_TEXT:
    case MEMBER_PLAIN:
    case MEMBER_PLAIN_IF:
        return COLUMN_TEXT;
    case MEMBER_UUID:
        return COLUMN_UUID;
    case MEMBER_NUMBER:
        return COLUMN_INTEGER;
    case MEMBER_BOOLEAN:
        return COLUMN_BOOLEAN;
    case MEMBER_TIME:
        return COLUMN_TIME;
    case MEMBER_JSON:
        return COLUMN_JSON;
    case MEMBER_TIME_EXACT:
    case MEMBER_KEY:
    case MEMBER_OPEN:
    case MEMBER_OPEN_IF:
    case MEMBER_CLOSE:
    case MEMBER_ISSUED:
        break;
    }
    return COLUMN_OF_NO_BINARY;
}

static const struct column *columns_of(const struct operation *operation, size_t *count)
{
    struct column *columns = calloc(operation->member_count + 1, sizeof *columns);
    if (!columns)
        abort();
    *count = 0;
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (member_takes_column(member->kind))
            columns[(*count)++] = (struct column){member->column, type_of(member->kind)};
    }
    return columns;
}

static void statement_write(struct statement *out, const struct operation *operation)
{
    size_t column_count;
    const struct column *columns = columns_of(operation, &column_count);
    *out = (struct statement){.name = operation->name,
                              .text = text_of(operation),
                              .lane = operation->lane,
                              .parameter_count = operation->parameter_count,
                              .locks = locks_of(operation),
                              .columns = columns,
                              .column_count = column_count,
                              .binary = operation->binary,
                              .each = operation->each ? operation->each->statement : NULL};
}

void operations_prepare(const struct operation *const *operations, size_t count,
                        const struct statement *statements[])
{
    for (size_t i = 0; i < count; i++) {
        if (!operations[i]->statement->text)
            statement_write(operations[i]->statement, operations[i]);
        statements[i] = operations[i]->statement;
    }
    layouts_write(operations, count);
}
