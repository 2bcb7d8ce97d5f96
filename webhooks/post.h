/* SPDX-License-Identifier: Apache-2.0 */
/* post.h - HTTP POSTs to addresses that strangers chose, many at once, on the caller's epoll.
 *
 * Only destination.h's addresses are connected to, each looked at when its socket is made. There
 * are no redirects, no proxy, no cookies, no authentication, no decompression; HTTP/1.1; TLS 1.2 or
 * later with the host's name verified; at most 64 KiB of an answer are read. libcurl and TLS are
 * set up with the first post, and cost nothing until then.
 *
 * Not thread-safe: one set belongs to one thread. */
#ifndef ONRAMP_WEBHOOKS_POST_H
#define ONRAMP_WEBHOOKS_POST_H

#include <stddef.h>
#include <stdint.h>

struct posts;
struct transfer;

struct posts_settings {
    int64_t connect_ms; /* to connect, TLS included */
    int64_t whole_ms;   /* in all */
    const char *ca;     /* file of certificates to trust; NULL: the system's */
    int connections;    /* kept open at most, while nothing is sent on them */
};

/* What came of a post. Borrowed until done() returns. */
struct post_answer {
    int status;              /* HTTP status of a whole answer; 0: there was none */
    int latency_ms;          /* from the start */
    const char *error;       /* in words, without a line break; NULL: none but the status */
    const char *body;        /* how it begins, octets as they came */
    size_t body_length;      /* at most EXCERPT_OCTETS */
    const char *retry_after; /* header field, or NULL */
};

/* One post. Embedded in its owner, who keeps it and what it points at until done() has run. */
struct post {
    const char *url;
    const char *body;
    size_t body_length;
    const char *const *headers; /* "name: value", NULL-terminated */
    void (*done)(struct post *post, const struct post_answer *answer);
    struct transfer *transfer; /* the set's own */
};

/* A set whose sockets register themselves in the epoll (base/watch.h). Owned by the
 * caller; the settings are copied, what they point at is borrowed. */
struct posts *posts_open(const struct posts_settings *settings, int epoll_fd);

/* Begin. done() runs later, in posts_turn or posts_close, never inside this call. */
void post_begin(struct posts *posts, struct post *post);

/* To be called in every turn of the loop, after the events were dispatched. Returns the
 * milliseconds until it wants to be called again, -1: only on events. */
int posts_turn(struct posts *posts, int64_t now);

/* Break off what is under way, each with an answer of its own, and free the set. */
void posts_close(struct posts *posts);

#endif
