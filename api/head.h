/* SPDX-License-Identifier: Apache-2.0 */
/* head.h - the head of an HTTP/1 request, read strictly.
 *
 * Source: RFC 9112 and RFC 9110. What two readers of the same bytes could understand differently is
 * refused, because that is what request smuggling is made of: bare line feeds, folded lines, spaces
 * before a colon, two lengths, a length beside a transfer coding, a second Host. A pure function:
 * no socket, no clock. */
#ifndef ONRAMP_API_HEAD_H
#define ONRAMP_API_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_MAX = 16 * 1024,  /* octets of a whole head */
    TARGET_MAX = 4 * 1024, /* octets of a request target */
    FIELDS_MAX = 64,       /* header fields */
    COOKIES_MAX = 32,      /* nobody needs them here, and the HTTP library keeps each one */
    BODY_MAX = 64 * 1024,  /* octets of any request body */
    METHOD_MAX = 32
};

/* Why a request is refused: a code of the problem table, and a sentence (NULL: that of the table).
 */
struct refusal {
    const char *code;
    const char *detail;
};

enum head_verdict {
    HEAD_INCOMPLETE, /* nothing wrong so far */
    HEAD_COMPLETE,
    HEAD_REFUSED
};

struct head {
    size_t length;      /* of the head, its empty line included */
    const char *target; /* in the bytes that were read; NULL before it is known to be whole */
    size_t target_length;
    bool sized;              /* there is a Content-Length */
    uint64_t content_length; /* 0 without one */
    int fields, cookies;     /* how many */
    bool http10;             /* which lives on only where the client asks for it */
    bool close;              /* the client asks for Connection: close, or is of HTTP/1.0 */
    struct refusal refusal;  /* with HEAD_REFUSED */
};

/* Read the head that starts at bytes, as far as its size octets go. */
enum head_verdict head_scan(struct head *out, const char *bytes, size_t size);

#endif
