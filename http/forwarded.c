/* SPDX-License-Identifier: Apache-2.0 */
#include "http/forwarded.h"

#include "http/octet.h"

#include <stdint.h>
#include <string.h>

static const char signature[] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};

/* Offsets and values of version 2, section 2.2. */
enum {
    COMMAND_AT = 12,
    FAMILY_AT = 13,
    LENGTH_AT = 14,
    ADDRESSES_AT = 16,
    VERSION_2 = 2,
    LOCAL = 0,
    PROXY = 1,
    TCP_OVER_IPV4 = 0x11,
    TCP_OVER_IPV6 = 0x21,
    IPV4_OCTETS = 12, /* two addresses and two ports */
    IPV6_OCTETS = 36
};

enum preface_verdict preface_read(struct address *out, const char *octets, size_t size,
                                  size_t *used)
{
    const uint8_t *bytes = (const uint8_t *)octets;
    size_t compared = size < sizeof signature ? size : sizeof signature;
    if (memcmp(octets, signature, compared) != 0)
        return PREFACE_NONE;
    if (size < ADDRESSES_AT)
        return PREFACE_INCOMPLETE;
    unsigned version = bytes[COMMAND_AT] >> 4, command = bytes[COMMAND_AT] & 0x0F;
    size_t length = (size_t)bytes[LENGTH_AT] << 8 | bytes[LENGTH_AT + 1];
    if (version != VERSION_2 || command > PROXY || ADDRESSES_AT + length > PREFACE_MAX)
        return PREFACE_MALFORMED;
    if (size < ADDRESSES_AT + length)
        return PREFACE_INCOMPLETE;
    *used = ADDRESSES_AT + length;
    if (command == LOCAL)
        return PREFACE_COMPLETE;
    switch (bytes[FAMILY_AT]) {
    case TCP_OVER_IPV4:
        if (length < IPV4_OCTETS)
            return PREFACE_MALFORMED;
        *out = address_from_four(bytes + ADDRESSES_AT);
        return PREFACE_COMPLETE;
    case TCP_OVER_IPV6:
        if (length < IPV6_OCTETS)
            return PREFACE_MALFORMED;
        memcpy(out->octets, bytes + ADDRESSES_AT, ADDRESS_OCTETS);
        return PREFACE_COMPLETE;
    default: /* unspecified, or a unix socket: the connection itself is all that is known */
        return PREFACE_COMPLETE;
    }
}

bool forwarded_trusts(const struct address *address, const struct block *proxies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (block_holds(&proxies[i], address))
            return true;
    return false;
}

/* One item of the list: an address, that in brackets, or either with a port. */
static bool item_read(struct address *out, const char *item, size_t length)
{
    char text[ADDRESS_TEXT];
    const char *end = item + length, *colon = memchr(item, ':', length);
    if (length > 0 && item[0] == '[') {
        end = memchr(item, ']', length);
        if (!end)
            return false;
        item++;
    } else if (colon && !memchr(colon + 1, ':', (size_t)(end - colon) - 1)) {
        end = colon;
    }
    length = (size_t)(end - item);
    if (length >= sizeof text)
        return false;
    memcpy(text, item, length);
    text[length] = '\0';
    return address_read(out, text);
}

void forwarded_read(struct address *out, const char *field, const struct block *proxies,
                    size_t count)
{
    const char *end = field + strlen(field);
    for (;;) {
        const char *start = end;
        while (start > field && start[-1] != ',')
            start--;
        const char *item = start, *stop = end;
        while (item < stop && octet_is_blank(*item))
            item++;
        while (stop > item && octet_is_blank(stop[-1]))
            stop--;
        struct address named;
        if (!item_read(&named, item, (size_t)(stop - item)))
            return;
        *out = named;
        if (!forwarded_trusts(&named, proxies, count) || start == field)
            return;
        end = start - 1;
    }
}
