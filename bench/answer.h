/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - one HTTP/1.1 answer in a buffer: is all of it here, and what does it say?
 *
 * Only what our own server sends is understood: a Content-Length, or a status without a body. */
#ifndef ONRAMP_BENCH_ANSWER_H
#define ONRAMP_BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    int status;
    bool closes; /* the server said Connection: close */
    size_t head; /* octets before the body */
    size_t body; /* octets of the body */
};

enum answer_state { ANSWER_PARTIAL, ANSWER_WHOLE, ANSWER_BROKEN };

/* The length octets at data, which are NUL-terminated. */
enum answer_state answer_read(struct answer *out, const char *data, size_t length);

#endif
