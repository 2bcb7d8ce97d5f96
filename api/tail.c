/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tail.h"

#include "api/catalogue_cache.h"
#include "api/loop.h"
#include "api/wait.h"
#include "base/log.h"
#include "circuits/event.h"
#include "db/rows.h"
#include "webhooks/sender.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PERIOD_MS = 100,
    POKED_MS = 20, /* between two questions when writes follow each other */
    ROWS_MAX = 1000,
    DEADLINE_MS = 10000
};

/* The columns of feed_tail. */
enum {
    POSITION = COLUMN_FIRST,
    CIRCUIT,
    CUSTOMER,
    VNET_CUSTOMER,
    PARTNER,
    CATALOGUE,
    COMMITS_WAIT
};

struct tail {
    struct query query; /* first: the callbacks know the tail by it */
    struct loop *loop;
    bool waiting, failing;
    bool known;                 /* position is where the feed was read to */
    bool full;                  /* there is more */
    int64_t asked;              /* when, last; milliseconds, monotonic */
    unsigned long long written; /* changes of the catalogue by this process, by then */
    char position[24];
    char limit[12];
    const char *values[2];
};

/* In the inbox of one loop. */
struct message {
    struct message *next;
    struct batch *batch;
};

/* News in one block for all inboxes, freed with the last message that refers to it. */
struct batch {
    atomic_int messages;
    struct news news;
};

struct tail *tail_new(void)
{
    struct tail *tail = calloc(1, sizeof *tail);
    if (!tail)
        abort();
    snprintf(tail->limit, sizeof tail->limit, "%d", ROWS_MAX);
    return tail;
}

void tail_free(struct tail *tail)
{
    if (tail && tail->waiting)
        abort();
    free(tail);
}

static void batch_drop(struct batch *batch)
{
    if (atomic_fetch_sub(&batch->messages, 1) == 1)
        free(batch);
}

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    (void)!write(loop->inbox_fd, &one, sizeof one);
}

static void post(struct loop *loop, struct batch *batch)
{
    struct message *message = malloc(sizeof *message);
    if (!message)
        abort();
    message->batch = batch;
    atomic_fetch_add(&batch->messages, 1);
    message->next = atomic_load(&loop->messages);
    while (!atomic_compare_exchange_weak(&loop->messages, &message->next, message))
        ;
    wake(loop);
}

/* The messages of a loop, the oldest first. */
static struct message *messages_take(struct loop *loop)
{
    struct message *newest = atomic_exchange(&loop->messages, NULL), *oldest = NULL;
    while (newest) {
        struct message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void tail_read(struct loop *loop)
{
    struct message *next;
    for (struct message *message = messages_take(loop); message; message = next) {
        next = message->next;
        waits_notify(loop, &message->batch->news);
        batch_drop(message->batch);
        free(message);
    }
}

void tail_forget(struct loop *loop)
{
    struct message *next;
    for (struct message *message = messages_take(loop); message; message = next) {
        next = message->next;
        batch_drop(message->batch);
        free(message);
    }
}

/* Whoever begins to wait is counted first and reads then: where nobody is counted by now, whoever
 * comes will read what these news are about. */
static void distribute(struct tail *tail, struct batch *batch)
{
    struct loop *first = tail->loop;
    for (int i = 0; i < first->settings->loops; i++) {
        struct loop *loop = &first[i];
        if (atomic_load(&loop->waiters) == 0)
            continue;
        if (loop == first)
            waits_notify(loop, &batch->news);
        else
            post(loop, batch);
    }
}

static void column_copy(char *out, size_t size, const struct rows *rows, int row, int column)
{
    snprintf(out, size, "%s", rows_text(rows, row, column));
}

static struct batch *batch_new(const struct rows *rows)
{
    size_t count = (size_t)rows_count(rows);
    struct batch *batch = calloc(1, sizeof *batch + count * sizeof *batch->news.items);
    if (!batch)
        abort();
    atomic_init(&batch->messages, 1);
    batch->news.count = count;
    for (int row = 0; row < (int)count; row++) {
        struct news_item *item = &batch->news.items[row];
        column_copy(item->circuit, sizeof item->circuit, rows, row, CIRCUIT);
        column_copy(item->customer, sizeof item->customer, rows, row, CUSTOMER);
        column_copy(item->vnet_customer, sizeof item->vnet_customer, rows, row, VNET_CUSTOMER);
        column_copy(item->partner, sizeof item->partner, rows, row, PARTNER);
    }
    return batch;
}

static void ended(struct tail *tail, const char *why)
{
    tail->waiting = false;
    if (why && !tail->failing)
        log_line(LOG_WARNING, "feed_tail fails: %s", why);
    if (!why && tail->failing)
        log_line(LOG_NOTICE, "feed_tail works again");
    tail->failing = why != NULL;
}

static void on_rows(struct query *query, const struct rows *rows)
{
    struct tail *tail = (struct tail *)query;
    /* One without a position is there for the catalogue alone. */
    int count = rows_null(rows, 0, POSITION) ? 0 : rows_count(rows);
    bool began = !tail->known;
    ended(tail, NULL);
    catalogue_told(tail->loop->settings->catalogue, rows_text(rows, 0, CATALOGUE), tail->asked,
                   tail->written);
    atomic_store(tail->loop->settings->commits_wait, rows_text(rows, 0, COMMITS_WAIT)[0] == 't');
    tail->known = true;
    tail->full = !began && count >= ROWS_MAX;
    if (count > 0)
        column_copy(tail->position, sizeof tail->position, rows, count - 1, POSITION);
    else if (began)
        strcpy(tail->position, "0");
    if (count == 0 && !began)
        return;
    sender_poke(tail->loop->settings->sender);
    struct batch *batch = batch_new(rows);
    batch->news.position = strtoll(tail->position, NULL, 10);
    batch->news.everything = began;
    distribute(tail, batch);
    batch_drop(batch);
}

/* What happens until it works again is not known: then it begins anew. */
static void on_failure(struct query *query, enum failure failure)
{
    struct tail *tail = (struct tail *)query;
    tail->known = tail->full = false;
    catalogue_told(tail->loop->settings->catalogue, "", tail->asked, tail->written);
    atomic_store(tail->loop->settings->commits_wait, true);
    ended(tail, failure_text(failure));
}

static void ask(struct tail *tail, struct loop *loop)
{
    assert(feed_tail.parameter_count == sizeof tail->values / sizeof *tail->values);
    tail->loop = loop;
    tail->waiting = true;
    tail->asked = loop->now;
    tail->written = atomic_load(&loop->settings->catalogue->written);
    tail->values[0] = tail->known ? tail->position : NULL;
    tail->values[1] = tail->limit;
    tail->query = (struct query){.statement = feed_tail.statement,
                                 .values = tail->values,
                                 .deadline = loop->now + DEADLINE_MS,
                                 .first = true, /* everybody's news wait for it */
                                 .on_rows = on_rows,
                                 .on_failure = on_failure};
    atomic_store(&loop->poked, false);
    lanes_submit(loop->lanes, &tail->query);
}

int tail_turn(struct tail *tail, struct loop *loop)
{
    if (!tail || tail->waiting || loop->draining || !lanes_ready(loop->lanes))
        return -1;
    int64_t due = tail->asked + (atomic_load(&loop->poked) ? POKED_MS : PERIOD_MS);
    if (tail->full || due <= loop->now) {
        ask(tail, loop);
        return -1;
    }
    return (int)(due - loop->now);
}

void tail_wake(struct loop *loop)
{
    struct loop *first = loop - loop->number;
    if (!atomic_exchange(&first->poked, true) && first != loop)
        wake(first);
}
