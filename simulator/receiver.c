/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/receiver.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BODY_MOST = 256 * 1024, IDLE_SECONDS = 60 };

struct receiver {
    struct MHD_Daemon *daemon;
    receiver_take *take;
    void *context;
    char url[128];
};

/* A request that is coming in. */
struct coming {
    char *body;
    size_t length;
    bool too_long;
};

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value != NULL ? value : "";
}

static void keep(struct coming *coming, const char *data, size_t size)
{
    char *longer = NULL;
    if (!coming->too_long && size <= BODY_MOST - coming->length)
        longer = realloc(coming->body, coming->length + size);
    if (longer == NULL) {
        coming->too_long = true;
        return;
    }
    memcpy(longer + coming->length, data, size);
    coming->body = longer;
    coming->length += size;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    struct receiver *receiver = context;
    struct coming *coming = *request;
    unsigned int status = MHD_HTTP_METHOD_NOT_ALLOWED;
    (void)url;
    (void)version;
    if (coming == NULL) {
        *request = calloc(1, sizeof *coming);
        return *request != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        keep(coming, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (coming->too_long)
        status = MHD_HTTP_CONTENT_TOO_LARGE;
    else if (strcmp(method, "POST") == 0)
        status = (unsigned int)receiver->take(
            receiver->context, header(connection, "webhook-id"),
            header(connection, "webhook-timestamp"), header(connection, "webhook-signature"),
            coming->body != NULL ? coming->body : "", coming->length);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static void done(void *context, struct MHD_Connection *connection, void **request,
                 enum MHD_RequestTerminationCode how)
{
    struct coming *coming = *request;
    (void)context;
    (void)connection;
    (void)how;
    if (coming != NULL)
        free(coming->body);
    free(coming);
    *request = NULL;
}

/* The address in numbers, "127.0.0.1:0" or "[::1]:0". The caller frees it with freeaddrinfo. */
static struct addrinfo *address_read(const char *text)
{
    char host[64] = "";
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    const char *port = strrchr(text, ':');
    if (port == NULL || port == text)
        return NULL;
    bool bracketed = text[0] == '[' && port[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(port - text) - 2 * bracketed, text + bracketed);
    return getaddrinfo(host, port + 1, &hints, &found) == 0 ? found : NULL;
}

struct receiver *receiver_open(const char *address, receiver_take *take, void *context,
                               const char **fault)
{
    struct addrinfo *where = address_read(address);
    struct receiver *receiver = calloc(1, sizeof *receiver);
    if (receiver == NULL)
        abort();
    receiver->take = take;
    receiver->context = context;
    *fault = "it is no address and port in numbers, such as 127.0.0.1:9000";
    if (where != NULL) {
        unsigned int flags = MHD_USE_EPOLL | (where->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
        *fault = "it cannot be listened on";
        receiver->daemon = MHD_start_daemon(
            flags, 0, NULL, NULL, answer, receiver, MHD_OPTION_SOCK_ADDR, where->ai_addr,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED,
            done, NULL, MHD_OPTION_END);
        freeaddrinfo(where);
    }
    if (receiver->daemon == NULL) {
        free(receiver);
        return NULL;
    }
    unsigned int port = MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(receiver->url, sizeof receiver->url, "http://%.*s:%u/",
             (int)(strrchr(address, ':') - address), address, port);
    return receiver;
}

void receiver_close(struct receiver *receiver)
{
    if (receiver == NULL)
        return;
    MHD_stop_daemon(receiver->daemon);
    free(receiver);
}

int receiver_descriptor(const struct receiver *receiver)
{
    return MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

const char *receiver_url(const struct receiver *receiver)
{
    return receiver->url;
}

void receiver_run(struct receiver *receiver)
{
    MHD_UNSIGNED_LONG_LONG wait;
    /* It may have more to do at once than its descriptor shows. */
    do
        MHD_run(receiver->daemon);
    while (MHD_get_timeout(receiver->daemon, &wait) == MHD_YES && wait == 0);
}
