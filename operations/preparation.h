/* SPDX-License-Identifier: Apache-2.0 */
/* preparation.h - what is worked out from operations once: the statements that the lanes send, and
 * the layouts of the rows. */
#ifndef ONRAMP_OPERATIONS_PREPARATION_H
#define ONRAMP_OPERATIONS_PREPARATION_H

#include "operations/operation.h"

/* Fill in the statements and layouts of these operations, for good, and list their statements.
 * Which one does several calls of an operation has to stand among them. One thread at a time; what
 * is filled in already stays. */
void operations_prepare(const struct operation *const *operations, size_t count,
                        const struct statement *statements[]);

#endif
