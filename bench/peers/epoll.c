/* SPDX-License-Identifier: Apache-2.0 */
/* epoll.c - the least that an HTTP server can be: one thread, one epoll, one fixed answer.
 *
 *   onramp_epoll --port N
 *
 * It looks for the end of a head and answers with as many octets as onramp does to GET /healthz.
 * What this reaches, HTTP on this machine costs without a server behind it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096, EVENTS = 256, BACKLOG = 512 };

struct connection {
    int fd;
    size_t received;
    char head[HEAD_SIZE];
};

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Date: Sun, 22 Nov 2026 15:06:28 GMT\r\n"
                             "Content-Type: application/json\r\n"
                             "X-Request-Id: 01a203cb-5a1c-736b-ac07-37132f52dcf3\r\n"
                             "Cache-Control: no-store\r\n"
                             "X-Content-Type-Options: nosniff\r\n"
                             "Content-Length: 15\r\n\r\n"
                             "{\"status\":\"ok\"}";

static void give_up(const char *what)
{
    fprintf(stderr, "onramp_epoll: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
        give_up("listen");
    return fd;
}

static void take_in(int listen_fd, int epoll_fd)
{
    int fd, one = 1;
    while ((fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (connection == NULL)
            give_up("memory");
        connection->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
            give_up("epoll_ctl");
    }
}

static void serve(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->head + connection->received,
                       HEAD_SIZE - 1 - connection->received, 0);
    if (got <= 0) {
        close(connection->fd);
        free(connection);
        return;
    }
    connection->received += (size_t)got;
    connection->head[connection->received] = '\0';
    if (strstr(connection->head, "\r\n\r\n") == NULL)
        return;
    connection->received = 0;
    if (send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1)
        give_up("send");
}

int main(int count, char **arguments)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    if (count != 3 || strcmp(arguments[1], "--port") != 0)
        give_up("usage: onramp_epoll --port N");
    int listen_fd = listen_on((uint16_t)atoi(arguments[2]));
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event) != 0)
        give_up("epoll");
    puts("ready");
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.ptr == NULL)
                take_in(listen_fd, epoll_fd);
            else
                serve(events[i].data.ptr);
    }
}
