/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one event loop: a thread with one epoll, one HTTP engine, one set of
 * database lanes and its requests. Nothing in it is shared but what is marked atomic,
 * and nobody else calls into it: other threads write to its inbox. */
#ifndef ONRAMP_API_LOOP_H
#define ONRAMP_API_LOOP_H

#include "api/server.h"
#include "base/log.h"
#include "base/text.h"
#include "base/watch.h"
#include "db/lane.h"
#include "http/http.h"
#include "http/request_id.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct catalogue_cache;
struct request;
struct secret_cache;
struct maintenance;
struct message;
struct operation;
struct tail;
struct waits;
struct arena;
struct token_cache;

enum { HANDED_MAX = 256, OVERDUE_MAX = 4 };

struct loop {
    const struct server_settings *settings; /* with every 0 replaced; borrowed */
    int number;                             /* 0 is the first */
    pthread_t thread;

    int epoll_fd, inbox_fd;
    int listen_fd; /* shared with the other loops, owned by the server */
    struct watch inbox;
    struct http *http;
    struct lanes *lanes;

    int64_t now;   /* milliseconds, monotonic, of this turn */
    bool draining; /* stopping: every answer closes its connection */
    int64_t drain_deadline;
    int64_t next_reaping;

    struct request *spare;
    unsigned spare_count;
    struct token_cache *tokens;
    struct secret_cache *secrets;
    struct catalogue_cache *catalogue;
    struct maintenance *maintenance; /* of the first loop; NULL in others */
    struct tail *tail;               /* likewise */
    struct waits *waits;
    struct text text;      /* scratch for the answer that is being written */
    struct arena *scratch; /* likewise, for a moment */
    struct request_ids ids;
    struct log_rate errors, refusals; /* lines that others can cause */

    int handed[HANDED_MAX]; /* connections from the queue of the listening socket that was closed */
    size_t handed_count;    /* written by another thread before it sets grace */

    _Atomic(struct message *) messages; /* the inbox: news from the tail, the newest first */
    atomic_uint waiters;                /* requests that news are for */
    atomic_bool poked;                  /* of the first loop: there may be news */

    atomic_bool ready;               /* the lanes stand */
    atomic_int overdue[OVERDUE_MAX]; /* backends that lanes_overdue names; 0 behind the last */
    atomic_bool stopped_accepting;   /* no connection will be accepted any more */
    atomic_int grace;                /* seconds to drain, or one of below */
};

enum { LOOP_RUNS = -1, LOOP_STOPS_ACCEPTING = -2 };

/* An operation succeeded: wake whatever acts on such a write, so that it need not be found at the
 * next period. */
void loop_did(struct loop *loop, const struct operation *operation);

/* Whether the loop's database connections stand, and those of all other loops as of their last
 * turn: a client's next connection may be another loop's. */
bool loops_ready(const struct loop *loop);

/* The backends whose writes have been under way for long, of all loops, as an array of SQL. */
const char *loops_overdue(const struct loop *loop, struct arena *arena);

/* Open all that a loop owns, on the calling thread. False after logging why; then only loop_close
 * may follow. The settings and the zeroed loop belong to the caller. */
bool loop_open(struct loop *loop, const struct server_settings *settings, int number,
               int listen_fd);

/* The loop's thread: turn until asked to stop and drained. */
void *loop_run(void *loop);

/* Ask a running loop to accept no more; stopped_accepting says when it is so. Any thread. */
void loop_stop_accepting(struct loop *loop);

/* Ask a running loop to drain and end. Any thread. */
void loop_stop(struct loop *loop, int grace_seconds);

/* Free all that the loop owns; its thread has ended or was never started. */
void loop_close(struct loop *loop);

#endif
