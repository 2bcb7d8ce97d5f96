/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows that a statement answered, as text, or in binary form when its operation says
 * so.
 *
 * Column 0 is the outcome ("ok" or a refusal's code), column 1 the facts of a refusal (JSON), the
 * rest are the columns of the operation's members, in their order. Everything is borrowed until the
 * callback that received the rows returns. */
#ifndef ONRAMP_DB_ROWS_H
#define ONRAMP_DB_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct rows {
    const void *result; /* a PGresult */
    int first, count;   /* which of its rows */
};

enum { COLUMN_OUTCOME = 0, COLUMN_FACTS = 1, COLUMN_FIRST = 2 };

int rows_count(const struct rows *rows);
int rows_columns(const struct rows *rows);
bool rows_null(const struct rows *rows, int row, int column);
/* The value and its length in one look; NULL for null. */
const char *rows_value(const struct rows *rows, int row, int column, size_t *length);
/* The same for count columns from the first one of the members on, at once: their octets in all. */
struct value {
    const char *bytes; /* NULL for null */
    size_t length;
};
size_t rows_values(const struct rows *rows, int row, size_t count, struct value *out);
/* NUL-terminated; "" for null. */
const char *rows_text(const struct rows *rows, int row, int column);
int rows_length(const struct rows *rows, int row, int column);

#endif
