/* SPDX-License-Identifier: Apache-2.0 */
/* embedded.h - the private PostgreSQL that the daemon starts, watches and stops.
 *
 * It is a child of the daemon: it stops when the daemon stops, however that happens, and when it
 * dies it is started again, at once the first time and then more and more slowly. Every function
 * belongs to the main thread of the process. */
#ifndef ONRAMP_DB_EMBEDDED_EMBEDDED_H
#define ONRAMP_DB_EMBEDDED_EMBEDDED_H

#include "db/embedded/cluster.h"

struct embedded;

struct embedded_settings {
    const char *state;       /* absolute path; this process holds its lock */
    cluster_say *say;        /* reasons and progress; borrowed for good */
    bool (*cancelled)(void); /* asked while something is waited for; true gives up */
};

/* Make the cluster when there is none, wait until a server that a killed daemon left behind has
 * gone, start, wait until it answers, make the database. NULL after saying why. */
struct embedded *embedded_start(const struct embedded_settings *settings);

/* Whether this start has made the cluster. */
bool embedded_is_new(const struct embedded *embedded);

/* Look after the child: to be called on SIGCHLD and when the time that it returned has passed
 * (milliseconds; -1: only on SIGCHLD). */
int embedded_tend(struct embedded *embedded);

/* Connection string for a role (CLUSTER_ADMIN, CLUSTER_DAEMON) on the database. The caller frees
 * it. */
char *embedded_conninfo(const struct embedded *embedded, const char *role);

/* Stop it (a fast shutdown, by force after five minutes) and free everything. */
void embedded_stop(struct embedded *embedded);

#endif
