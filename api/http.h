/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the libmicrohttpd daemon of a loop, in external-epoll mode and without a listening
 * socket.
 *
 * A response queued in the first call of the handler closes its connection; so only refusals of the
 * guard are queued there, and everything else when the whole request is in. */
#ifndef ONRAMP_API_HTTP_H
#define ONRAMP_API_HTTP_H

#include <stdbool.h>

struct client;
struct loop;

/* Start the daemon and register it in the loop's epoll. False after logging why. */
bool http_open(struct loop *loop);

/* Hand a client and its socket to the HTTP library. False: it would not, and the client is gone. */
bool http_add(struct client *client);

/* Keep the HTTP library from reading a client without a request under way, and let it go on. */
void http_hold(struct client *client);
void http_release(struct client *client);

/* Put another socket into the place of the client's, which the caller has kept a duplicate of. The
 * client may be held; afterwards it is not. */
void http_detach(struct client *client, int other);

/* Run what is ready: to be called in every turn after the events were dispatched, and again
 * whenever loop->resumed was set. Returns whether it wants to run again at once. */
bool http_turn(struct loop *loop);

/* Close all connections; none may be suspended. */
void http_close(struct loop *loop);

#endif
