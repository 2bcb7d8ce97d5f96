/* SPDX-License-Identifier: Apache-2.0 */
/* application.h - a small application behind the engine, with effects that are counted.
 *
 *   GET  /echo/ID    200 "echo ID", and the value of X-Say where it is there
 *   any  /write/ID   counts a write of that ID, and answers 200 "wrote ID LENGTH SUM" some turns
 * later GET  /stream/ID  200 "one ID two ID three ID", a part every few turns GET  /wait/ID    200
 * "waited ID", when application_let is called or many turns later GET  /large/ID   200, LARGE
 * octets GET  /client     200, the address of the client otherwise        404 "nothing" With
 * `Authorization: bad` it is 401 "no" as soon as the head is there, and nothing is done. What is
 * refused is answered 4xx or 5xx with the code as its body. */
#ifndef ONRAMP_SEAM_APPLICATION_H
#define ONRAMP_SEAM_APPLICATION_H

#include "http/exchange.h"
#include "http/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDS = 256, LARGE = 8 * 1024 * 1024 };

struct job;

struct application {
    struct job *jobs;       /* begun, and not done */
    unsigned live;          /* of them */
    unsigned due;           /* of them, those that will go on by themselves */
    unsigned writes[IDS];   /* by ID */
    uint64_t sums[IDS];     /* of the last body that was written */
    unsigned gone, ended;   /* told; and said so when asked */
    unsigned most_turns;    /* until a late answer */
    unsigned waiting_turns; /* of /wait; 0: until application_let */
    uint64_t random;
};

extern const struct http_handlers application_handlers;

void application_begin(struct application *application, uint64_t seed);

/* A turn of the loop is over. */
void application_turn(struct application *application);

/* Answer those that wait. */
void application_let(struct application *application);

/* Forget what was written. */
void application_forget(struct application *application);

/* The sum of a body, as an answer tells it. */
uint64_t application_sum(const char *octets, size_t length);

/* The status that a refusal's code is answered with. */
int application_status(const char *code);

#endif
