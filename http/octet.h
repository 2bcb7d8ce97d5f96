/* SPDX-License-Identifier: Apache-2.0 */
/* octet.h - which octets HTTP allows where: sets of ASCII characters, a bit each. */
#ifndef ONRAMP_HTTP_OCTET_H
#define ONRAMP_HTTP_OCTET_H

#include <stdbool.h>
#include <stdint.h>

struct octet_set {
    uint64_t bits[2];
};

/* RFC 9110 section 5.6.2: letters, digits, !#$%&'*+-.^_`|~ */
extern const struct octet_set octet_token;

/* RFC 3986, what may stand in a path or a query: letters, digits, -._~!$&'()*+,;=:@/?%[]
 * Percent signs have to be looked at apart. */
extern const struct octet_set octet_target;

static inline bool octet_in(const struct octet_set *set, char c)
{
    unsigned char octet = (unsigned char)c;
    return octet < 128 && (set->bits[octet / 64] >> octet % 64 & 1);
}

/* What a field value may hold (RFC 9110 section 5.5): no control characters but the tab. */
static inline bool octet_in_value(char c)
{
    unsigned char octet = (unsigned char)c;
    return octet >= 0x20 ? octet != 0x7F : octet == '\t';
}

static inline bool octet_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value of a hexadecimal digit, or -1. */
static inline int octet_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

#endif
