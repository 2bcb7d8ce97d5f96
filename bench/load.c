/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - keep-alive connections that each send one request after the other, for some seconds.
 *
 *   load --port N --work hello|get|list|create|callback|connect|mix [--tokens FILE]
 *        [--connections 64] [--seconds 4] [--turn 0] [--secret whsec_...] [--callbacks-each N]
 *        [--circuits-each 10] [--hot]
 *
 * With --hot all are one customer, and connect and disconnect one VNet: then limits are reached,
 * and 409 is an answer too. Prints one line of JSON: requests, how many of them wrote, seconds,
 * latencies in microseconds, requests of the connections that got least and most, what went wrong.
 * Exit status 1 when an answer was not the expected one: then the figures mean nothing. */
#include "answer.h"
#include "histogram.h"
#include "workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_SIZE = 65536, CUSTOMERS_MAX = 4096, EVENTS = 256, OVERTIME_SECONDS = 15 };

struct connection {
    struct worker worker;
    int fd;
    bool waiting; /* for an answer */
    uint64_t sent_at, answered;
    size_t received;
    char answer[ANSWER_SIZE];
};

static struct {
    const char *tokens, *secret;
    uint16_t port;
    unsigned connections;
    double seconds;
} options = {.connections = 64, .seconds = 4};

static struct workload workload;
static struct histogram latencies;
static uint64_t written, wrong;
static char complaint[512];
static uint64_t ends_at;

static void give_up(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno != 0 ? strerror(errno) : "wrong usage");
    exit(2);
}

static uint64_t now_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void send_next(struct connection *connection)
{
    char request[REQUEST_SIZE];
    size_t length = workload_request(&workload, &connection->worker, request);
    connection->received = 0;
    connection->waiting = true;
    connection->sent_at = now_microseconds();
    /* One small request on an idle connection: the socket takes all of it. */
    if (send(connection->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
        give_up("send");
}

static void complain(const struct connection *connection, const struct answer *answer)
{
    wrong++;
    if (complaint[0] == '\0')
        snprintf(complaint, sizeof complaint, "%d%s %.400s", answer->status,
                 answer->closes ? " and the connection closed" : "",
                 connection->answer + answer->head);
}

/* False: there is nothing more to come. */
static bool receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->answer + connection->received,
                       ANSWER_SIZE - 1 - connection->received, 0);
    if (got <= 0)
        give_up(got == 0 ? "the server closed a connection" : "recv");
    connection->received += (size_t)got;
    connection->answer[connection->received] = '\0';
    struct answer answer = {0};
    enum answer_state state = answer_read(&answer, connection->answer, connection->received);
    if (state == ANSWER_BROKEN)
        give_up("an answer that is not one");
    if (state == ANSWER_PARTIAL)
        return true;
    uint64_t now = now_microseconds();
    connection->waiting = false;
    if (!workload_answered(&workload, &connection->worker, answer.status,
                           connection->answer + answer.head, answer.body) ||
        answer.closes)
        complain(connection, &answer);
    if (now <= ends_at) {
        histogram_add(&latencies, now - connection->sent_at);
        written += work_writes(connection->worker.work) && !connection->worker.refused;
        connection->answered++;
    }
    if (now >= ends_at || wrong > 0)
        return false;
    send_next(connection);
    return true;
}

static void open_connection(struct connection *connection, unsigned number, int epoll_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    connection->worker.number = number;
    connection->worker.random = 2463534242u + number * 7919;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        give_up("epoll");
}

static void read_tokens(void)
{
    FILE *in = fopen(options.tokens, "re");
    if (in == NULL)
        give_up(options.tokens);
    workload.tokens = calloc(CUSTOMERS_MAX, sizeof *workload.tokens);
    if (workload.tokens == NULL)
        give_up("memory");
    while (workload.customers < CUSTOMERS_MAX &&
           fscanf(in, "%127s", workload.tokens[workload.customers]) == 1)
        workload.customers++;
    fclose(in);
    if (workload.customers == 0)
        give_up("no tokens");
    if (workload.hot)
        workload.customers = 1;
}

static void read_options(int count, char **arguments)
{
    static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                          {"work", required_argument, NULL, 'w'},
                                          {"tokens", required_argument, NULL, 't'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"secret", required_argument, NULL, 'k'},
                                          {"turn", required_argument, NULL, 'n'},
                                          {"callbacks-each", required_argument, NULL, 'e'},
                                          {"circuits-each", required_argument, NULL, 'r'},
                                          {"hot", no_argument, NULL, 'h'},
                                          {0}};
    bool named = false;
    int option;
    workload.callbacks_each = 1;
    workload.circuits_each = 10;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1)
        switch (option) {
        case 'p':
            options.port = (uint16_t)atoi(optarg);
            break;
        case 'w':
            named = work_named(&workload.work, optarg);
            break;
        case 't':
            options.tokens = optarg;
            break;
        case 'c':
            options.connections = (unsigned)atoi(optarg);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        case 'k':
            if (!signature_key_read(&workload.key, optarg))
                give_up("the secret is not one");
            break;
        case 'n':
            workload.turn = (unsigned)atoi(optarg);
            break;
        case 'e':
            workload.callbacks_each = (unsigned)atoi(optarg);
            break;
        case 'r':
            workload.circuits_each = (unsigned)atoi(optarg);
            break;
        case 'h':
            workload.hot = true;
            break;
        default:
            give_up("options");
        }
    if (!named || options.port == 0 || options.connections == 0 || workload.callbacks_each == 0 ||
        workload.circuits_each == 0 || (workload.work != WORK_HELLO && options.tokens == NULL))
        give_up("options");
}

static void run(struct connection *connections, int epoll_fd)
{
    struct epoll_event events[EVENTS];
    unsigned active = options.connections;
    for (unsigned i = 0; i < options.connections; i++)
        send_next(&connections[i]);
    while (active > 0) {
        int count = epoll_wait(epoll_fd, events, EVENTS, 1000);
        if (count == 0 && now_microseconds() > ends_at + OVERTIME_SECONDS * 1000000ull)
            give_up("answers that never came");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!receive(connection)) {
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
                active--;
            }
        }
        if (wrong > 0)
            break;
    }
}

int main(int count, char **arguments)
{
    errno = 0;
    read_options(count, arguments);
    if (options.tokens != NULL)
        read_tokens();
    char host[32];
    snprintf(host, sizeof host, "127.0.0.1:%u", options.port);
    workload.host = host;
    workload.clients = options.connections;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc(options.connections, sizeof *connections);
    if (epoll_fd < 0 || connections == NULL)
        give_up("start");
    for (unsigned i = 0; i < options.connections; i++)
        open_connection(&connections[i], i, epoll_fd);
    ends_at = now_microseconds() + (uint64_t)(options.seconds * 1e6);
    run(connections, epoll_fd);
    printf("{\"requests\": %llu, \"written\": %llu, \"seconds\": %.3f, \"mean\": %llu",
           (unsigned long long)latencies.count, (unsigned long long)written, options.seconds,
           (unsigned long long)(latencies.count > 0 ? latencies.total / latencies.count : 0));
    printf(", \"p50\": %llu, \"p99\": %llu, \"p999\": %llu, \"max\": %llu",
           (unsigned long long)histogram_at(&latencies, 0.5),
           (unsigned long long)histogram_at(&latencies, 0.99),
           (unsigned long long)histogram_at(&latencies, 0.999), (unsigned long long)latencies.most);
    uint64_t least = connections[0].answered, most = 0;
    for (unsigned i = 0; i < options.connections; i++) {
        least = connections[i].answered < least ? connections[i].answered : least;
        most = connections[i].answered > most ? connections[i].answered : most;
    }
    printf(", \"least\": %llu, \"most\": %llu, \"wrong\": %llu}\n", (unsigned long long)least,
           (unsigned long long)most, (unsigned long long)wrong);
    if (wrong > 0)
        fprintf(stderr, "load: an answer was not the expected one: %s\n", complaint);
    return wrong > 0 ? 1 : 0;
}
