/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.h - one request and its answer, as the application sees them.
 *
 * The engine makes an exchange when the head of a request is whole, or refused; fills in the body;
 * asks the application for the answer; and sends it. Exchanges belong to the thread of their
 * engine. */
#ifndef ONRAMP_HTTP_EXCHANGE_H
#define ONRAMP_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct connection;
struct http;
struct MHD_Response;

/* A header field of the request. Values have no white space around them. */
struct header_field {
    const char *name, *value; /* NUL-terminated */
    size_t name_length;
};

struct exchange {
    void *context;       /* of the engine's settings */
    void *of;            /* the application's own, NULL at first */
    struct arena *arena; /* for whatever lives as long as the exchange */

    /* The request. Borrowed, until the exchange is done. */
    const char *method; /* "GET"; "" when the head was refused before it was whole */
    const char *target; /* as it came; "" likewise */
    struct header_field *fields;
    size_t field_count;
    bool sized;       /* it announced a body, by its length or in chunks; the body may be empty */
    const char *body; /* NUL-terminated; "" without one */
    size_t body_length;
    int64_t began_us; /* CLOCK_MONOTONIC, when the head was whole */

    /* Below: the engine's own. */
    struct exchange *next; /* among the spare ones */
    struct http *http;
    struct connection *connection;
    char *octets; /* body is in it; owned */
    size_t capacity;
    uint64_t announced; /* octets of the body, where its length was announced */
    bool old;           /* HTTP/1.0 */
    struct MHD_Response *response;
    int status;
    bool closes;    /* its connection, after the answer */
    bool suspended; /* the library does not look at its connection */
    ssize_t (*source)(struct exchange *exchange, char *out, size_t size);
};

/* The value of the first header field of that name, in any case; or NULL. Borrowed. */
const char *exchange_field(const struct exchange *exchange, const char *name);

/* The values of all header fields of that name, with commas between them, or NULL; in the arena
 * where there are several. count: of the fields; or NULL. */
const char *exchange_fields(const struct exchange *exchange, const char *name, size_t *count);

/* Who sent the request: the address of its connection, or the one that a trusted proxy names. Text,
 * in the arena. */
const char *exchange_client(const struct exchange *exchange);

/* Whether the client has ended its side of the connection, as one does that has gone. */
bool exchange_ended(const struct exchange *exchange);

/* What becomes of the octets of an answer. */
enum octets_of {
    OCTETS_KEPT, /* they live until the exchange is done */
    OCTETS_GIVEN /* the engine frees them */
};

/* Begin the answer, with a body of length octets, in place of one that was begun before. The head
 * of an answer has at most ANSWER_HEAD_MAX octets. */
enum { ANSWER_HEAD_MAX = 5 * 1024 };
void exchange_answer(struct exchange *exchange, int status, const void *octets, size_t length,
                     enum octets_of of);

/* Begin an answer of unknown length. source writes up to size octets and returns how many; 0: none
 * for now, until exchange_wake; -1: there will be no more. */
void exchange_stream(struct exchange *exchange, int status,
                     ssize_t (*source)(struct exchange *exchange, char *out, size_t size));

/* Add a header field to the answer; both are copied. */
void exchange_header(struct exchange *exchange, const char *name, const char *value);

/* Send the answer that was begun, unless that is done anyway: when `ready` or `refuse` returns. */
void exchange_send(struct exchange *exchange);

/* The source of a stream has octets again, or its end. */
void exchange_wake(struct exchange *exchange);

#endif
