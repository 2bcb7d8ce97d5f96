/* SPDX-License-Identifier: Apache-2.0 */
/* address_space.h - the IPv4 prefixes of a VNet and the subnet of its gateway.
 *
 * A prefix is a.b.c.d/n in plain decimal with all host bits zero. The rules are checked here for
 * friendly errors and by constraints in the database for good. */
#ifndef ONRAMP_CIRCUITS_ADDRESS_SPACE_H
#define ONRAMP_CIRCUITS_ADDRESS_SPACE_H

#include "operations/kind.h"

#include <stdbool.h>
#include <stdint.h>

struct prefix {
    uint32_t address; /* host byte order */
    int length;       /* bits */
};

/* Why a text is no prefix. */
enum prefix_fault { PREFIX_GOOD, PREFIX_MALFORMED, PREFIX_HOST_BITS };

enum prefix_fault prefix_read(struct prefix *out, const char *text);

bool prefix_overlaps(struct prefix a, struct prefix b);

/* 1-16 prefixes, /8 to /28, none overlapping another: an array, given on as a cidr[] literal. */
extern const struct kind kind_address_space;

/* One prefix, /28 or larger (a smaller number). */
extern const struct kind kind_gateway_subnet;

#endif
