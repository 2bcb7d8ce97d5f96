/* SPDX-License-Identifier: Apache-2.0 */
#include "api/chore.h"

#include "api/loop.h"
#include "base/arena.h"
#include "base/log.h"
#include "circuits/circuit.h"
#include "circuits/event.h"
#include "db/conditional.h"
#include "db/rows.h"
#include "partners/callback.h"
#include "webhooks/delivery.h"

#include <stdlib.h>
#include <string.h>

enum { CHORES = 6, DEADLINE_MS = 30000 };

static const struct operation *const operations[CHORES] = {
    &circuit_stall, &callback_memory_sweep, &idempotency_sweep,
    &feed_sweep,    &delivery_sweep,        &event_month_sweep};
static const int64_t periods_ms[CHORES] = {10000, 60000, 60000, 60000, 60000, 60000};

struct chore {
    struct query query; /* first: the callbacks know the chore by it */
    struct arena *arena;
    struct faults faults;
    struct call call;
    int64_t next;
    bool waiting, failing;
};

struct chores {
    struct chore items[CHORES];
};

static const struct caller nobody;

const struct operation *const *chores_operations(size_t *count)
{
    *count = CHORES;
    return operations;
}

struct chores *chores_new(void)
{
    struct chores *chores = calloc(1, sizeof *chores);
    if (!chores)
        abort();
    for (int i = 0; i < CHORES; i++)
        chores->items[i].arena = arena_new();
    return chores;
}

void chores_free(struct chores *chores)
{
    if (!chores)
        return;
    for (int i = 0; i < CHORES; i++) {
        if (chores->items[i].waiting)
            abort();
        arena_free(chores->items[i].arena);
    }
    free(chores);
}

static void ended(struct query *query, const char *why)
{
    struct chore *chore = (struct chore *)query;
    chore->waiting = false;
    if (why && !chore->failing)
        log_line(LOG_WARNING, "%s fails: %s", query->operation->name, why);
    if (!why && chore->failing)
        log_line(LOG_NOTICE, "%s works again", query->operation->name);
    chore->failing = why != NULL;
}

static void on_rows(struct query *query, const struct rows *rows)
{
    bool ok = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0;
    const char *did = ok ? strchr(rows_text(rows, 0, COLUMN_FACTS), ':') : NULL;
    struct chore *chore = (struct chore *)query;
    /* As much as one transaction takes: there may be more. */
    if (did && strtol(did + 1, NULL, 10) >= strtol(call_value(&chore->call, "limit"), NULL, 10))
        chore->next = 0;
    ended(query, ok ? NULL : "it did not answer 'ok'");
}

static void on_failure(struct query *query, enum failure failure)
{
    ended(query, failure_text(failure));
}

static void submit(struct chore *chore, const struct operation *operation, struct loop *loop)
{
    chore->waiting = true;
    arena_reset(chore->arena);
    chore->faults = (struct faults){.arena = chore->arena};
    chore->call = (struct call){
        .operation = operation, .arena = chore->arena, .faults = &chore->faults, .caller = &nobody};
    operation->complete(&chore->call);
    chore->query = (struct query){.operation = operation,
                                  .values = chore->call.values,
                                  .deadline = loop->now + DEADLINE_MS,
                                  .on_rows = on_rows,
                                  .on_failure = on_failure};
    lanes_submit(loop->lanes, &chore->query);
}

void chores_turn(struct chores *chores, struct loop *loop)
{
    if (!chores || loop->draining || !lanes_ready(loop->lanes))
        return;
    for (int i = 0; i < CHORES; i++) {
        struct chore *chore = &chores->items[i];
        if (chore->waiting || loop->now < chore->next)
            continue;
        chore->next = loop->now + periods_ms[i];
        submit(chore, operations[i], loop);
    }
}
