/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connection.h"

#include "base/log.h"
#include "http/engine.h"
#include "http/exchange.h"
#include "http/forwarded.h"
#include "http/library.h"
#include "http/seam.h"
#include "http/shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IDLE_MS = 75 * 1000,            /* longer than the keep-alive of the usual proxies in front */
    SENDING_MS = 30 * 1000,         /* for a client to take its answer */
    BODIES_MAX = 256 * 1024 * 1024, /* octets of bodies; beyond it the slowest client is ended */
    ENDING_MS = 1000                /* for the library to close it, before it is told again */
};

/* --- its state --- */

#define TO(state) (1u << CONNECTION_##state)

/* What may follow. */
static const unsigned follows[CONNECTION_STATES] = {
    [CONNECTION_IDLE] = TO(HEAD) | TO(WHOLE) | TO(ENDING),
    [CONNECTION_HEAD] = TO(BODY) | TO(WHOLE) | TO(ENDING),
    [CONNECTION_BODY] = TO(WHOLE) | TO(ENDING),
    [CONNECTION_WHOLE] = TO(ASKED) | TO(ENDING),
    [CONNECTION_ASKED] = TO(ANSWERED) | TO(ENDING),
    [CONNECTION_ANSWERED] = TO(IDLE) | TO(ENDING),
};

/* The queue of those that wait for their client in that state, or NULL. */
static struct queue *queue_of(struct http *http, enum connection_state state)
{
    switch (state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
        return &http->idle;
    case CONNECTION_BODY:
        return &http->slow;
    default:
        return NULL;
    }
}

static void queue_leave(struct connection *connection)
{
    struct queue *queue = connection->queue;
    if (!queue)
        return;
    *(connection->ahead ? &connection->ahead->behind : &queue->first) = connection->behind;
    *(connection->behind ? &connection->behind->ahead : &queue->last) = connection->ahead;
    connection->queue = NULL;
}

static void queue_join(struct connection *connection, struct queue *queue)
{
    queue_leave(connection);
    if (!queue)
        return;
    connection->behind = NULL;
    connection->ahead = queue->last;
    *(queue->last ? &queue->last->behind : &queue->first) = connection;
    queue->last = connection;
    connection->queue = queue;
    connection->queued = connection->http->now;
}

/* How long it may stay in a state, in milliseconds; -1: as long as the application likes. */
static int64_t patience(const struct http *http, enum connection_state state)
{
    switch (state) {
    case CONNECTION_IDLE:
        return IDLE_MS;
    case CONNECTION_HEAD:
        return (int64_t)http->settings.header_seconds * 1000;
    case CONNECTION_BODY:
        return (int64_t)http->settings.body_seconds * 1000;
    case CONNECTION_WHOLE:
    case CONNECTION_ASKED:
        return -1;
    case CONNECTION_ANSWERED:
        return SENDING_MS;
    case CONNECTION_ENDING:
        return ENDING_MS;
    }
    abort();
}

/* The only way from one state to another. */
static void move(struct connection *connection, enum connection_state to)
{
    struct http *http = connection->http;
    if (!(follows[connection->state] & 1u << to))
        abort();
    connection->state = to;
    int64_t time = patience(http, to);
    connection->deadline = time < 0 ? INT64_MAX : http->now + time;
    struct queue *queue = queue_of(http, to);
    if (queue != connection->queue)
        queue_join(connection, queue);
    if (to == CONNECTION_ENDING)
        atomic_fetch_sub(http->open, 1);
}

/* --- its beginning and its end --- */

/* The client has ended its side, or all of the connection. */
static void ended(struct watch *watch, uint32_t events)
{
    struct connection *connection = (struct connection *)watch;
    (void)events;
    connection->ended = true;
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        library_nudge(connection); /* it may have read all before the end, and be told no more */
        break;
    case CONNECTION_ASKED:
    case CONNECTION_ANSWERED:
        connection->http->settings.handlers->gone(connection->exchange);
        break;
    case CONNECTION_WHOLE:
    case CONNECTION_ENDING:
        break;
    }
}

static void list_add(struct connection *connection)
{
    struct http *http = connection->http;
    connection->next = http->connections;
    if (connection->next)
        connection->next->previous = connection;
    http->connections = connection;
    http->connection_count++;
    atomic_fetch_add(http->open, 1);
}

static void list_remove(struct connection *connection)
{
    struct http *http = connection->http;
    *(connection->previous ? &connection->previous->next : &http->connections) = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    http->connection_count--;
    if (connection->state != CONNECTION_ENDING)
        atomic_fetch_sub(http->open, 1);
}

struct connection *connection_new(struct http *http, int fd, const struct address *address)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    connection->watch.ready = ended;
    connection->http = http;
    connection->fd = fd;
    connection->address = *address;
    connection->deadline = http->now + (int64_t)http->settings.header_seconds * 1000;
    connection->trusted =
        forwarded_trusts(address, http->settings.proxies, http->settings.proxy_count);
    connection->preface = connection->trusted;
    list_add(connection);
    queue_join(connection, &http->idle);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = &connection->watch};
    if (!seam_register(fd, connection) ||
        epoll_ctl(http->settings.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        log_line(LOG_ERR, "a connection cannot be watched: %s", strerror(errno));
        connection_free(connection);
        close(fd);
        return NULL;
    }
    return library_add(http, connection) ? connection : NULL;
}

static void exchange_over(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    if (!exchange)
        return;
    connection->exchange = NULL;
    connection->http->settings.handlers->done(exchange);
    exchange_free(exchange);
}

void connection_free(struct connection *connection)
{
    struct http *http = connection->http;
    exchange_over(connection);
    if (connection->input)
        input_free(http, connection->input);
    queue_leave(connection);
    list_remove(connection);
    seam_forget(connection->fd, connection);
    /* Closing the descriptor would not do: a program that is being started has it too for a moment,
     * and so has who lingers. */
    epoll_ctl(http->settings.epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    int fd = connection->lingers ? fcntl(connection->fd, F_DUPFD_CLOEXEC, 0) : -1;
    const struct address *of = connection->shares ? &connection->address : NULL;
    if (fd >= 0)
        linger_begin(&http->lingers, fd, of, http->now);
    else if (of)
        share_give(http->settings.shares, of);
    if (http->current == connection)
        http->current = NULL;
    free(connection);
}

void connection_end(struct connection *connection)
{
    if (connection->state == CONNECTION_ENDING)
        library_nudge(connection);
    else
        move(connection, CONNECTION_ENDING);
    connection->deadline = connection->http->now + ENDING_MS;
    /* The library is woken by that, and sees the end. */
    shutdown(connection->fd, SHUT_RDWR);
}

/* --- octets in --- */

enum progress {
    PROGRESS_MADE,    /* look again */
    PROGRESS_WANTING, /* more octets are needed */
    PROGRESS_ENDED    /* nothing will come of it any more */
};

/* Read what there is. Where a TLS session would be asked instead of the kernel. */
static enum progress fill(struct connection *connection)
{
    struct input *input = connection->input;
    if (input->at > 0) {
        memmove(input->octets, input->octets + input->at, input->end - input->at);
        input->end -= input->at;
        input->at = 0;
    }
    size_t room = sizeof input->octets - input->end;
    ssize_t got;
    do
        got = recvfrom(connection->fd, input->octets + input->end, room, 0, NULL, NULL);
    while (got < 0 && errno == EINTR);
    connection->drained = got < (ssize_t)room;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return PROGRESS_WANTING;
    if (got <= 0)
        return PROGRESS_ENDED;
    input->end += (size_t)got;
    return PROGRESS_MADE;
}

static void refuse(struct connection *connection, struct refusal refusal)
{
    connection->lingers = true;
    connection->exchange->closes = true;
    move(connection, CONNECTION_WHOLE);
    connection->http->settings.handlers->refuse(connection->exchange, refusal);
    if (!connection->exchange->response)
        abort(); /* it has to answer at once */
}

void connection_refuse(struct connection *connection, const char *code, const char *detail)
{
    connection->exchange = exchange_new(connection->http, connection);
    refuse(connection, (struct refusal){code, detail});
    library_nudge(connection);
}

/* All of the request is in. */
static enum progress whole(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    if (exchange->octets) {
        exchange->octets[exchange->body_length] = '\0';
        exchange->body = exchange->octets;
    }
    move(connection, CONNECTION_WHOLE);
    return PROGRESS_MADE;
}

static enum progress preface_step(struct connection *connection)
{
    struct input *input = connection->input;
    size_t used = 0;
    switch (preface_read(&connection->address, input->octets + input->at, input->end - input->at,
                         &used)) {
    case PREFACE_INCOMPLETE:
        return PROGRESS_WANTING;
    case PREFACE_MALFORMED:
        connection->exchange = exchange_new(connection->http, connection);
        refuse(connection, (struct refusal){"malformed_request",
                                            "The PROXY protocol header is not well-formed."});
        return PROGRESS_MADE;
    case PREFACE_COMPLETE:
        connection->trusted = false; /* the client is known */
        input->at += used;
        break;
    case PREFACE_NONE:
        break;
    }
    connection->preface = false;
    return PROGRESS_MADE;
}

/* The head is accepted. */
static void body_begin(struct connection *connection, const struct head *head)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct exchange *exchange = connection->exchange;
    struct input *input = connection->input;
    exchange->closes = head->close;
    exchange->old = head->http10;
    exchange->sized = head->sized || head->chunked;
    exchange->announced = head->content_length;
    bool empty = !head->chunked && head->content_length == 0;
    connection->chunks = (struct chunks){0};
    input->at += head->length;
    connection->http->settings.handlers->begin(exchange);
    if (empty) {
        whole(connection);
        return;
    }
    if (!head->chunked)
        exchange_body_room(exchange, (size_t)head->content_length);
    move(connection, CONNECTION_BODY);
    if (head->expects && !head->http10 && input->at == input->end) {
        ssize_t sent = send(connection->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0 && sent < (ssize_t)sizeof go_on - 1)
            move(connection, CONNECTION_ENDING); /* the rest would stand before the answer */
    }
}

static enum progress head_step(struct connection *connection)
{
    struct input *input = connection->input;
    const struct head *head = &input->head;
    size_t size = input->end - input->at;
    if (size == 0)
        return PROGRESS_WANTING;
    if (connection->preface)
        return preface_step(connection);
    const char *octets = input->octets + input->at;
    enum head_verdict verdict =
        head_read(&input->head, octets, size, connection->http->settings.handlers->singles);
    if (verdict == HEAD_INCOMPLETE)
        return PROGRESS_WANTING;
    connection->served = true;
    connection->exchange = exchange_new(connection->http, connection);
    exchange_read(connection->exchange, head, octets);
    if (verdict == HEAD_COMPLETE)
        body_begin(connection, head);
    else
        refuse(connection, head->refusal);
    head_begin(&input->head);
    return PROGRESS_MADE;
}

static bool body_add(struct connection *connection, const char *octets, size_t length)
{
    struct exchange *exchange = connection->exchange;
    if (length > BODY_MAX - exchange->body_length) {
        refuse(connection, (struct refusal){"content_too_large", NULL});
        return false;
    }
    memcpy(exchange_body_room(exchange, length), octets, length);
    exchange->body_length += length;
    struct http *http = connection->http;
    if (http->bodies > BODIES_MAX && http->slow.first && http->slow.first != connection)
        connection_end(http->slow.first);
    return true;
}

static enum progress sized_step(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct input *input = connection->input;
    size_t size = input->end - input->at,
           wanted = (size_t)exchange->announced - exchange->body_length;
    if (size > wanted)
        size = wanted;
    body_add(connection, input->octets + input->at, size);
    input->at += size;
    return size == wanted ? whole(connection) : PROGRESS_WANTING;
}

static enum progress chunked_step(struct connection *connection)
{
    struct input *input = connection->input;
    for (;;) {
        const char *data;
        size_t used = 0, length;
        enum chunk_verdict verdict = chunks_read(&connection->chunks, input->octets + input->at,
                                                 input->end - input->at, &used, &data, &length);
        input->at += used;
        switch (verdict) {
        case CHUNKS_DATA:
            if (!body_add(connection, data, length))
                return PROGRESS_MADE;
            break;
        case CHUNKS_MORE:
            return PROGRESS_WANTING;
        case CHUNKS_DONE:
            return whole(connection);
        case CHUNKS_MALFORMED:
            refuse(connection, (struct refusal){"malformed_request",
                                                "The chunks of the body are not well-formed."});
            return PROGRESS_MADE;
        case CHUNKS_TOO_LARGE:
            refuse(connection, (struct refusal){"content_too_large",
                                                "The body's chunks have extensions or trailers "
                                                "that are too long. Leave them out."});
            return PROGRESS_MADE;
        }
    }
}

static bool is_chunked(const struct exchange *exchange)
{
    return exchange->sized && exchange->announced == 0;
}

static enum progress step(struct connection *connection)
{
    if (connection->state == CONNECTION_BODY)
        return is_chunked(connection->exchange) ? chunked_step(connection) : sized_step(connection);
    if (connection->state == CONNECTION_IDLE && connection->input->end > connection->input->at)
        move(connection, CONNECTION_HEAD);
    return head_step(connection);
}

/* The stream ends before the request is whole. */
static void cut_short(struct connection *connection)
{
    connection->ended = true;
    if (connection->state == CONNECTION_BODY)
        refuse(connection, (struct refusal){"malformed_request",
                                            "The connection ended before the body was whole."});
    else
        move(connection, CONNECTION_ENDING); /* half a head has no answer */
}

/* Read until a request is whole, or there is no more for now. */
static void take_in(struct connection *connection)
{
    if (!connection->input)
        connection->input = input_new(connection->http);
    while (connection->state < CONNECTION_WHOLE) {
        enum progress progress = step(connection);
        if (progress == PROGRESS_WANTING)
            progress = fill(connection);
        if (progress == PROGRESS_WANTING)
            break;
        if (progress == PROGRESS_ENDED)
            cut_short(connection);
    }
    if (connection->input->at == connection->input->end && connection->state != CONNECTION_HEAD) {
        input_free(connection->http, connection->input);
        connection->input = NULL;
    }
}

/* --- the library's side --- */

/* What the library is told: no octet of it is the client's. It learns whether the answer has a
 * body, and whether chunks and a living connection are understood. */
static const char *canonical(const struct exchange *exchange)
{
    static const char *const requests[2][2] = {
        {"GET / HTTP/1.1\r\nHost: onramp\r\n\r\n",
         "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\nHost: onramp\r\n\r\n",
         "HEAD / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
    };
    return requests[strcmp(exchange->method, "HEAD") == 0][exchange->old];
}

static ssize_t nothing_yet(void)
{
    errno = EAGAIN;
    return -1;
}

ssize_t connection_read(struct connection *connection, char *out, size_t size)
{
    connection->http->current = connection;
    if (connection->state < CONNECTION_WHOLE) {
        take_in(connection);
        if (connection->state < CONNECTION_WHOLE)
            return nothing_yet();
    }
    if (connection->state == CONNECTION_ENDING)
        return 0;
    if (connection->state != CONNECTION_WHOLE)
        return nothing_yet();
    if (!connection->offer) {
        connection->offer = canonical(connection->exchange);
        connection->offer_length = strlen(connection->offer);
    }
    if (connection->offer_length == 0)
        return nothing_yet();
    size_t given = size < connection->offer_length ? size : connection->offer_length;
    memcpy(out, connection->offer, given);
    connection->offer += given;
    connection->offer_length -= given;
    return (ssize_t)given;
}

bool connection_asks(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    if (connection->state == CONNECTION_WHOLE) {
        move(connection, CONNECTION_ASKED);
        if (!exchange->response)
            connection->http->settings.handlers->ready(exchange);
        if (!exchange->response && connection->ended)
            connection->http->settings.handlers->gone(exchange);
    }
    return exchange->response != NULL;
}

void connection_sends(struct connection *connection)
{
    move(connection, CONNECTION_ANSWERED);
}

void connection_gives(struct connection *connection, bool octets)
{
    connection->deadline = octets ? connection->http->now + SENDING_MS : INT64_MAX;
}

void connection_rests(struct connection *connection, bool kept)
{
    connection->offer = NULL;
    connection->lingers |= connection->input || !connection->drained;
    exchange_over(connection);
    if (!kept) {
        if (connection->state != CONNECTION_ENDING)
            move(connection, CONNECTION_ENDING);
        return;
    }
    connection->lingers = false;
    move(connection, CONNECTION_IDLE);
    /* What no event will tell of. */
    if (connection->input || !connection->drained || connection->ended)
        library_nudge(connection);
}
