/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.h - ask a server to end what a connection has it do, before the connection is given up.
 *
 * A backend does not notice that its client has gone while it waits for a lock or, in a commit, for
 * a standby: it would go on to hold its locks and one of the server's connections. */
#ifndef ONRAMP_DB_CANCEL_H
#define ONRAMP_DB_CANCEL_H

#include <libpq-fe.h>

/* Send the request from a thread of its own, because libpq waits for the server to take it. The
 * connection may be closed as soon as this returns. */
void cancel_send(PGconn *connection);

#endif
