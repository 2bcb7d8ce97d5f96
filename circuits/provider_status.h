/* SPDX-License-Identifier: Apache-2.0 */
/* provider_status.h - the four states of a circuit on the partner's side.
 *
 * The graph lives in the database (table provider_transition); C knows the names alone, and a test
 * holds them equal. */
#ifndef ONRAMP_CIRCUITS_PROVIDER_STATUS_H
#define ONRAMP_CIRCUITS_PROVIDER_STATUS_H

#include "operations/kind.h"

enum provider_status { NOT_PROVISIONED, PROVISIONING, PROVISIONED, DEPROVISIONING };

/* By status, NULL-terminated, as they stand in JSON and in the database. */
extern const char *const provider_status_names[];

extern const struct kind kind_provider_status;

#endif
