/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - one HTTP request from its first line to its answer.
 *
 * A request belongs to its loop and is used again for a later one. Its phase says what it waits
 * for, and request_move alone moves it. */
#ifndef ONRAMP_API_REQUEST_H
#define ONRAMP_API_REQUEST_H

#include "api/rate_limit.h"
#include "api/route.h"
#include "api/target.h"
#include "api/wait.h"
#include "db/lane.h"
#include "http/exchange.h"
#include "http/http.h"
#include "http/request_id.h"
#include "operations/operation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

enum phase {
    PHASE_BODY,         /* its head was accepted; the body is coming in */
    PHASE_ROUTE,        /* all of it is in */
    PHASE_AUTHENTICATE, /* whose token is it? */
    PHASE_VERIFY,       /* is the signature right? */
    PHASE_ADMIT,        /* may the caller do this, and can we answer in its language? */
    PHASE_READ,         /* body and parameters */
    PHASE_OWN,          /* a refusal is withheld until the caller is known to see the resource */
    PHASE_OPERATE,      /* the operation itself */
    PHASE_WAIT,         /* what it waits for has not happened yet */
    PHASE_RENEW,        /* it goes on waiting, or answers: is its token still live? */
    PHASE_ANSWERED      /* the exchange has its answer */
};

struct request {
    struct loop *loop;
    struct exchange *exchange;
    struct request *next; /* among the spare ones of the loop */
    struct arena *arena;  /* of the exchange */
    enum phase phase;
    bool waiting;    /* a query is under way: the phase goes on in its callback */
    int64_t arrived; /* milliseconds, monotonic: when the head was in */

    char id[REQUEST_ID_MAX + 1];
    struct target target;
    enum method method;
    const struct route *route; /* NULL before it is found, or when there is none */
    struct bindings bindings;

    int64_t deadline; /* milliseconds, monotonic: of everything that the database is asked */

    struct caller caller;
    struct rate_state rate; /* of the caller, as this request leaves it */
    int64_t asked;          /* milliseconds, monotonic: when the query under way was submitted */
    struct faults faults;
    struct call call;
    json_t *json;
    struct pair pairs[PAIRS_MAX];
    size_t pair_count;
    struct refusal withheld; /* shown only to those who may see the resource */
    struct query query;
    bool dry;       /* nothing of it stays */
    bool streaming; /* the answer is to be a stream */
    struct wait wait;
    struct stream *stream; /* the answer, once it has begun; or NULL */

    int status; /* of the answer */
};

/* What the HTTP engine calls; the context of its exchanges is the loop. */
extern const struct http_handlers request_handlers;

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

/* A header field of the request, or NULL. Borrowed from the exchange. */
const char *request_header(const struct request *request, const char *name);

/* Of a request that waits, or goes on answering: whether its token is known to be live; otherwise
 * ask, and see whether what came says so. */
bool request_token_is_fresh(const struct request *request);
void request_token_ask(struct request *request,
                       void (*came)(struct query *query, const struct rows *rows),
                       void (*failed)(struct query *query, enum failure failure));
bool request_token_is_live(struct request *request, const struct rows *rows);

/* The answer for a query that failed. */
void request_fail(struct request *request, enum failure failure);

#endif
