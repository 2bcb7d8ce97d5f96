/* SPDX-License-Identifier: Apache-2.0 */
/* offer.h - what a partner sells where: peering location x bandwidths. */
#ifndef ONRAMP_PARTNERS_OFFER_H
#define ONRAMP_PARTNERS_OFFER_H

#include "operations/kind.h"

#include <stddef.h>

/* The bandwidths there are, in Mbps, rising. A test holds them equal to the database's. */
extern const int bandwidths[];
extern const size_t bandwidth_count;

/* [{"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 100]}], given on as JSON. Each location
 * once; each bandwidth known and once. Whether the location exists is for the database to say. */
extern const struct kind kind_offers;

#endif
