/* SPDX-License-Identifier: Apache-2.0 */
/* tenants.h - queries that wait for sessions of one kind, in the turns of their tenants.
 *
 * Each tenant has a queue of its own. The queues have turns (deficit round robin, Shreedhar and
 * Varghese 1995), and what a turn is worth is measured database time, not a number of queries: a
 * tenant pays an estimate when a query is taken, which is what its queries have taken lately, and
 * the difference when the query is done. While others have something to do, a tenant has at most
 * half of the time that may be under way; with queries that take long, it has no more at any time,
 * so that whoever comes finds a session. Tenant 0 is the server itself, which is not limited.
 *
 * Times are microseconds. Nothing here reads a clock. */
#ifndef ONRAMP_DB_TENANTS_H
#define ONRAMP_DB_TENANTS_H

#include "db/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TENANT_BUCKETS = 256 };

struct tenant {
    uint64_t key;
    struct tenants *of;
    struct tenant *chain;           /* in the same bucket */
    struct tenant *next, *previous; /* of those that have queries waiting, in a ring; or NULL */
    struct queue waiting;
    unsigned under_way; /* queries that were taken and are not done */
    int64_t sent;       /* what they are expected to take */
    int64_t cost;       /* what one is expected to take */
    int64_t credit;     /* what the tenant may take before others have their turn */
};

struct tenants {
    struct tenant *buckets[TENANT_BUCKETS];
    struct tenant *turn; /* whose it is; NULL: nothing waits */
    size_t waiting;      /* queries */
    size_t busy;         /* tenants that have something waiting or under way */
    size_t known;        /* tenants that are remembered */
    int64_t half;        /* what a tenant may have under way */
};

/* half: see above; INT64_MAX for no such limit. */
void tenants_begin(struct tenants *tenants, int64_t half);

/* No query may wait or be under way. */
void tenants_free(struct tenants *tenants);

/* How many queries of the tenant wait. */
size_t tenants_waiting(const struct tenants *tenants, uint64_t key);

/* Let the query wait in the queue of query->tenant: behind its others, or first. */
void tenants_enter(struct tenants *tenants, struct query *query, bool first);

/* The next query that is expected to take no more than room, or, with any, the next one whatever it
 * takes. It is under way then. NULL: none that may go waits. */
struct query *tenants_take(struct tenants *tenants, int64_t room, bool any);

/* The query, which waits, waits no longer. */
void tenants_leave(struct query *query);

/* The query, which was under way, is done: it took so long; -1: not known. */
void tenants_done(struct query *query, int64_t took);

#endif
