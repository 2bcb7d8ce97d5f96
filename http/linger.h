/* SPDX-License-Identifier: Apache-2.0 */
/* linger.h - sockets whose last answer is on its way while the client still sends.
 *
 * Closing such a socket would reset it, and the kernel would throw the answer away. So its sending
 * side is shut, and what still comes is read and dropped for a moment (RFC 9112 section 9.6). */
#ifndef ONRAMP_HTTP_LINGER_H
#define ONRAMP_HTTP_LINGER_H

#include "http/shares.h"

#include <stdatomic.h>
#include <stdint.h>

struct lingering;

struct lingers {
    int epoll_fd;          /* of the loop */
    struct shares *shares; /* where each counts for its address, or NULL */
    atomic_uint *open;     /* where each counts as a connection */
    struct lingering *first;
    unsigned count;
};

/* Take over a socket, whose sending side is shut or will be; it is closed in the end. of: the
 * address whose share it has, which is given back then; or NULL. */
void linger_begin(struct lingers *lingers, int fd, const struct address *of, int64_t now);

/* Close those whose time is over. */
void lingers_tend(struct lingers *lingers, int64_t now);

/* Close all. */
void lingers_close(struct lingers *lingers);

#endif
