/* SPDX-License-Identifier: Apache-2.0 */
/* maintenance.h - what the daemon does for the database by itself, run by the first loop: circuits
 * whose partner is overdue are marked; webhook-ids, Idempotency-Keys, events of the feed,
 * deliveries and months of histories that were kept long enough are forgotten; room is made for the
 * events of the months to come. What finds as much as one transaction takes goes on at once.
 */
#ifndef ONRAMP_API_MAINTENANCE_H
#define ONRAMP_API_MAINTENANCE_H

#include "operations/operation.h"

struct maintenance;
struct loop;

/* The operation of each job, for the lanes: index counts from 0, NULL follows the last. Static. */
const struct operation *maintenance_operation(size_t index);

struct maintenance *maintenance_new(void);

/* No query of theirs may be under way. */
void maintenance_free(struct maintenance *maintenance);

/* In every turn: run what is due. Failures are logged when they begin and when they end. Nothing
 * happens without maintenance (NULL). */
void maintenance_turn(struct maintenance *maintenance, struct loop *loop);

#endif
