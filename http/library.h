/* SPDX-License-Identifier: Apache-2.0 */
/* library.h - libmicrohttpd, and the seam through which it reads.
 *
 * The library is run in external-epoll mode without a listening socket. It calls recv for a
 * connection when its epoll says that octets came; that call is ours (seam.c), so that it reads
 * nothing but the canonical requests that connection.c offers it. */
#ifndef ONRAMP_HTTP_LIBRARY_H
#define ONRAMP_HTTP_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct connection;
struct exchange;
struct http;

/* Start the daemon and register it in the loop's epoll. False after logging why. */
bool library_open(struct http *http);

/* Hand it a connection. False: it would not, and has closed the socket. */
bool library_add(struct http *http, struct connection *connection);

/* Have it read the connection again, which no event will tell it to do. Not from inside a turn,
 * but for the connection that the turn is about. */
void library_nudge(struct connection *connection);

/* Have it go on with an exchange that is suspended. */
void library_resume(struct exchange *exchange);

/* Free what it keeps of an exchange that is done. */
void library_forget(struct exchange *exchange);

/* Run what is ready. Returns whether it wants to run again at once. */
bool library_turn(struct http *http);

/* Stop it; no connection may be suspended. */
void library_close(struct http *http);

#endif
