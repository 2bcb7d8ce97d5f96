/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - requests that wait for something to happen: for a circuit to reach a status, for an
 * event to come to the feed.
 *
 * A waiting request is suspended and costs nothing but its memory. It subscribes to a topic before
 * it reads, so that nothing falls between its reading and its waiting; news about the topic let it
 * read again. Those who are to read again stand in line: a thousand who wait for one circuit do not
 * fill the queues of the database. What ends a wait without news: its time, a client that has gone,
 * a server that stops. */
#ifndef ONRAMP_API_WAIT_H
#define ONRAMP_API_WAIT_H

#include "api/topics.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct news;
struct request;
struct rows;
struct waits;

enum { POSITION_LENGTH = 20 };

struct wait {
    bool wanted; /* the request may wait */
    bool woken;  /* there were some since it last began to read */
    bool over;   /* it waits no longer: the next answer is its answer */
    bool in_line;
    bool reading;
    bool began;                         /* it has found nothing once, and waited */
    struct subscriber subscriber;       /* by which it hears of its topic */
    int64_t until;                      /* milliseconds, monotonic */
    struct request *behind;             /* in line */
    const char *key_id[1];              /* of its token, once that was looked at again */
    char position[POSITION_LENGTH + 1]; /* of the feed, that it goes on from; "" before */
};

struct waits *waits_new(void);
void waits_free(struct waits *waits);

/* Whether the request's parameters ask for waiting; with a fault for what makes no sense. */
void wait_read(struct request *request);

/* Before a request that may wait reads: from now on it hears of its topic. */
void wait_begin(struct request *request);

/* What was read. True: it is not what the request waits for, and the request waits on. */
bool wait_goes_on(struct request *request, const struct rows *rows);

/* Whether what was read was deleted while the request waited: only operators still read it. */
bool wait_is_void(const struct request *request, const struct rows *rows);

/* The request has its answer or is given up. */
void wait_end(struct request *request);

/* Its client has gone, or will send no more: it waits no longer. */
void wait_gone(struct request *request);

/* Have it read again, or be asked again whether it is over, as soon as it is its turn. */
void wait_line_up(struct request *request);

/* It has read what it was to read. */
void wait_has_read(struct request *request);

/* Where the feed can be followed from, for one that has heard nothing since its last page. */
const char *wait_position(struct request *request);

/* Notify those whom it concerns. */
void waits_notify(struct loop *loop, const struct news *news);

/* In every turn: those at the head of the line go on. */
void waits_turn(struct loop *loop);

/* From time to time: end those whose time has come. */
void waits_reap(struct loop *loop);

/* Draining: nobody waits any longer. */
void waits_drain(struct loop *loop);

/* There is no database any more: answer those that are left. */
void waits_cut(struct loop *loop);

#endif
