/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - what the HTTP half of a loop owns. For this folder alone; see connection.h. */
#ifndef ONRAMP_HTTP_ENGINE_H
#define ONRAMP_HTTP_ENGINE_H

#include "base/watch.h"
#include "http/http.h"
#include "http/linger.h"

struct connection;
struct input;
struct MHD_Daemon;

/* Connections that wait for their client, the one that does so longest first. */
struct queue {
    struct connection *first, *last;
};

struct http {
    struct http_settings settings;
    int64_t now;
    struct watch listening;
    bool listens;    /* the listening socket is in the epoll */
    bool stays_shut; /* it is not wanted there */
    bool draining;

    /* The library's. */
    struct watch library;
    struct MHD_Daemon *daemon;
    bool ready;                 /* it has something to do */
    bool pending;               /* an answer was given to it since its last turn */
    struct connection *adding;  /* the one that is being handed to it */
    struct connection *current; /* the one that it works on, as far as it has told */
    uint64_t errors;

    struct connection *connections;
    unsigned connection_count;
    atomic_uint own_open;
    atomic_uint *open; /* connections and lingers, without those that are about to be closed */
    struct queue idle; /* without a request under way */
    struct queue slow; /* whose body comes in */
    size_t bodies;     /* octets that are held for bodies */
    struct input *spare_inputs;
    unsigned spare_input_count;
    struct exchange *spare_exchanges;
    unsigned spare_exchange_count;
    struct lingers lingers;
    int64_t full_said, share_said, failure_said; /* when the log was told last */
    unsigned made_room, refused_share;
};

/* Memory. */
struct input *input_new(struct http *http);
void input_free(struct http *http, struct input *input);
struct exchange *exchange_new(struct http *http, struct connection *connection);
void exchange_free(struct exchange *exchange);

/* Read the head that was parsed into the exchange. */
void exchange_read(struct exchange *exchange, const struct head *head, const char *octets);

/* Room for size more octets of the body. */
char *exchange_body_room(struct exchange *exchange, size_t size);

#endif
