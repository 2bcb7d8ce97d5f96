/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - when a webhook is tried again: a decision, without clock, network or database. */
#ifndef ONRAMP_WEBHOOKS_SCHEDULE_H
#define ONRAMP_WEBHOOKS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { SCHEDULE_ATTEMPTS = 64, JITTER_PERCENT = 20, RETRY_AFTER_HOURS = 24 };

/* The waits before each attempt, in milliseconds, counted from the end of the one before. The first
 * attempt waits for nothing. */
struct schedule {
    int64_t waits[SCHEDULE_ATTEMPTS];
    int attempts;
};

/* "0,5s,30s,5m,30m,2h,5h,10h,14h,20h,24h" */
extern const char schedule_default[];

/* Read a duration: an integer and its unit, ms, s, m, h or d; 0 needs none. At most a year. False
 * when it is none. */
bool duration_read(int64_t *milliseconds, const char *text);

/* Read waits between commas, the first of them 0. False when they are not. */
bool schedule_read(struct schedule *out, const char *text);

/* The same without the result. */
bool duration_valid(const char *text);
bool schedule_valid(const char *text);

enum verdict { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_EXHAUSTED, VERDICT_GONE };

/* As delivery_record takes it: "delivered", "retry", "exhausted", "gone". Static. */
const char *verdict_name(enum verdict verdict);

/* One attempt that has ended. */
struct attempt {
    int number;              /* of the delivery's attempts, from 1 */
    int status;              /* HTTP status, 0: there was no answer */
    int64_t ended;           /* milliseconds since the epoch */
    const char *retry_after; /* header field as it came, or NULL */
    uint32_t random;         /* for the jitter */
};

/* What to do now. Only 2xx is delivered, a redirect is not; 410 is gone. Otherwise *next is the
 * time of the next attempt, in milliseconds since the epoch: the schedule's wait and up to 20 %
 * more, or what Retry-After asks for (seconds or an HTTP date, RFC 9110, 10.2.3) when that is
 * later, but at most 24 hours. A receiver can make us wait, never hurry. */
enum verdict schedule_judge(const struct schedule *schedule, const struct attempt *attempt,
                            int64_t *next);

#endif
