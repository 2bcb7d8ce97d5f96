/* SPDX-License-Identifier: Apache-2.0 */
/* conditional.h - an operation in its conditional form: run once for a key, at certain versions of
 * its resource only, without effect, or as part of a trace.
 *
 * It is the same operation (parameters first and in the same order, members, hooks) with further
 * parameters behind, and its statement is one of the SQL function conditional_call, which
 * runs the operation's own. Whoever fills a call of it sets those that apply; NULL is none. */
#ifndef ONRAMP_OPERATIONS_CONDITIONAL_H
#define ONRAMP_OPERATIONS_CONDITIONAL_H

#include "operations/operation.h"

/* The further parameters. */
#define CONDITION_SCOPE    "condition-scope"    /* whose key it is */
#define CONDITION_KEY      "condition-key"      /* Idempotency-Key */
#define CONDITION_DIGEST   "condition-digest"   /* of the request, hexadecimal */
#define CONDITION_VERSIONS "condition-versions" /* array literal of numbers */
#define CONDITION_TRACE    "condition-trace"    /* traceparent, for the events that are written */
#define CONDITION_DRY      "dryRun"             /* "true": nothing stays */

/* The outcome of an answer that was given before and is given again. */
extern const char conditional_replayed[];

/* The conditional form of an operation on the lane; it lives as long as the process. With dry its
 * dryRun is a query parameter, otherwise it has none and the form is never dry. */
const struct operation *conditional_new(const struct operation *operation, enum lane_kind lane,
                                        bool dry);

/* Forgets answers that were kept long enough; run by the daemon itself, periodically. */
extern const struct operation idempotency_sweep;

/* Its statement, or that of its each (db/each.h), which is one of conditional_call_each; the caller
 * frees it. */
char *conditional_text(const struct operation *conditional);

/* Whether the operation names a circuit or VNet in its path, whose version can be a condition. */
bool conditional_versioned(const struct operation *operation);

#endif
