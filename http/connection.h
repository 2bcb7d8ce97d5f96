/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - one TCP connection: its octets in, and what state it is in.
 *
 * Inside the folder the engine (http.c, engine.h), the connection and the library (library.c) know
 * each other: they are one object, split by what they speak to - the loop, the client's octets, and
 * libmicrohttpd. */
#ifndef ONRAMP_HTTP_CONNECTION_H
#define ONRAMP_HTTP_CONNECTION_H

#include "base/network.h"
#include "base/watch.h"
#include "http/chunks.h"
#include "http/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct exchange;
struct http;
struct queue;
struct MHD_Connection;

/* The one order of things; move in connection.c holds the table of what may follow what. */
enum connection_state {
    CONNECTION_IDLE,     /* nothing of a next request is here */
    CONNECTION_HEAD,     /* a part of a head is */
    CONNECTION_BODY,     /* the head was accepted, the body comes in */
    CONNECTION_WHOLE,    /* all of the request is in, or it was refused; the library is told */
    CONNECTION_ASKED,    /* the application makes the answer */
    CONNECTION_ANSWERED, /* the library sends it */
    CONNECTION_ENDING    /* nothing more is read; the library closes it */
};
enum { CONNECTION_STATES = CONNECTION_ENDING + 1 };

/* What was read and is not yet used: of this request, or of those behind it. */
struct input {
    struct input *next; /* among the spare ones */
    struct head head;   /* as far as it was read */
    size_t at, end;     /* of the octets that are not yet used */
    char octets[HEAD_MAX];
};

struct connection {
    struct watch watch; /* first: told when the client ends its side */
    struct http *http;
    struct connection *next, *previous; /* all of the engine */
    struct queue *queue;                /* of those that wait for their client, or NULL */
    struct connection *ahead, *behind;  /* in it */
    int64_t queued;                     /* milliseconds, monotonic: when it came into it */
    enum connection_state state;
    int fd;
    bool ended;             /* the client has ended its side */
    bool drained;           /* the last read took all that was there */
    bool shares;            /* it counts for its address */
    bool trusted;           /* it is a proxy's, which may name the client */
    bool preface;           /* the PROXY protocol may come first */
    bool served;            /* it has had a request */
    bool lingers;           /* octets may still come when it is closed */
    struct address address; /* of the client, or of the proxy in front of it */
    int64_t deadline;       /* milliseconds, monotonic; INT64_MAX: none */
    struct input *input;    /* NULL: nothing */
    struct chunks chunks;
    struct exchange *exchange; /* NULL before the head is whole */
    struct MHD_Connection *library;
    const char *offer; /* what is left of the request that the library is told; or NULL */
    size_t offer_length;
};

/* Take in a socket, which is the engine's from now on. Returns NULL when that failed; then it is
 * closed. */
struct connection *connection_new(struct http *http, int fd, const struct address *address);

/* The library reads: up to size octets of the canonical request when all of the real one is in.
 * Returns 0 at the end of the connection, -1 with errno EAGAIN when there is nothing for it yet. */
ssize_t connection_read(struct connection *connection, char *out, size_t size);

/* The library wants the answer, since the request that it was told is whole. True: the exchange has
 * one. */
bool connection_asks(struct connection *connection);

/* The answer is on its way. */
void connection_sends(struct connection *connection);

/* A stream gave the client octets, or has none for now. */
void connection_gives(struct connection *connection, bool octets);

/* The exchange is over; kept: another may follow. */
void connection_rests(struct connection *connection, bool kept);

/* The library has closed it, or is about to close the descriptor: forget it. */
void connection_free(struct connection *connection);

/* End it: with nothing under way at once, otherwise however the client takes it. */
void connection_end(struct connection *connection);

/* Refuse it before anything was read. */
void connection_refuse(struct connection *connection, const char *code, const char *detail);

#endif
