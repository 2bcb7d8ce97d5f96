/* SPDX-License-Identifier: Apache-2.0 */
/* callback.h - what a partner does to circuits: callbacks in, quoting a key, looking at its own. */
#ifndef ONRAMP_PARTNERS_CALLBACK_H
#define ONRAMP_PARTNERS_CALLBACK_H

#include "operations/operation.h"

/* What a partner may announce. */
enum callback_type {
    CALLBACK_PROVISIONING,
    CALLBACK_PROVISIONED,
    CALLBACK_REJECTED,
    CALLBACK_DEPROVISIONING,
    CALLBACK_DEPROVISIONED,
    CALLBACK_PROGRESS,
    CALLBACK_TYPES
};

/* "circuit.provisioning" and so on, by type; NULL-terminated. */
extern const char *const callback_type_names[];

/* The body is read and checked here, but by whom it comes is for api/ to establish: either
 * caller.secret_id (a signature) or an operator's token, which needs data.reason. */
extern const struct operation callback_apply;

/* Forgets webhook-ids that were remembered long enough; run by the daemon itself, periodically. */
extern const struct operation callback_memory_sweep;

extern const struct operation partner_circuit_quote, partner_circuit_get, partner_circuit_list;

#endif
