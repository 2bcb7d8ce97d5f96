/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include "api/access.h"
#include "api/client.h"
#include "api/guard.h"
#include "api/log.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "db/arena.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    /* Of each connection, all of it zeroed after each request: the longest head, 64 fields of it as
     * the library keeps them, and the head of the answer. */
    CONNECTION_OCTETS = HEAD_MAX + HEAD_MAX / 2,
    IDLE_SECONDS = 75,    /* longer than the keep-alive of the usual proxies in front */
    SENDING_SECONDS = 30, /* for a client to take its answer */
    RUNS_A_TURN = 4
};

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* A connection begins or ends. */
static void notified(void *cls, struct MHD_Connection *connection, void **context,
                     enum MHD_ConnectionNotificationCode code)
{
    struct loop *loop = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        loop->adding->phase = CLIENT_SERVED;
        loop->adding->connection = connection;
        *context = loop->adding;
    } else if (*context) {
        if (loop->adding == *context)
            loop->adding = NULL;
        client_free(*context);
        *context = NULL;
    }
}

/* The request line is in: the request begins. */
static void *logged(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct loop *loop = cls;
    struct client *client = client_of(connection);
    client->deadline = loop->now + (int64_t)loop->settings->header_seconds * 1000;
    client->request = request_new(loop, client, connection, uri);
    loop->heading = client->request;
    loop->heads++;
    return client->request;
}

/* The head of a request is read, or never will be. */
static void headed(struct request *request)
{
    struct loop *loop = request->loop;
    loop->heads--;
    if (loop->heading == request)
        loop->heading = NULL;
}

/* The HTTP library says that it will answer a head by itself. When it does so for a length or for
 * cookies its answer has two heads; so ours goes out first, and the socket takes no more. Which
 * request it means it does not say: we act only when there is but one. */
static void overrule(struct loop *loop, unsigned status)
{
    static const struct {
        unsigned status;
        const char *code;
    } codes[] = {
        {413, "content_too_large"},
        {414, "uri_too_long"     },
        {431, "headers_too_large"}
    };
    struct refusal refusal = {"malformed_request", NULL};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            refusal.code = codes[i].code;
    if (loop->heads == 1 && loop->heading)
        client_answer(loop->heading->client, refusal, loop->heading->raw_target,
                      strlen(loop->heading->raw_target));
}

static void library_logged(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void library_logged(void *cls, const char *format, va_list arguments)
{
    static const char answers[] = "Error processing request (HTTP response code is %u";
    struct loop *loop = cls;
    char text[256];
    va_list copy;
    va_copy(copy, arguments);
    if (strncmp(format, answers, sizeof answers - 1) == 0)
        overrule(loop, va_arg(copy, unsigned));
    va_end(copy);
    if (!log_shows(LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, format, arguments);
    log_later(LOG_DEBUG, "libmicrohttpd: %s", text);
}

static void completed(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct loop *loop = cls;
    struct request *request = *context;
    (void)connection;
    (void)code;
    if (!request)
        return;
    if (request->phase == PHASE_HEAD)
        headed(request);
    request->client->request = NULL;
    request->client->looks = 0;
    request->client->consumed += request->octets;
    request->client->deadline = loop->now + IDLE_SECONDS * 1000;
    request_done(request);
    *context = NULL;
}

static enum MHD_Result answer_queue(struct request *request)
{
    struct MHD_Response *response = request->response;
    request->response = NULL;
    request->client->deadline = request->loop->now + SENDING_SECONDS * 1000;
    access_note(request);
    enum MHD_Result queued =
        MHD_queue_response(request->connection, (unsigned)request->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result head_in(struct request *request, const char *method, const char *version)
{
    struct head head;
    const char *id = request_header(request, "x-request-id");
    headed(request);
    if (id && request_id_valid(id))
        memcpy(request->id, id, strlen(id) + 1);
    if (guard_head(&head, request, method, version) == HEAD_REFUSED) {
        if (head.target) /* well-formed, that much */
            (void)target_read(&request->target, request->arena, request->raw_target);
        problem_answer(request, head.refusal);
        return answer_queue(request);
    }
    request->method = method_read(method);
    request->sized = head.sized;
    request->octets = head.length + head.content_length;
    request->body_capacity = head.content_length;
    request->client->deadline =
        request->loop->now + (int64_t)request->loop->settings->body_seconds * 1000;
    request->phase = PHASE_BODY;
    return MHD_YES;
}

static enum MHD_Result body_in(struct request *request, const char *bytes, size_t size)
{
    if (!request->body)
        request->body = arena_alloc(request->arena, request->body_capacity + 1);
    if (size > request->body_capacity - request->body_length)
        return MHD_NO; /* more than the guard let pass: not possible with a Content-Length */
    memcpy(request->body + request->body_length, bytes, size);
    request->body_length += size;
    return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    struct request *request = *context;
    (void)cls;
    (void)connection;
    (void)url;
    if (!request)
        return MHD_NO;
    switch (request->phase) {
    case PHASE_HEAD:
        return head_in(request, method, version);
    case PHASE_BODY:
        if (*upload_size > 0) {
            size_t size = *upload_size;
            *upload_size = 0;
            return body_in(request, upload, size);
        }
        request->client->deadline = INT64_MAX; /* the operation has its own */
        request->phase = PHASE_ROUTE;
        request_move(request);
        break;
    case PHASE_ANSWERED:
        break;
    default:
        abort(); /* a connection that waits is suspended */
    }
    if (request->phase == PHASE_ANSWERED)
        return answer_queue(request);
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* Nothing is decoded behind our back. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void http_ready(struct watch *watch, uint32_t events)
{
    struct loop *loop = (struct loop *)(void *)((char *)watch - offsetof(struct loop, http_watch));
    (void)events;
    loop->http_ready = true;
}

bool http_open(struct loop *loop)
{
    loop->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, handle, loop, MHD_OPTION_EXTERNAL_LOGGER, library_logged, loop,
        MHD_OPTION_CONNECTION_LIMIT, loop->client_limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_OCTETS, MHD_OPTION_URI_LOG_CALLBACK, logged, loop,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, loop,
        MHD_OPTION_NOTIFY_CONNECTION, notified, loop, MHD_OPTION_END);
    if (!loop->daemon) {
        log_line(LOG_ERR, "libmicrohttpd cannot be started");
        return false;
    }
    loop->http_watch.ready = http_ready;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop->http_watch};
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0) {
        log_line(LOG_ERR, "libmicrohttpd gives no epoll descriptor");
        return false;
    }
    return true;
}

bool http_add(struct client *client)
{
    struct loop *loop = client->loop;
    loop->adding = client;
    loop->http_ready = true;
    /* It keeps an address for those who ask; nobody here does. */
    struct sockaddr_in nowhere = {.sin_family = AF_INET};
    bool added = MHD_add_connection(loop->daemon, client->fd, (struct sockaddr *)&nowhere,
                                    sizeof nowhere) == MHD_YES;
    if (!added && loop->adding)
        client_free(client); /* the socket is closed, and nobody was notified */
    loop->adding = NULL;
    return added;
}

void http_hold(struct client *client)
{
    MHD_suspend_connection(client->connection);
}

void http_release(struct client *client)
{
    MHD_resume_connection(client->connection);
    client->loop->resumed = true;
}

void http_detach(struct client *client, int other)
{
    /* Suspended, the connection is in no epoll, so that its descriptor can become another. */
    if (client->phase != CLIENT_HELD)
        http_hold(client);
    if (dup2(other, client->fd) < 0)
        abort();
    http_release(client);
}

bool http_turn(struct loop *loop)
{
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    bool again = loop->http_ready || loop->resumed;
    for (int i = 0; again && i < RUNS_A_TURN; i++) {
        loop->http_ready = loop->resumed = false;
        MHD_run(loop->daemon);
        again =
            loop->resumed || (MHD_get_timeout(loop->daemon, &timeout) == MHD_YES && timeout == 0);
    }
    loop->http_ready = again;
    return again;
}

void http_close(struct loop *loop)
{
    if (loop->daemon)
        MHD_stop_daemon(loop->daemon);
    loop->daemon = NULL;
}
