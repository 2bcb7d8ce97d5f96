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

enum { OVERDUE = 2000 }; /* milliseconds: what is under way for longer is looked into */

enum { TAKEN_MAX = 64 }; /* queries that are sent in one go: those of a transaction, or reads */
_Static_assert(TAKEN_MAX >= (int)READ_DEPTH, "a session may take more reads");

int64_t lanes_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t lanes_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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

/* Where a query waits for its turn. */
static struct tenants *turns_of(struct lanes *lanes, const struct query *query)
{
    enum lane_kind kind = session_kind(lanes, query->statement->lane);
    return kind == LANE_READ ? &lanes->reads : kind == LANE_WRITE ? &lanes->writes : &lanes->alone;
}

/* Whether it must run by itself on a session for writes. */
static bool is_lone(const struct lanes *lanes, const struct query *query, bool again)
{
    return session_kind(lanes, query->statement->lane) == LANE_WRITE &&
           (again || query->statement->lane == LANE_ALONE);
}

static void unqueue(struct query *query)
{
    if (query->of != NULL)
        tenants_leave(query);
    else
        queue_leave(query);
}

/* --- the ends of a query --- */

/* It is on no session any more. */
static void settle(struct query *query)
{
    if (query->session != NULL)
        query->session->lasting = query->session->lasting && !query->lasting;
    if (query->of != NULL)
        tenants_done(query, query->took);
    query->took = -1;
    query->session = NULL;
}

static void leave(struct lanes *lanes, struct query *query)
{
    settle(query);
    deadlines_leave(&lanes->deadlines, query);
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
    settle(query);
    if (is_lone(lanes, query, true))
        queue_prepend(&lanes->lone, query);
    else
        tenants_enter(turns_of(lanes, query), query, true);
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

static void fail_waiting(struct lanes *lanes, struct tenants *tenants, enum failure failure)
{
    for (size_t left = tenants->waiting; left > 0 && tenants->turn != NULL; left--) {
        struct query *query = tenants->turn->waiting.first;
        tenants_leave(query);
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
            unqueue(query);
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

static bool is_full(struct lanes *lanes, const struct query *query)
{
    const struct tenants *tenants = turns_of(lanes, query);
    size_t limit = lanes->settings.queue_limit;
    if (is_lone(lanes, query, false))
        return lanes->lone.count >= limit;
    return tenants->waiting >= limit ||
           (query->tenant != 0 && tenants_waiting(tenants, query->tenant) >= (limit + 1) / 2);
}

void lanes_submit(struct lanes *lanes, struct query *query)
{
    query->session = NULL;
    query->of = NULL;
    query->took = -1;
    query->tries = 0;
    query->alone = false;
    lanes->pending++;
    deadlines_enter(&lanes->deadlines, query);
    if (lanes->closing || (!query->first && is_full(lanes, query))) {
        query->failure = lanes->closing ? FAILURE_UNAVAILABLE : FAILURE_OVERLOADED;
        queue_append(&lanes->refused, query);
    } else if (!is_lone(lanes, query, false)) {
        tenants_enter(turns_of(lanes, query), query, query->first);
    } else if (query->first) {
        queue_prepend(&lanes->lone, query);
    } else {
        queue_append(&lanes->lone, query);
    }
}

/* --- dispatching --- */

/* The session with the least to do, of those that have room. */
static struct session *idlest(struct lanes *lanes, enum lane_kind kind, unsigned depth)
{
    struct session *found = NULL;
    for (int i = 0; i < lanes->session_count; i++) {
        struct session *session = &lanes->sessions[i];
        if (session->kind == kind && session->state == SESSION_READY &&
            session->outstanding < depth && !session->lasting &&
            (found == NULL || session->outstanding < found->outstanding))
            found = session;
    }
    return found;
}

/* Queries that were taken, to be sent. */
struct taken {
    struct query *queries[TAKEN_MAX];
    size_t count;
};

/* Take up to count queries whose turn it is; one that takes long by itself, and only for a session
 * that has nothing to do. */
static void take(struct taken *out, struct tenants *tenants, size_t count, bool idle)
{
    out->count = 0;
    while (out->count < count) {
        struct query *query = tenants_take(tenants, idle && out->count == 0);
        if (query == NULL)
            return;
        out->queries[out->count++] = query;
        if (query->lasting)
            return;
    }
}

/* Move the first query out of those taken, and with it those that can share its statement, room in
 * all. Returns their number. */
static size_t take_alike(struct taken *taken, struct query **members, size_t room)
{
    const struct query *first = taken->queries[0];
    bool shares = first->statement->each != NULL && !first->alone;
    size_t count = 0, left = 0;
    for (size_t i = 0; i < taken->count; i++) {
        struct query *query = taken->queries[i];
        if (i == 0 ||
            (shares && count < room && query->statement == first->statement && !query->alone))
            members[count++] = query;
        else
            taken->queries[left++] = query;
    }
    taken->count = left;
    return count;
}

static bool send_alike(struct session *session, struct query *const *members, size_t count)
{
    return count == 1 ? pipeline_query(session, members[0])
                      : pipeline_each(session, members, count);
}

/* A session was lost: let what was taken for it wait again. */
static void wait_again(struct lanes *lanes, struct taken *taken)
{
    while (taken->count > 0)
        lanes_again(lanes, taken->queries[--taken->count]);
}

static bool send_some_reads(struct lanes *lanes, struct session *session)
{
    struct taken taken;
    take(&taken, &lanes->reads, READ_DEPTH - session->outstanding, session->outstanding == 0);
    bool some = taken.count > 0;
    while (taken.count > 0) {
        struct query *members[EACH_READS_MAX];
        size_t count = take_alike(&taken, members, EACH_READS_MAX);
        if (!send_alike(session, members, count))
            wait_again(lanes, &taken);
    }
    return some;
}

static void send_reads(struct lanes *lanes)
{
    struct session *session;
    while (lanes->reads.waiting > 0 && (session = idlest(lanes, LANE_READ, READ_DEPTH)) != NULL)
        if (!send_some_reads(lanes, session))
            break;
    for (int i = 0; i < lanes->session_count; i++) {
        session = &lanes->sessions[i];
        if (session->kind == LANE_READ && session->state == SESSION_READY && session->group_open &&
            pipeline_sync(session))
            session_flush(session);
    }
}

/* Nothing follows in this transaction. */
static void send_end(struct session *session)
{
    const atomic_bool *wait = session->lanes->settings.commits_wait;
    if (wait != NULL && session->tenanted && atomic_load_explicit(wait, memory_order_relaxed) &&
        !pipeline_check(session))
        return;
    if (pipeline_sync(session))
        session_flush(session);
}

static void send_lone(struct session *session, struct query *query)
{
    if (pipeline_query(session, query))
        send_end(session);
}

static bool send_locks(struct lanes *lanes, struct session *session, const struct taken *taken)
{
    const char *values[BATCH_LISTS];
    if (taken->count < 2)
        return true;
    batch_begin(&lanes->batch);
    for (size_t i = 0; i < taken->count; i++)
        batch_add(&lanes->batch, taken->queries[i]);
    if (!lanes->batch.locks)
        return true;
    batch_values(&lanes->batch, values);
    return pipeline_lock(session, values);
}

/* What waits becomes one transaction, and what is alike in it one statement. It locks first what
 * its members lock, in one order, because all of their locks are held until its commit. False:
 * nothing may go. */
static bool send_shared(struct lanes *lanes, struct session *session)
{
    struct taken taken;
    take(&taken, &lanes->writes, lanes->settings.batch_limit, true);
    if (taken.count == 0)
        return false;
    bool sent = send_locks(lanes, session, &taken);
    while (sent && taken.count > 0) {
        struct query *members[EACH_MAX];
        sent = send_alike(session, members, take_alike(&taken, members, EACH_MAX));
    }
    wait_again(lanes, &taken);
    if (sent)
        send_end(session);
    return true;
}

static void send_writes(struct lanes *lanes)
{
    struct session *session;
    while ((lanes->lone.first != NULL || lanes->writes.waiting > 0) &&
           (session = idlest(lanes, LANE_WRITE, 1)) != NULL) {
        struct query *query = lanes->lone.first;
        if (query != NULL) {
            queue_leave(query);
            send_lone(session, query);
        } else if (!send_shared(lanes, session)) {
            break;
        }
    }
}

static void send_alone(struct lanes *lanes)
{
    struct session *session;
    while (lanes->alone.waiting > 0 && (session = idlest(lanes, LANE_ALONE, 1)) != NULL) {
        struct query *query = tenants_take(&lanes->alone, true);
        if (query == NULL)
            break;
        send_lone(session, query);
    }
}

/* --- the turn --- */

static void fail_outages(struct lanes *lanes, int64_t now)
{
    if (outage(lanes, LANE_READ, now))
        fail_waiting(lanes, &lanes->reads, FAILURE_UNAVAILABLE);
    if (outage(lanes, LANE_WRITE, now)) {
        fail_queue(lanes, &lanes->lone, FAILURE_UNAVAILABLE);
        fail_waiting(lanes, &lanes->writes, FAILURE_UNAVAILABLE);
    }
    if (outage(lanes, LANE_ALONE, now))
        fail_waiting(lanes, &lanes->alone, FAILURE_UNAVAILABLE);
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
    const bool waits[LANE_KINDS] = {lanes->reads.waiting > 0,
                                    lanes->lone.count > 0 || lanes->writes.waiting > 0,
                                    lanes->alone.waiting > 0};
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

size_t lanes_overdue(const struct lanes *lanes, int64_t now, int *backends, size_t max)
{
    size_t count = 0;
    for (int i = 0; i < lanes->session_count && count < max; i++) {
        const struct session *session = &lanes->sessions[i];
        if (session->kind != LANE_READ && session->state == SESSION_READY &&
            session->outstanding > 0 && session->tenanted && now >= session->quiet_since + OVERDUE)
            backends[count++] = session->backend;
    }
    return count;
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
    assert(settings->writes + settings->alone > 0 && settings->batch_limit > 0 &&
           settings->batch_limit <= TAKEN_MAX);
    struct lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL)
        abort();
    lanes->settings = *settings;
    lanes->epoll_fd = epoll_fd;
    probe_init(&lanes->probe, epoll_fd);
    tenants_begin(&lanes->reads, settings->reads);
    tenants_begin(&lanes->writes, settings->writes);
    tenants_begin(&lanes->alone, settings->alone);
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
    fail_waiting(lanes, &lanes->reads, FAILURE_UNAVAILABLE);
    fail_queue(lanes, &lanes->lone, FAILURE_UNAVAILABLE);
    fail_waiting(lanes, &lanes->writes, FAILURE_UNAVAILABLE);
    fail_waiting(lanes, &lanes->alone, FAILURE_UNAVAILABLE);
    while (lanes->refused.first != NULL)
        fail_refused(lanes);
    free(lanes->sessions);
    tenants_free(&lanes->reads);
    tenants_free(&lanes->writes);
    tenants_free(&lanes->alone);
    batch_free(&lanes->batch);
    each_free(&lanes->each);
    free(lanes);
}
