/* SPDX-License-Identifier: Apache-2.0 */
/* circuit.h - operations on circuits and their history. */
#ifndef ONRAMP_CIRCUITS_CIRCUIT_H
#define ONRAMP_CIRCUITS_CIRCUIT_H

#include "db/operation.h"

extern const struct operation circuit_create, circuit_get, circuit_list, circuit_delete;
extern const struct operation circuit_event_list;
/* Marks circuits whose deadline has passed; run by the daemon itself, on one loop, periodically. */
extern const struct operation circuit_stall;

#endif
