/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/base62.h"

#include <openssl/rand.h>
#include <string.h>
#include <zlib.h>

enum { BASE = 62 };

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Octets of 248 and more are thrown away, so that no character is likelier than another. */
bool base62_random(char *out, size_t length)
{
    size_t done = 0;
    while (done < length) {
        unsigned char octets[64];
        if (RAND_bytes(octets, sizeof octets) != 1)
            return false;
        for (size_t i = 0; i < sizeof octets && done < length; i++)
            if (octets[i] < 256 / BASE * BASE)
                out[done++] = digits[octets[i] % BASE];
    }
    return true;
}

void base62_check(char check[BASE62_CHECK], const char *text, size_t length)
{
    unsigned long crc = crc32(0, (const unsigned char *)text, (uInt)length);
    for (int i = BASE62_CHECK - 1; i >= 0; i--) {
        check[i] = digits[crc % BASE];
        crc /= BASE;
    }
}

bool base62_valid(const char *text, size_t length, size_t prefix)
{
    char check[BASE62_CHECK];
    if (strnlen(text, length + 1) != length || strspn(text + prefix, digits) != length - prefix)
        return false;
    base62_check(check, text, length - BASE62_CHECK);
    return memcmp(check, text + length - BASE62_CHECK, BASE62_CHECK) == 0;
}
