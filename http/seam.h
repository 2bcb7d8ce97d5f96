/* SPDX-License-Identifier: Apache-2.0 */
/* seam.h - whose recv it is.
 *
 * The program defines recv, which libmicrohttpd's shared object then calls in place of libc's. For
 * a descriptor that is registered here the connection reads; for any other the kernel does. */
#ifndef ONRAMP_HTTP_SEAM_H
#define ONRAMP_HTTP_SEAM_H

#include <stdbool.h>

struct connection;

/* Route reads of the descriptor to the connection. False: there is no room for its number. */
bool seam_register(int fd, struct connection *connection);

/* Before the descriptor is closed; nothing is done where it is another connection's by now. */
void seam_forget(int fd, struct connection *connection);

/* Calls of recv that were routed, by this thread. */
unsigned long seam_calls(void);

#endif
