/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/row.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "db/rows.h"
#include "operations/binary.h"
#include "operations/layout.h"

#include <stdlib.h>
#include <string.h>

static char *put_time(char *at, const char *value)
{
    char time[TIMESTAMP_LENGTH];
    if (timestamp_write(time, value))
        return put_quoted(at, time, sizeof time);
    log_line(LOG_ERR, "bug: '%s' is no timestamp in UTC", value);
    return put(at, "null", 4);
}

static char *put_time_exact(char *at, const char *value)
{
    char time[TIMESTAMP_EXACT_LENGTH];
    if (timestamp_write_exact(time, value))
        return put_quoted(at, time, sizeof time);
    log_line(LOG_ERR, "bug: '%s' is no timestamp in UTC", value);
    return put(at, "null", 4);
}

static char *put_text_form(char *at, enum member_kind kind, const char *value, size_t length)
{
    switch (kind) {
    case MEMBER_TEXT:
        return put_json(at, value, length);
    case MEMBER_BOOLEAN:
        return value[0] == 't' ? put(at, "true", 4) : put(at, "false", 5);
    case MEMBER_TIME:
        return put_time(at, value);
    case MEMBER_TIME_EXACT:
        return put_time_exact(at, value);
    case MEMBER_PLAIN:
    case MEMBER_PLAIN_IF:
    case MEMBER_UUID:
        return put_quoted(at, value, length);
    default:
        return put(at, value, length);
    }
}

/* What values of so many octets in all become at most: strings are escaped, and what is shorter
 * than the JSON of it is a uuid, a time, a number or null. */
static size_t values_room(size_t count, size_t octets)
{
    enum { SHORT_MOST = 1 + UUID_TEXT + 1 };
    return count * SHORT_MOST + octets * JSON_MOST;
}

static inline char *put_value(char *at, const struct operation *operation, enum member_kind kind,
                              const struct value *value)
{
    if (!value->bytes)
        return put(at, "null", 4);
    if (operation->binary)
        return put_binary(at, kind, value->bytes, value->length);
    return put_text_form(at, kind, value->bytes, value->length);
}

/* The index of the CLOSE that belongs to the OPEN_IF at open; column goes past what lies between.
 */
static size_t close_of(const struct operation *operation, size_t open, int *column)
{
    int depth = 0;
    for (size_t i = open;; i++) {
        enum member_kind kind = operation->members[i].kind;
        depth += kind == MEMBER_OPEN || kind == MEMBER_OPEN_IF;
        depth -= kind == MEMBER_CLOSE;
        *column += member_takes_column(kind);
        if (depth == 0)
            return i;
    }
}

/* Most pieces are shorter than PIECE_PAD, and to copy that much is quicker than to copy less. */
static inline char *put_piece(char *at, const char *from, size_t length)
{
    if (length > PIECE_PAD)
        return put(at, from, length);
    memcpy(at, from, PIECE_PAD);
    return at + length;
}

static void row_write_laid_out(struct text *text, const struct operation *operation,
                               const struct rows *rows, int row)
{
    const struct layout *layout = operation->layout;
    const char *from = layout->text;
    const struct piece *piece = layout->pieces;
    struct value values[LAYOUT_COLUMNS_MAX];
    size_t octets = rows_values(rows, row, layout->columns, values);
    char *at = text_room(text, layout->length + values_room(layout->columns, octets));
    for (size_t i = 0; i < layout->columns; i++, piece++) {
        at = put_piece(at, from, piece->length);
        from += piece->length;
        at = put_value(at, operation, piece->kind, &values[i]);
    }
    text_end(text, put_piece(at, from, piece->length));
}

void row_write(struct text *text, const struct call *call, const struct rows *rows, int row)
{
    const struct operation *operation = call->operation;
    int column = COLUMN_FIRST;
    bool first = true;
    if (operation->layout && operation->layout->text) {
        row_write_laid_out(text, operation, rows, row);
        return;
    }
    text_add_char(text, '{');
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (member->kind == MEMBER_CLOSE) {
            text_add_char(text, '}');
            first = false;
            continue;
        }
        if (member->kind == MEMBER_KEY ||
            (member->kind == MEMBER_PLAIN_IF && rows_null(rows, row, column))) {
            column++;
            continue;
        }
        if (!first)
            text_add_char(text, ',');
        text_add_quoted(text, member->name, strlen(member->name));
        text_add_char(text, ':');
        first = false;
        if (member->kind == MEMBER_OPEN_IF && rows_null(rows, row, column)) {
            text_add(text, "null", 4);
            i = close_of(operation, i, &column);
        } else if (member->kind == MEMBER_OPEN || member->kind == MEMBER_OPEN_IF) {
            text_add_char(text, '{');
            first = true;
        } else if (member->kind == MEMBER_ISSUED) {
            if (call->issued)
                text_add_json(text, call->issued, strlen(call->issued));
            else
                text_add(text, "null", 4);
        } else {
            struct value value;
            value.bytes = rows_value(rows, row, column++, &value.length);
            char *at = text_room(text, values_room(1, value.length));
            text_end(text, put_value(at, operation, member->kind, &value));
        }
    }
    text_add_char(text, '}');
}

int column_of(const struct operation *operation, const char *name)
{
    int column = COLUMN_FIRST;
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (!member_takes_column(member->kind))
            continue;
        if (!name || strcmp(member->column, name) == 0)
            return column;
        column++;
    }
    abort();
}
