/* SPDX-License-Identifier: Apache-2.0 */
#include "db/lane.h"

#include "db/rows.h"
#include "db/session.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>

enum { OUTAGE_GRACE = 3000 }; /* milliseconds that queries wait for a connection to come back */

int64_t lanes_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- which queue --- */

static int session_total(const struct lanes_settings *settings, enum lane_kind kind)
{
    switch (kind) {
    case LANE_READ:
        return settings->reads;
    case LANE_WRITE:
        return settings->writes;
    case LANE_ALONE:
        return settings->alone;
    }
    abort();
}

/* The kind of session that runs statements of this kind: its own or the next stricter one. */
static enum lane_kind session_kind(const struct lanes *lanes, enum lane_kind kind)
{
    const struct lanes_settings *settings = &lanes->settings;
    if (kind == LANE_READ && settings->reads > 0)
        return LANE_READ;
    if (kind != LANE_ALONE && settings->writes > 0)
        return LANE_WRITE;
    return settings->alone > 0 ? LANE_ALONE : LANE_WRITE;
}

static struct queue *queue_of(struct lanes *lanes, const struct query *query, bool again)
{
    enum lane_kind kind = session_kind(lanes, query->statement->lane);
    if (kind == LANE_READ)
        return &lanes->reads;
    if (kind == LANE_ALONE)
        return &lanes->alone;
    return again || query->statement->lane == LANE_ALONE ? &lanes->lone : &lanes->writes;
}

/* --- the ends of a query --- */

static void leave(struct lanes *lanes, struct query *query)
{
    deadlines_leave(&lanes->deadlines, query);
    query->session = NULL;
    lanes->pending--;
}

const char *failure_text(enum failure failure)
{
    static const char *const reasons[] = {
        [FAILURE_OVERLOADED] = "the queue is full",
        [FAILURE_UNAVAILABLE] = "there is no connection to the database",
        [FAILURE_DEADLINE] = "the database does not answer in time",
        [FAILURE_UNKNOWN_OUTCOME] = "the connection to the database was lost",
        [FAILURE_ABORTED] = "the transaction was rolled back",
        [FAILURE_STORAGE_FULL] = "the disk of the database is full",
        [FAILURE_RESOURCES] = "the database lacks memory or cannot read its files",
        [FAILURE_BUG] = "the statement raises an error",
    };
    return reasons[failure];
}

void lanes_answer(struct lanes *lanes, struct query *query, const PGresult *result, int first,
                  int count)
{
    const struct rows rows = {result, first, count};
    leave(lanes, query);
    query->on_rows(query, &rows);
}

void lanes_fail(struct lanes *lanes, struct query *query, enum failure failure)
{
    leave(lanes, query);
    query->on_failure(query, failure);
}

void lanes_again(struct lanes *lanes, struct query *query)
{
    query->session = NULL;
    queue_prepend(queue_of(lanes, query, true), query);
}

static void fail_queue(struct lanes *lanes, struct queue *queue, enum failure failure)
{
    /* What the callbacks submit waits for the next turn. */
    for (size_t left = queue->count; left > 0 && queue->first != NULL; left--) {
        struct query *query = queue->first;
        queue_leave(query);
        lanes_fail(lanes, query, failure);
    }
}

static void fail_refused(struct lanes *lanes)
{
    for (size_t left = lanes->refused.count; left > 0 && lanes->refused.first != NULL; left--) {
        struct query *query = lanes->refused.first;
        queue_leave(query);
        lanes_fail(lanes, query, query->failure);
    }
}

static void fail_overdue(struct lanes *lanes, int64_t now)
{
    while (lanes->deadlines.first != NULL && lanes->deadlines.first->deadline <= now) {
        struct query *query = lanes->deadlines.first;
        bool unknown = false;
        if (query->queue != NULL) {
            queue_leave(query);
        } else {
            session_slot(query->session, query->position)->query = NULL;
            unknown = query->statement->lane != LANE_READ;
        }
        lanes_fail(lanes, query, unknown ? FAILURE_UNKNOWN_OUTCOME : FAILURE_DEADLINE);
    }
}

/* --- submitting --- */

static bool outage(const struct lanes *lanes, enum lane_kind kind, int64_t now)
{
    return lanes->down_since[kind] != 0 && now >= lanes->down_since[kind] + OUTAGE_GRACE;
}

void lanes_submit(struct lanes *lanes, struct query *query)
{
    struct queue *queue = queue_of(lanes, query, false);
    query->session = NULL;
    query->tries = 0;
    query->alone = false;
    lanes->pending++;
    deadlines_enter(&lanes->deadlines, query);
    if (lanes->closing || (!query->first && queue->count >= lanes->settings.queue_limit)) {
        query->failure = lanes->closing ? FAILURE_UNAVAILABLE : FAILURE_OVERLOADED;
        queue = &lanes->refused;
    }
    if (query->first)
        queue_prepend(queue, query);
    else
        queue_append(queue, query);
}

/* --- dispatching --- */

static struct session *idlest(struct lanes *lanes, enum lane_kind kind, unsigned depth)
{
    struct session *found = NULL;
    for (int i = 0; i < lanes->session_count; i++) {
        struct session *session = &lanes->sessions[i];
        if (session->kind == kind && session->state == SESSION_READY &&
            session->outstanding < depth &&
            (found == NULL || session->outstanding < found->outstanding))
            found = session;
    }
    return found;
}

static struct query *take_first(struct queue *queue)
{
    struct query *query = queue->first;
    queue_leave(query);
    return query;
}

/* The first query, and with it those of the next so many that can share its statement, room in all.
 */
static size_t take_alike(struct queue *queue, size_t looks, struct query **members, size_t room)
{
    size_t count = 0;
    members[count++] = take_first(queue);
    const struct statement *statement = members[0]->statement;
    if (statement->each == NULL || members[0]->alone)
        return count;
    for (struct query *next = queue->first; next != NULL && count < room && looks > 0; looks--) {
        struct query *query = next;
        next = query->next;
        if (query->queue == queue && query->statement == statement && !query->alone) {
            queue_leave(query);
            members[count++] = query;
        }
    }
    return count;
}

static bool send_alike(struct session *session, struct query *const *members, size_t count)
{
    return count == 1 ? pipeline_query(session, members[0])
                      : pipeline_each(session, members, count);
}

static void send_read(struct lanes *lanes, struct session *session)
{
    struct query *members[EACH_READS_MAX];
    size_t room = READ_DEPTH - session->outstanding;
    if (room > EACH_READS_MAX)
        room = EACH_READS_MAX;
    send_alike(session, members, take_alike(&lanes->reads, READ_DEPTH, members, room));
}

static void send_reads(struct lanes *lanes)
{
    struct session *session;
    while (lanes->reads.first != NULL && (session = idlest(lanes, LANE_READ, READ_DEPTH)) != NULL)
        send_read(lanes, session);
    for (int i = 0; i < lanes->session_count; i++) {
        session = &lanes->sessions[i];
        if (session->kind == LANE_READ && session->state == SESSION_READY && session->group_open &&
            pipeline_sync(session))
            session_flush(session);
    }
}

static void send_lone(struct session *session, struct queue *queue)
{
    if (pipeline_query(session, take_first(queue)) && pipeline_sync(session))
        session_flush(session);
}

/* What waits becomes one transaction, and what is alike in it one statement. It locks first what
 * its members lock, in one order, because all of their locks are held until its commit. */
static void send_shared(struct lanes *lanes, struct session *session)
{
    size_t count = lanes->writes.count;
    if (count > lanes->settings.batch_limit)
        count = lanes->settings.batch_limit;
    if (count > 1) {
        batch_begin(&lanes->batch);
        const struct query *query = lanes->writes.first;
        for (size_t i = 0; i < count; i++, query = query->next)
            batch_add(&lanes->batch, query);
        if (lanes->batch.locks) {
            const char *values[BATCH_LISTS];
            batch_values(&lanes->batch, values);
            if (!pipeline_lock(session, values))
                return;
        }
    }
    while (count > 0) {
        struct query *members[EACH_MAX];
        size_t alike = take_alike(&lanes->writes, count - 1, members, EACH_MAX);
        if (!send_alike(session, members, alike))
            return;
        count -= alike;
    }
    if (pipeline_sync(session))
        session_flush(session);
}

static void send_writes(struct lanes *lanes)
{
    struct session *session;
    while ((lanes->lone.first != NULL || lanes->writes.first != NULL) &&
           (session = idlest(lanes, LANE_WRITE, 1)) != NULL) {
        if (lanes->lone.first != NULL)
            send_lone(session, &lanes->lone);
        else
            send_shared(lanes, session);
    }
}

static void send_alone(struct lanes *lanes)
{
    struct session *session;
    while (lanes->alone.first != NULL && (session = idlest(lanes, LANE_ALONE, 1)) != NULL)
        send_lone(session, &lanes->alone);
}

/* --- the turn --- */

static void fail_outages(struct lanes *lanes, int64_t now)
{
    if (outage(lanes, LANE_READ, now))
        fail_queue(lanes, &lanes->reads, FAILURE_UNAVAILABLE);
    if (outage(lanes, LANE_WRITE, now)) {
        fail_queue(lanes, &lanes->lone, FAILURE_UNAVAILABLE);
        fail_queue(lanes, &lanes->writes, FAILURE_UNAVAILABLE);
    }
    if (outage(lanes, LANE_ALONE, now))
        fail_queue(lanes, &lanes->alone, FAILURE_UNAVAILABLE);
}

static int64_t earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* When the next turn has something to do without an event. */
static int64_t next_due(const struct lanes *lanes, int64_t now)
{
    int64_t due = INT64_MAX;
    if (lanes->refused.first != NULL)
        return now;
    if (lanes->deadlines.first != NULL)
        due = lanes->deadlines.first->deadline;
    if (lanes->probe.pg != NULL)
        due = earlier(due, lanes->probe.give_up_at);
    for (int i = 0; i < lanes->session_count; i++)
        due = earlier(due, session_due(&lanes->sessions[i]));
    const bool waits[LANE_KINDS] = {lanes->reads.first != NULL,
                                    lanes->lone.first != NULL || lanes->writes.first != NULL,
                                    lanes->alone.first != NULL};
    for (int i = 0; i < LANE_KINDS; i++)
        if (waits[i] && lanes->down_since[i] != 0)
            due = earlier(due, lanes->down_since[i] + OUTAGE_GRACE);
    return due;
}

static void leave_hung_server(struct lanes *lanes)
{
    for (int i = 0; i < lanes->session_count; i++)
        session_leave_hung(&lanes->sessions[i]);
    probe_end(&lanes->probe);
}

int lanes_turn(struct lanes *lanes, int64_t now)
{
    lanes->now = now;
    fail_refused(lanes);
    fail_overdue(lanes, now);
    fail_outages(lanes, now);
    for (int i = 0; i < lanes->session_count; i++)
        session_attend(&lanes->sessions[i], now);
    if (probe_unanswered(&lanes->probe, now))
        leave_hung_server(lanes);
    send_reads(lanes);
    send_writes(lanes);
    send_alone(lanes);

    int64_t due = next_due(lanes, now);
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

/* --- whether they stand --- */

static int count_ready(const struct lanes *lanes, enum lane_kind kind)
{
    int count = 0;
    for (int i = 0; i < lanes->session_count; i++)
        count += lanes->sessions[i].kind == kind && lanes->sessions[i].state == SESSION_READY;
    return count;
}

bool lanes_ready(const struct lanes *lanes)
{
    for (int kind = 0; kind < LANE_KINDS; kind++)
        if (session_total(&lanes->settings, (enum lane_kind)kind) > 0 &&
            lanes->down_since[kind] != 0)
            return false;
    return true;
}

void lanes_changed(struct lanes *lanes, enum lane_kind kind)
{
    if (count_ready(lanes, kind) > 0)
        lanes->down_since[kind] = 0;
    else if (lanes->down_since[kind] == 0)
        lanes->down_since[kind] = lanes_now();
    bool ready = lanes_ready(lanes);
    if (ready != lanes->ready && !lanes->closing)
        lanes->settings.log(ready ? LOG_INFO : LOG_WARNING, "database connections%s: %s",
                            lanes->settings.of ? lanes->settings.of : "",
                            ready ? "ready" : "not ready");
    lanes->ready = ready;
}

size_t lanes_pending(const struct lanes *lanes)
{
    return lanes->pending;
}

/* --- opening and closing --- */

static bool some_lock(const struct lanes_settings *settings)
{
    for (size_t i = 0; i < settings->statement_count; i++)
        if (settings->statements[i]->locks != NULL)
            return true;
    return false;
}

static bool open_sessions(struct lanes *lanes)
{
    const struct lanes_settings *settings = &lanes->settings;
    int total = settings->reads + settings->writes + settings->alone;
    lanes->sessions = calloc((size_t)total, sizeof *lanes->sessions);
    if (lanes->sessions == NULL)
        abort();
    for (int kind = 0; kind < LANE_KINDS; kind++)
        for (int i = 0; i < session_total(settings, (enum lane_kind)kind); i++) {
            struct conninfo conninfo;
            if (!conninfo_read(&conninfo, settings->conninfo)) {
                settings->log(LOG_ERR, "the database's connection string is not one");
                return false;
            }
            session_init(&lanes->sessions[lanes->session_count++], lanes, (enum lane_kind)kind,
                         &conninfo);
        }
    return true;
}

struct lanes *lanes_open(const struct lanes_settings *settings, int epoll_fd)
{
    assert(settings->writes + settings->alone > 0 && settings->batch_limit > 0);
    struct lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL)
        abort();
    lanes->settings = *settings;
    lanes->epoll_fd = epoll_fd;
    probe_init(&lanes->probe, epoll_fd);
    if (getrandom(&lanes->random, sizeof lanes->random, GRND_NONBLOCK) < 0)
        lanes->random = (uint32_t)lanes_now();
    int64_t now = lanes_now();
    for (int kind = 0; kind < LANE_KINDS; kind++)
        lanes->down_since[kind] = now;
    lanes->locks = some_lock(settings);
    if (!open_sessions(lanes)) {
        lanes_close(lanes);
        return NULL;
    }
    return lanes;
}

void lanes_close(struct lanes *lanes)
{
    lanes->closing = true;
    probe_end(&lanes->probe);
    for (int i = 0; i < lanes->session_count; i++)
        session_free(&lanes->sessions[i]);
    fail_queue(lanes, &lanes->reads, FAILURE_UNAVAILABLE);
    fail_queue(lanes, &lanes->lone, FAILURE_UNAVAILABLE);
    fail_queue(lanes, &lanes->writes, FAILURE_UNAVAILABLE);
    fail_queue(lanes, &lanes->alone, FAILURE_UNAVAILABLE);
    while (lanes->refused.first != NULL)
        fail_refused(lanes);
    free(lanes->sessions);
    batch_free(&lanes->batch);
    each_free(&lanes->each);
    free(lanes);
}
