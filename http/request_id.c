/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request_id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

bool request_id_valid(const char *text)
{
    size_t length = strnlen(text, REQUEST_ID_MAX + 1);
    if (length < 1 || length > REQUEST_ID_MAX)
        return false;
    for (; *text; text++)
        if (*text < 0x21 || *text > 0x7E)
            return false;
    return true;
}

void request_ids_seed(struct request_ids *ids)
{
    if (getrandom(ids->state, sizeof ids->state, 0) != (ssize_t)sizeof ids->state)
        abort();
}

static uint64_t rotated(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

/* xoshiro256** by Blackman and Vigna, in the public domain. */
static uint64_t next(struct request_ids *ids)
{
    uint64_t *s = ids->state;
    uint64_t result = rotated(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return result;
}

void request_id_make(struct request_ids *ids, char out[UUID_LENGTH + 1], uint64_t milliseconds)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t high = milliseconds << 16 | 0x7000 | (next(ids) & 0x0FFF);
    uint64_t low = (next(ids) & UINT64_C(0x3FFFFFFFFFFFFFFF)) | UINT64_C(0x8000000000000000);
    for (int i = 0, at = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        uint64_t half = i < 16 ? high : low;
        out[at++] = hex[half >> (60 - 4 * (i % 16)) & 0xF];
    }
    out[UUID_LENGTH] = '\0';
}
