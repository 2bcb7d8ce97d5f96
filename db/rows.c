/* SPDX-License-Identifier: Apache-2.0 */
#include "db/rows.h"

#include <libpq-fe.h>

static const PGresult *result_of(const struct rows *rows)
{
    return (const PGresult *)rows->result;
}

int rows_count(const struct rows *rows)
{
    return rows->count;
}

int rows_columns(const struct rows *rows)
{
    return PQnfields(result_of(rows));
}

bool rows_null(const struct rows *rows, int row, int column)
{
    return PQgetisnull(result_of(rows), rows->first + row, column) != 0;
}

const char *rows_value(const struct rows *rows, int row, int column, size_t *length)
{
    const PGresult *result = result_of(rows);
    *length = (size_t)PQgetlength(result, rows->first + row, column);
    if (*length == 0 && PQgetisnull(result, rows->first + row, column))
        return NULL;
    return PQgetvalue(result, rows->first + row, column);
}

size_t rows_values(const struct rows *rows, int row, size_t count, struct value *out)
{
    const PGresult *result = result_of(rows);
    int at = rows->first + row, column = COLUMN_FIRST;
    size_t octets = 0;
    for (struct value *end = out + count; out != end; out++, column++) {
        int length = PQgetlength(result, at, column);
        out->length = (size_t)length;
        octets += out->length;
        out->bytes =
            length == 0 && PQgetisnull(result, at, column) ? NULL : PQgetvalue(result, at, column);
    }
    return octets;
}

const char *rows_text(const struct rows *rows, int row, int column)
{
    return PQgetvalue(result_of(rows), rows->first + row, column);
}

int rows_length(const struct rows *rows, int row, int column)
{
    return PQgetlength(result_of(rows), rows->first + row, column);
}
