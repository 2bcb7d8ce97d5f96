/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - what stands between the values of a row, written down once for each operation.
 *
 * Names, colons, commas and braces are the same in every answer; of a list of 50 circuits they are
 * half of the text, and putting them together anew took a sixth of the server's time. */
#ifndef ONRAMP_OPERATIONS_LAYOUT_H
#define ONRAMP_OPERATIONS_LAYOUT_H

#include "operations/operation.h"

/* Whether a member of this kind has a column of its own. */
bool member_takes_column(enum member_kind kind);

/* Write down the layouts of these operations, for good; before there are threads. An operation
 * whose members are not the same in every row, or too many, has none. */
void layouts_write(const struct operation *const *operations, size_t count);

#endif
