/* SPDX-License-Identifier: Apache-2.0 */
/* chore.h - what the daemon does for the database by itself, run by the first loop: circuits whose
 * partner is overdue are marked; webhook-ids, Idempotency-Keys, events of the feed, deliveries and
 * months of histories that were kept long enough are forgotten; room is made for the events of the
 * months to come. What finds as much as one transaction takes goes on at once.
 */
#ifndef ONRAMP_API_CHORE_H
#define ONRAMP_API_CHORE_H

#include "db/operation.h"

struct chores;
struct loop;

/* The operations, for the lanes. Static. */
const struct operation *const *chores_operations(size_t *count);

struct chores *chores_new(void);

/* No query of theirs may be under way. */
void chores_free(struct chores *chores);

/* In every turn: run what is due. Failures are logged when they begin and when they end. Nothing
 * happens without chores (NULL). */
void chores_turn(struct chores *chores, struct loop *loop);

#endif
