/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - one TCP connection of a loop.
 *
 * A new connection waits at the gate until the head of its first request is whole and well-formed:
 * its bytes are looked at without being taken (MSG_PEEK). What is refused there is answered by us
 * in full, and closed without losing the answer; what passes is handed to the HTTP library, socket
 * and all. Between two requests the library is kept from reading, until the next head has been
 * looked at in the same way; only a client that does not wait for answers it reads by itself, and
 * the guard looks alone. The reaper enforces the deadlines. */
#ifndef ONRAMP_API_CLIENT_H
#define ONRAMP_API_CLIENT_H

#include "api/head.h"
#include "db/lane.h"

#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;
struct http;
struct loop;
struct request;

enum client_phase {
    CLIENT_GATE,     /* the first head is not yet whole */
    CLIENT_SERVED,   /* with the HTTP library, which owns the socket now */
    CLIENT_HELD,     /* the same, suspended until a later head is whole */
    CLIENT_LINGERING /* answered by us; what still comes in is thrown away */
};

struct client {
    struct watch watch;
    struct loop *loop;
    struct client *next, *previous;
    enum client_phase phase;
    int fd;
    bool ahead;  /* it sends requests without waiting for answers: the library reads on by itself */
    bool missed; /* events that came while a request was under way, or the end with its head */
    bool placed; /* while held: that the library has read nothing of the next request */
    int looks;   /* at the head that is coming in */
    int64_t deadline;                  /* milliseconds, monotonic; INT64_MAX: none */
    uint64_t lingered;                 /* octets thrown away */
    uint64_t consumed;                 /* octets of all requests that are done */
    struct request *request;           /* under way, or NULL */
    struct MHD_Connection *connection; /* while it is served */
    struct http *http;                 /* that serves it, or NULL */
};

/* Accept what waits in the listening socket. */
void clients_accept(struct loop *loop);

/* Take in a connection that was accepted. */
void client_accept(struct loop *loop, int fd);

/* Begin or end to look at the listening socket. */
void clients_listen(struct loop *loop, bool on);

/* Write a refusal to the client's socket, past the HTTP library, and send no more. target: of the
 * request, or NULL. */
void client_answer(struct client *client, struct refusal refusal, const char *target,
                   size_t target_length);

/* Forget a client; its socket is closed or another's. */
void client_free(struct client *client);

/* A request of a served client is done, and its connection is kept: keep the HTTP library from
 * reading it until we have looked at the next head. */
void client_rest(struct client *client);

/* End the clients whose deadline has passed. */
void clients_reap(struct loop *loop);

/* Draining: end the clients that have no request under way. */
void clients_end_idle(struct loop *loop);

/* Stopping for good: give those that are held back to the HTTP library, before it is closed. */
void clients_release(struct loop *loop);

/* Stopping for good: close those that the HTTP library does not own. */
void clients_close(struct loop *loop);

#endif
