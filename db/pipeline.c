/* SPDX-License-Identifier: Apache-2.0 */
#include "db/session.h"
#include "db/statement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum {
    LONE_TRIES = 2, /* a statement that failed by itself is sent this often */
    COMPLAINT_SIZE = 512
};

/* --- out --- */

static struct slot *slot_push(struct session *session, enum slot_kind kind,
                              const struct statement *statement)
{
    assert(session->tail - session->group <= session->slots_mask);
    struct slot *slot = session_slot(session, session->tail++);
    *slot = (struct slot){.kind = kind, .statement = statement};
    session->group_open = kind != SLOT_SYNC;
    return slot;
}

/* One more query is on its way. */
static void outstanding_add(struct session *session, const struct query *query)
{
    session->lasting = session->lasting || query->lasting;
    session->tenanted = (session->tenanted && session->outstanding > 0) || query->tenant != 0;
    if (session->outstanding++ > 0)
        return;
    session->quiet_since = session->lanes->now;
    session->clock = lanes_microseconds();
}

static bool is_call(const struct slot *slot)
{
    return slot->kind == SLOT_QUERY || slot->kind == SLOT_SHARED;
}

static bool sent(struct session *session, int success)
{
    if (success != 1)
        session_lose(session, PQerrorMessage(session->pg));
    return success == 1;
}

bool pipeline_query(struct session *session, struct query *query)
{
    const struct statement *statement = query->statement;
    query->session = session;
    query->position = session->tail;
    slot_push(session, SLOT_QUERY, statement)->query = query;
    outstanding_add(session, query);
    return sent(session,
                PQsendQueryPrepared(session->pg, statement->name, (int)statement->parameter_count,
                                    query->values, NULL, NULL, statement->binary ? 1 : 0));
}

bool pipeline_each(struct session *session, struct query *const *queries, size_t count)
{
    const struct statement *statement = queries[0]->statement->each;
    assert(count <= EACH_MAX);
    for (size_t i = 0; i < count; i++) {
        queries[i]->session = session;
        queries[i]->position = session->tail;
        struct slot *slot = slot_push(session, i == 0 ? SLOT_QUERY : SLOT_SHARED, statement);
        slot->query = queries[i];
        slot->members = (uint8_t)count;
        slot->row = (uint8_t)i;
        outstanding_add(session, queries[i]);
    }
    return sent(session, PQsendQueryPrepared(
                             session->pg, statement->name, (int)statement->parameter_count,
                             each_values(&session->lanes->each, queries, count), NULL, NULL, 0));
}

bool pipeline_lock(struct session *session, const char *const values[BATCH_LISTS])
{
    slot_push(session, SLOT_LOCK, &batch_lock);
    return sent(session, PQsendQueryPrepared(session->pg, batch_lock.name, BATCH_LISTS, values,
                                             NULL, NULL, 0));
}

const struct statement commit_check_statement = {
    .name = "commit_check", .text = "SELECT * FROM onramp.commit_check()", .lane = LANE_ALONE};

bool pipeline_check(struct session *session)
{
    const struct statement *statement = &commit_check_statement;
    slot_push(session, SLOT_CHECK, statement);
    return sent(session, PQsendQueryPrepared(session->pg, statement->name, 0, NULL, NULL, NULL, 0));
}

bool pipeline_asked(struct session *session)
{
    const char *const values[] = {session->asked.names, session->asked.values};
    slot_push(session, SLOT_ASKED, NULL);
    return sent(session, PQsendQueryParams(session->pg, asked_sql, 2, NULL, values, NULL, NULL, 0));
}

bool pipeline_prepare(struct session *session, const struct statement *statement)
{
    slot_push(session, SLOT_PREPARE, statement);
    return sent(session, PQsendPrepare(session->pg, statement->name, statement->text, 0, NULL));
}

bool pipeline_describe(struct session *session, const struct statement *statement)
{
    slot_push(session, SLOT_DESCRIBE, statement);
    return sent(session, PQsendDescribePrepared(session->pg, statement->name));
}

bool pipeline_sync(struct session *session)
{
    slot_push(session, SLOT_SYNC, NULL);
    return sent(session, PQpipelineSync(session->pg));
}

/* --- the end of a group --- */

static void log_error(struct session *session, int level, const char *consequence)
{
    char complaint[COMPLAINT_SIZE];
    statement_complaint(session->error, complaint, sizeof complaint);
    session->lanes->settings.log(level, "%s %s: %s",
                                 session->error_statement != NULL ? session->error_statement->name
                                                                  : "commit",
                                 consequence, complaint);
}

/* The session cannot be used as it is. */
static void drift_note(struct session *session, const char *what, const char *why)
{
    struct lanes *lanes = session->lanes;
    session->drift = true;
    if (lanes->drift_logger == NULL)
        lanes->drift_logger = session;
    if (lanes->drift_logger == session && !lanes->drift_logged)
        lanes->settings.log(LOG_ERR, "%s cannot be used: %s", what, why);
}

static void end_asked(struct session *session, const PGresult *result)
{
    if (session->error != NULL) {
        session->stale = true;
        return;
    }
    session->backend = atoi(PQgetvalue(result, 0, 1));
    if (PQgetisnull(result, 0, 0))
        return;
    char *refusal = asked_refusal(PQgetvalue(result, 0, 0));
    drift_note(session, "the connection to the database", refusal);
    free(refusal);
}

/* A statement was prepared, unless its name stood before, and described. */
static void end_preparation(struct session *session)
{
    char complaint[COMPLAINT_SIZE];
    const struct slot *last = session_slot(session, session->cursor - 1);
    if (last->kind == SLOT_ASKED) {
        end_asked(session, last->result);
        return;
    }
    if (session->error != NULL) {
        enum verdict_kind verdict = statement_verdict(session->error);
        if (verdict != ERROR_OF_STATEMENT && verdict != ERROR_OF_SESSION) {
            session->stale = true;
            return;
        }
        statement_complaint(session->error, complaint, sizeof complaint);
    } else if (statement_fits(last->statement, last->result, complaint, sizeof complaint)) {
        return;
    }
    drift_note(session, last->statement->name, complaint);
}

static bool goes_again(const struct query *query, enum verdict_kind verdict)
{
    return query->tries < LONE_TRIES &&
           (verdict == ERROR_OF_THE_MOMENT || verdict == ERROR_OF_SESSION);
}

static enum failure failure_of(enum verdict_kind verdict)
{
    switch (verdict) {
    case ERROR_OF_THE_MOMENT:
        return FAILURE_ABORTED;
    case ERROR_OF_TIME:
        return FAILURE_DEADLINE;
    case ERROR_OF_STORAGE:
        return FAILURE_STORAGE_FULL;
    case ERROR_OF_RESOURCES:
        return FAILURE_RESOURCES;
    case ERROR_OF_SESSION: /* a second time, on a new one */
    case ERROR_OF_SERVER:
    case ERROR_OF_STATEMENT:
        break;
    }
    return FAILURE_BUG;
}

/* A transaction that several calls shared and that was rolled back: each of them runs again alone.
 */
static void send_members_again(struct session *session)
{
    log_error(session, LOG_NOTICE, "rolled a shared transaction back, its calls run again alone");
    for (uint32_t i = session->cursor; i != session->group;) {
        struct slot *slot = session_slot(session, --i);
        struct query *query = slot->query;
        slot->query = NULL;
        if (query != NULL)
            lanes_again(session->lanes, query);
    }
}

/* The one call of a transaction, or the first of some reads, raised the error. */
static void fail_lone(struct session *session, struct slot *slot)
{
    struct query *query = slot->query;
    slot->query = NULL;
    if (query == NULL)
        return;
    enum verdict_kind verdict = statement_verdict(session->error);
    query->tries++;
    if (goes_again(query, verdict)) {
        lanes_again(session->lanes, query);
        return;
    }
    log_error(session, verdict == ERROR_OF_STATEMENT ? LOG_ERR : LOG_WARNING, "failed");
    if (verdict == ERROR_OF_STORAGE && session->lanes->settings.storage_full_at != NULL)
        atomic_store(session->lanes->settings.storage_full_at, lanes_now());
    lanes_fail(session->lanes, query, failure_of(verdict));
}

static const PGresult *result_at(const struct session *session, uint32_t position)
{
    return session_slot(session, position - session_slot(session, position)->row)->result;
}

/* The slot's query runs again, in a statement of its own. */
static void send_again_alone(struct session *session, struct slot *slot)
{
    struct query *query = slot->query;
    slot->query = NULL;
    if (query == NULL)
        return;
    query->alone = true;
    lanes_again(session->lanes, query);
}

/* Reads are good up to the statement that failed; those behind it were passed over. */
static void end_reads(struct session *session)
{
    struct slot *failed = NULL;
    for (uint32_t i = session->cursor; i != session->group;) {
        struct slot *slot = session_slot(session, --i);
        const PGresult *result = result_at(session, i);
        if (result == NULL)
            continue; /* answered already */
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR) {
            failed = slot;
            if (slot->members > 0)
                send_again_alone(session, slot);
        } else if (status == PGRES_PIPELINE_ABORTED && slot->query != NULL) {
            lanes_again(session->lanes, slot->query);
            slot->query = NULL;
        }
    }
    if (failed != NULL && failed->members > 0)
        log_error(session, LOG_NOTICE, "failed, its calls run again alone");
    else if (failed != NULL)
        fail_lone(session, failed);
    else if (session->error != NULL) /* the end of the transaction, and with it all of it */
        for (uint32_t i = session->cursor; i != session->group;)
            fail_lone(session, session_slot(session, --i));
}

static void end_writes(struct session *session)
{
    struct slot *only = NULL;
    unsigned members = 0;
    if (session->error == NULL)
        return;
    for (uint32_t i = session->group; i != session->cursor; i++)
        if (is_call(session_slot(session, i))) {
            only = session_slot(session, i);
            members++;
        }
    if (members == 1)
        fail_lone(session, only);
    else
        send_members_again(session);
}

static void hand_out_row(struct session *session, const struct slot *slot, const PGresult *result,
                         struct query *query)
{
    if (PQntuples(result) == slot->members) {
        lanes_answer(session->lanes, query, result, slot->row, 1);
        return;
    }
    session->lanes->settings.log(LOG_ERR, "bug: %s answered %d rows for %d calls",
                                 slot->statement->name, PQntuples(result), slot->members);
    lanes_fail(session->lanes, query,
               query->statement->lane == LANE_READ ? FAILURE_BUG : FAILURE_UNKNOWN_OUTCOME);
}

/* The time since the last results, of which those from a slot on up to the cursor had their parts:
 * by what was expected of them, as they came together. */
static void measure(struct session *session, uint32_t from)
{
    int64_t now = lanes_microseconds(), elapsed = now - session->clock, expected = 0;
    session->clock = now;
    for (uint32_t i = from; i != session->cursor; i++)
        if (session_slot(session, i)->query != NULL)
            expected += session_slot(session, i)->query->estimate;
    for (uint32_t i = from; i != session->cursor; i++) {
        struct query *query = session_slot(session, i)->query;
        if (query != NULL && expected > 0)
            query->took = elapsed * query->estimate / expected;
    }
}

/* Answer those from a slot on that still wait, up to another one. */
static void hand_out(struct session *session, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i != to; i++) {
        struct slot *slot = session_slot(session, i);
        struct query *query = slot->query;
        slot->query = NULL;
        if (query == NULL)
            continue;
        const PGresult *result = result_at(session, i);
        if (session->doubtful && query->statement->lane != LANE_READ)
            lanes_fail(session->lanes, query, FAILURE_UNKNOWN_OUTCOME);
        else if (slot->members == 0)
            lanes_answer(session->lanes, query, result, 0, PQntuples(result));
        else
            hand_out_row(session, slot, result, query);
    }
}

/* What was read is good as soon as it is here, whatever becomes of the group: it is answered
 * without waiting for others, and its rows are not kept. All that came together, from a slot on. */
static void hand_out_reads(struct session *session, uint32_t from)
{
    uint32_t end = session->cursor;
    if (session->kind != LANE_READ || session->state != SESSION_READY || from == end)
        return;
    measure(session, from);
    for (uint32_t next; from != end; from = next) {
        struct slot *slot = session_slot(session, from);
        next = from + (slot->members > 0 ? slot->members : 1);
        if (PQresultStatus(slot->result) != PGRES_TUPLES_OK)
            continue;
        hand_out(session, from, next);
        PQclear(slot->result);
        slot->result = NULL;
    }
}

/* False: the session was lost. */
static bool group_end(struct session *session)
{
    measure(session, session->group);
    if (session->state == SESSION_PREPARING)
        end_preparation(session);
    else if (session->kind == LANE_READ)
        end_reads(session);
    else
        end_writes(session);
    if (session->error != NULL && session->state == SESSION_READY &&
        statement_verdict(session->error) == ERROR_OF_SESSION)
        session->stale = true;
    hand_out(session, session->group,
             session->cursor); /* what is still in the slots is durable now */
    if (session->doubtful) {
        session_doubt(session);
        session->lanes->settings.log(LOG_WARNING,
                                     "a commit was not acknowledged by its synchronous standbys");
    }

    for (uint32_t i = session->group; i != session->cursor; i++) {
        struct slot *slot = session_slot(session, i);
        if (is_call(slot))
            session->outstanding--;
        PQclear(slot->result);
        slot->result = NULL;
    }
    struct slot *sync = session_slot(session, session->cursor);
    PQclear(sync->result);
    sync->result = NULL;
    session->error = NULL;
    session->doubtful = false;
    session->group = ++session->cursor;

    if (session->stale) {
        session_lose(session, "its session is out of date");
        return false;
    }
    if (session->state == SESSION_PREPARING && session->cursor == session->tail) {
        session_prepared(session);
        return session->state == SESSION_READY;
    }
    return true;
}

/* --- in --- */

/* One result, which is kept or cleared. False: the session was lost. */
static bool take(struct session *session, PGresult *result)
{
    struct slot *slot = session_slot(session, session->cursor);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        if (slot->kind == SLOT_SYNC)
            return group_end(session);
        session_lose(session, "its answers are out of step");
        return false;
    }
    if (status == PGRES_FATAL_ERROR && statement_verdict(result) == ERROR_OF_SERVER) {
        char complaint[COMPLAINT_SIZE];
        statement_complaint(result, complaint, sizeof complaint);
        PQclear(result);
        session_lose(session, complaint);
        return false;
    }
    /* The slot of a Sync gets one when the commit itself fails. The first error stays. */
    if (slot->result != NULL && slot->result == session->error) {
        PQclear(result);
        return true;
    }
    PQclear(slot->result);
    slot->result = result;
    if (status == PGRES_FATAL_ERROR && session->error == NULL) {
        session->error = result;
        session->error_statement = slot->statement;
    }
    return true;
}

bool pipeline_take(struct session *session)
{
    bool nothing = false;
    uint32_t answered = session->cursor; /* up to here */
    while (PQisBusy(session->pg) == 0 && session->cursor != session->tail) {
        PGresult *result = PQgetResult(session->pg);
        if (result != NULL) {
            nothing = false;
            ExecStatusType status = PQresultStatus(result);
            if (status == PGRES_PIPELINE_SYNC || status == PGRES_FATAL_ERROR) {
                hand_out_reads(session, answered);
                answered = session->cursor;
            }
            if (!take(session, result))
                return false;
            if (status == PGRES_PIPELINE_SYNC)
                answered = session->cursor;
            continue;
        }
        /* The end of one statement's results; twice in a row, the end of all that there are. */
        if (nothing)
            break;
        nothing = true;
        struct slot *slot = session_slot(session, session->cursor);
        if (slot->kind == SLOT_SYNC || slot->result == NULL)
            continue;
        do
            session->cursor++;
        while (session->cursor != session->tail &&
               session_slot(session, session->cursor)->kind == SLOT_SHARED);
    }
    hand_out_reads(session, answered);
    return true;
}
