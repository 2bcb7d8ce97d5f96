/* SPDX-License-Identifier: Apache-2.0 */
#include "http/linger.h"

#include "base/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGER_MS = 2000,
    LINGER_OCTETS = 8 * 1024 * 1024,
    LINGERS_MAX = 1024 /* beyond that the answer has to take its chance */
};

struct lingering {
    struct watch watch; /* first */
    struct lingers *lingers;
    struct lingering *next, *previous;
    int fd;
    bool shares; /* it counts for the address */
    struct address address;
    int64_t deadline; /* milliseconds, monotonic */
    uint64_t dropped; /* octets */
};

static void end(struct lingering *linger)
{
    struct lingers *lingers = linger->lingers;
    *(linger->previous ? &linger->previous->next : &lingers->first) = linger->next;
    if (linger->next)
        linger->next->previous = linger->previous;
    lingers->count--;
    atomic_fetch_sub(lingers->open, 1);
    if (linger->shares)
        share_give(lingers->shares, &linger->address);
    /* Closing it would not do: a program that is being started has the socket too for a moment. */
    epoll_ctl(lingers->epoll_fd, EPOLL_CTL_DEL, linger->fd, NULL);
    close(linger->fd);
    free(linger);
}

/* Drop what has come in. True at the end of the stream, or when it is enough. */
static bool drop(struct lingering *linger)
{
    char octets[16 * 1024];
    for (;;) {
        ssize_t got = recvfrom(linger->fd, octets, sizeof octets, MSG_DONTWAIT, NULL, NULL);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return true;
        if (got < 0)
            return false;
        linger->dropped += (uint64_t)got;
        if (linger->dropped > LINGER_OCTETS)
            return true;
    }
}

static void linger_ready(struct watch *watch, uint32_t events)
{
    struct lingering *linger = (struct lingering *)watch;
    (void)events;
    if (drop(linger))
        end(linger);
}

void linger_begin(struct lingers *lingers, int fd, const struct address *of, int64_t now)
{
    struct lingering *linger = lingers->count < LINGERS_MAX ? calloc(1, sizeof *linger) : NULL;
    if (!linger) {
        if (of)
            share_give(lingers->shares, of);
        close(fd);
        return;
    }
    linger->watch.ready = linger_ready;
    linger->lingers = lingers;
    linger->fd = fd;
    linger->shares = of != NULL;
    if (of)
        linger->address = *of;
    linger->deadline = now + LINGER_MS;
    linger->next = lingers->first;
    if (linger->next)
        linger->next->previous = linger;
    lingers->first = linger;
    lingers->count++;
    atomic_fetch_add(lingers->open, 1);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = &linger->watch};
    if (epoll_ctl(lingers->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        end(linger);
}

void lingers_tend(struct lingers *lingers, int64_t now)
{
    struct lingering *next;
    for (struct lingering *linger = lingers->first; linger; linger = next) {
        next = linger->next;
        if (linger->deadline <= now)
            end(linger);
    }
}

void lingers_close(struct lingers *lingers)
{
    struct lingering *next;
    for (struct lingering *linger = lingers->first; linger; linger = next) {
        next = linger->next;
        end(linger);
    }
}
