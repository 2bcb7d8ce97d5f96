/* SPDX-License-Identifier: Apache-2.0 */
/* head.h - the head of an HTTP/1 request, read strictly.
 *
 * Source: RFC 9112 and RFC 9110. What two readers of the same bytes could understand differently is
 * refused, because that is what request smuggling is made of: bare line feeds, folded lines, spaces
 * before a colon, two lengths, a length beside a transfer coding, a second Host. A pure function:
 * no socket, no clock. */
#ifndef ONRAMP_HTTP_HEAD_H
#define ONRAMP_HTTP_HEAD_H

#include "http/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_MAX = 16 * 1024,  /* octets of a whole head */
    TARGET_MAX = 4 * 1024, /* octets of a request target */
    FIELDS_MAX = 64,       /* header fields */
    BODY_MAX = 64 * 1024,  /* octets of any request body */
    METHOD_MAX = 32
};

enum head_verdict {
    HEAD_INCOMPLETE, /* nothing wrong so far */
    HEAD_COMPLETE,
    HEAD_REFUSED
};

/* Octets of the head: where they begin, and how many. */
struct span {
    uint16_t at, length;
};

struct field_span {
    struct span name, value; /* the value without white space around it */
};

struct head {
    size_t length; /* with HEAD_COMPLETE: of the head, its empty line included */
    struct span method, target;
    bool has_method, has_target; /* they are known to be whole and well-formed */
    bool http10;                 /* HTTP/1.0; every other version 1 is read as 1.1 */
    bool close;   /* the client closes after the answer, or would have to say otherwise */
    bool sized;   /* there is a Content-Length */
    bool chunked; /* Transfer-Encoding: chunked */
    bool expects; /* Expect: 100-continue */
    uint64_t content_length; /* 0 without one */
    unsigned field_count;
    struct field_span fields[FIELDS_MAX];
    struct refusal refusal; /* with HEAD_REFUSED */

    /* Below: the reader's own. */
    size_t at;         /* the beginning of the line that is not yet whole */
    bool begun, keeps; /* the request line is in; Connection: keep-alive */
    unsigned hosts, lengths, codings;
    unsigned singles; /* bits of the fields that may stand once only */
};

/* A header field that has one value and may stand once only, in small letters. */
struct single_field {
    const char *name;
    size_t length;
};

#define SINGLE_FIELD(name)                                                                         \
    {                                                                                              \
        name, sizeof name - 1                                                                      \
    }

/* Begin to read a head. */
void head_begin(struct head *head);

/* Go on reading the head that starts at bytes, as far as its size octets go; the octets of earlier
 * calls are still there, wherever bytes points now. Whole lines are not read again. singles: ends
 * with a NULL name, at most 32; or NULL. */
enum head_verdict head_read(struct head *head, const char *bytes, size_t size,
                            const struct single_field *singles);

#endif
