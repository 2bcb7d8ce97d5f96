/* SPDX-License-Identifier: Apache-2.0 */
/* reader - heads and bodies in chunks, read as http/ reads them.
 *
 * On standard input cases: a letter ('h': a head, 'c': a body in chunks), a length of 4 octets (the
 * lowest first), the octets. On standard output a line for each: what it is at once, and "same"
 * when it is the same in pieces - octet by octet, or of growing size where it is long. */
#include "http/chunks.h"
#include "http/head.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1500 /* octets that are fed one by one */ };

static const struct single_field singles[] = {SINGLE_FIELD("authorization"),
                                              SINGLE_FIELD("content-type"),
                                              SINGLE_FIELD("webhook-id"),
                                              {NULL, 0}};

static size_t piece(size_t at, size_t size)
{
    size_t length = size <= SMALL ? 1 : at / 7 + 1;
    return length < size - at ? length : size - at;
}

/* The pieces stand at two places in turn, as in a buffer that moves. */
static enum head_verdict head_in_pieces(struct head *head, const char *octets, size_t size)
{
    char *places[2] = {malloc(size + 1), malloc(size + 1)};
    enum head_verdict verdict = HEAD_INCOMPLETE;
    head_begin(head);
    if (!places[0] || !places[1])
        abort();
    for (size_t at = 0, turn = 0; at < size && verdict == HEAD_INCOMPLETE; turn++) {
        at += piece(at, size);
        char *place = places[turn % 2];
        memcpy(place, octets, at);
        verdict = head_read(head, place, at, singles);
        memset(place, '?', at);
    }
    free(places[0]);
    free(places[1]);
    return verdict;
}

static bool spans_same(struct span one, struct span two)
{
    return one.at == two.at && one.length == two.length;
}

static bool heads_same(const struct head *one, const struct head *two, enum head_verdict verdict)
{
    if (verdict == HEAD_REFUSED && strcmp(one->refusal.code, two->refusal.code) != 0)
        return false;
    if (one->has_method != two->has_method || one->has_target != two->has_target ||
        one->field_count != two->field_count ||
        (one->has_method && !spans_same(one->method, two->method)) ||
        (one->has_target && !spans_same(one->target, two->target)))
        return false;
    for (unsigned i = 0; i < one->field_count; i++)
        if (!spans_same(one->fields[i].name, two->fields[i].name) ||
            !spans_same(one->fields[i].value, two->fields[i].value))
            return false;
    return verdict != HEAD_COMPLETE ||
           (one->length == two->length && one->close == two->close && one->sized == two->sized &&
            one->chunked == two->chunked && one->expects == two->expects &&
            one->http10 == two->http10 && one->content_length == two->content_length);
}

static void head_case(const char *octets, size_t size)
{
    static const char *const verdicts[] = {
        [HEAD_INCOMPLETE] = "incomplete", [HEAD_COMPLETE] = "complete", [HEAD_REFUSED] = "refused"};
    struct head head, slow;
    head_begin(&head);
    enum head_verdict verdict = head_read(&head, octets, size, singles);
    bool same = head_in_pieces(&slow, octets, size) == verdict && heads_same(&head, &slow, verdict);
    printf("%s %s %s", same ? "same" : "other", verdicts[verdict],
           verdict == HEAD_REFUSED ? head.refusal.code : "-");
    if (verdict == HEAD_COMPLETE) {
        printf(" %zu %u %u %u %u %d %d %d %d %d %llu", head.length, head.method.at,
               head.method.length, head.target.at, head.target.length, head.close, head.http10,
               head.sized, head.chunked, head.expects, (unsigned long long)head.content_length);
        for (unsigned i = 0; i < head.field_count; i++)
            printf(" %u %u %u %u", head.fields[i].name.at, head.fields[i].name.length,
                   head.fields[i].value.at, head.fields[i].value.length);
    }
    putchar('\n');
}

struct body {
    enum chunk_verdict verdict;
    size_t used, length;
    char *data;
};

static void body_read(struct body *out, const char *octets, size_t size, bool pieces)
{
    struct chunks chunks = {0};
    *out = (struct body){.verdict = CHUNKS_MORE, .data = malloc(size + 1)};
    if (!out->data)
        abort();
    while (out->used < size && out->verdict == CHUNKS_MORE) {
        size_t left = pieces ? piece(out->used, size) : size - out->used;
        while (left > 0 && out->verdict == CHUNKS_MORE) {
            const char *data;
            size_t used = 0, length;
            enum chunk_verdict verdict =
                chunks_read(&chunks, octets + out->used, left, &used, &data, &length);
            if (used == 0 || used > left)
                abort();
            if (verdict == CHUNKS_DATA)
                memcpy(out->data + out->length, data, length);
            else
                out->verdict = verdict;
            out->length += length;
            out->used += used;
            left -= used;
        }
    }
}

static void body_case(const char *octets, size_t size)
{
    static const char *const verdicts[] = {[CHUNKS_MORE] = "more",
                                           [CHUNKS_DONE] = "done",
                                           [CHUNKS_MALFORMED] = "malformed",
                                           [CHUNKS_TOO_LARGE] = "too_large"};
    struct body once, slow;
    body_read(&once, octets, size, false);
    body_read(&slow, octets, size, true);
    bool same = once.verdict == slow.verdict && once.used == slow.used &&
                once.length == slow.length && memcmp(once.data, slow.data, once.length) == 0;
    printf("%s %s %zu ", same ? "same" : "other", verdicts[once.verdict], once.used);
    for (size_t i = 0; i < once.length; i++)
        printf("%02x", (unsigned char)once.data[i]);
    putchar('\n');
    free(once.data);
    free(slow.data);
}

int main(void)
{
    unsigned char start[5];
    while (fread(start, 1, sizeof start, stdin) == sizeof start) {
        size_t size = start[1] | (size_t)start[2] << 8 | (size_t)start[3] << 16;
        char *octets = malloc(size + 1); /* of that size, so that a sanitizer sees who reads on */
        if (!octets || fread(octets, 1, size, stdin) != size)
            return EXIT_FAILURE;
        if (start[0] == 'h')
            head_case(octets, size);
        else
            body_case(octets, size);
        free(octets);
    }
    return EXIT_SUCCESS;
}
