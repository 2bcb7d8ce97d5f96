/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - FNV-1a, 64 bits (draft-eastlake-fnv): for tables whose keys no attacker chooses, or
 * where two alike do no harm. */
#ifndef ONRAMP_BASE_HASH_H
#define ONRAMP_BASE_HASH_H

#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* The hash of what was hashed before and of the text behind it. */
static inline uint64_t hash_text(uint64_t before, const char *text)
{
    for (; *text; text++)
        before = (before ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return before;
}

#endif
