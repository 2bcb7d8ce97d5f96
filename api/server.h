/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the HTTP side of the daemon as its main thread sees it.
 *
 * The main thread handles signals and the embedded PostgreSQL; the server's loops run in threads of
 * their own, one epoll, one HTTP engine and one set of database lanes each. */
#ifndef ONRAMP_API_SERVER_H
#define ONRAMP_API_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limits;
struct block;
struct catalogue_news;
struct sender;
struct shares;

enum { SERVER_LOOPS_MAX = 64, CONNECTIONS_PER_ADDRESS_MAX = 1000000 };

struct server_settings {
    const char *conninfo;             /* libpq, role included; borrowed while the server runs */
    const char *listen;               /* address, "127.0.0.1" or "::" */
    uint16_t port;                    /* 0: the kernel chooses */
    int loops;                        /* event loops, SERVER_LOOPS_MAX at most; 0: half of the
                                       * processors, at least one */
    int header_seconds;               /* time for the request's head; 0: 10 */
    int body_seconds;                 /* time until the body is in; 0: 30 */
    int operation_seconds;            /* time for the database's answer; 0: 10 */
    int heartbeat_seconds;            /* between signs of life on an event stream; 0: 15 */
    unsigned connections;             /* open connections in all; 0: 10000 */
    atomic_uint *open;                /* how many are, set by the server itself */
    atomic_llong *storage_full_at;    /* as in lanes_settings, set by the server itself */
    atomic_bool *commits_doubted;     /* likewise */
    atomic_llong *hang_seen_at;       /* a write: when a look has found it first; likewise */
    atomic_bool *commits_wait;        /* likewise */
    struct catalogue_news *catalogue; /* which one it is, set by the server itself */
    struct shares *shares;            /* of addresses in them; NULL: unlimited */
    const struct block *proxies;      /* that may name the client in their place */
    size_t proxy_count;
    struct rate_limits *rates; /* of callers; NULL: no limit */
    struct sender *sender;     /* of webhooks, to be poked when events are published; or NULL */
};

struct server;

/* Bind, listen and start the loops. Returns NULL after logging why (port taken, bad address). */
struct server *server_start(const struct server_settings *settings);

/* The port that is listened on, also when the kernel chose it. */
uint16_t server_port(const struct server *server);

/* Whether every loop has its database connections, which is what /readyz answers. Any thread. */
bool server_ready(const struct server *server);

/* Stop accepting, answer what is in flight (at most grace_seconds), stop the loops, free. */
void server_stop(struct server *server, int grace_seconds);

#endif
