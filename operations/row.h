/* SPDX-License-Identifier: Apache-2.0 */
/* row.h - rows written as JSON, by the members of the operation.
 *
 * JSON is written straight from the columns, the same way for one row and for many. */
#ifndef ONRAMP_OPERATIONS_ROW_H
#define ONRAMP_OPERATIONS_ROW_H

struct call;
struct operation;
struct rows;
struct text;

/* Add one row as a JSON object. */
void row_write(struct text *text, const struct call *call, const struct rows *rows, int row);

/* The row column of the named database column, or (NULL) of the first member. */
int column_of(const struct operation *operation, const char *name);

#endif
