/* SPDX-License-Identifier: Apache-2.0 */
/* rate_limit.h - how many requests a caller may make: a token bucket a bearer token, and one a
 * partner for its signed callbacks.
 *
 * A bucket holds a quota of requests and is filled up evenly within a window. It is kept as one
 * instant, when it will be full again. The buckets are the process's, shared by its loops without a
 * lock; several servers of one database have buckets of their own. Only who has been verified gets
 * one, and their number is bounded: where a newcomer finds no room, the bucket of its neighbours
 * that is nearest to full is forgotten. */
#ifndef ONRAMP_API_RATE_LIMIT_H
#define ONRAMP_API_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct caller;

/* So many requests within so long; 0: no limit. */
struct rate {
    uint32_t quota;
    uint32_t window_seconds;
};

extern const struct rate rate_usual; /* 1000/10s */

/* Read "1000/10s" (s, m or h), or "off". False: it is neither. */
bool rate_read(struct rate *out, const char *text);
/* Whether it can be read. */
bool rate_valid(const char *text);

/* What is left to a caller after a request was looked at. */
struct rate_state {
    bool counted;  /* there is a limit, and it is known whose */
    bool exceeded; /* this request is one too many; it takes nothing from the bucket */
    uint32_t remaining;
    uint32_t full_seconds;  /* until the bucket is full again, rounded up */
    uint32_t retry_seconds; /* until there is one more; 0 when there is */
};

/* The decision, without a clock or a table: *full_at is when the bucket will be full, in
 * microseconds of the clock of now; it is moved when the request is let pass. */
struct rate_state rate_decide(struct rate rate, int64_t *full_at, int64_t now);

struct rate_limits;

/* Buckets of that rate; NULL where there is no limit. */
struct rate_limits *rate_limits_new(struct rate rate);
void rate_limits_free(struct rate_limits *limits);

/* Count a request of a verified caller. now: microseconds, monotonic. limits may be NULL. */
struct rate_state rate_limits_count(struct rate_limits *limits, const struct caller *caller,
                                    int64_t now);

/* The header fields of draft-ietf-httpapi-ratelimit-headers-10: the quota (q) and its window in
 * seconds (w); what is left (r), and the seconds until all of it is there again (t). */
enum { RATE_FIELD_MAX = 64 };
const char *rate_policy_text(const struct rate_limits *limits); /* borrowed */
void rate_state_write(char out[RATE_FIELD_MAX], const struct rate_state *state);

#endif
