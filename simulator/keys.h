/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_keys.h - service keys from a file or a pipe, one a line, as they come.
 *
 * Blank lines and lines that begin with # are passed over. */
#ifndef ONRAMP_SIMULATOR_KEYS_H
#define ONRAMP_SIMULATOR_KEYS_H

#include "simulator/simulator.h"

struct key_source {
    int descriptor; /* the caller's to open and to close */
    bool ended;
    size_t line, length;
    char text[256]; /* of a line that is not whole yet */
};

/* Take what is there without waiting, when the descriptor is readable, and hand the keys in. What
 * is no key is said. */
void key_source_read(struct key_source *source, struct simulator *simulator, int64_t now,
                     void (*say)(void *context, const char *sentence), void *context);

#endif
