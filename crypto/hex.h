/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - octets as lower-case hexadecimal text. */
#ifndef ONRAMP_CRYPTO_HEX_H
#define ONRAMP_CRYPTO_HEX_H

#include <stddef.h>

/* hex has room for 2 * count characters and a NUL. */
static inline void hex_write(char *hex, const unsigned char *octets, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[octets[i] >> 4];
        hex[2 * i + 1] = digits[octets[i] & 0xF];
    }
    hex[2 * count] = '\0';
}

#endif
