/* SPDX-License-Identifier: Apache-2.0 */
/* sender.h - the thread that delivers webhooks.
 *
 * It has an epoll of its own, database lanes of its own, and all its HTTP requests at once. It
 * claims what is due for the time of a lease, signs and posts it, and records what came of it with
 * the fence of its claim. The claim is committed before anything is sent, no transaction is open
 * while something is sent, and what a sender leaves behind when it dies is claimed again by another
 * one, or by its successor, when the lease has ended: at least once. */
#ifndef ONRAMP_WEBHOOKS_SENDER_H
#define ONRAMP_WEBHOOKS_SENDER_H

#include "webhooks/schedule.h"

struct sender;

struct sender_settings {
    const char *conninfo; /* libpq, role included; borrowed while the sender runs */
    struct schedule schedule;
    int64_t timeout_ms;       /* for one attempt in all; a third of it, to connect */
    int64_t disable_after_ms; /* of nothing but failures, an endpoint is disabled */
    const char *ca;           /* file of certificates to trust; NULL: the system's; borrowed */
    /* One line for the operator's log; level is a syslog(3) level. Any thread. */
    void (*log)(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
};

/* Start the thread. NULL after logging why not. */
struct sender *sender_start(const struct sender_settings *settings);

/* Something may be due now. Any thread; without a sender (NULL) nothing happens. Without it, what
 * comes to be due is noticed within a second. */
void sender_poke(struct sender *sender);

/* Ask it to claim no more, and to end when what is under way is recorded, at the latest after
 * grace_seconds. Returns at once. */
void sender_leave(struct sender *sender, int grace_seconds);

/* Wait until it has ended, after sender_leave, and free it. */
void sender_end(struct sender *sender);

#endif
