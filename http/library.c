/* SPDX-License-Identifier: Apache-2.0 */
#include "http/library.h"

#include "base/log.h"
#include "http/connection.h"
#include "http/engine.h"
#include "http/exchange.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    /* Of each connection: the canonical request, and the head of the answer. */
    POOL_OCTETS = ANSWER_HEAD_MAX + 1024,
    STREAM_BLOCK = 4096,
    /* Beyond the limit, for a moment: while the first to go still go. More than are accepted in a
     * turn and handed over: at its own limit libmicrohttpd 0.9.75 keeps a mutex locked. */
    SPARE_CONNECTIONS = 512,
    RUNS_A_TURN = 4
};

static struct connection *connection_of(struct MHD_Connection *library)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* A connection begins or ends. */
static void notified(void *cls, struct MHD_Connection *library, void **context,
                     enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        http->adding->library = library;
        *context = http->adding;
    } else if (*context) {
        if (http->adding == *context)
            http->adding = NULL;
        connection_free(*context);
        *context = NULL;
    }
}

static void completed(void *cls, struct MHD_Connection *library, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct http *http = cls;
    struct connection *connection = connection_of(library);
    *context = NULL;
    http->current = connection;
    connection_rests(connection, code == MHD_REQUEST_TERMINATED_COMPLETED_OK &&
                                     connection->state == CONNECTION_ANSWERED &&
                                     !connection->exchange->closes);
}

static enum MHD_Result answer(struct exchange *exchange)
{
    struct MHD_Response *response = exchange->response;
    exchange->response = NULL;
    exchange->closes |= exchange->http->draining;
    if (exchange->closes)
        MHD_add_response_header(response, "Connection", "close");
    connection_sends(exchange->connection);
    enum MHD_Result queued =
        MHD_queue_response(exchange->connection->library, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* A response that is queued in the first call of the handler closes its connection. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *library, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    struct http *http = cls;
    struct connection *connection = connection_of(library);
    struct exchange *exchange = connection->exchange;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_size; /* the canonical request has no body */
    http->current = connection;
    if (!*context) {
        *context = exchange;
        return MHD_YES;
    }
    if (connection_asks(connection))
        return answer(exchange);
    exchange->suspended = true;
    MHD_suspend_connection(library);
    return MHD_YES;
}

/* Whether a line of the library's tells of the client's doing. */
static bool is_of_the_client(const char *line)
{
    static const char *const beginnings[] = {"Failed to send", "Socket has been",
                                             "Connection was closed", "Connection socket is",
                                             "Detected"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static void logged(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* It has no reason to complain of a canonical request: that is our bug. The connection that it
 * works on is the one that we told it of last, and gets no answer of the library's. */
static void logged(void *cls, const char *format, va_list arguments)
{
    struct http *http = cls;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    if (is_of_the_client(text)) {
        log_later(LOG_DEBUG, "libmicrohttpd: %s", text);
        return;
    }
    http->errors++;
    log_line(LOG_ERR, "bug: libmicrohttpd: %s", text);
    if (http->current)
        shutdown(http->current->fd, SHUT_RDWR);
}

static void library_ready(struct watch *watch, uint32_t events)
{
    struct http *http = (struct http *)(void *)((char *)watch - offsetof(struct http, library));
    (void)events;
    http->ready = true;
}

bool library_open(struct http *http)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, logged, http,
        MHD_OPTION_CONNECTION_LIMIT, http->settings.connections + SPARE_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_OCTETS, MHD_OPTION_NOTIFY_COMPLETED,
        completed, http, MHD_OPTION_NOTIFY_CONNECTION, notified, http, MHD_OPTION_END);
    if (!http->daemon) {
        log_line(LOG_ERR, "libmicrohttpd cannot be started");
        return false;
    }
    http->library.ready = library_ready;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &http->library};
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || epoll_ctl(http->settings.epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0) {
        log_line(LOG_ERR, "libmicrohttpd gives no epoll descriptor");
        return false;
    }
    return true;
}

bool library_add(struct http *http, struct connection *connection)
{
    /* It keeps an address for those who ask; nobody here does. */
    struct sockaddr_in nowhere = {.sin_family = AF_INET};
    http->adding = connection;
    http->ready = true;
    bool added = MHD_add_connection(http->daemon, connection->fd, (struct sockaddr *)&nowhere,
                                    sizeof nowhere) == MHD_YES;
    if (!added && http->adding == connection)
        connection_free(connection); /* the socket is closed, and nobody was notified */
    http->adding = NULL;
    return added;
}

/* It reads what it has resumed. */
void library_nudge(struct connection *connection)
{
    MHD_suspend_connection(connection->library);
    MHD_resume_connection(connection->library);
    connection->http->ready = connection->http->pending = true;
}

void library_resume(struct exchange *exchange)
{
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection->library);
    exchange->http->ready = exchange->http->pending = true;
}

void library_forget(struct exchange *exchange)
{
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange->response = NULL;
}

bool library_turn(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    http->pending = false;
    for (int i = 0; http->ready && i < RUNS_A_TURN; i++) {
        http->ready = false;
        MHD_run(http->daemon);
        if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout == 0)
            http->ready = true;
    }
    http->current = NULL;
    return http->ready;
}

void library_close(struct http *http)
{
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
}

/* --- answers --- */

static void begin(struct exchange *exchange, int status, struct MHD_Response *response)
{
    library_forget(exchange);
    if (!response)
        abort();
    exchange->response = response;
    exchange->status = status;
}

void exchange_answer(struct exchange *exchange, int status, const void *octets, size_t length,
                     enum octets_of of)
{
    begin(exchange, status,
          MHD_create_response_from_buffer(length, (void *)(uintptr_t)octets,
                                          of == OCTETS_GIVEN ? MHD_RESPMEM_MUST_FREE
                                                             : MHD_RESPMEM_PERSISTENT));
}

/* The library has sent what it had. */
static ssize_t octets_give(void *cls, uint64_t position, char *out, size_t size)
{
    struct exchange *exchange = cls;
    struct connection *connection = exchange->connection;
    (void)position;
    ssize_t given = exchange->source(exchange, out, size);
    if (given < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    connection_gives(connection, given > 0);
    if (given == 0) {
        exchange->suspended = true;
        MHD_suspend_connection(connection->library);
    }
    return given;
}

void exchange_stream(struct exchange *exchange, int status,
                     ssize_t (*source)(struct exchange *exchange, char *out, size_t size))
{
    exchange->source = source;
    begin(exchange, status,
          MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, octets_give, exchange,
                                            NULL));
}

void exchange_header(struct exchange *exchange, const char *name, const char *value)
{
    if (MHD_add_response_header(exchange->response, name, value) != MHD_YES)
        log_line(LOG_ERR, "bug: the header %s cannot be added to an answer", name);
}

void exchange_send(struct exchange *exchange)
{
    if (exchange->suspended)
        library_resume(exchange);
}

void exchange_wake(struct exchange *exchange)
{
    if (exchange->suspended)
        library_resume(exchange);
}
