/* SPDX-License-Identifier: Apache-2.0 */
/* webhook.h - operations on webhook endpoints: where customers, partners and operators, each for
 * themselves, want to hear of events. */
#ifndef ONRAMP_WEBHOOKS_WEBHOOK_H
#define ONRAMP_WEBHOOKS_WEBHOOK_H

#include "operations/operation.h"

extern const struct operation webhook_create, webhook_list, webhook_get, webhook_update,
    webhook_delete;
/* A new secret; the one before signs along for a day. */
extern const struct operation webhook_secret_rotate;
/* Deliver what was missed. */
extern const struct operation webhook_recover;

#endif
