/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests, and what is read from their targets. What comes in octet by octet is judged as
 * it is at once; a target that passes is taken apart safely. */
#include "api/route.h"
#include "api/target.h"
#include "base/arena.h"
#include "http/head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct single_field singles[] = {SINGLE_FIELD("authorization"), {NULL, 0}};

/* Octet by octet, until there is a verdict; count tells after how many. */
static enum head_verdict read_slowly(struct head *head, const char *octets, size_t size,
                                     size_t *count)
{
    enum head_verdict verdict = HEAD_INCOMPLETE;
    head_begin(head);
    for (*count = 0; *count < size && verdict == HEAD_INCOMPLETE;)
        verdict = head_read(head, octets, ++*count, singles);
    return verdict;
}

static void inside(struct span span, size_t length)
{
    if ((size_t)span.at + span.length > length)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *octets = (const char *)data;
    struct head once, slowly;
    size_t octets_read;
    head_begin(&once);
    enum head_verdict verdict = head_read(&once, octets, size, singles);
    if (verdict != read_slowly(&slowly, octets, size, &octets_read))
        abort();
    if (verdict == HEAD_REFUSED && strcmp(once.refusal.code, slowly.refusal.code) != 0)
        abort();
    if (once.has_method)
        inside(once.method, once.length);
    if (once.has_target)
        inside(once.target, once.length);
    for (unsigned i = 0; i < once.field_count; i++) {
        inside(once.fields[i].name, once.length);
        inside(once.fields[i].value, once.length);
    }
    if (verdict != HEAD_COMPLETE)
        return 0;
    if (once.length != octets_read || once.length != slowly.length ||
        once.field_count != slowly.field_count ||
        memcmp(once.fields, slowly.fields, once.field_count * sizeof *once.fields) != 0)
        abort();

    struct arena *arena = arena_new();
    struct target target;
    const char *raw = arena_copy(arena, octets + once.target.at, once.target.length);
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
