/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_rig.h - a simulated partner against answers that a test writes, in a time that it
 * makes. */
#ifndef ONRAMP_TESTS_UNIT_SIMULATOR_RIG_H
#define ONRAMP_TESTS_UNIT_SIMULATOR_RIG_H

#include "simulator/simulator.h"

#define KEY   "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10"
#define OTHER "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a11"

static const int64_t start = 1795700000000;

/* One simulator, its clock, the request that is under way, and what it said last. */
extern struct simulator *simulator;
extern int64_t now;
extern struct order *order;
extern struct order_request request;
extern char said[1024];

/* With KEY handed in, at start. */
void begin(struct simulator_settings settings);
void end(void);

/* Let the time pass until something is due, and take it: "look", the event, or "nothing". */
const char *next(void);

/* Of the request under way: the payload's timestamp; whether its signature is right. */
int64_t payload_time(void);
bool signed_well(void);

/* Answer it: in general; a look; a callback, 200; a refusal. */
void answer_with(struct order_answer answer);
void shown(const char *status, bool requested);
void ok(const char *reason, const char *status);
void refused(int status, const char *code);

/* All the way to Provisioned, when nothing goes wrong. */
void build(void);

struct simulator_tally tally(void);
bool as_planned(void);

#endif
