/* SPDX-License-Identifier: Apache-2.0 */
#include "base/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { MAPPED_BITS = 8 * ADDRESS_FOUR_AT };

static const struct address mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}};

bool address_read(struct address *out, const char *text)
{
    *out = mapped;
    return inet_pton(AF_INET, text, out->octets + ADDRESS_FOUR_AT) == 1 ||
           inet_pton(AF_INET6, text, out->octets) == 1;
}

bool address_of(struct address *out, const struct sockaddr *socket)
{
    *out = mapped;
    if (socket->sa_family == AF_INET)
        memcpy(out->octets + ADDRESS_FOUR_AT,
               &((const struct sockaddr_in *)(const void *)socket)->sin_addr, 4);
    else if (socket->sa_family == AF_INET6)
        memcpy(out->octets, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr,
               ADDRESS_OCTETS);
    else
        return false;
    return true;
}

void address_write(char out[ADDRESS_TEXT], const struct address *address)
{
    bool four = address_is_four(address);
    if (!inet_ntop(four ? AF_INET : AF_INET6, address->octets + (four ? ADDRESS_FOUR_AT : 0), out,
                   ADDRESS_TEXT))
        abort();
}

bool address_is_four(const struct address *address)
{
    return memcmp(address, &mapped, ADDRESS_FOUR_AT) == 0;
}

struct address address_from_four(const uint8_t octets[4])
{
    struct address address = mapped;
    memcpy(address.octets + ADDRESS_FOUR_AT, octets, 4);
    return address;
}

static bool bit_set(const struct address *address, unsigned bit)
{
    return (address->octets[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool block_holds(const struct block *block, const struct address *address)
{
    if (block->four != address_is_four(address))
        return false;
    for (unsigned bit = 0; bit < block->bits; bit++)
        if (bit_set(&block->prefix, bit) != bit_set(address, bit))
            return false;
    return true;
}

bool block_read(struct block *out, const char *cidr)
{
    char text[INET6_ADDRSTRLEN];
    const char *slash = strchr(cidr, '/');
    size_t length = slash ? (size_t)(slash - cidr) : strlen(cidr);
    if (length >= sizeof text)
        return false;
    memcpy(text, cidr, length);
    text[length] = '\0';
    if (!address_read(&out->prefix, text))
        return false;
    out->four = address_is_four(&out->prefix);
    if (out->four && strchr(text, ':'))
        return false;
    unsigned before = out->four ? MAPPED_BITS : 0, most = 8 * ADDRESS_OCTETS - before;
    unsigned bits = most;
    if (slash) {
        char *end;
        unsigned long given = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || end - slash > 4 || given > most)
            return false;
        bits = (unsigned)given;
    }
    out->bits = before + bits;
    for (unsigned bit = out->bits; bit < 8 * ADDRESS_OCTETS; bit++)
        if (bit_set(&out->prefix, bit))
            return false;
    return true;
}
