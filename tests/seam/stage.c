/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"
#include "demand.h"

#include "base/watch.h"
#include "http/shares.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 64, PASSES_A_TURN = 4, QUIET_TURNS = 200000, PATIENCE_MS = 20000 };

int64_t stage_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int stage_listen(struct sockaddr_in *where)
{
    socklen_t length = sizeof *where;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *where = (struct sockaddr_in){.sin_family = AF_INET};
    where->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(fd, (struct sockaddr *)where, sizeof *where) == 0);
    must(listen(fd, 4096) == 0);
    must(getsockname(fd, (struct sockaddr *)where, &length) == 0);
    return fd;
}

void stage_open(struct stage *stage, const struct stage_wish *wish)
{
    *stage = (struct stage){.now = 1000000};
    application_begin(&stage->application, wish->seed);
    stage->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    stage->listen_fd = wish->listen_fd ? dup(wish->listen_fd) : stage_listen(&stage->listening);
    if (wish->share)
        stage->shares = shares_new(wish->share);
    struct http_settings settings = {
        .handlers = &application_handlers,
        .context = &stage->application,
        .epoll_fd = stage->epoll_fd,
        .listen_fd = stage->listen_fd,
        .connections = wish->connections ? wish->connections : 100,
        .shares = wish->shares ? wish->shares : stage->shares,
        .proxies = wish->proxies,
        .proxy_count = wish->proxy_count,
        .header_seconds = HEADER_SECONDS,
        .body_seconds = BODY_SECONDS,
    };
    stage->http = http_open(&settings, stage->now);
    must(stage->http);
    http_listen(stage->http, true);
    must(http_listens(stage->http));
    must(http_connections(stage->http) == 0);
    must(http_library_errors(stage->http) == 0);
}

bool stage_turn(struct stage *stage)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(stage->epoll_fd, events, EVENTS_A_TURN, 0);
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
    bool again = http_turn(stage->http, stage->now);
    application_turn(&stage->application);
    for (int i = 0; i < PASSES_A_TURN && http_pending(stage->http); i++)
        again = http_turn(stage->http, stage->now);
    return count > 0 || again || http_pending(stage->http) || stage->application.due > 0;
}

void stage_settle(struct stage *stage)
{
    for (unsigned turns = 0; stage_turn(stage); turns++)
        demand(turns < QUIET_TURNS, "the loop does not come to rest");
}

void stage_pass(struct stage *stage, int seconds)
{
    for (int i = 0; i < seconds * 2; i++) {
        stage->now += 500;
        http_tend(stage->http, stage->now);
        stage_settle(stage);
    }
}

void stage_empty(struct stage *stage)
{
    int64_t until = stage_clock() + PATIENCE_MS;
    stage_settle(stage);
    while (http_connections(stage->http) > 0) {
        demand(stage_clock() < until, "%u connections stay", http_connections(stage->http));
        stage_settle(stage);
    }
    /* Nor do sockets linger. */
    stage_pass(stage, 5);
}

void stage_check_empty(struct stage *stage)
{
    must(stage->application.live == 0);
    must(!stage->application.jobs);
    must(http_connections(stage->http) == 0);
    must(http_library_errors(stage->http) == 0);
}

void stage_close(struct stage *stage)
{
    http_close(stage->http);
    must(stage->application.live == 0);
    shares_free(stage->shares);
    close(stage->epoll_fd);
    close(stage->listen_fd);
}
