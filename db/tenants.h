/* SPDX-License-Identifier: Apache-2.0 */
/* tenants.h - queries that wait for sessions of one kind, in the turns of their tenants.
 *
 * Each tenant has a queue of its own. The queues have turns (deficit round robin, Shreedhar and
 * Varghese 1995), and what a turn is worth is measured database time, not a number of queries: a
 * tenant pays an estimate when a query is taken, which is what its queries have taken lately, and
 * the difference when the query is done.
 *
 * A tenant whose queries take long, by themselves and beside those of others, is a lasting one: its
 * queries share no statement, transaction or session, and hold half of the sessions at most, so
 * that whoever comes finds one. Tenant 0 is the server itself, which is never a lasting one.
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
    int64_t cost;       /* what one is expected to take */
    int64_t credit;     /* what the tenant may take before others have their turn */
};

struct tenants {
    struct tenant *buckets[TENANT_BUCKETS];
    struct tenant *turn; /* whose it is; NULL: nothing waits */
    size_t waiting;      /* queries */
    size_t known;        /* tenants that are remembered */
    int64_t least;       /* what the queries take that take least; rises slowly */
    unsigned lasting;    /* queries of lasting tenants that are under way */
    unsigned lasting_most;
};

/* For so many sessions. */
void tenants_begin(struct tenants *tenants, int sessions);

/* No query may wait or be under way. */
void tenants_free(struct tenants *tenants);

/* How many queries of the tenant wait. */
size_t tenants_waiting(const struct tenants *tenants, uint64_t key);

/* Let the query wait in the queue of query->tenant: behind its others, or first. */
void tenants_enter(struct tenants *tenants, struct query *query, bool first);

/* The next query in turn, which is under way then, and query->lasting says whether its tenant is a
 * lasting one; those are passed over unless lasting. NULL: none that may go waits. */
struct query *tenants_take(struct tenants *tenants, bool lasting);

/* The query, which waits, waits no longer. */
void tenants_leave(struct query *query);

/* The query, which was under way, is done: it took so long; -1: not known. */
void tenants_done(struct query *query, int64_t took);

#endif
