/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - numbers drawn at random from a seed (splitmix64). */
#ifndef ONRAMP_SEAM_CHANCE_H
#define ONRAMP_SEAM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t chance_next(uint64_t *random)
{
    uint64_t value = *random += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

static inline unsigned chance_below(uint64_t *random, unsigned limit)
{
    return (unsigned)(chance_next(random) % limit);
}

/* True once in `one_in`. */
static inline bool chance(uint64_t *random, unsigned one_in)
{
    return chance_below(random, one_in) == 0;
}

#endif
