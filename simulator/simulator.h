/* SPDX-License-Identifier: Apache-2.0 */
/* simulator.h - a simulated partner's order system: all of its orders, and whose turn it is.
 *
 * A pure core, like its orders: keys, answers and news go in with the time, requests come out. It
 * knows neither network nor clock. Times are milliseconds since the epoch. */
#ifndef ONRAMP_SIMULATOR_SIMULATOR_H
#define ONRAMP_SIMULATOR_SIMULATOR_H

#include "simulator/order.h"

#include <jansson.h>

struct simulator;

struct simulator_settings {
    struct plan_settings plan;
    struct signature_key key;
    const char *run;    /* makes the webhook-ids of this run its own. Borrowed */
    int64_t clock_skew; /* milliseconds */
    int64_t patience;   /* milliseconds with a request that nobody answers */
    int rate;           /* requests a second at most, 0: as many as there are */
    void (*say)(void *context, const char *sentence); /* to who watches, or NULL */
    void *context;
};

/* How far the circuits are. Each of those that were handed in is in one of the states. */
struct simulator_tally {
    uint64_t handed_in, repeated, malformed; /* keys */
    uint64_t waiting;                        /* not quoted yet */
    uint64_t not_provisioned, provisioning, provisioned, deprovisioning;
    uint64_t unknown;
    uint64_t rejected, silent, torn_down, stalled, failed; /* of these */
    uint64_t adopted;                                      /* heard of, and torn down */
    uint64_t outstanding, off_plan;
    struct desk_counts counts;
};

enum key_taken { KEY_TAKEN, KEY_REPEATED, KEY_MALFORMED };

/* The caller frees it with simulator_free. */
struct simulator *simulator_new(const struct simulator_settings *settings);
void simulator_free(struct simulator *simulator);

/* A service key is handed in, in the text form of a UUID; in whatever case. */
enum key_taken simulator_hand_in(struct simulator *simulator, const char *key, int64_t now);

/* Something happened to the circuit of a key that the partner can't have done itself. A circuit
 * that was not handed in is adopted: it is torn down when that is asked for, and not built. */
void simulator_heard(struct simulator *simulator, const char *key, int64_t now);

/* The next request that may be sent now, or NULL: whose it is, to be given back with its answer. */
struct order *simulator_send(struct simulator *simulator, int64_t now, struct order_request *out);

void simulator_answered(struct simulator *simulator, struct order *order, int64_t now,
                        const struct order_answer *answer);

/* When simulator_send is worth calling again; INT64_MAX: only after an answer, a key or news. */
int64_t simulator_due(const struct simulator *simulator);

/* Whether every order is at its end. */
bool simulator_idle(const struct simulator *simulator);

void simulator_tally(const struct simulator *simulator, struct simulator_tally *out);

/* Whether everything came to what was planned, as far as it goes: nothing is outstanding, unknown,
 * malformed, failed or in another state. */
bool simulator_as_planned(const struct simulator_tally *tally);

/* Its orders, in the order in which they came. Borrowed. */
size_t simulator_count(const struct simulator *simulator);
const struct order *simulator_order(const struct simulator *simulator, size_t index);

/* What is planned, order by order; the caller gives it back with json_decref. */
json_t *simulator_plans(const struct simulator *simulator);

/* All that is known, for a program to read; the caller gives it back with json_decref. */
json_t *simulator_report(const struct simulator *simulator);

#endif
