/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - whether a server still answers: a connection that is opened for this alone.
 *
 * A server that hangs (stopped, its disk gone, its machine suspended) keeps its connections: the
 * kernel acknowledges what is sent, so that no time-out of TCP ends them, and the server's own
 * limits on statements hang with it. But it does not answer a new connection. Whatever it answers,
 * also a refusal, it is there. */
#ifndef ONRAMP_DB_PROBE_H
#define ONRAMP_DB_PROBE_H

#include "base/watch.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct conninfo;

enum { PROBE_PATIENCE = 1500 }; /* milliseconds for the answer */

struct probe {
    struct watch watch; /* first */
    int epoll_fd;
    PGconn *pg; /* NULL: none is under way */
    int fd;
    int64_t give_up_at;
};

void probe_init(struct probe *probe, int epoll_fd);

/* Ask the server that a connection leads to, by a connection that is opened in the same way. None
 * may be under way. */
void probe_begin(struct probe *probe, const struct conninfo *conninfo, const PGconn *connection,
                 int64_t now);

/* Whether the connection leads to the server that is being asked. */
bool probe_asks(const struct probe *probe, const PGconn *connection);

/* Whether the time for an answer has passed. */
bool probe_unanswered(const struct probe *probe, int64_t now);

void probe_end(struct probe *probe);

#endif
