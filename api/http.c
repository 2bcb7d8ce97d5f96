/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include "api/access.h"
#include "api/client.h"
#include "api/guard.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "base/arena.h"
#include "base/log.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    /* Of each connection: the longest head, its fields and cookies as the library keeps them, and
     * the head of the answer. Half of it takes in what was sent, as long as that suffices. */
    ROOMY_OCTETS = HEAD_MAX + HEAD_MAX / 2,
    NARROW_OCTETS = ROOMY_OCTETS / 4,
    /* What fits into the narrow one whatever has come in behind it: half of it is left for fields
     * of 64 octets and an answer that may have a link as long as the target. */
    NARROW_HEAD = 1024,
    NARROW_FIELDS = 16,
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

static bool is_narrow(const struct client *client)
{
    return client->http == &client->loop->narrow;
}

static bool head_is_small(const struct head *head)
{
    return head->length <= NARROW_HEAD && head->fields <= NARROW_FIELDS && head->cookies == 0;
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
    client->http->heading = client->request;
    client->http->heads++;
    return client->request;
}

/* The head of a request is read, or never will be. */
static void headed(struct request *request)
{
    struct http *http = request->client->http;
    http->heads--;
    if (http->heading == request)
        http->heading = NULL;
}

/* The HTTP library says that it will answer a head by itself. When it does so for a length or for
 * cookies its answer has two heads; so ours goes out first, and the socket takes no more. Which
 * request it means it does not say: we act only when there is but one. */
static void overrule(const struct http *http, unsigned status)
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
    struct client *client = http->heads == 1 && http->heading ? http->heading->client : NULL;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            refusal.code = codes[i].code;
    if (!client)
        return;
    /* Too large for here, which is not the client's fault; see head_in. */
    if (is_narrow(client) && strcmp(refusal.code, "malformed_request") != 0)
        shutdown(client->fd, SHUT_RDWR);
    else
        client_answer(client, refusal, http->heading->raw_target,
                      strlen(http->heading->raw_target));
}

static void library_logged(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void library_logged(void *cls, const char *format, va_list arguments)
{
    static const char answers[] = "Error processing request (HTTP response code is %u";
    const struct http *http = cls;
    char text[256];
    va_list copy;
    va_copy(copy, arguments);
    if (strncmp(format, answers, sizeof answers - 1) == 0)
        overrule(http, va_arg(copy, unsigned));
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
    if (!request)
        return;
    if (request->phase == PHASE_HEAD)
        headed(request);
    request->client->request = NULL;
    request->client->looks = 0;
    request->client->consumed += request->octets;
    request->client->deadline = loop->now + IDLE_SECONDS * 1000;
    bool kept = code == MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->closes && !loop->draining;
    struct client *client = request->client;
    request_done(request);
    *context = NULL;
    if (kept)
        client_rest(client);
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
    request->closes = true; /* as it does after a refusal here */
    if (id && request_id_valid(id))
        memcpy(request->id, id, strlen(id) + 1);
    if (guard_head(&head, request, method, version) == HEAD_REFUSED) {
        if (head.target) /* well-formed, that much */
            (void)target_read(&request->target, request->arena, request->raw_target);
        problem_answer(request, head.refusal);
        return answer_queue(request);
    }
    request->method = method_read(method);
    request->closes = head.close;
    request->sized = head.sized;
    request->octets = head.length + head.content_length;
    request->body_capacity = head.content_length;
    request->client->deadline =
        request->loop->now + (int64_t)request->loop->settings->body_seconds * 1000;
    request->phase = PHASE_BODY;
    /* It came while the request before it was answered, so that nobody chose a daemon by it, and
     * there may be no room for its answer. A client that doesn't wait for answers has to be
     * prepared to ask again for those that don't come (RFC 9112 section 9.3.2). */
    if (is_narrow(request->client) && !head_is_small(&head))
        return MHD_NO;
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
    (void)events;
    ((struct http *)watch)->ready = true;
}

static bool daemon_open(struct loop *loop, struct http *http, size_t octets)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, handle, loop, MHD_OPTION_EXTERNAL_LOGGER, library_logged, http,
        MHD_OPTION_CONNECTION_LIMIT, loop->client_limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, octets,
        MHD_OPTION_URI_LOG_CALLBACK, logged, loop, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, completed, loop, MHD_OPTION_NOTIFY_CONNECTION, notified, loop,
        MHD_OPTION_END);
    if (!http->daemon) {
        log_line(LOG_ERR, "libmicrohttpd cannot be started");
        return false;
    }
    http->watch.ready = http_ready;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &http->watch};
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0) {
        log_line(LOG_ERR, "libmicrohttpd gives no epoll descriptor");
        return false;
    }
    return true;
}

bool http_open(struct loop *loop)
{
    return daemon_open(loop, &loop->narrow, NARROW_OCTETS) &&
           daemon_open(loop, &loop->roomy, ROOMY_OCTETS);
}

/* Who sends more than a request goes to the roomy one before it sends more of it than the narrow
 * one could read, and a body goes there that it would have to read in pieces. Clients of HTTP/1.0
 * go there because they do not rest. */
struct http *http_for(struct loop *loop, const struct head *head, size_t octets)
{
    uint64_t length = head->length + head->content_length;
    bool narrow =
        head_is_small(head) && !head->http10 && octets <= length && length <= NARROW_OCTETS / 2;
    return narrow ? &loop->narrow : &loop->roomy;
}

bool http_add(struct http *http, struct client *client)
{
    struct loop *loop = client->loop;
    loop->adding = client;
    client->http = http;
    http->ready = true;
    /* It keeps an address for those who ask; nobody here does. */
    struct sockaddr_in nowhere = {.sin_family = AF_INET};
    bool added = MHD_add_connection(http->daemon, client->fd, (struct sockaddr *)&nowhere,
                                    sizeof nowhere) == MHD_YES;
    if (!added && loop->adding == client)
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
    client->http->ready = true;
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

void http_wake(struct loop *loop)
{
    loop->narrow.ready = loop->roomy.ready = true;
}

static void daemon_turn(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    for (int i = 0; http->ready && i < RUNS_A_TURN; i++) {
        http->ready = false;
        MHD_run(http->daemon);
        if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout == 0)
            http->ready = true;
    }
}

bool http_turn(struct loop *loop)
{
    daemon_turn(&loop->narrow);
    daemon_turn(&loop->roomy);
    loop->resumed = false; /* the daemons know which of them it was */
    return loop->narrow.ready || loop->roomy.ready;
}

static void daemon_close(struct http *http)
{
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
}

void http_close(struct loop *loop)
{
    daemon_close(&loop->narrow);
    daemon_close(&loop->roomy);
}
