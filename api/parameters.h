/* SPDX-License-Identifier: Apache-2.0 */
/* parameters.h - from a request to the values of its operation's parameters.
 *
 * What the operation declares is read here, the query, the path, header fields and the caller, and
 * in operations/body.h. All faults are collected. */
#ifndef ONRAMP_API_PARAMETERS_H
#define ONRAMP_API_PARAMETERS_H

#include "api/target.h"
#include "operations/operation.h"

#include <stdbool.h>
#include <stddef.h>

struct bindings;

/* Where header fields are looked up: the value of the field of the (lower-case) name, borrowed, or
 * NULL. */
struct header_lookup {
    const char *(*find)(const void *message, const char *name);
    const void *message;
};

/* Values from the raw query, with a fault for what is unknown, repeated or wrong. pairs gets what
 * the query says, count how many there are. */
void query_parameters_read(struct call *call, const char *query, struct pair pairs[PAIRS_MAX],
                           size_t *count);

/* Values from the path, from header fields and from the caller. False when a value of the path is
 * not of its kind: then there is nothing of that name. */
bool other_parameters_read(struct call *call, const struct bindings *bindings,
                           struct header_lookup headers);

#endif
