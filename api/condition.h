/* SPDX-License-Identifier: Apache-2.0 */
/* condition.h - under which conditions a write runs: Idempotency-Key, If-Match, dryRun; and for
 * which trace: traceparent.
 *
 * Every POST takes an Idempotency-Key, but those that are signed: webhook-id does it there. What
 * names a circuit or VNet in its path takes If-Match. Writes to circuits, VNets, gateways and
 * connections take dryRun. Every write takes a traceparent, which its events keep; what is none is
 * ignored. A request that makes a condition or belongs to a trace runs its operation in the
 * conditional form (operations/conditional.h), another one in the plain one. */
#ifndef ONRAMP_API_CONDITION_H
#define ONRAMP_API_CONDITION_H

#include <stddef.h>

struct operation;
struct request;
struct route;

/* The conditional forms of all routes, for the lanes. The first call makes them, and must be over
 * before requests are read. */
const struct operation *const *conditions_operations(size_t *count);

/* The form of a route's operation by which its request is to be read. */
const struct operation *condition_form(const struct route *route);

/* Read the conditions into the request's call, with a fault for each that is not well-formed, and
 * let the call be of the form that they need. */
void conditions_read(struct request *request);

/* A header field that is a list, all its lines as one; NULL: absent. */
const char *condition_list(const struct request *request, const char *name);

#endif
