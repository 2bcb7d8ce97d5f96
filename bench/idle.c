/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - keep-alive connections that have asked once and then wait.
 *
 *   onramp_idle --port N --connections N [--token T --target PATH]
 *
 * Without a target each asks for /healthz, takes the answer and stands idle; with one each asks for
 * that with the token, and there must be no answer yet. Says "ready N" when all have, then waits
 * for the end of its standard input. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    uint16_t port;
    unsigned connections;
    const char *token, *target;
} options;

static void give_up(const char *what)
{
    fprintf(stderr, "onramp_idle: %s: %s\n", what, errno != 0 ? strerror(errno) : "wrong usage");
    exit(2);
}

static void read_options(int count, char **arguments)
{
    static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"token", required_argument, NULL, 't'},
                                          {"target", required_argument, NULL, 'g'},
                                          {0}};
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1)
        switch (option) {
        case 'p':
            options.port = (uint16_t)atoi(optarg);
            break;
        case 'c':
            options.connections = (unsigned)atoi(optarg);
            break;
        case 't':
            options.token = optarg;
            break;
        case 'g':
            options.target = optarg;
            break;
        default:
            give_up("options");
        }
    if (options.port == 0 || options.connections == 0 || !options.token != !options.target)
        give_up("options");
}

static void ask(int fd)
{
    char request[1024], answer[4096];
    int length =
        options.target != NULL
            ? snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
                       options.target, options.token)
            : snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    if (length >= (int)sizeof request || send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        give_up("send");
    if (options.target == NULL && recv(fd, answer, sizeof answer, 0) <= 0)
        give_up("recv");
}

/* A moment in which the server takes in what was sent: its queues are not to be filled. */
static void pause_shortly(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static void expect_no_answer(int fd)
{
    char answer[256];
    ssize_t got = recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    answer[got > 0 ? got : 0] = '\0';
    fprintf(stderr, "onramp_idle: an answer came at once: %s\n", answer);
    exit(1);
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit limit;
    char ignored;
    errno = 0;
    read_options(count, arguments);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    address.sin_port = htons(options.port);
    int *fds = calloc(options.connections, sizeof *fds);
    if (fds == NULL)
        give_up("memory");
    for (unsigned i = 0; i < options.connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
            give_up("connect");
        ask(fd);
        fds[i] = fd;
        if (options.target != NULL && i % 100 == 99)
            pause_shortly(100);
    }
    pause_shortly(1000);
    for (unsigned i = 0; options.target != NULL && i < options.connections; i++)
        expect_no_answer(fds[i]);
    printf("ready %u\n", options.connections);
    fflush(stdout);
    while (read(STDIN_FILENO, &ignored, 1) > 0)
        ;
    return 0;
}
