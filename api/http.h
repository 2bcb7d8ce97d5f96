/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the libmicrohttpd daemons of a loop, in external-epoll mode and without a listening
 * socket.
 *
 * There are two, because a daemon gives every connection as much memory as the largest head needs,
 * and clears all of it after each request: the narrow one serves the connections that have sent
 * nothing but small heads, the roomy one the others.
 *
 * A response queued in the first call of the handler closes its connection; so only refusals of the
 * guard are queued there, and everything else when the whole request is in. */
#ifndef ONRAMP_API_HTTP_H
#define ONRAMP_API_HTTP_H

#include "db/lane.h"

#include <stdbool.h>
#include <stddef.h>

struct MHD_Daemon;
struct client;
struct head;
struct loop;
struct request;

struct http {
    struct watch watch;
    struct MHD_Daemon *daemon;
    bool ready;              /* it has something to do */
    struct request *heading; /* the last one whose head it is reading, or NULL */
    unsigned heads;          /* how many such there are */
};

/* Start the daemons and register them in the loop's epoll. False after logging why. */
bool http_open(struct loop *loop);

/* The daemon that has room for a head which stands at the beginning of so many unread octets. */
struct http *http_for(struct loop *loop, const struct head *head, size_t octets);

/* Hand a client and its socket to a daemon. False: it would not, and the client is gone. */
bool http_add(struct http *http, struct client *client);

/* Keep the HTTP library from reading a client without a request under way. */
void http_hold(struct client *client);

/* Let it go on with a client that is suspended, for that or for an answer that has come. */
void http_release(struct client *client);

/* Put another socket into the place of the client's, which the caller has kept a duplicate of. The
 * client may be held; afterwards it is not. */
void http_detach(struct client *client, int other);

/* Have the next turn run all, whether events came or not. */
void http_wake(struct loop *loop);

/* Run what is ready: to be called in every turn after the events were dispatched, and again
 * whenever loop->resumed was set. Returns whether it wants to run again at once. */
bool http_turn(struct loop *loop);

/* Close all connections; none may be suspended. */
void http_close(struct loop *loop);

#endif
