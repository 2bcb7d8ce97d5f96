/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - the answer to a request: a resource, a page, nothing, or a refusal. */
#ifndef ONRAMP_API_ANSWER_H
#define ONRAMP_API_ANSWER_H

#include <stddef.h>
#include <sys/types.h>

struct exchange;
struct request;
struct rows;

/* One item, or the items of a page with commas between them, as they were written before. */
struct kept_part {
    const char *octets;
    size_t length;
    const unsigned char *digests; /* DIGEST_OCTETS an item */
    size_t count;
    const char *last; /* of a page: the key of its last item, when more follow; or NULL */
};

/* Give the request its answer: these bytes (copied) under that status and content type, with the
 * headers that every answer has. The request is then PHASE_ANSWERED. */
void answer_bytes(struct request *request, int status, const char *type, const char *bytes,
                  size_t length);

/* The same for bytes that live as long as the process. */
void answer_static(struct request *request, int status, const char *type, const void *bytes,
                   size_t length);

/* The same with octets that are asked for as long as there are any: see exchange_stream. */
void answer_stream(struct request *request, int status, const char *type,
                   ssize_t (*source)(struct exchange *exchange, char *out, size_t size));

/* Add a header to an answer that is not yet on its way. */
void answer_header(struct request *request, const char *name, const char *value);

/* Answer with what the operation returned: the resource, the page, nothing, or its refusal. */
void answer_rows(struct request *request, const struct rows *rows);

/* Answer with what is kept of rows that the operation returned: the same octets and headers. */
void answer_kept(struct request *request, const struct kept_part *part);

/* Answer with a page of the feed that has no items, and goes on from that position. */
void answer_feed_end(struct request *request, const char *position);

#endif
