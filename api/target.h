/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - the request target taken apart: raw path segments and query parameters.
 *
 * The target has passed head_scan, so that escapes are whole and %00 does not occur. Segments are
 * taken apart before anything is decoded, and in them only escapes of unreserved characters are
 * (RFC 3986 section 6.2.2.2): an escaped slash stays what it is and matches nothing. */
#ifndef ONRAMP_API_TARGET_H
#define ONRAMP_API_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { SEGMENTS_MAX = 8, PAIRS_MAX = 32 };

struct pair {
    const char *name, *value; /* decoded */
    const char *raw;          /* "name=value" as it stood */
};

struct target {
    const char *path; /* raw, as it stood, without the query */
    size_t segment_count;
    const char *segments[SEGMENTS_MAX]; /* "v1", "circuits", ... */
    const char *query;                  /* raw, without the question mark; "" for none */
};

/* Take a target apart. False when the path has more segments than any route. */
bool target_read(struct target *out, struct arena *arena, const char *raw);

enum query_verdict { QUERY_GOOD, QUERY_TOO_MANY, QUERY_NOT_TEXT };

/* The parameters of a query, decoded (`+` is a space, as forms write it). Not text: a value that is
 * not UTF-8. */
enum query_verdict query_read(struct pair pairs[PAIRS_MAX], size_t *count, struct arena *arena,
                              const char *query);

#endif
