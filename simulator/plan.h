/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_plan.h - what a simulated partner is going to do about a service key.
 *
 * Every draw is a function of the seed, the key and what is drawn for, and of nothing else: the
 * same seed and the same keys give the same plan, in whatever order the keys come, and one more
 * option changes none of the other draws. */
#ifndef ONRAMP_SIMULATOR_PLAN_H
#define ONRAMP_SIMULATOR_PLAN_H

#include "partners/callback.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_ORDER = 3, PLAN_TEARDOWN = 2, SERVICE_KEY_TEXT = 37 };

struct plan_settings {
    uint64_t seed;
    int64_t delay_least, delay_most; /* milliseconds before each callback */
    /* in percent: of callbacks, of neighbouring pairs of them, and of circuits */
    int duplicates, wrong_signatures;
    int reorder;
    int reject, silence; /* reject: of orders, and of requests to deprovision */
};

/* How it goes with a circuit. */
enum fate {
    FATE_PROVISIONED,
    FATE_REJECTED,
    FATE_PROMISED, /* begins, gives a date, and is not heard of again */
    FATE_SILENT    /* is not heard of at all once the key is quoted */
};

/* "provisioned", "rejected", "promised", "silent". Borrowed, static. */
const char *fate_name(enum fate fate);

/* One callback of a plan. */
struct planned {
    enum callback_type type;
    int64_t delay;        /* milliseconds after the one before */
    bool forged;          /* sent with a wrong signature first */
    int bit;              /* of the signature's 256, the one that is wrong */
    bool repeated;        /* sent again, with the same id and body, when it has been taken */
    bool repeated_at_end; /* and that after everything else */
    bool overtaken;       /* the one behind it is sent before it */
};

struct plan {
    enum fate fate;
    struct planned order[PLAN_ORDER];
    int order_count;
    struct planned teardown[PLAN_TEARDOWN]; /* if the customer asks for it */
    bool refuses;                           /* what it answers then is this instead */
    struct planned refusal;
    int s_tag;
    const char *reason; /* of a rejection. Borrowed, static */
};

void plan_make(struct plan *out, const struct plan_settings *settings, const char *service_key);

/* A further number that depends on the seed, the key and what it is for. */
uint64_t plan_draw(const struct plan_settings *settings, const char *service_key, int what);

#endif
