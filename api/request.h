/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - one HTTP request from its first line to its answer.
 *
 * A request belongs to its loop and is used again for a later one. Its phase says what it waits
 * for, and request_move alone moves it. */
#ifndef ONRAMP_API_REQUEST_H
#define ONRAMP_API_REQUEST_H

#include "api/head.h"
#include "api/rate_limit.h"
#include "api/request_id.h"
#include "api/route.h"
#include "api/target.h"
#include "api/wait.h"
#include "db/lane.h"
#include "db/operation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;
struct MHD_Response;
struct client;
struct loop;

enum phase {
    PHASE_HEAD,         /* the request line is in, the rest of the head is not yet looked at */
    PHASE_BODY,         /* the guard let it pass; the body is coming in */
    PHASE_ROUTE,        /* all of it is in */
    PHASE_AUTHENTICATE, /* whose token is it? */
    PHASE_VERIFY,       /* is the signature right? */
    PHASE_ADMIT,        /* may the caller do this, and can we answer in its language? */
    PHASE_READ,         /* body and parameters */
    PHASE_OWN,          /* a refusal is kept back until the caller is known to see the resource */
    PHASE_OPERATE,      /* the operation itself */
    PHASE_WAIT,         /* what it waits for has not happened yet */
    PHASE_RENEW,        /* it goes on waiting, or answers: is its token still live? */
    PHASE_ANSWERED      /* there is a response, given to the HTTP library or about to be */
};

struct request {
    struct loop *loop;
    struct client *client;
    struct MHD_Connection *connection;
    struct request *next; /* among the spare ones of the loop */
    struct arena *arena;
    enum phase phase;
    bool waiting;    /* a query is under way: the phase goes on in its callback */
    bool suspended;  /* the HTTP library does not look at the connection */
    bool closes;     /* its connection, after the answer */
    int64_t arrived; /* milliseconds, monotonic: when the request line was in */
    int64_t arrived_us;

    char id[REQUEST_ID_MAX + 1];
    const char *raw_target;       /* as it came, borrowed from the arena */
    const char *target_in_buffer; /* where it stands in the HTTP library's buffer */
    struct target target;
    enum method method;
    const struct route *route; /* NULL before it is found, or when there is none */
    struct bindings bindings;

    uint64_t octets;  /* of head and body */
    bool sized;       /* there was a Content-Length */
    int64_t deadline; /* milliseconds, monotonic: of everything that the database is asked */
    char *body;
    size_t body_length, body_capacity;

    struct caller caller;
    struct rate_state rate; /* of the caller, as this request leaves it */
    int64_t asked;          /* milliseconds, monotonic: when the query under way was submitted */
    struct faults faults;
    struct call call;
    json_t *json;
    struct pair pairs[PAIRS_MAX];
    size_t pair_count;
    struct refusal kept; /* told only to those who may see the resource */
    struct query query;
    bool dry;       /* nothing of it stays */
    bool streaming; /* the answer is to be a stream */
    struct wait wait;
    struct stream *stream; /* the answer, once it has begun; or NULL */

    int status;
    struct MHD_Response *response;
};

/* A fresh request of the loop whose request line has come in on the connection. */
struct request *request_new(struct loop *loop, struct client *client,
                            struct MHD_Connection *connection, const char *raw_target);

/* Give it back to its loop. No query of it may be under way. */
void request_done(struct request *request);

/* Go on until a query has to be waited for or there is an answer. */
void request_move(struct request *request);

/* Submit a query for the request's call and wait. on_rows and on_failure see the query embedded in
 * the request; they end by calling request_resume. */
void request_submit(struct request *request, const struct operation *operation,
                    void (*on_rows)(struct query *query, const struct rows *rows),
                    void (*on_failure)(struct query *query, enum failure failure));

/* The same with values of another operation, which live as long as the query. */
void request_ask(struct request *request, const struct operation *operation,
                 const char *const *values,
                 void (*on_rows)(struct query *query, const struct rows *rows),
                 void (*on_failure)(struct query *query, enum failure failure));

struct request *request_of(struct query *query);

/* Called at the end of a query's callback: move on from phase, and wake the connection when there
 * is an answer. */
void request_resume(struct request *request, enum phase phase);

/* A request header, or NULL. Borrowed from the HTTP library. */
const char *request_header(const struct request *request, const char *name);

/* The answer for a query that failed. */
void request_fail(struct request *request, enum failure failure);

#endif
