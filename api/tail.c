/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tail.h"

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
enum { POSITION = COLUMN_FIRST, CIRCUIT, CUSTOMER, VNET_CUSTOMER, PARTNER };

struct tail {
    struct query query; /* first: the callbacks know the tail by it */
    struct loop *loop;
    bool waiting, failing;
    bool known;    /* position is where the feed was read to */
    bool full;     /* there is more */
    int64_t asked; /* when, last; milliseconds, monotonic */
    char position[24];
    char limit[12];
    const char *values[2];
};

/* In the inbox of one loop. */
struct letter {
    struct letter *next;
    struct sheet *sheet;
};

/* News with the number of letters that hold them. */
struct sheet {
    atomic_int letters;
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

static void sheet_drop(struct sheet *sheet)
{
    if (atomic_fetch_sub(&sheet->letters, 1) == 1)
        free(sheet);
}

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    (void)!write(loop->inbox_fd, &one, sizeof one);
}

static void post(struct loop *loop, struct sheet *sheet)
{
    struct letter *letter = malloc(sizeof *letter);
    if (!letter)
        abort();
    letter->sheet = sheet;
    atomic_fetch_add(&sheet->letters, 1);
    letter->next = atomic_load(&loop->letters);
    while (!atomic_compare_exchange_weak(&loop->letters, &letter->next, letter))
        ;
    wake(loop);
}

/* The letters of a loop, the oldest first. */
static struct letter *letters_take(struct loop *loop)
{
    struct letter *newest = atomic_exchange(&loop->letters, NULL), *oldest = NULL;
    while (newest) {
        struct letter *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void tail_read(struct loop *loop)
{
    struct letter *next;
    for (struct letter *letter = letters_take(loop); letter; letter = next) {
        next = letter->next;
        waits_tell(loop, &letter->sheet->news);
        sheet_drop(letter->sheet);
        free(letter);
    }
}

void tail_forget(struct loop *loop)
{
    struct letter *next;
    for (struct letter *letter = letters_take(loop); letter; letter = next) {
        next = letter->next;
        sheet_drop(letter->sheet);
        free(letter);
    }
}

/* Whoever begins to wait is counted first and reads then: where nobody is counted by now, whoever
 * comes will read what these news are about. */
static void tell(struct tail *tail, struct sheet *sheet)
{
    struct loop *first = tail->loop;
    for (int i = 0; i < first->settings->loops; i++) {
        struct loop *loop = &first[i];
        if (atomic_load(&loop->waiters) == 0)
            continue;
        if (loop == first)
            waits_tell(loop, &sheet->news);
        else
            post(loop, sheet);
    }
}

static void column_copy(char *out, size_t size, const struct rows *rows, int row, int column)
{
    snprintf(out, size, "%s", rows_text(rows, row, column));
}

static struct sheet *sheet_new(const struct rows *rows)
{
    size_t count = (size_t)rows_count(rows);
    struct sheet *sheet = calloc(1, sizeof *sheet + count * sizeof *sheet->news.items);
    if (!sheet)
        abort();
    atomic_init(&sheet->letters, 1);
    sheet->news.count = count;
    for (int row = 0; row < (int)count; row++) {
        struct news_item *item = &sheet->news.items[row];
        column_copy(item->circuit, sizeof item->circuit, rows, row, CIRCUIT);
        column_copy(item->customer, sizeof item->customer, rows, row, CUSTOMER);
        column_copy(item->vnet_customer, sizeof item->vnet_customer, rows, row, VNET_CUSTOMER);
        column_copy(item->partner, sizeof item->partner, rows, row, PARTNER);
    }
    return sheet;
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
    int count = rows_count(rows);
    bool began = !tail->known;
    ended(tail, NULL);
    tail->known = true;
    tail->full = !began && count >= ROWS_MAX;
    if (count > 0)
        column_copy(tail->position, sizeof tail->position, rows, count - 1, POSITION);
    else if (began)
        strcpy(tail->position, "0");
    if (count == 0 && !began)
        return;
    sender_poke(tail->loop->settings->sender);
    struct sheet *sheet = sheet_new(rows);
    sheet->news.position = strtoll(tail->position, NULL, 10);
    sheet->news.everything = began;
    tell(tail, sheet);
    sheet_drop(sheet);
}

/* What happens until it works again is not known: then it begins anew. */
static void on_failure(struct query *query, enum failure failure)
{
    struct tail *tail = (struct tail *)query;
    tail->known = tail->full = false;
    ended(tail, failure_text(failure));
}

static void ask(struct tail *tail, struct loop *loop)
{
    assert(feed_tail.parameter_count == sizeof tail->values / sizeof *tail->values);
    tail->loop = loop;
    tail->waiting = true;
    tail->asked = loop->now;
    tail->values[0] = tail->known ? tail->position : NULL;
    tail->values[1] = tail->limit;
    tail->query = (struct query){.operation = &feed_tail,
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

void tail_poke(struct loop *loop)
{
    struct loop *first = loop - loop->number;
    if (!atomic_exchange(&first->poked, true) && first != loop)
        wake(first);
}
