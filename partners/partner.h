/* SPDX-License-Identifier: Apache-2.0 */
/* partner.h - operations on partners, their offers, their callback secrets, and peering locations.
 */
#ifndef ONRAMP_PARTNERS_PARTNER_H
#define ONRAMP_PARTNERS_PARTNER_H

#include "operations/operation.h"

extern const struct operation partner_create, partner_get, partner_list, partner_replace;
extern const struct operation peering_location_list;
extern const struct operation callback_secret_rotate;
/* The live callback secrets of a partner, newest first: (id, secret, expires_at, created_at). A
 * secret is sealed for "callback:<partner>" (crypto/seal.h). */
extern const struct operation callback_secret_list;

#endif
