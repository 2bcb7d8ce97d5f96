/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - operations on deliveries: what was or is to be sent to a webhook endpoint. */
#ifndef ONRAMP_WEBHOOKS_DELIVERY_H
#define ONRAMP_WEBHOOKS_DELIVERY_H

#include "operations/operation.h"

extern const struct operation delivery_list, delivery_redeliver;
/* Deliver an event without content; the delivery. */
extern const struct operation webhook_ping;

/* Run by the sender, several calls in a transaction. delivery_claim takes limit and
 * lease-seconds and answers the deliveries that are due; one row without an id: none is, and
 * due_in_ms says in how many milliseconds one will be (null: not foreseeable). delivery_record
 * answers the outcome "ok" or "lease_lost". */
extern const struct operation delivery_claim, delivery_record;

/* Forgets deliveries that were kept long enough; run by the daemon itself, periodically. */
extern const struct operation delivery_sweep;

#endif
