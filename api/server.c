/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server.h"

#include "api/catalogue_cache.h"
#include "api/loop.h"
#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096, SPARE_DESCRIPTORS = 256 };

struct server {
    struct server_settings settings;
    atomic_uint open; /* connections of all loops */
    atomic_llong storage_full_at, hang_seen_at;
    atomic_bool commits_doubted, commits_wait;
    struct catalogue_news catalogue;
    int listen_fd;
    uint16_t port;
    int running; /* loops whose thread was started */
    int opened;  /* loops that loop_open saw */
    struct loop *loops;
};

static void settings_complete(struct server_settings *settings)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (settings->loops <= 0)
        settings->loops = processors > 2 ? (int)(processors / 2) : 1;
    if (settings->loops > SERVER_LOOPS_MAX)
        settings->loops = SERVER_LOOPS_MAX;
    if (settings->header_seconds <= 0)
        settings->header_seconds = 10;
    if (settings->body_seconds <= 0)
        settings->body_seconds = 30;
    if (settings->operation_seconds <= 0)
        settings->operation_seconds = 10;
    if (settings->heartbeat_seconds <= 0)
        settings->heartbeat_seconds = 15;
    if (settings->connections == 0)
        settings->connections = 10000;
}

/* As many descriptors as connections, or fewer connections. */
static void descriptors_raise(struct server_settings *settings)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)settings->connections + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
        return;
    if (limit.rlim_cur > 2 * SPARE_DESCRIPTORS &&
        settings->connections > limit.rlim_cur - SPARE_DESCRIPTORS) {
        settings->connections = (unsigned)(limit.rlim_cur - SPARE_DESCRIPTORS);
        log_line(LOG_NOTICE, "at most %u connections: the limit of open files is %llu",
                 settings->connections, (unsigned long long)limit.rlim_cur);
    }
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, &address.any, &length) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

static int socket_listen(const struct addrinfo *address)
{
    int on = 1, off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Not SO_REUSEPORT: a second daemon must fail here instead of sharing the port. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int address_listen(const char *listen_on, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int failed = getaddrinfo(listen_on, service, &hints, &address);
    if (failed) {
        log_line(LOG_ERR, "'%s' is not an address to listen on: %s", listen_on,
                 gai_strerror(failed));
        return -1;
    }
    int fd = socket_listen(address);
    if (fd < 0)
        log_line(LOG_ERR, "cannot listen on %s port %u: %s", listen_on, port, strerror(errno));
    freeaddrinfo(address);
    return fd;
}

static void server_free(struct server *server)
{
    for (int i = 0; i < server->opened; i++)
        loop_close(&server->loops[i]);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    free(server->loops);
    free(server);
}

/* Signals are the main thread's. */
static bool loop_start(struct loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&loop->thread, NULL, loop_run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        log_line(LOG_ERR, "an event loop's thread cannot be started: %s", strerror(failed));
    return !failed;
}

struct server *server_start(const struct server_settings *settings)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->settings = *settings;
    server->settings.open = &server->open;
    server->settings.storage_full_at = &server->storage_full_at;
    server->settings.hang_seen_at = &server->hang_seen_at;
    server->settings.commits_doubted = &server->commits_doubted;
    server->settings.commits_wait = &server->commits_wait;
    atomic_init(&server->commits_wait, true); /* until it is known */
    server->settings.catalogue = &server->catalogue;
    settings_complete(&server->settings);
    descriptors_raise(&server->settings);
    server->listen_fd = address_listen(settings->listen, settings->port);
    server->loops = calloc((size_t)server->settings.loops, sizeof *server->loops);
    if (!server->loops)
        abort();
    if (server->listen_fd < 0)
        goto failed;
    server->port = port_of(server->listen_fd);
    while (server->opened < server->settings.loops) {
        int number = server->opened++;
        if (!loop_open(&server->loops[number], &server->settings, number, server->listen_fd))
            goto failed;
    }
    for (; server->running < server->settings.loops; server->running++)
        if (!loop_start(&server->loops[server->running]))
            goto failed;
    return server;

failed:
    server_stop(server, 0);
    return NULL;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

bool server_ready(const struct server *server)
{
    for (int i = 0; i < server->settings.loops; i++)
        if (!atomic_load_explicit(&server->loops[i].ready, memory_order_relaxed))
            return false;
    return true;
}

/* Close the listening socket. What is in its queue then is reset, with the requests that have been
 * sent on it; so the queue is taken over first, and it is done while no client has a reason to come
 * anew: no answer says yet that the server stops. */
static void listening_end(struct server *server)
{
    struct timespec pause = {.tv_nsec = 1000000};
    struct loop *first = &server->loops[0];
    for (int i = 0; i < server->running; i++)
        loop_stop_accepting(&server->loops[i]);
    for (int i = 0; i < server->running; i++)
        while (!atomic_load(&server->loops[i].stopped_accepting))
            nanosleep(&pause, NULL);
    int fd = 0;
    while (server->running > 0 && fd >= 0 && first->handed_count < HANDED_MAX) {
        fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            first->handed[first->handed_count++] = fd;
    }
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    server->listen_fd = -1;
}

void server_stop(struct server *server, int grace_seconds)
{
    listening_end(server);
    for (int i = 0; i < server->running; i++)
        loop_stop(&server->loops[i], grace_seconds);
    for (int i = 0; i < server->running; i++)
        pthread_join(server->loops[i].thread, NULL);
    server_free(server);
}
