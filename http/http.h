/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the HTTP engine of one event loop.
 *
 * It accepts connections, reads their octets, parses requests strictly, and hands each to an
 * application that it knows by a table of functions. libmicrohttpd writes the answers; README.md in
 * this folder says how the two fit together. An engine belongs to one thread. */
#ifndef ONRAMP_HTTP_HTTP_H
#define ONRAMP_HTTP_HTTP_H

#include "http/head.h"
#include "http/refusal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;
struct exchange;
struct http;
struct shares;

/* What the application does with an exchange, in this order: begin or refuse; ready; then, once its
 * connection is done with it, done. */
struct http_handlers {
    /* The head is whole; method, target and fields are known. */
    void (*begin)(struct exchange *exchange);
    /* All of the request is in. Answer, or keep the exchange and call exchange_send later. */
    void (*ready)(struct exchange *exchange);
    /* The client has ended its side while the answer was made or sent. It may still read. */
    void (*gone)(struct exchange *exchange);
    /* The request is refused, with or without a begin before: answer at once. The connection is
     * closed behind the answer. */
    void (*refuse)(struct exchange *exchange, struct refusal refusal);
    /* Forget it; whatever was begun for it must have ended. */
    void (*done)(struct exchange *exchange);
    /* Header fields that may stand once only; ends with a NULL name. NULL: none but HTTP's own. */
    const struct single_field *singles;
};

struct http_settings {
    const struct http_handlers *handlers;
    void *context;               /* for the handlers, in each exchange */
    int epoll_fd;                /* of the loop; its events point at a struct watch */
    int listen_fd;               /* non-blocking, or -1 */
    unsigned connections;        /* open at a time, at most, of all engines that share the count */
    atomic_uint *open;           /* that count; NULL: this engine's own */
    struct shares *shares;       /* of addresses, shared by all engines; NULL: unlimited */
    const struct block *proxies; /* that may name the client in their place */
    size_t proxy_count;
    int header_seconds; /* time for the head of a request */
    int body_seconds;   /* time until its body is in */
};

/* Start an engine. The settings are copied, what they point at is borrowed. NULL after logging
 * why. */
struct http *http_open(const struct http_settings *settings, int64_t now);

/* Accept connections from the listening socket, or do not for now. */
void http_listen(struct http *http, bool on);

/* Whether it accepts; it also pauses by itself while it has no room. */
bool http_listens(const struct http *http);

/* Take in a connection that was accepted elsewhere. */
void http_adopt(struct http *http, int fd);

/* To be called in every turn of the loop, after its events were dispatched, and again while
 * http_pending. now: milliseconds, monotonic. Returns whether it wants to run again at once. */
bool http_turn(struct http *http, int64_t now);

/* Whether an answer waits for the next http_turn. */
bool http_pending(const struct http *http);

/* To be called several times a second: ends connections whose time is over. */
void http_tend(struct http *http, int64_t now);

/* From now on every answer closes its connection. */
void http_drain(struct http *http);

/* Draining: end the connections that stand idle, with nothing unread. */
void http_end_idle(struct http *http);

/* Connections that are open. */
unsigned http_connections(const struct http *http);

/* Errors that libmicrohttpd raised by itself, which it has no reason to. */
uint64_t http_library_errors(const struct http *http);

/* Have the next http_turn run whether events came or not. */
void http_rouse(struct http *http);

/* Close all connections and free the engine. Every exchange must have its answer. */
void http_close(struct http *http);

#endif
