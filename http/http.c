/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/network.h"
#include "base/pages.h"
#include "http/connection.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "http/forwarded.h"
#include "http/library.h"
#include "http/seam.h"
#include "http/shares.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 64,
    SPARE_INPUTS = 64,
    FRESH_MS = 200,     /* for an accepted connection to send its request, while all are taken */
    SLOW_MS = 500,      /* and for a body */
    SAID_MS = 60 * 1000 /* between two lines of one kind in the log */
};

/* --- memory --- */

struct input *input_new(struct http *http)
{
    struct input *input = http->spare_inputs;
    if (input) {
        http->spare_inputs = input->next;
        http->spare_input_count--;
    } else {
        input = pages_new(sizeof *input);
    }
    input->at = input->end = 0;
    head_begin(&input->head);
    return input;
}

void input_free(struct http *http, struct input *input)
{
    if (http->spare_input_count >= SPARE_INPUTS) {
        pages_free(input, sizeof *input);
        return;
    }
    input->next = http->spare_inputs;
    http->spare_inputs = input;
    http->spare_input_count++;
}

/* --- accepting --- */

static void listening_set(struct http *http, bool on)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &http->listening};
    if (on == http->listens || http->settings.listen_fd < 0)
        return;
    if (epoll_ctl(http->settings.epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
                  http->settings.listen_fd, &event) == 0)
        http->listens = on;
    else
        log_line(LOG_ERR, "epoll_ctl on the listening socket: %s", strerror(errno));
}

void http_listen(struct http *http, bool on)
{
    http->stays_shut = !on;
    listening_set(http, on);
}

bool http_listens(const struct http *http)
{
    return http->listens;
}

static bool has_room(const struct http *http)
{
    return atomic_load(http->open) < http->settings.connections;
}

/* The connection that may make room for another: one that is idle longest, otherwise one whose body
 * comes in longest; NULL: none has waited for its client long enough. */
static struct connection *dispensable(const struct http *http)
{
    struct connection *idle = http->idle.first, *slow = http->slow.first;
    if (idle && http->now - idle->queued >= FRESH_MS)
        return idle;
    return slow && http->now - slow->queued >= SLOW_MS ? slow : NULL;
}

/* Whether a line of that kind may be written again; once a minute. */
static bool may_say(const struct http *http, int64_t *said)
{
    if (*said != 0 && http->now - *said < SAID_MS)
        return false;
    *said = http->now;
    return true;
}

/* End the one that waits for its client longest. */
static void room_make(struct http *http)
{
    struct connection *gone = dispensable(http);
    if (!gone)
        return;
    connection_end(gone);
    http->made_room++;
    if (may_say(http, &http->full_said))
        log_line(LOG_WARNING,
                 "all %u connections are taken: those that were idle longest make room, %u so far",
                 http->settings.connections, http->made_room);
}

static void share_refuse(struct http *http, struct connection *connection)
{
    static const char detail[] =
        "This address holds as many connections as it may. Close some, or use those that are open.";
    char text[ADDRESS_TEXT];
    http->refused_share++;
    if (may_say(http, &http->share_said)) {
        address_write(text, &connection->address);
        log_line(LOG_WARNING,
                 "%s holds %u connections, as many as an address may: %u refused so far", text,
                 shares_most(http->settings.shares), http->refused_share);
    }
    connection_refuse(connection, "overloaded", detail);
}

static void take(struct http *http, int fd, const struct sockaddr *socket)
{
    struct shares *shares = http->settings.shares;
    struct address address;
    if (!address_of(&address, socket))
        address_read(&address, "127.0.0.1"); /* a unix socket is of this machine */
    bool counts =
        shares && !forwarded_trusts(&address, http->settings.proxies, http->settings.proxy_count);
    bool admitted = !counts || share_take(shares, &address);
    struct connection *connection = connection_new(http, fd, &address);
    if (connection)
        connection->shares = counts && admitted;
    else if (counts && admitted)
        share_give(shares, &address);
    if (connection && !admitted)
        share_refuse(http, connection);
}

union socket_address {
    struct sockaddr any;
    struct sockaddr_in6 six;
};

void http_adopt(struct http *http, int fd)
{
    union socket_address address = {0};
    socklen_t length = sizeof address;
    if (getpeername(fd, &address.any, &length) == 0)
        take(http, fd, &address.any);
    else
        close(fd); /* it has gone */
}

static void accept_some(struct watch *watch, uint32_t events)
{
    struct http *http = (struct http *)(void *)((char *)watch - offsetof(struct http, listening));
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        union socket_address address = {0};
        socklen_t length = sizeof address;
        if (!has_room(http) && !dispensable(http)) {
            listening_set(http, false); /* until some have gone */
            return;
        }
        int fd =
            accept4(http->settings.listen_fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            if (may_say(http, &http->failure_said))
                log_line(LOG_WARNING, "no connection can be accepted: %s", strerror(errno));
            lingers_close(&http->lingers);
            struct connection *gone = dispensable(http);
            if (gone)
                connection_end(gone);
            listening_set(http, false);
            return;
        }
        if (fd < 0)
            continue;
        if (!has_room(http))
            room_make(http);
        take(http, fd, &address.any);
    }
}

/* --- its life --- */

/* Whether the library reads through our recv, which is how it was linked and not what it promises:
 * let it read an octet. */
static bool seam_holds(struct http *http)
{
    int ends[2];
    struct address here;
    unsigned long calls = seam_calls();
    if (!address_read(&here, "127.0.0.1") ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    if (connection_new(http, ends[0], &here) && write(ends[1], "G", 1) == 1)
        library_turn(http);
    bool called = seam_calls() > calls;
    close(ends[1]);
    for (int i = 0; i < 10 && http->connection_count > 0; i++) {
        http->ready = true;
        library_turn(http);
    }
    if (!called)
        log_line(LOG_ERR, "libmicrohttpd does not read through this program, which cannot guard it "
                          "then; is it the shared library of Debian 12?");
    return called && http->connection_count == 0;
}

struct http *http_open(const struct http_settings *settings, int64_t now)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        abort();
    http->settings = *settings;
    http->now = now;
    http->open = settings->open ? settings->open : &http->own_open;
    http->lingers = (struct lingers){
        .epoll_fd = settings->epoll_fd, .shares = settings->shares, .open = http->open};
    http->listening.ready = accept_some;
    if (library_open(http) && seam_holds(http))
        return http;
    http_close(http);
    return NULL;
}

void http_close(struct http *http)
{
    listening_set(http, false);
    library_close(http);
    lingers_close(&http->lingers);
    while (http->spare_inputs) {
        struct input *input = http->spare_inputs;
        http->spare_inputs = input->next;
        pages_free(input, sizeof *input);
    }
    while (http->spare_exchanges) {
        struct exchange *exchange = http->spare_exchanges;
        http->spare_exchanges = exchange->next;
        arena_free(exchange->arena);
        free(exchange);
    }
    free(http);
}

bool http_turn(struct http *http, int64_t now)
{
    http->now = now;
    return library_turn(http);
}

bool http_pending(const struct http *http)
{
    return http->pending;
}

void http_rouse(struct http *http)
{
    http->ready = true;
}

unsigned http_connections(const struct http *http)
{
    return http->connection_count;
}

uint64_t http_library_errors(const struct http *http)
{
    return http->errors;
}

void http_tend(struct http *http, int64_t now)
{
    http->now = now;
    for (struct connection *connection = http->connections; connection;
         connection = connection->next)
        if (connection->deadline <= now)
            connection_end(connection);
    lingers_tend(&http->lingers, now);
    if (!http->stays_shut && (has_room(http) || dispensable(http)))
        listening_set(http, true);
}

void http_drain(struct http *http)
{
    http->draining = true;
}

static bool has_unread(const struct connection *connection)
{
    int octets = 0;
    return ioctl(connection->fd, SIOCINQ, &octets) != 0 || octets > 0;
}

void http_end_idle(struct http *http)
{
    struct connection *next;
    for (struct connection *connection = http->idle.first; connection; connection = next) {
        next = connection->behind;
        if (connection->served && connection->state == CONNECTION_IDLE && !connection->input &&
            !has_unread(connection))
            connection_end(connection);
    }
}
