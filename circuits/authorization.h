/* SPDX-License-Identifier: Apache-2.0 */
/* authorization.h - keys by which a circuit's owner lets another customer's VNet connect. */
#ifndef ONRAMP_CIRCUITS_AUTHORIZATION_H
#define ONRAMP_CIRCUITS_AUTHORIZATION_H

#include "operations/operation.h"

extern const struct operation authorization_create, authorization_list, authorization_delete;

/* `onra_`, 32 random base62 characters and their check: nothing else is taken for one, a service
 * key least of all. */
extern const struct kind kind_authorization_key;

#endif
