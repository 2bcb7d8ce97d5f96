/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/excerpt.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

/* Octets of the character at the start of the text, 0: there is none. RFC 3629, section 4: the
 * second octet is what forbids overlong forms, surrogates and what is above U+10FFFF. */
static size_t character(const unsigned char *text, size_t length)
{
    unsigned char first = text[0], least = 0x80, most = 0xBF;
    size_t octets = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0 || first > 0xF4 || octets > length)
        return 0;
    if (first == 0xE0)
        least = 0xA0;
    if (first == 0xED)
        most = 0x9F;
    if (first == 0xF0)
        least = 0x90;
    if (first == 0xF4)
        most = 0x8F;
    for (size_t i = 1; i < octets; i++, least = 0x80, most = 0xBF)
        if (text[i] < least || text[i] > most)
            return 0;
    return octets;
}

void excerpt_write(char out[EXCERPT_OCTETS + 1], const char *octets, size_t length)
{
    size_t used = 0;
    while (length > 0) {
        size_t good = character((const unsigned char *)octets, length);
        size_t size = good > 0 ? good : sizeof replacement - 1;
        if (used + size > EXCERPT_OCTETS)
            break;
        memcpy(out + used, good > 0 ? octets : replacement, size);
        used += size;
        octets += good > 0 ? good : 1;
        length -= good > 0 ? good : 1;
    }
    out[used] = '\0';
}
