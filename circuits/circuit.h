/* SPDX-License-Identifier: Apache-2.0 */
/* circuit.h - operations on circuits; their history is in event.h. */
#ifndef ONRAMP_CIRCUITS_CIRCUIT_H
#define ONRAMP_CIRCUITS_CIRCUIT_H

#include "operations/operation.h"

extern const struct operation circuit_create, circuit_get, circuit_list, circuit_delete;
/* The owner's change of a circuit, and the operator's switch on it: one method on one path. */
extern const struct operation circuit_update, circuit_status_set;
extern const struct operation circuit_deprovision_request, circuit_deprovision_withdraw;
extern const struct operation circuit_service_key_rotate;
/* Marks circuits whose deadline has passed; run by the daemon itself, on one loop, periodically. */
extern const struct operation circuit_stall;

#endif
