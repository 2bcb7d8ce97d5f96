/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - IP addresses of either family, and blocks of them.
 *
 * Pure functions: nothing is looked up. */
#ifndef ONRAMP_BASE_NETWORK_H
#define ONRAMP_BASE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_OCTETS = 16, ADDRESS_TEXT = 46 /* with its NUL */ };

/* An address of either family; IPv4 as IPv4-mapped. */
struct address {
    uint8_t octets[ADDRESS_OCTETS];
};

struct block {
    struct address prefix;
    unsigned bits; /* of the 128 */
    bool four;     /* an IPv4 block */
};

/* Where the octets of an IPv4 address stand in an IPv4-mapped one. */
enum { ADDRESS_FOUR_AT = 12 };

/* Read "192.0.2.1" or "2001:db8::1". */
bool address_read(struct address *out, const char *text);

/* Take the address of a socket; false when its family is neither. */
bool address_of(struct address *out, const struct sockaddr *socket);

/* Write it as inet_ntop does; an IPv4-mapped one as IPv4. */
void address_write(char out[ADDRESS_TEXT], const struct address *address);

bool address_is_four(const struct address *address);

/* The IPv4 address of those four octets. */
struct address address_from_four(const uint8_t octets[4]);

/* Read "10.0.0.0/8", "fd00::/8", or a single address. False when it is none, or bits behind the
 * prefix are set. */
bool block_read(struct block *out, const char *cidr);

/* Whether the address lies in the block; an IPv4 address only in an IPv4 block. */
bool block_holds(const struct block *block, const struct address *address);

#endif
