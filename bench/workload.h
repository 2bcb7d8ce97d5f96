/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h - which request a connection sends next, and whether its answer is a good one.
 *
 * The rows are those that bench/fill.sql makes; their ids are made of numbers, so that requests and
 * pgbench scripts find them without looking. A connection works on rows of its own: every answer is
 * a success, anything else fails the run. */
#ifndef ONRAMP_BENCH_WORKLOAD_H
#define ONRAMP_BENCH_WORKLOAD_H

#include "partners/signature.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_SIZE = 2048, TOKEN_SIZE = 128 };

enum workload_kind { WORK_GET, WORK_CREATE, WORK_CALLBACK, WORK_CONNECT };

struct workload {
    enum workload_kind kind;
    const char *host;           /* for the Host header */
    char (*tokens)[TOKEN_SIZE]; /* of the customers that act, one each */
    unsigned customers;         /* how many of them */
    unsigned clients;           /* connections */
    unsigned callbacks_from;    /* first circuit for callbacks */
    unsigned callbacks_each;    /* circuits of each connection */
    struct signature_key key;   /* that callbacks are signed with */
};

/* What one connection remembers. */
struct worker {
    unsigned number; /* of the connection */
    unsigned turn;   /* requests sent */
    uint32_t random;
    char connection[40]; /* id of the connection made last, for its deletion */
};

/* "get", "create", "callback" or "connect". */
bool workload_named(enum workload_kind *out, const char *name);

/* The whole next request. Returns its length. */
size_t workload_request(const struct workload *workload, struct worker *worker,
                        char out[REQUEST_SIZE]);

/* Whether the answer to the last request is the one expected. The body is NUL-terminated. */
bool workload_answered(const struct workload *workload, struct worker *worker, int status,
                       const char *body);

#endif
