/* SPDX-License-Identifier: Apache-2.0 */
/* event_type.h - what may be chosen of the events of circuits: each type, and all that begin alike.
 *
 * Which types there are is data in the database (table provider_transition); a test holds them
 * equal. */
#ifndef ONRAMP_CIRCUITS_EVENT_TYPE_H
#define ONRAMP_CIRCUITS_EVENT_TYPE_H

/* Elements of an array of texts. */
#define EVENT_TYPES                                                                                \
    "circuit.*", "circuit.created", "circuit.updated", "circuit.provisioning",                     \
        "circuit.provisioned", "circuit.rejected", "circuit.progress",                             \
        "circuit.deprovision_requested", "circuit.deprovision_withdrawn",                          \
        "circuit.deprovisioning", "circuit.deprovisioned", "circuit.disabled", "circuit.enabled",  \
        "circuit.deleted", "circuit.stalled", "circuit.service_key_rotated", "connection.*",       \
        "connection.created", "connection.down", "connection.up", "connection.deleted"

#endif
