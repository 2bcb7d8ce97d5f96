/* SPDX-License-Identifier: Apache-2.0 */
#include "api/maintenance.h"

#include "api/loop.h"
#include "base/log.h"
#include "circuits/circuit.h"
#include "circuits/event.h"
#include "db/rows.h"
#include "operations/conditional.h"
#include "partners/callback.h"
#include "webhooks/delivery.h"

#include <stdlib.h>
#include <string.h>

enum { JOBS = 6, DEADLINE_MS = 30000 };

static const struct {
    const struct operation *operation;
    int64_t period_ms;
    const char *limit; /* as much in one transaction as keeps it, and its locks, short */
} table[JOBS] = {
    {.operation = &circuit_stall, .period_ms = 10 * 1000, .limit = "100"},
    {.operation = &callback_memory_sweep, .period_ms = 60 * 1000, .limit = "1000"},
    {.operation = &idempotency_sweep, .period_ms = 60 * 1000, .limit = "1000"},
    {.operation = &feed_sweep, .period_ms = 60 * 1000, .limit = "1000"},
    {.operation = &delivery_sweep, .period_ms = 60 * 1000, .limit = "1000"},
    {.operation = &event_month_sweep, .period_ms = 60 * 1000, .limit = "1"},
};

struct job {
    struct query query; /* first: the callbacks know the job by it */
    const char *values[1];
    int64_t next;
    bool waiting, failing;
};

struct maintenance {
    struct job items[JOBS];
};

const struct operation *maintenance_operation(size_t index)
{
    return index < JOBS ? table[index].operation : NULL;
}

struct maintenance *maintenance_new(void)
{
    struct maintenance *maintenance = calloc(1, sizeof *maintenance);
    if (!maintenance)
        abort();
    return maintenance;
}

void maintenance_free(struct maintenance *maintenance)
{
    if (!maintenance)
        return;
    for (int i = 0; i < JOBS; i++)
        if (maintenance->items[i].waiting)
            abort();
    free(maintenance);
}

static void ended(struct query *query, const char *why)
{
    struct job *job = (struct job *)query;
    job->waiting = false;
    if (why && !job->failing)
        log_line(LOG_WARNING, "%s fails: %s", query->statement->name, why);
    if (!why && job->failing)
        log_line(LOG_NOTICE, "%s works again", query->statement->name);
    job->failing = why != NULL;
}

static void on_rows(struct query *query, const struct rows *rows)
{
    struct job *job = (struct job *)query;
    bool ok = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0;
    /* As much as one transaction takes: there may be more. */
    if (ok &&
        strtol(rows_text(rows, 0, COLUMN_FIRST), NULL, 10) >= strtol(job->values[0], NULL, 10))
        job->next = 0;
    ended(query, ok ? NULL : "it did not answer 'ok'");
}

static void on_failure(struct query *query, enum failure failure)
{
    ended(query, failure_text(failure));
}

static void submit(struct job *job, int index, struct loop *loop)
{
    job->waiting = true;
    job->values[0] = table[index].limit;
    job->query = (struct query){.statement = table[index].operation->statement,
                                .values = job->values,
                                .deadline = loop->now + DEADLINE_MS,
                                .on_rows = on_rows,
                                .on_failure = on_failure};
    lanes_submit(loop->lanes, &job->query);
}

void maintenance_turn(struct maintenance *maintenance, struct loop *loop)
{
    if (!maintenance || loop->draining || !lanes_ready(loop->lanes))
        return;
    for (int i = 0; i < JOBS; i++) {
        struct job *job = &maintenance->items[i];
        if (job->waiting || loop->now < job->next)
            continue;
        job->next = loop->now + table[i].period_ms;
        submit(job, i, loop);
    }
}
