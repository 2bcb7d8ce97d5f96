/* SPDX-License-Identifier: Apache-2.0 */
#include "api/wait.h"

#include "api/answer.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/stream.h"
#include "api/tail.h"
#include "base/arena.h"
#include "db/rows.h"
#include "operations/row.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READERS_MAX = 256 /* that read again at the same time: a part of what the lanes queue */
};

struct waits {
    struct topics *topics;
    struct request *first, *last; /* in line */
    unsigned reading;
    int64_t position; /* of the last event that was published */
};

struct waits *waits_new(void)
{
    struct waits *waits = calloc(1, sizeof *waits);
    if (!waits)
        abort();
    waits->topics = topics_new();
    return waits;
}

void waits_free(struct waits *waits)
{
    if (waits)
        topics_free(waits->topics);
    free(waits);
}

/* --- topics --- */

static struct request *request_of_subscriber(struct subscriber *subscriber)
{
    return (struct request *)(void *)((char *)subscriber -
                                      offsetof(struct request, wait.subscriber));
}

/* "c" circuit, "u" customer, "p" partner, "o" operators, each with its name. */
static const char *topic_of(struct request *request)
{
    const struct caller *caller = &request->caller;
    if (request->route->operation->waiting->column)
        return arena_printf(request->arena, "c%s", call_value(&request->call, "id"));
    if (caller->customer)
        return arena_printf(request->arena, "u%s", caller->customer);
    return caller->partner ? arena_printf(request->arena, "p%s", caller->partner) : "o";
}

/* --- reading the request --- */

/* Where a stream goes on that broke off. */
static void last_event_read(struct request *request)
{
    const char *id = request_header(request, "last-event-id");
    struct reading reading = {&request->faults, request->arena, "last-event-id"};
    if (request->streaming && id && *id)
        call_set(&request->call, "after",
                 kind_cursor_sequence.from_text(&kind_cursor_sequence, id, &reading));
}

void wait_read(struct request *request)
{
    const struct operation *operation = request->route->operation;
    const struct waiting *waiting = operation ? operation->waiting : NULL;
    struct call *call = &request->call;
    if (!waiting)
        return;
    if (waiting->column && !call->wait_for) {
        if (call->wait_given)
            fault_add(&request->faults, "?timeout", "invalid_value",
                      "A timeout goes with waitFor. Name what to wait for, or leave it out.");
        return;
    }
    last_event_read(request);
    int64_t seconds = call->wait_seconds ? strtoll(call->wait_seconds, NULL, 10) : 0;
    request->wait.until = request->loop->now + seconds * 1000;
    request->wait.wanted = seconds > 0 || request->streaming;
}

/* --- subscribing --- */

void wait_begin(struct request *request)
{
    struct loop *loop = request->loop;
    struct wait *wait = &request->wait;
    wait->woken = false;
    if (loop->draining) /* nobody is notified any more: what it reads now is its answer */
        wait->over = true;
    if (wait->subscriber.topic || wait->over)
        return;
    topics_join(loop->waits->topics, &wait->subscriber, topic_of(request));
    atomic_fetch_add(&loop->waiters, 1);
}

void wait_end(struct request *request)
{
    struct loop *loop = request->loop;
    struct wait *wait = &request->wait;
    wait_has_read(request);
    wait->over = true;
    if (wait->in_line) {
        struct request **at = &loop->waits->first, *before = NULL;
        for (; *at != request; at = &(*at)->wait.behind)
            before = *at;
        *at = wait->behind;
        if (loop->waits->last == request)
            loop->waits->last = before;
        wait->in_line = false;
    }
    if (!wait->subscriber.topic)
        return;
    topics_leave(loop->waits->topics, &wait->subscriber);
    atomic_fetch_sub(&loop->waiters, 1);
}

/* --- the line --- */

void wait_line_up(struct request *request)
{
    struct waits *waits = request->loop->waits;
    if (request->wait.in_line)
        return;
    request->wait.in_line = true;
    request->wait.behind = NULL;
    if (waits->last)
        waits->last->wait.behind = request;
    else
        waits->first = request;
    waits->last = request;
}

void wait_has_read(struct request *request)
{
    if (request->wait.reading)
        request->loop->waits->reading--;
    request->wait.reading = false;
}

/* Whether a request waits, and neither reads nor is about to. */
static bool asleep(const struct request *request)
{
    return request->phase == PHASE_WAIT || (request->stream && stream_asleep(request));
}

static void rouse(struct request *request)
{
    if (asleep(request))
        wait_line_up(request);
}

void waits_turn(struct loop *loop)
{
    struct waits *waits = loop->waits;
    while (waits->first && waits->reading < READERS_MAX) {
        struct request *request = waits->first;
        waits->first = request->wait.behind;
        if (!waits->first)
            waits->last = NULL;
        request->wait.in_line = false;
        request->wait.reading = true;
        waits->reading++;
        request->deadline = loop->now + (int64_t)loop->settings->operation_seconds * 1000;
        if (request->stream)
            stream_go_on(request);
        else
            request_resume(request, PHASE_RENEW);
    }
}

/* --- what ends the waiting --- */

void wait_gone(struct request *request)
{
    if (!request->wait.subscriber.topic)
        return;
    request->wait.over = true;
    rouse(request);
}

static void reap(struct subscriber *subscriber)
{
    struct request *request = request_of_subscriber(subscriber);
    if (request->wait.until > request->loop->now)
        return;
    if (!request->streaming)
        request->wait.over = true;
    rouse(request);
}

static void drain(struct subscriber *subscriber)
{
    wait_gone(request_of_subscriber(subscriber));
}

static void cut(struct subscriber *subscriber)
{
    struct request *request = request_of_subscriber(subscriber);
    if (request->stream) {
        stream_cut(request);
        return;
    }
    if (request->phase != PHASE_WAIT)
        return;
    problem_answer(request, (struct refusal){"unavailable", "The server is shutting down."});
    request_resume(request, PHASE_ANSWERED);
}

void waits_reap(struct loop *loop)
{
    topics_each(loop->waits->topics, reap);
}

void waits_drain(struct loop *loop)
{
    topics_each(loop->waits->topics, drain);
}

void waits_cut(struct loop *loop)
{
    topics_each(loop->waits->topics, cut);
}

/* --- news --- */

static void hear(struct subscriber *subscriber)
{
    struct request *request = request_of_subscriber(subscriber);
    request->wait.woken = true;
    rouse(request);
}

static void notify(struct loop *loop, char kind, const char *name)
{
    topics_notify(loop->waits->topics, kind, name, hear);
}

void waits_notify(struct loop *loop, const struct news *news)
{
    loop->waits->position = news->position;
    if (news->everything) {
        topics_each(loop->waits->topics, hear);
        return;
    }
    for (size_t i = 0; i < news->count; i++) {
        const struct news_item *item = &news->items[i];
        notify(loop, 'c', item->circuit);
        notify(loop, 'u', item->customer);
        if (*item->vnet_customer)
            notify(loop, 'u', item->vnet_customer);
        if (*item->partner)
            notify(loop, 'p', item->partner);
    }
    if (news->count > 0)
        notify(loop, 'o', "");
}

/* --- what was read --- */

const char *wait_position(struct request *request)
{
    struct wait *wait = &request->wait;
    int64_t published = request->loop->waits->position;
    /* Whatever was published since it read concerned others. */
    if (!wait->woken && published > strtoll(wait->position, NULL, 10))
        snprintf(wait->position, sizeof wait->position, "%lld", (long long)published);
    return wait->position;
}

static bool status_is_another(struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->route->operation;
    int deleted = column_of(operation, "deleted_at");
    /* Nothing will become of a circuit that is deleted. */
    if (!rows_null(rows, 0, deleted))
        return false;
    int column = column_of(operation, operation->waiting->column);
    return strcmp(rows_text(rows, 0, column), request->call.wait_for) != 0;
}

bool wait_is_void(const struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->route->operation;
    return request->wait.began && operation->waiting->column && rows_count(rows) > 0 &&
           strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0 &&
           !rows_null(rows, 0, column_of(operation, "deleted_at"));
}

static bool page_is_empty(struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->route->operation;
    if (rows_count(rows) > 1)
        return false;
    snprintf(request->wait.position, sizeof request->wait.position, "%s",
             rows_text(rows, 0, column_of(operation, operation->key)));
    call_set(&request->call, "after", request->wait.position);
    if (!rows_null(rows, 0, COLUMN_FACTS))
        request->wait.woken = true; /* there may be more already */
    return true;
}

bool wait_goes_on(struct request *request, const struct rows *rows)
{
    const struct waiting *waiting = request->route->operation->waiting;
    struct wait *wait = &request->wait;
    wait_has_read(request);
    if (!wait->wanted || rows_count(rows) == 0 ||
        strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0)
        return false;
    if (!(waiting->column ? status_is_another(request, rows) : page_is_empty(request, rows)))
        return false;
    if (!wait->began && exchange_ended(request->exchange))
        wait->over = true;
    wait->began = true;
    /* A page that was looked through without an end is gone on with, whoever waits. */
    if (wait->over || request->loop->draining || wait->until <= request->loop->now)
        return false;
    return true;
}
