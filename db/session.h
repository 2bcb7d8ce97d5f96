/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the lanes from inside: one session is one PostgreSQL connection in pipeline mode.
 *
 *   session.c   opens sessions, prepares and checks their statements, loses and renews them
 *   pipeline.c  sends statements, takes their results, ends groups
 *   lane.c      queues, deadlines, who is sent where and when
 *
 * What is sent stands in a ring of slots, in order. A group is what lies between two Syncs: one
 * transaction. Results of writes are kept in their slots until the Sync of their group has arrived,
 * those of reads until they are answered, at once. A slot outlives its query: when a deadline
 * passes, the slot forgets the query and its result is dropped when it comes. */
#ifndef ONRAMP_DB_SESSION_H
#define ONRAMP_DB_SESSION_H

#include "db/asked.h"
#include "db/batch.h"
#include "db/conninfo.h"
#include "db/each.h"
#include "db/lane.h"
#include "db/probe.h"
#include "db/queue.h"
#include "db/tenants.h"

#include <libpq-fe.h>

enum {
    LANE_KINDS = 3,
    READ_DEPTH = 64 /* reads on their way on one session; more wait in the queue */
};

enum slot_kind {
    SLOT_ASKED, /* whether the session is the one that was asked for */
    SLOT_QUERY,
    SLOT_SHARED, /* a query that shares the statement of a slot before: no result of its own */
    SLOT_LOCK,
    SLOT_CHECK, /* makes the commit wait for standbys */
    SLOT_PREPARE,
    SLOT_DESCRIBE,
    SLOT_SYNC
};

struct slot {
    enum slot_kind kind;
    uint8_t members; /* queries of the statement that is shared, each with one row; 0: not shared */
    uint8_t row;     /* of the shared result; so many slots before is the one that has it */
    const struct statement *statement;
    struct query *query; /* NULL: nobody waits for it any more */
    PGresult *result;
};

enum session_state {
    SESSION_DOWN,       /* to be opened at retry_at */
    SESSION_CONNECTING, /* PQconnectPoll */
    SESSION_PREPARING,  /* statements are being prepared and checked */
    SESSION_READY
};

struct session {
    struct watch watch; /* first: the loop knows the session by it */
    struct lanes *lanes;
    enum lane_kind kind;
    enum session_state state;
    PGconn *pg;
    struct conninfo conninfo; /* its own, because hosts rotate */
    struct asked asked;       /* in its options */
    int backend;              /* the process that serves it */
    int fd;                   /* registered in epoll, -1 for none */
    uint32_t events;          /* registered for */
    int64_t retry_at;         /* SESSION_DOWN */
    int64_t give_up_at;       /* SESSION_CONNECTING and SESSION_PREPARING */
    int64_t quiet_since;      /* SESSION_READY: when the last octets came, or the first of what is
                                 outstanding was sent */
    int64_t probe_at;         /* SESSION_READY: its server is asked no sooner */
    unsigned failures;        /* in a row */

    struct slot *slots; /* ring; positions count on and are taken modulo its size */
    uint32_t slots_mask;
    uint32_t group;  /* first slot of the oldest group that was not ended */
    uint32_t cursor; /* slot whose result comes next */
    uint32_t tail;   /* where the next slot goes */

    unsigned outstanding;  /* queries on their way */
    bool lasting;          /* one that takes long is among them: none is sent behind it */
    bool tenanted;         /* one of a tenant is among them */
    int64_t clock;         /* microseconds: when the last results came, or the first of what is
                              outstanding was sent */
    bool group_open;       /* something was sent behind the last Sync */
    bool unflushed;        /* libpq holds bytes that the socket did not take */
    bool heard;            /* octets have come since the last turn */
    bool drift;            /* a statement did not fit, while preparing */
    bool doubtful;         /* the commit was not acknowledged by its standbys */
    bool stale;            /* to be renewed when the group has ended */
    const PGresult *error; /* the first one of the current group; its slot owns it */
    const struct statement *error_statement;
};

struct lanes {
    struct lanes_settings settings;
    int epoll_fd;
    int64_t now;        /* of the turn */
    struct probe probe; /* of a server that has been quiet for a while */
    struct session *sessions;
    int session_count;
    struct tenants reads, writes, alone; /* what waits for its turn */
    struct queue lone, refused; /* writes that run again by themselves; what is to be failed */
    struct deadlines deadlines;
    size_t pending;
    bool locks; /* some statement has a locking parameter */
    struct batch batch;
    struct each each;
    int64_t down_since[LANE_KINDS];     /* 0 while a session of the kind is ready */
    bool ready;                         /* as last logged */
    const struct session *drift_logger; /* the one whose findings are written */
    bool drift_logged;                  /* they have been */
    int64_t trouble_logged_at;
    uint32_t random;
    bool closing;
};

/* Milliseconds of CLOCK_MONOTONIC, and microseconds. */
int64_t lanes_now(void);
int64_t lanes_microseconds(void);

/* --- session.c --- */

/* The conninfo is taken over. */
void session_init(struct session *session, struct lanes *lanes, enum lane_kind kind,
                  const struct conninfo *conninfo);

/* Open a session that is down and due, give up one that takes too long, have the server of one that
 * is quiet asked whether it is there. */
void session_attend(struct session *session, int64_t now);

/* When session_attend has something to do; INT64_MAX for never. */
int64_t session_due(const struct session *session);

/* Write what libpq holds, and wait for the socket when it does not take all. */
void session_flush(struct session *session);

/* The connection is gone: sent writes have an unknown outcome, sent reads go back to their queue.
 * complaint says why and is logged. */
void session_lose(struct session *session, const char *complaint);

/* Nobody knows whether what it has committed has come about everywhere. */
void session_doubt(const struct session *session);

/* All its statements have been prepared and described. */
void session_prepared(struct session *session);

/* The server that the probe asks does not answer: leave it, but for what comes from it still. */
void session_leave_hung(struct session *session);

void session_free(struct session *session);

/* --- pipeline.c --- */

/* Writes what nobody reads: the last statement of a transaction whose commit has to wait for
 * standbys whatever else it has written. */
extern const struct statement commit_check_statement;

static inline struct slot *session_slot(const struct session *session, uint32_t position)
{
    return &session->slots[position & session->slots_mask];
}

/* Send something. False: the session was lost. */
bool pipeline_query(struct session *session, struct query *query);
bool pipeline_each(struct session *session, struct query *const *queries, size_t count);
bool pipeline_lock(struct session *session, const char *const values[BATCH_LISTS]);
bool pipeline_asked(struct session *session);
bool pipeline_check(struct session *session);
bool pipeline_prepare(struct session *session, const struct statement *statement);
bool pipeline_describe(struct session *session, const struct statement *statement);
bool pipeline_sync(struct session *session);

/* Take all results that have arrived. False: the session was lost. */
bool pipeline_take(struct session *session);

/* --- lane.c: the ends of a query --- */

/* Run the callback with count rows of the result. The query was taken off its slot, and waits in no
 * queue. */
void lanes_answer(struct lanes *lanes, struct query *query, const PGresult *result, int first,
                  int count);
void lanes_fail(struct lanes *lanes, struct query *query, enum failure failure);

/* Put a query, which was sent and had no effect, in front of its queue again. */
void lanes_again(struct lanes *lanes, struct query *query);

/* A session of this kind became ready, or went down. */
void lanes_changed(struct lanes *lanes, enum lane_kind kind);

#endif
