/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - the PostgreSQL connections of one event loop.
 *
 * A loop owns a few non-blocking libpq connections in pipeline mode. Reads are pipelined deep, with
 * one Sync a turn, and those of one kind that come in one turn share statements (db/each.h). Writes
 * share commits: what arrives while a transaction is on its way is sent as one transaction when
 * that one is durable, and there too those of one kind share statements. A write's answer is handed
 * out only after the PIPELINE_SYNC of its transaction, because a row arrives before its commit; a
 * read's as soon as it is here.
 *
 * Tenants have turns (tenants.h): what waits is sent as they come round.
 *
 * Nothing here is thread-safe: a lane set belongs to the thread of its loop. */
#ifndef ONRAMP_DB_LANE_H
#define ONRAMP_DB_LANE_H

#include "base/watch.h"
#include "db/statement.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rows;
struct lanes;
struct session;
struct queue;
struct tenant;

/* Why a query has no rows. */
enum failure {
    FAILURE_OVERLOADED,  /* the queue is full; nothing was sent */
    FAILURE_UNAVAILABLE, /* no connection; nothing was done */
    FAILURE_DEADLINE,    /* not sent before its deadline, a read not answered by then, or ended by
                            the server's time limit; nothing was done */
    FAILURE_UNKNOWN_OUTCOME, /* a write that was sent, and its connection died, its deadline passed
                                or its commit did not reach the standbys that it has to reach */
    FAILURE_ABORTED,      /* rolled back by a serialization failure, a deadlock or a lock time-out,
                             again after a lone retry; nothing was done */
    FAILURE_STORAGE_FULL, /* the server's disk is full; nothing was done */
    FAILURE_RESOURCES,    /* it lacks memory, or cannot read its files; nothing was done */
    FAILURE_BUG           /* the statement raised an error: nothing was done; see the log */
};

/* Why, in words for the log: "the queue is full". Static. */
const char *failure_text(enum failure failure);

/* One statement on its way. Embedded in its owner, who keeps it and everything it points at alive
 * until exactly one of the two callbacks has run. Callbacks may submit further queries. */
struct query {
    const struct statement *statement;
    const char *const *values; /* statement->parameter_count texts, NULL = SQL NULL */
    uint64_t tenant;           /* whose it is, a number by which they are told apart; 0: the
                                  server's own */
    int64_t deadline;          /* milliseconds of CLOCK_MONOTONIC */
    bool first; /* it goes in front of those that wait, and is not refused for their number */
    void (*on_rows)(struct query *query, const struct rows *rows);
    void (*on_failure)(struct query *query, enum failure failure);

    /* Below: the lane's own. */
    struct query *next, *previous; /* in the queue where it waits */
    struct query *later, *earlier; /* all pending ones, in order of deadline */
    struct queue *queue;           /* NULL while it is not waiting */
    struct session *session;       /* that it was sent on, or NULL */
    uint32_t position;             /* of its slot there */
    struct tenant *of;             /* while it waits for its turn or is under way; or NULL */
    int64_t estimate;              /* what it is expected to take, microseconds */
    bool lasting;                  /* its tenant's queries take long */
    int64_t took;                  /* what it took; -1: not known */
    uint8_t tries;        /* sends that failed and were its own fault, or a lost session's */
    bool alone;           /* the statement that it shared has failed: a statement of its own now */
    enum failure failure; /* of one that was refused at once */
};

struct lanes_settings {
    const char *of;       /* whose they are, for the log: " of webhooks"; NULL: of requests */
    const char *conninfo; /* libpq connection string, several hosts allowed */
    const struct statement *const *statements; /* all that will ever be submitted: prepared once */
    size_t statement_count;
    int reads, writes, alone; /* connections of each kind; a kind with 0 uses the next stricter one,
                                 and what must run alone without connections of its own does so
                                 among the writes */
    size_t queue_limit;       /* waiting queries a kind before FAILURE_OVERLOADED; of one tenant
                                 half as many */
    size_t batch_limit;       /* writes in one transaction */
    atomic_llong *storage_full_at; /* when a write has last failed for want of room, in milliseconds
                                      of CLOCK_MONOTONIC; shared by all lanes; or NULL */
    const atomic_bool *commits_wait; /* whether commits wait for standbys: then the transactions of
                                        tenants that write nothing do so too, as what they have seen
                                        may not have reached them; NULL: they do not */
    atomic_bool *commits_doubted; /* set when a commit did not come about in time, or did not reach
                                     the standbys that it has to reach; shared likewise; or NULL */
    /* One line for the operator's log; level is a syslog(3) level. Never holds parameter values. */
    void (*log)(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
};

/* Open the connections of a loop without waiting for them; they register themselves in epoll_fd and
 * reconnect for ever with back-off and jitter. Returns NULL only when conninfo cannot be parsed
 * (message logged). The settings are copied, what they point at is borrowed for good. */
struct lanes *lanes_open(const struct lanes_settings *settings, int epoll_fd);

/* Queue a query. One of its callbacks runs later, never inside this call. When there is no
 * connection it waits for one a few seconds (a restarted PostgreSQL is back within them); in an
 * outage that lasts longer it is refused at once. */
void lanes_submit(struct lanes *lanes, struct query *query);

/* To be called once in every loop turn, after the events were dispatched: sends what has been
 * queued, runs deadlines and reconnects, and returns the milliseconds until it wants to be called
 * again (-1: only on events). */
int lanes_turn(struct lanes *lanes, int64_t now);

/* Whether at least one connection of each kind stands. False for ever while a function of the
 * database does not answer the columns that its statement expects. */
bool lanes_ready(const struct lanes *lanes);

/* The backends in which writes of tenants have been under way for 2 seconds, at most max of them;
 * how many. Those that wait for no lock hang in what comes behind it, most likely in their commit.
 */
size_t lanes_overdue(const struct lanes *lanes, int64_t now, int *backends, size_t max);

/* Queries that were submitted and not yet answered. */
size_t lanes_pending(const struct lanes *lanes);

/* Close everything. Pending queries get FAILURE_UNAVAILABLE or FAILURE_UNKNOWN_OUTCOME; what their
 * callbacks submit is refused likewise. Not to be called from a callback. */
void lanes_close(struct lanes *lanes);

#endif
