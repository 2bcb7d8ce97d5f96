/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - from a JSON body to the values of an operation's parameters. */
#ifndef ONRAMP_OPERATIONS_BODY_H
#define ONRAMP_OPERATIONS_BODY_H

#include "operations/operation.h"

/* Read the members of call->body that the operation declares into call->values, with a fault for
 * each that is absent and required, wrong, or not declared. call->body is not NULL. */
void body_read(struct call *call);

/* Whether the operation declares parameters that stand in the body. */
bool body_expected(const struct operation *operation);
/* ... and at least one that is required. */
bool body_required(const struct operation *operation);

#endif
