/* SPDX-License-Identifier: Apache-2.0 */
#include "db/session.h"

#include "db/cancel.h"
#include "db/statement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

/* Milliseconds. */
enum {
    PATIENCE = 3000,       /* for a host to answer, and for the statements to be prepared; more when
                              that failed before */
    PATIENCE_HOST = 1500,  /* for one of several hosts; more when all of them were tried in vain */
    QUIET_PROBED = 1500,   /* without an octet until the server is asked whether it is there */
    QUIET_MOST = 9000,     /* and until the session is given up: a server that answers ends every
                              statement by its limit, which is below this (conninfo.c). A commit
                              that waits for a standby has none */
    RETRY_FIRST = 50,      /* a restarted PostgreSQL is back within a second or two */
    RETRY_MOST = 2000,     /* between attempts, however long the outage */
    RETRY_DRIFT = 5000,    /* until somebody has migrated the database */
    TROUBLE_QUIET = 10000, /* failed attempts are logged this often at most */
    COMPLAINT_SIZE = 512
};

static void watch_ready(struct watch *watch, uint32_t events);

static uint32_t ring_size(const struct lanes_settings *settings)
{
    size_t prepare = 3 * (settings->statement_count + 2) + 2;
    size_t batch = settings->batch_limit + 3;
    size_t reads = 2 * READ_DEPTH;
    size_t most = prepare > batch ? prepare : batch;
    if (reads > most)
        most = reads;
    uint32_t size = 1;
    while (size < most)
        size *= 2;
    return size;
}

void session_init(struct session *session, struct lanes *lanes, enum lane_kind kind,
                  const struct conninfo *conninfo)
{
    uint32_t size = ring_size(&lanes->settings);
    *session = (struct session){.watch.ready = watch_ready,
                                .lanes = lanes,
                                .kind = kind,
                                .fd = -1,
                                .conninfo = *conninfo,
                                .slots = calloc(size, sizeof *session->slots),
                                .slots_mask = size - 1};
    if (session->slots == NULL)
        abort();
    asked_read(&session->asked, conninfo_options(conninfo));
}

static void complain(struct session *session, const char *what, const char *why)
{
    static const char *const kinds[LANE_KINDS] = {"read", "write", "alone"};
    session->lanes->settings.log(LOG_WARNING, "database connection (%s) %s: %s",
                                 kinds[session->kind], what, why);
}

/* libpq's message on one line. */
static const char *trimmed(const char *message, char out[COMPLAINT_SIZE])
{
    size_t length = 0;
    for (; *message != '\0' && length < COMPLAINT_SIZE - 1; message++)
        if (*message != '\n')
            out[length++] = *message;
        else if (message[1] != '\0')
            out[length++] = ' ';
    out[length] = '\0';
    return length > 0 ? out : "closed";
}

/* --- epoll --- */

static bool session_register(struct session *session, uint32_t events)
{
    int fd = PQsocket(session->pg);
    bool same = fd == session->fd && session->state != SESSION_CONNECTING;
    if (same && events == session->events)
        return true;
    struct epoll_event event = {.events = events, .data.ptr = &session->watch};
    int epoll_fd = session->lanes->epoll_fd;
    /* A closed descriptor leaves epoll by itself, and its number may have come back. */
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
        (errno != ENOENT || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0))
        return false;
    session->fd = fd;
    session->events = events;
    return true;
}

/* --- losing and ending --- */

static void discard_slots(struct session *session)
{
    struct lanes *lanes = session->lanes;
    /* Backwards, so that the reads stand in their queue in their old order. */
    for (uint32_t i = session->tail; i != session->group;) {
        struct slot *slot = session_slot(session, --i);
        struct query *query = slot->query;
        PQclear(slot->result);
        slot->result = NULL;
        if (query == NULL || query->statement->lane != LANE_READ || query->tries > 0 ||
            lanes->closing)
            continue;
        slot->query = NULL;
        query->tries++;
        lanes_again(lanes, query);
    }
    uint32_t first = session->group, end = session->tail;
    session->group = session->cursor = session->tail;
    session->outstanding = 0;
    session->lasting = false;
    session->group_open = session->unflushed = session->doubtful = session->stale = false;
    session->error = NULL;
    for (uint32_t i = first; i != end; i++) {
        struct query *query = session_slot(session, i)->query;
        session_slot(session, i)->query = NULL;
        if (query == NULL)
            continue;
        query->session = NULL;
        lanes_fail(lanes, query,
                   query->statement->lane == LANE_READ ? FAILURE_UNAVAILABLE
                                                       : FAILURE_UNKNOWN_OUTCOME);
    }
}

static void session_close(struct session *session)
{
    if (session->fd >= 0)
        epoll_ctl(session->lanes->epoll_fd, EPOLL_CTL_DEL, session->fd, NULL);
    PQfinish(session->pg);
    session->pg = NULL;
    session->fd = -1;
    session->state = SESSION_DOWN;
}

/* Between half of the delay and all of it, so that many processes do not come at once. */
static int64_t jittered(struct lanes *lanes, int64_t delay)
{
    lanes->random = lanes->random * 1664525 + 1013904223;
    return delay / 2 + (int64_t)(lanes->random >> 8) % (delay / 2 + 1);
}

static int64_t retry_delay(struct session *session)
{
    int64_t delay = RETRY_FIRST;
    for (unsigned i = 1; i < session->failures && delay < RETRY_MOST; i++)
        delay *= 2;
    if (session->drift)
        delay = RETRY_DRIFT;
    else if (delay > RETRY_MOST)
        delay = RETRY_MOST;
    return jittered(session->lanes, delay);
}

void session_lose(struct session *session, const char *complaint)
{
    struct lanes *lanes = session->lanes;
    int64_t now = lanes_now();
    char line[COMPLAINT_SIZE];
    trimmed(complaint, line); /* may live in what is about to be freed */
    if (session->state == SESSION_READY) {
        complain(session, "lost", line);
    } else if (!session->drift &&
               (lanes->trouble_logged_at == 0 || now >= lanes->trouble_logged_at + TROUBLE_QUIET)) {
        complain(session, "failed", line);
        lanes->trouble_logged_at = now;
    }
    session->failures = session->state == SESSION_READY ? 1 : session->failures + 1;
    session_close(session);
    session->retry_at = now + retry_delay(session);
    lanes_changed(lanes, session->kind);
    discard_slots(session);
}

void session_free(struct session *session)
{
    session_close(session);
    discard_slots(session);
    free(session->slots);
    conninfo_free(&session->conninfo);
    asked_free(&session->asked);
}

/* --- preparing --- */

/* Whether one of the first count statements has the name. */
static bool name_stands(const struct lanes_settings *settings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings->statements[i]->name, name) == 0)
            return true;
    return false;
}

/* In a transaction of its own. One whose name stood before is prepared already; its columns may be
 * others. */
static bool prepare(struct session *session, const struct statement *statement, bool stood_before)
{
    return (stood_before || pipeline_prepare(session, statement)) &&
           pipeline_describe(session, statement) && pipeline_sync(session);
}

static int64_t grown(int64_t patience, unsigned failures)
{
    return patience * (failures < 5 ? 1 + failures : 5);
}

/* What the lanes send by themselves. */
static bool prepare_own(struct session *session)
{
    const struct lanes *lanes = session->lanes;
    const struct lanes_settings *settings = &lanes->settings;
    const struct statement *check = &commit_check_statement;
    if (lanes->locks && session->kind == LANE_WRITE && !prepare(session, &batch_lock, false))
        return false;
    return settings->commits_wait == NULL || session->kind == LANE_READ ||
           prepare(session, check, name_stands(settings, settings->statement_count, check->name));
}

static void session_prepare(struct session *session)
{
    struct lanes *lanes = session->lanes;
    session->state = SESSION_PREPARING;
    session->give_up_at = lanes_now() + grown(PATIENCE, session->failures);
    if (PQsetnonblocking(session->pg, 1) != 0 || PQenterPipelineMode(session->pg) != 1) {
        session_lose(session, PQerrorMessage(session->pg));
        return;
    }
    if (!pipeline_asked(session) || !pipeline_sync(session))
        return;
    for (size_t i = 0; i < lanes->settings.statement_count; i++) {
        const struct statement *statement = lanes->settings.statements[i];
        if (!prepare(session, statement, name_stands(&lanes->settings, i, statement->name)))
            return;
    }
    if (!prepare_own(session))
        return;
    if (session->tail == session->cursor)
        session_prepared(session);
    else
        session_flush(session);
}

void session_prepared(struct session *session)
{
    struct lanes *lanes = session->lanes;
    if (session->drift) {
        lanes->drift_logged = lanes->drift_logged || lanes->drift_logger == session;
        session_lose(session, "it is not what this program needs");
        return;
    }
    session->state = SESSION_READY;
    session->failures = 0;
    session->heard = true;
    session->probe_at = 0;
    lanes->drift_logged = false;
    lanes->drift_logger = NULL;
    lanes->trouble_logged_at = 0;
    lanes_changed(lanes, session->kind);
    session_flush(session);
}

/* --- connecting --- */

/* A commit that its standbys did not acknowledge is reported by a warning only, in
 * the server's language; the function that raises it has one name in all of them. */
static void take_notice(void *of, const PGresult *notice)
{
    struct session *session = of;
    const char *function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    if (function != NULL && strcmp(function, "SyncRepWaitForLSN") == 0)
        session->doubtful = true;
}

static void session_poll(struct session *session)
{
    switch (PQconnectPoll(session->pg)) {
    case PGRES_POLLING_READING:
        if (!session_register(session, EPOLLIN))
            session_lose(session, "cannot be watched");
        return;
    case PGRES_POLLING_WRITING:
        if (!session_register(session, EPOLLOUT))
            session_lose(session, "cannot be watched");
        return;
    case PGRES_POLLING_OK:
        if (session_register(session, EPOLLIN))
            session_prepare(session);
        else
            session_lose(session, "cannot be watched");
        return;
    case PGRES_POLLING_FAILED:
    default:
        session_lose(session, PQerrorMessage(session->pg));
    }
}

static void session_open(struct session *session, int64_t now)
{
    unsigned hosts = conninfo_hosts(&session->conninfo);
    session->give_up_at =
        now + grown(hosts > 1 ? PATIENCE_HOST : PATIENCE, session->failures / hosts);
    session->state = SESSION_CONNECTING;
    session->drift = false;
    session->pg = PQconnectStartParams((const char *const *)session->conninfo.keywords,
                                       (const char *const *)session->conninfo.values, 0);
    if (session->pg == NULL)
        abort();
    PQsetNoticeReceiver(session->pg, take_notice, session);
    if (PQstatus(session->pg) == CONNECTION_BAD)
        session_lose(session, PQerrorMessage(session->pg));
    else if (!session_register(session, EPOLLOUT))
        session_lose(session, "cannot be watched");
}

static void give_up(struct session *session, const char *complaint)
{
    conninfo_rotate(&session->conninfo);
    session_lose(session, complaint);
}

void session_doubt(const struct session *session)
{
    atomic_bool *doubted = session->lanes->settings.commits_doubted;
    if (session->kind != LANE_READ && doubted != NULL)
        atomic_store(doubted, true);
}

static void attend_ready(struct session *session, int64_t now)
{
    struct probe *probe = &session->lanes->probe;
    if (session->heard)
        session->quiet_since = now;
    session->heard = false;
    if (now < session_due(session))
        return;
    if (now >= session->quiet_since + QUIET_MOST) {
        session_doubt(session);
        cancel_send(session->pg);
        give_up(session, "no answer in time");
        return;
    }
    session->probe_at = now + QUIET_PROBED;
    if (probe->pg == NULL)
        probe_begin(probe, &session->conninfo, session->pg, now);
}

void session_leave_hung(struct session *session)
{
    const struct lanes *lanes = session->lanes;
    bool alive = session->outstanding > 0 && lanes->now < session->quiet_since + QUIET_PROBED;
    if (session->state == SESSION_READY && !alive && probe_asks(&lanes->probe, session->pg))
        give_up(session, "its server does not answer");
}

void session_attend(struct session *session, int64_t now)
{
    if (session->state == SESSION_READY)
        attend_ready(session, now);
    else if (now < session_due(session))
        return;
    else if (session->state == SESSION_DOWN)
        session_open(session, now);
    else
        give_up(session, "no answer in time");
}

int64_t session_due(const struct session *session)
{
    switch (session->state) {
    case SESSION_DOWN:
        return session->retry_at;
    case SESSION_CONNECTING:
    case SESSION_PREPARING:
        return session->give_up_at;
    case SESSION_READY:
        break;
    }
    if (session->outstanding == 0)
        return INT64_MAX;
    int64_t due = session->quiet_since + QUIET_PROBED;
    return due > session->probe_at ? due : session->probe_at;
}

/* --- in and out --- */

void session_flush(struct session *session)
{
    int left = PQflush(session->pg);
    session->unflushed = left > 0;
    uint32_t events = left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (left < 0 || !session_register(session, events))
        session_lose(session, PQerrorMessage(session->pg));
}

static void watch_ready(struct watch *watch, uint32_t events)
{
    struct session *session = (struct session *)watch;
    (void)events;
    if (session->state == SESSION_DOWN)
        return;
    if (session->state == SESSION_CONNECTING) {
        session_poll(session);
        return;
    }
    session->heard = true;
    bool alive = PQconsumeInput(session->pg) == 1;
    /* What arrived before the connection died is still good. */
    if (!pipeline_take(session))
        return;
    if (!alive || PQstatus(session->pg) == CONNECTION_BAD)
        session_lose(session, PQerrorMessage(session->pg));
    else if (session->unflushed)
        session_flush(session);
}
