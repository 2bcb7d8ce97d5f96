/* SPDX-License-Identifier: Apache-2.0 */
/* shares.h - how many connections each address holds, in all engines of the process.
 *
 * An IPv6 client is known by its /64, of which it has all addresses. Any thread. */
#ifndef ONRAMP_HTTP_SHARES_H
#define ONRAMP_HTTP_SHARES_H

#include "base/network.h"

struct shares;

/* most: connections of one address. */
struct shares *shares_new(unsigned most);
void shares_free(struct shares *shares);

/* The limit, for those who name it. */
unsigned shares_most(const struct shares *shares);

/* Count a connection. False: the address has as many as it may. */
bool share_take(struct shares *shares, const struct address *address);

/* It has ended. */
void share_give(struct shares *shares, const struct address *address);

#endif
