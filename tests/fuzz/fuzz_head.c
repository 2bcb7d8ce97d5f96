/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests, and what is read from their targets. What is incomplete at one length and
 * refused or complete at another must be so in this order; a target that passes is taken apart
 * safely. */
#include "api/head.h"
#include "api/route.h"
#include "api/target.h"
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct head whole, part;
    enum head_verdict verdict = head_scan(&whole, bytes, size);
    if (size > 0 && size < HEAD_MAX && verdict == HEAD_INCOMPLETE &&
        head_scan(&part, bytes, size - 1) != HEAD_INCOMPLETE)
        abort();
    if (verdict != HEAD_COMPLETE)
        return 0;
    if (head_scan(&part, bytes, whole.length) != HEAD_COMPLETE ||
        head_scan(&part, bytes, whole.length - 1) != HEAD_INCOMPLETE)
        abort();

    struct arena *arena = arena_new();
    struct target target;
    const char *raw = arena_copy(arena, whole.target, whole.target_length);
    if (target_read(&target, arena, raw)) {
        const struct route *route;
        struct bindings bindings;
        struct pair pairs[PAIRS_MAX];
        char allow[ALLOW_MAX];
        size_t count;
        route_find(&route, &bindings, allow, GET, &target);
        query_read(pairs, &count, arena, target.query);
    }
    arena_free(arena);
    return 0;
}
