/* SPDX-License-Identifier: Apache-2.0 */
#include "db/probe.h"

#include "db/conninfo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static void ready(struct watch *watch, uint32_t events);

void probe_init(struct probe *probe, int epoll_fd)
{
    *probe = (struct probe){.watch.ready = ready, .epoll_fd = epoll_fd, .fd = -1};
}

static void unregister(struct probe *probe)
{
    if (probe->fd >= 0)
        epoll_ctl(probe->epoll_fd, EPOLL_CTL_DEL, probe->fd, NULL);
    probe->fd = -1;
}

/* libpq changes its socket between two addresses of one name. */
static void wait_for(struct probe *probe, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = &probe->watch};
    unregister(probe);
    if (epoll_ctl(probe->epoll_fd, EPOLL_CTL_ADD, PQsocket(probe->pg), &event) == 0)
        probe->fd = PQsocket(probe->pg);
}

void probe_end(struct probe *probe)
{
    if (probe->pg == NULL)
        return;
    unregister(probe);
    PQfinish(probe->pg);
    probe->pg = NULL;
}

static void ready(struct watch *watch, uint32_t events)
{
    struct probe *probe = (struct probe *)watch;
    (void)events;
    if (probe->pg == NULL)
        return;
    switch (PQconnectPoll(probe->pg)) {
    case PGRES_POLLING_READING:
        wait_for(probe, EPOLLIN);
        return;
    case PGRES_POLLING_WRITING:
        wait_for(probe, EPOLLOUT);
        return;
    default: /* it stands or was refused: there is somebody */
        probe_end(probe);
    }
}

static bool alike(const char *one, const char *other)
{
    return strcmp(one != NULL ? one : "", other != NULL ? other : "") == 0;
}

bool probe_asks(const struct probe *probe, const PGconn *connection)
{
    return alike(PQhost(probe->pg), PQhost(connection)) &&
           alike(PQhostaddr(probe->pg), PQhostaddr(connection)) &&
           alike(PQport(probe->pg), PQport(connection));
}

void probe_begin(struct probe *probe, const struct conninfo *conninfo, const PGconn *connection,
                 int64_t now)
{
    const struct {
        const char *keyword, *value;
    } one[] = {
        {"host", PQhost(connection)},
        {"hostaddr", PQhostaddr(connection)},
        {"port", PQport(connection)},
        {"target_session_attrs", "any"},
    };
    enum { ONE = sizeof one / sizeof *one };
    /* Of a keyword that stands twice libpq takes the later value. */
    const char *keywords[CONNINFO_KEYWORDS + ONE + 1], *values[CONNINFO_KEYWORDS + ONE + 1];
    size_t count = 0;
    for (; conninfo->keywords[count] != NULL; count++) {
        keywords[count] = conninfo->keywords[count];
        values[count] = conninfo->values[count];
    }
    for (size_t i = 0; i < ONE; i++) {
        keywords[count] = one[i].keyword;
        values[count++] = one[i].value;
    }
    keywords[count] = NULL;
    probe->pg = PQconnectStartParams(keywords, values, 0);
    if (probe->pg == NULL)
        abort();
    probe->give_up_at = now + PROBE_PATIENCE;
    if (PQstatus(probe->pg) == CONNECTION_BAD)
        probe_end(probe);
    else
        wait_for(probe, EPOLLOUT);
}

bool probe_unanswered(const struct probe *probe, int64_t now)
{
    return probe->pg != NULL && now >= probe->give_up_at;
}
