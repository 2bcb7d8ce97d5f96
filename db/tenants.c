/* SPDX-License-Identifier: Apache-2.0 */
#include "db/tenants.h"

#include <stdlib.h>
#include <string.h>

/* Microseconds. */
enum {
    QUANTUM = 1000,      /* of a turn */
    COST_FIRST = 200,    /* of a query of a tenant that nothing is known of */
    COST_MOST = 1000000, /* that one query is charged with */
    LASTING = 5000       /* of a lasting tenant's queries at least */
};

enum {
    LASTING_TIMES = 8,  /* and so many times as much as of those that take least */
    LEAST_RISES = 1024, /* in so many queries the least is forgotten */

    KNOWN_MAX = 8192 /* tenants that are remembered though they have nothing to do */
};

void tenants_begin(struct tenants *tenants, int sessions)
{
    *tenants = (struct tenants){.lasting_most = sessions > 1 ? (unsigned)sessions / 2 : 1};
}

static bool is_idle(const struct tenant *tenant)
{
    return tenant->waiting.count == 0 && tenant->under_way == 0;
}

/* Forget the idle tenants of a bucket, or of all. */
static void forget(struct tenants *tenants, struct tenant **bucket)
{
    while (*bucket != NULL) {
        struct tenant *tenant = *bucket;
        if (is_idle(tenant)) {
            *bucket = tenant->chain;
            free(tenant);
            tenants->known--;
        } else {
            bucket = &tenant->chain;
        }
    }
}

void tenants_free(struct tenants *tenants)
{
    for (size_t i = 0; i < TENANT_BUCKETS; i++)
        forget(tenants, &tenants->buckets[i]);
    if (tenants->known > 0)
        abort();
}

static struct tenant *find(const struct tenants *tenants, uint64_t key)
{
    struct tenant *tenant = tenants->buckets[key % TENANT_BUCKETS];
    while (tenant != NULL && tenant->key != key)
        tenant = tenant->chain;
    return tenant;
}

static struct tenant *tenant_of(struct tenants *tenants, uint64_t key)
{
    struct tenant *tenant = find(tenants, key);
    struct tenant **bucket = &tenants->buckets[key % TENANT_BUCKETS];
    if (tenant != NULL)
        return tenant;
    if (tenants->known >= KNOWN_MAX)
        forget(tenants, bucket);
    tenant = calloc(1, sizeof *tenant);
    if (tenant == NULL)
        abort();
    *tenant = (struct tenant){
        .key = key, .of = tenants, .chain = *bucket, .cost = COST_FIRST, .credit = QUANTUM};
    *bucket = tenant;
    tenants->known++;
    return tenant;
}

size_t tenants_waiting(const struct tenants *tenants, uint64_t key)
{
    const struct tenant *tenant = find(tenants, key);
    return tenant != NULL ? tenant->waiting.count : 0;
}

/* --- the ring --- */

/* The last turn of all is its. */
static void ring_enter(struct tenants *tenants, struct tenant *tenant)
{
    struct tenant *turn = tenants->turn;
    if (turn == NULL) {
        tenant->next = tenant->previous = tenants->turn = tenant;
        return;
    }
    tenant->next = turn;
    tenant->previous = turn->previous;
    turn->previous->next = tenant;
    turn->previous = tenant;
}

static void ring_leave(struct tenants *tenants, struct tenant *tenant)
{
    if (tenants->turn == tenant)
        tenants->turn = tenant->next != tenant ? tenant->next : NULL;
    tenant->previous->next = tenant->next;
    tenant->next->previous = tenant->previous;
    tenant->next = tenant->previous = NULL;
}

/* --- waiting --- */

void tenants_enter(struct tenants *tenants, struct query *query, bool first)
{
    struct tenant *tenant = tenant_of(tenants, query->tenant);
    if (tenant->waiting.count == 0) {
        ring_enter(tenants, tenant);
        if (tenant->credit > QUANTUM) /* nothing is saved up */
            tenant->credit = QUANTUM;
    }
    if (first)
        queue_prepend(&tenant->waiting, query);
    else
        queue_append(&tenant->waiting, query);
    query->of = tenant;
    tenants->waiting++;
}

static void waits_no_longer(struct query *query)
{
    struct tenant *tenant = query->of;
    queue_leave(query);
    tenant->of->waiting--;
    if (tenant->waiting.count == 0)
        ring_leave(tenant->of, tenant);
}

void tenants_leave(struct query *query)
{
    waits_no_longer(query);
    query->of = NULL;
}

/* --- taking --- */

static bool is_lasting(const struct tenant *tenant)
{
    return tenant->key != 0 && tenant->cost >= LASTING &&
           tenant->cost >= LASTING_TIMES * tenant->of->least;
}

static bool may_go(const struct tenant *tenant, bool lasting)
{
    return !is_lasting(tenant) || (lasting && tenant->of->lasting < tenant->of->lasting_most);
}

/* All turns that would pass until one of those that may go has credit again. */
static void turns_pass(struct tenants *tenants, int64_t most)
{
    int64_t rounds = -most / QUANTUM + 1;
    struct tenant *tenant = tenants->turn;
    do {
        int64_t credit = tenant->credit + rounds * QUANTUM;
        tenant->credit = credit < QUANTUM ? credit : QUANTUM;
        tenant = tenant->next;
    } while (tenant != tenants->turn);
}

/* The next in turn that may go, with credit; NULL when there is none. most gets the highest credit
 * of those that may go and have none. */
static struct tenant *next_in_turn(const struct tenants *tenants, bool lasting, int64_t *most)
{
    struct tenant *tenant = tenants->turn;
    *most = INT64_MIN;
    if (tenant == NULL)
        return NULL;
    do {
        if (may_go(tenant, lasting)) {
            if (tenant->credit > 0)
                return tenant;
            if (tenant->credit > *most)
                *most = tenant->credit;
        }
        tenant = tenant->next;
    } while (tenant != tenants->turn);
    return NULL;
}

struct query *tenants_take(struct tenants *tenants, bool lasting)
{
    int64_t most;
    struct tenant *tenant = next_in_turn(tenants, lasting, &most);
    if (tenant == NULL && most > INT64_MIN) {
        turns_pass(tenants, most);
        tenant = next_in_turn(tenants, lasting, &most);
    }
    if (tenant == NULL)
        return NULL;
    struct query *query = tenant->waiting.first;
    query->estimate = tenant->cost;
    tenant->credit -= query->estimate;
    tenant->under_way++;
    query->lasting = is_lasting(tenant);
    tenants->lasting += query->lasting;
    waits_no_longer(query);
    if (tenant->next != NULL) /* its turn goes on as long as it has credit */
        tenants->turn = tenant->credit > 0 ? tenant : tenant->next;
    return query;
}

void tenants_done(struct query *query, int64_t took)
{
    struct tenant *tenant = query->of;
    query->of = NULL;
    tenant->under_way--;
    tenant->of->lasting -= query->lasting;
    query->lasting = false;
    if (took < 0)
        return;
    if (took > COST_MOST)
        took = COST_MOST;
    struct tenants *tenants = tenant->of;
    tenants->least = took < tenants->least || tenants->least == 0
                         ? took
                         : tenants->least + (took - tenants->least) / LEAST_RISES;
    tenant->credit -= took - query->estimate;
    /* At most twice as much and a little more: what several had under way together is put down to
     * all of them, and one of them may have waited for a lock. What always takes long is known soon
     * all the same. */
    int64_t most = 2 * tenant->cost + COST_FIRST;
    if (took > most)
        took = most;
    tenant->cost = took > tenant->cost ? took : (3 * tenant->cost + took) / 4;
    if (tenant->cost < 1)
        tenant->cost = 1;
}
