/* SPDX-License-Identifier: Apache-2.0 */
#include "api/client.h"

#include "api/head.h"
#include "api/http.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/request_id.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 64,
    LOOKS_MAX = 64, /* a head in more pieces is looked at by the clock: each look reads it all */
    BOUNDARY_TRIES = 3,
    CLOSE_WAIT = 8, /* of the kernel's tcp_states.h */
    LINGER_MS = 2000,
    LINGER_OCTETS = 8 * 1024 * 1024
};

static const uint32_t watched = EPOLLIN | EPOLLRDHUP | EPOLLET;

static void list_add(struct client *client)
{
    struct loop *loop = client->loop;
    client->next = loop->clients;
    if (loop->clients)
        loop->clients->previous = client;
    loop->clients = client;
    loop->client_count++;
}

void client_free(struct client *client)
{
    struct loop *loop = client->loop;
    if (client->previous)
        client->previous->next = client->next;
    else
        loop->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    loop->client_count--;
    /* Closing the socket would not do: the program that the main thread starts has it too for a
     * moment, and until that has gone the kernel would go on to wake what is no longer there. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
    free(client);
}

static void client_close(struct client *client)
{
    int fd = client->fd;
    client_free(client);
    close(fd);
}

void clients_listen(struct loop *loop, bool on)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &loop->listening};
    if (on == loop->accepting)
        return;
    if (epoll_ctl(loop->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, loop->listen_fd, &event) == 0)
        loop->accepting = on;
    else
        log_line(LOG_ERR, "epoll_ctl on the listening socket: %s", strerror(errno));
}

/* Throw away what has come in. True at the end of the stream or when it is enough. */
static bool discard(struct client *client)
{
    char bytes[16 * 1024];
    for (;;) {
        ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return true;
        if (got < 0)
            return false;
        client->lingered += (uint64_t)got;
        if (client->lingered > LINGER_OCTETS)
            return true;
    }
}

void client_answer(struct client *client, struct refusal refusal, const char *target,
                   size_t target_length)
{
    struct loop *loop = client->loop;
    char head[512], date[40], id[UUID_LENGTH + 1], path[TARGET_MAX + 1] = "/";
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    request_id_make(&loop->ids, id, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    size_t clean = 0;
    while (target && clean < target_length && target[clean] > 0x20 && target[clean] < 0x7F)
        clean++;
    if (target && target[0] == '/' && clean == target_length && clean <= TARGET_MAX) {
        memcpy(path, target, target_length);
        path[target_length] = '\0';
        path[strcspn(path, "?")] = '\0';
    }
    loop->text.length = 0;
    const struct problem *problem = problem_write(&loop->text, refusal, NULL, NULL, path, id);
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n"
                          "Content-Type: application/problem+json\r\nX-Request-Id: %s\r\n"
                          "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          problem->status, MHD_get_reason_phrase_for((unsigned)problem->status),
                          date, id, loop->text.length);
    log_later(LOG_DEBUG, "- - %d %s (request %s)", problem->status, problem->code, id);
    struct iovec parts[2] = {
        {head,             (size_t)length   },
        {loop->text.bytes, loop->text.length}
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    /* A fresh socket takes a kilobyte at once; if not, the client has nothing to lose. */
    (void)!sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(client->fd, SHUT_WR);
}

/* Refuse a head, then take in what the client still sends, so that the kernel does not throw our
 * answer away with a reset. */
static void client_refuse(struct client *client, const struct head *head)
{
    client_answer(client, head->refusal, head->target, head->target_length);
    client->phase = CLIENT_LINGERING;
    client->deadline = client->loop->now + LINGER_MS;
    if (discard(client))
        client_close(client);
}

static struct client *client_create(struct loop *loop, int fd);

static bool watch_add(struct client *client)
{
    struct epoll_event event = {.events = watched, .data.ptr = &client->watch};
    if (epoll_ctl(client->loop->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) == 0)
        return true;
    log_line(LOG_ERR, "epoll_ctl on a connection: %s", strerror(errno));
    return false;
}

static void watch_remove(struct client *client)
{
    epoll_ctl(client->loop->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
}

/* We register behind the HTTP library: the kernel wakes the last one first, so that when it knows
 * of new octets we do. */
static void client_serve(struct client *client, struct http *http)
{
    watch_remove(client);
    if (http_add(http, client) && !watch_add(client))
        shutdown(client->fd, SHUT_RDWR);
}

static void client_resume(struct client *client)
{
    client->phase = CLIENT_SERVED;
    http_release(client);
}

/* How many octets have come in; 0: that can't be known. */
static uint64_t received(const struct client *client)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return 0;
    /* The end of the stream counts as an octet. */
    return info.tcpi_bytes_received - (info.tcpi_state == CLOSE_WAIT);
}

/* How many octets have come in that nobody has read. */
static uint64_t unread(const struct client *client)
{
    int octets = 0;
    return ioctl(client->fd, SIOCINQ, &octets) == 0 ? (uint64_t)octets : 0;
}

/* Whether the unread octets of a connection begin where its last request ended, and not in the
 * middle of one that the HTTP library has begun to read. */
static bool at_boundary(struct client *client)
{
    if (client->phase == CLIENT_GATE || (client->phase == CLIENT_HELD && client->placed))
        return true;
    client->placed = received(client) == client->consumed;
    /* Between the two calls more may come, but then they do not match. */
    for (int i = 0; !client->placed && i < BOUNDARY_TRIES; i++)
        client->placed = client->consumed + unread(client) == received(client);
    return client->placed;
}

/* The HTTP library has read more than the last request: what follows is with it. */
static void client_leave(struct client *client)
{
    client->ahead = true;
    if (client->phase == CLIENT_HELD)
        client_resume(client);
}

/* Whether a client that does not wait for answers stands where it can be moved to the daemon that
 * has room for whatever comes; from then on the library may read it by itself. */
static bool moves_next(struct client *client)
{
    return client->http == &client->loop->narrow && at_boundary(client);
}

void client_rest(struct client *client)
{
    struct epoll_event event = {.events = watched, .data.ptr = &client->watch};
    bool rests = !client->ahead || moves_next(client);
    if (rests) {
        http_hold(client);
        client->phase = CLIENT_HELD;
        client->placed = false;
        /* We may have looked at it while the library had another request in its memory. */
        client->missed |= unread(client) > 0;
    }
    if (client->missed) /* what is still unread, and the end: be told again */
        epoll_ctl(client->loop->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
    client->missed = false;
}

/* Take the socket of a served client away from the HTTP library, which gets one at its end instead,
 * and give it to a client of its own. NULL when it can't be had. */
static struct client *client_retake(struct client *client)
{
    int dead[2], fd = fcntl(client->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, dead) != 0) {
        close(fd);
        return NULL;
    }
    close(dead[1]);
    uint64_t consumed = client->consumed;
    bool ahead = client->ahead;
    watch_remove(client);
    http_detach(client, dead[0]);
    client->phase = CLIENT_SERVED;
    close(dead[0]);
    struct client *other = client_create(client->loop, fd);
    if (other) {
        other->consumed = consumed;
        other->ahead = ahead;
    }
    return other;
}

/* A head that is not yet whole: keep it from the HTTP library, and give it time. */
static void client_wait(struct client *client, bool ended)
{
    client->looks++;
    if (client->phase == CLIENT_GATE) {
        if (ended)
            client_close(client); /* half a request has no answer */
        return;
    }
    if (client->phase == CLIENT_HELD && ended) {
        client_resume(client);
        return;
    }
    if (client->phase == CLIENT_SERVED)
        http_hold(client);
    else if (client->looks > 1)
        return;
    client->phase = CLIENT_HELD;
    client->deadline = client->loop->now + (int64_t)client->loop->settings->header_seconds * 1000;
}

/* A head is whole: let the HTTP library read it where it has room. */
static void client_pass(struct client *client, struct http *http)
{
    bool moves = client->http == &client->loop->narrow && http != client->http;
    struct client *other = moves ? client_retake(client) : NULL;
    if (other)
        client = other;
    if (client->phase == CLIENT_GATE)
        client_serve(client, http);
    else if (client->phase == CLIENT_HELD)
        client_resume(client);
}

/* The empty line that may stand before a request is in no length that the library tells us, so that
 * we would lose count of what it has read. */
static void blank_take(struct client *client, const char *bytes)
{
    char blank[2];
    if (bytes[0] != '\r' || client->phase == CLIENT_SERVED || !at_boundary(client))
        return;
    ssize_t taken = recv(client->fd, blank, sizeof blank, MSG_DONTWAIT);
    client->consumed += taken > 0 ? (uint64_t)taken : 0;
}

/* Nothing will come any more. Resumed, the HTTP library reads, and sees that; else it may not. */
static void client_finish(struct client *client)
{
    if (client->phase == CLIENT_GATE) {
        client_close(client);
        return;
    }
    if (client->phase == CLIENT_SERVED)
        http_hold(client);
    client_resume(client);
}

/* Look at what a client has sent; ended: it will send no more. */
static void client_look(struct client *client, bool ended)
{
    char bytes[HEAD_MAX];
    struct head head;
    ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (client->phase == CLIENT_HELD && !at_boundary(client))
            client_leave(client); /* it was read together with the request before */
        return;
    }
    if (got <= 0) {
        client_finish(client);
        return;
    }
    enum head_verdict verdict = head_scan(&head, bytes, (size_t)got);
    struct http *http = client->http;
    if (verdict == HEAD_COMPLETE) {
        client->ahead |= (uint64_t)got > head.length + head.content_length;
        http = client->ahead ? &client->loop->roomy : http_for(client->loop, &head, (size_t)got);
        client->missed |= ended;
        blank_take(client, bytes);
    }
    /* Where the library may go on it doesn't matter what it has read already. */
    bool stays =
        verdict == HEAD_COMPLETE && (client->http == http || client->http != &client->loop->narrow);
    if (!stays && !at_boundary(client)) {
        client_leave(client); /* what is not at a boundary the guard will see */
        return;
    }
    switch (verdict) {
    case HEAD_COMPLETE:
        client_pass(client, http);
        break;
    case HEAD_REFUSED:
        if (client->phase != CLIENT_GATE)
            client = client_retake(client);
        if (client)
            client_refuse(client, &head);
        break;
    case HEAD_INCOMPLETE:
        client_wait(client, ended);
        break;
    }
}

static void client_ready(struct watch *watch, uint32_t events)
{
    struct client *client = (struct client *)watch;
    bool ended = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    switch (client->phase) {
    case CLIENT_GATE:
    case CLIENT_HELD:
        if (client->looks < LOOKS_MAX || ended)
            client_look(client, ended);
        break;
    case CLIENT_SERVED:
        client->http->ready = true; /* it was woken by the same octets */
        if (!client->request)
            client_look(client, ended);
        else if (ended)
            wait_gone(client->request);
        client->missed |= client->request != NULL;
        break;
    case CLIENT_LINGERING:
        if (discard(client))
            client_close(client);
        break;
    }
}

/* A client at the gate for that socket. NULL: the socket is closed. */
static struct client *client_create(struct loop *loop, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        abort();
    client->watch.ready = client_ready;
    client->loop = loop;
    client->fd = fd;
    client->deadline = loop->now + (int64_t)loop->settings->header_seconds * 1000;
    list_add(client);
    if (watch_add(client))
        return client;
    client_close(client);
    return NULL;
}

void client_accept(struct loop *loop, int fd)
{
    struct client *client = client_create(loop, fd);
    if (client)
        client_look(client, false);
}

void clients_accept(struct loop *loop)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (loop->client_count >= loop->client_limit) {
            clients_listen(loop, false); /* until some have gone */
            return;
        }
        int fd = accept4(loop->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            log_line(LOG_WARNING, "no connection can be accepted: %s", strerror(errno));
            clients_listen(loop, false);
            return;
        }
        if (fd >= 0)
            client_accept(loop, fd);
    }
}

static void client_end(struct client *client)
{
    switch (client->phase) {
    case CLIENT_SERVED:
    case CLIENT_HELD:
        /* The HTTP library sees the end of the stream and closes. */
        shutdown(client->fd, SHUT_RDWR);
        if (client->phase == CLIENT_HELD)
            client_resume(client);
        client->deadline = client->loop->now + 1000;
        break;
    case CLIENT_GATE:
    case CLIENT_LINGERING:
        client_close(client);
        break;
    }
}

void clients_reap(struct loop *loop)
{
    struct client *next;
    for (struct client *client = loop->clients; client; client = next) {
        next = client->next;
        if (client->deadline <= loop->now)
            client_end(client);
        else if (client->looks >= LOOKS_MAX &&
                 (client->phase == CLIENT_GATE || client->phase == CLIENT_HELD))
            client_look(client, false);
        else if (client->phase == CLIENT_HELD && !at_boundary(client))
            client_leave(client); /* it had sent more between our look and the library's */
    }
    if (!atomic_load(&loop->hushed) && loop->client_count < loop->client_limit)
        clients_listen(loop, true);
}

void clients_end_idle(struct loop *loop)
{
    for (struct client *client = loop->clients; client; client = client->next) {
        bool served = client->phase == CLIENT_SERVED || client->phase == CLIENT_HELD;
        if (!served || client->request)
            continue;
        if (unread(client) == 0)
            client->deadline = loop->now;
    }
}

void clients_release(struct loop *loop)
{
    for (struct client *client = loop->clients; client; client = client->next)
        if (client->phase == CLIENT_HELD)
            client_resume(client);
}

void clients_close(struct loop *loop)
{
    struct client *next;
    for (struct client *client = loop->clients; client; client = next) {
        next = client->next;
        if (client->phase == CLIENT_GATE || client->phase == CLIENT_LINGERING)
            client_close(client);
    }
}
