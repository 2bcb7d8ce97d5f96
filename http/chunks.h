/* SPDX-License-Identifier: Apache-2.0 */
/* chunks.h - a body in chunks, decoded as it comes in.
 *
 * Source: RFC 9112 section 7.1, strictly: lines end with CR LF, a size is hexadecimal digits and
 * nothing else, extensions are of the form of section 7.1.1 and ignored, trailers are header fields
 * and dropped. A pure function: no socket, no clock, no memory. */
#ifndef ONRAMP_HTTP_CHUNKS_H
#define ONRAMP_HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHUNK_LINE_MAX = 1024,       /* octets of a line with a size and its extensions */
    CHUNK_EXTRAS_MAX = 16 * 1024 /* octets of all extensions, and of all trailers */
};

enum chunk_verdict {
    CHUNKS_MORE, /* nothing wrong so far */
    CHUNKS_DATA, /* data and data_length name octets of the body; go on behind them */
    CHUNKS_DONE,
    CHUNKS_MALFORMED,
    CHUNKS_TOO_LARGE /* extensions or trailers */
};

struct chunks {
    int state;
    bool sized;      /* the size has a digit */
    uint64_t left;   /* octets of the chunk that are to come; or its size so far */
    uint32_t line;   /* octets of this line so far */
    uint32_t extras; /* octets of extensions and trailers so far */
};

/* Read the first size octets of in. used tells how many of them were read; with CHUNKS_DATA the
 * last *data_length of these belong to the body. A zeroed struct chunks stands before the first
 * chunk. */
enum chunk_verdict chunks_read(struct chunks *chunks, const char *in, size_t size, size_t *used,
                               const char **data, size_t *data_length);

#endif
