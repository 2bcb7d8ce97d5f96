/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in chunks: the same in one piece and octet by octet, and never more data than came in. */
#include "http/chunks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
    enum chunk_verdict verdict;
    size_t used, length;
    char *body;
};

static void decode(struct decoded *out, const char *octets, size_t size, size_t piece)
{
    struct chunks chunks = {0};
    *out = (struct decoded){.verdict = CHUNKS_MORE, .body = malloc(size + 1)};
    if (!out->body)
        abort();
    while (out->used < size) {
        size_t left = size - out->used, used = 0, length;
        const char *body;
        enum chunk_verdict verdict = chunks_read(
            &chunks, octets + out->used, left < piece ? left : piece, &used, &body, &length);
        if (used == 0 || used > left || length > used)
            abort();
        if (length > 0)
            memcpy(out->body + out->length, body, length);
        out->length += length;
        out->used += used;
        if (verdict != CHUNKS_DATA)
            out->verdict = verdict;
        if (out->verdict != CHUNKS_MORE)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoded once, slowly;
    decode(&once, (const char *)data, size, size);
    decode(&slowly, (const char *)data, size, 1);
    if (once.verdict != slowly.verdict || once.used != slowly.used ||
        once.length != slowly.length || memcmp(once.body, slowly.body, once.length) != 0)
        abort();
    free(once.body);
    free(slowly.body);
    return 0;
}
