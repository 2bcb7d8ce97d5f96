/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - queries in the order in which they wait, and in the order of their deadlines.
 *
 * Both lists run through the queries themselves: nothing is allocated, and a query leaves from the
 * middle in constant time. */
#ifndef ONRAMP_DB_QUEUE_H
#define ONRAMP_DB_QUEUE_H

#include "db/lane.h"

struct queue {
    struct query *first, *last;
    size_t count;
};

static inline void queue_append(struct queue *queue, struct query *query)
{
    query->queue = queue;
    query->next = NULL;
    query->previous = queue->last;
    if (queue->last != NULL)
        queue->last->next = query;
    else
        queue->first = query;
    queue->last = query;
    queue->count++;
}

static inline void queue_prepend(struct queue *queue, struct query *query)
{
    query->queue = queue;
    query->previous = NULL;
    query->next = queue->first;
    if (queue->first != NULL)
        queue->first->previous = query;
    else
        queue->last = query;
    queue->first = query;
    queue->count++;
}

/* Take the query out of the queue where it waits. */
static inline void queue_leave(struct query *query)
{
    struct queue *queue = query->queue;
    if (query->previous != NULL)
        query->previous->next = query->next;
    else
        queue->first = query->next;
    if (query->next != NULL)
        query->next->previous = query->previous;
    else
        queue->last = query->previous;
    queue->count--;
    query->queue = NULL;
    query->next = query->previous = NULL;
}

/* All pending queries, the earliest deadline first. */
struct deadlines {
    struct query *first, *last;
};

/* Nearly every deadline is later than those before it, so that its position is found at the end. */
static inline void deadlines_enter(struct deadlines *deadlines, struct query *query)
{
    struct query *before = deadlines->last;
    while (before != NULL && before->deadline > query->deadline)
        before = before->earlier;
    query->earlier = before;
    query->later = before != NULL ? before->later : deadlines->first;
    if (query->later != NULL)
        query->later->earlier = query;
    else
        deadlines->last = query;
    if (before != NULL)
        before->later = query;
    else
        deadlines->first = query;
}

static inline void deadlines_leave(struct deadlines *deadlines, struct query *query)
{
    if (query->earlier != NULL)
        query->earlier->later = query->later;
    else
        deadlines->first = query->later;
    if (query->later != NULL)
        query->later->earlier = query->earlier;
    else
        deadlines->last = query->earlier;
    query->later = query->earlier = NULL;
}

#endif
