/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h - which request a connection sends next, and whether its answer is a good one.
 *
 * The rows are those that bench/fill.sql makes; their ids are made of numbers, so that requests and
 * pgbench scripts find them without looking. A connection writes to rows of its own: every answer
 * is a success, anything else fails the run. */
#ifndef ONRAMP_BENCH_WORKLOAD_H
#define ONRAMP_BENCH_WORKLOAD_H

#include "crypto/signature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_SIZE = 2048, TOKEN_SIZE = 128 };

enum work {
    WORK_HELLO,    /* GET /healthz: HTTP and nothing else */
    WORK_GET,      /* a circuit */
    WORK_LIST,     /* the first 50 circuits of a customer that has more */
    WORK_CREATE,   /* a circuit, with an Idempotency-Key */
    WORK_CALLBACK, /* signed: provisioned, deprovisioned, in turns */
    WORK_CONNECT,  /* a VNet to a circuit, with an Idempotency-Key, and its deletion, in turns */
    WORK_MIX       /* 70 get, 10 list, 8 create, 8 callback, 4 connect in 100 */
};

struct workload {
    enum work work;
    const char *host;           /* for the Host header */
    char (*tokens)[TOKEN_SIZE]; /* of the customers that act, one each */
    unsigned customers;         /* how many of them */
    unsigned clients;           /* connections */
    unsigned circuits_each;     /* circuits a customer, on average */
    unsigned turn;              /* number of this run: keys and circuits of no other run */
    unsigned callbacks_each;    /* circuits that each connection moves */
    bool hot;                   /* one customer, one VNet: refusals at a limit are answers */
    struct signature_key key;   /* that callbacks are signed with */
};

/* What one connection remembers. */
struct worker {
    unsigned number; /* of the connection */
    enum work work;  /* of the request on its way; never WORK_MIX */
    unsigned creates, callbacks, connects;
    bool refused; /* the last request, at a limit */
    uint32_t random;
    char connection[40]; /* id of the connection made last, for its deletion */
};

/* "get", "create" ...: the names above in lower case. */
bool work_named(enum work *out, const char *name);

/* Whether a request of this kind writes an event. */
bool work_writes(enum work work);

/* The whole next request. Returns its length. */
size_t workload_request(const struct workload *workload, struct worker *worker,
                        char out[REQUEST_SIZE]);

/* Whether the answer to the last request is the one expected. The body has that length, and a NUL
 * behind it. */
bool workload_answered(const struct workload *workload, struct worker *worker, int status,
                       const char *body, size_t length);

#endif
