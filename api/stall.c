/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stall.h"

#include "api/log.h"
#include "api/loop.h"
#include "circuits/circuit.h"
#include "db/arena.h"
#include "db/rows.h"

#include <stdlib.h>
#include <string.h>

enum { PERIOD_MS = 10000, DEADLINE_MS = 30000 };

struct stall {
    struct query query;
    struct arena *arena;
    struct faults faults;
    struct call call;
    struct caller nobody;
    int64_t next;
    bool waiting, failing;
};

struct stall *stall_new(void)
{
    struct stall *stall = calloc(1, sizeof *stall);
    if (!stall)
        abort();
    stall->arena = arena_new();
    return stall;
}

void stall_free(struct stall *stall)
{
    if (!stall)
        return;
    if (stall->waiting)
        abort();
    arena_free(stall->arena);
    free(stall);
}

static void ended(struct stall *stall, const char *why)
{
    stall->waiting = false;
    if (why && !stall->failing)
        log_line(LOG_WARNING, "overdue circuits cannot be marked: %s", why);
    if (!why && stall->failing)
        log_line(LOG_NOTICE, "overdue circuits are marked again");
    stall->failing = why != NULL;
}

static void on_rows(struct query *query, const struct rows *rows)
{
    bool ok = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0;
    ended((struct stall *)query, ok ? NULL : "circuit_stall answered no 'ok'");
}

static void on_failure(struct query *query, enum failure failure)
{
    static const char *const reasons[] = {
        [FAILURE_OVERLOADED] = "the queue is full",
        [FAILURE_UNAVAILABLE] = "there is no connection to the database",
        [FAILURE_DEADLINE] = "the database does not answer in time",
        [FAILURE_UNKNOWN_OUTCOME] = "the connection to the database was lost",
        [FAILURE_ABORTED] = "the transaction was rolled back",
        [FAILURE_BUG] = "the statement fails",
    };
    ended((struct stall *)query, reasons[failure]);
}

void stall_turn(struct stall *stall, struct loop *loop)
{
    if (!stall || stall->waiting || loop->draining || loop->now < stall->next ||
        !lanes_ready(loop->lanes))
        return;
    stall->next = loop->now + PERIOD_MS;
    stall->waiting = true;
    arena_reset(stall->arena);
    stall->faults = (struct faults){.arena = stall->arena};
    stall->call = (struct call){.operation = &circuit_stall,
                                .arena = stall->arena,
                                .faults = &stall->faults,
                                .caller = &stall->nobody};
    circuit_stall.complete(&stall->call);
    stall->query = (struct query){.operation = &circuit_stall,
                                  .values = stall->call.values,
                                  .deadline = loop->now + DEADLINE_MS,
                                  .on_rows = on_rows,
                                  .on_failure = on_failure};
    lanes_submit(loop->lanes, &stall->query);
}
