/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_order.h - one service key in the order system of a simulated partner.
 *
 * A pure core: it is told the time, what was answered and what was heard, and says what to send and
 * when. One request of an order is under way at a time. Times are milliseconds since the epoch. */
#ifndef ONRAMP_SIMULATOR_ORDER_H
#define ONRAMP_SIMULATOR_ORDER_H

#include "simulator/message.h"

/* What all orders share. */
struct desk {
    struct plan_settings plan;
    struct signature_key key;
    const char *run;    /* makes the ids of this run its own. Borrowed */
    int64_t clock_skew; /* milliseconds that the partner's clock is ahead */
    int64_t patience;   /* milliseconds until it gives up on a request that nobody answers */
    /* A sentence for who watches, or NULL. */
    void (*say)(void *context, const char *sentence);
    void *context;
    uint64_t ids; /* made so far */
    struct desk_counts {
        uint64_t quoted;
        uint64_t applied, already, stale, duplicates; /* answered 200 */
        uint64_t refused, forged, off_clock, ahead;   /* 409, 401, 401, 422 */
        uint64_t retries;
    } counts;
};

enum request_kind { REQUEST_LOOK, REQUEST_CALLBACK };

/* What to send. Borrowed from the order until it is answered. */
struct order_request {
    enum request_kind kind;
    const char *body;
    const char *id; /* of a callback: webhook-id, and the other two headers */
    char timestamp[24];
    char signature[SIGNATURE_TEXT];
};

/* What came back. */
struct order_answer {
    int status;             /* 0: nothing came */
    int64_t retry_after;    /* milliseconds, 0 without one */
    int64_t newest;         /* newestTimestamp, 0 without one */
    const char *code;       /* of a problem, or "" */
    const char *detail;     /* of a problem or of the transfer, or "" */
    const char *reason;     /* of a callback's answer, or "" */
    const char *circuit_id; /* of the circuit that was shown, or "" */
    const char *provider_status;
    bool stalled, deprovision_requested;
};

enum order_phase {
    ORDER_LOOKING, /* its key is to be quoted, for the first time or again */
    ORDER_WORKING, /* callbacks are to be sent */
    ORDER_RESTING, /* everything is said */
    ORDER_UNKNOWN, /* no circuit of this partner has the key */
    ORDER_FAILED   /* an answer that the plan does not know */
};

enum order_goal { GOAL_NONE, GOAL_PROVISION, GOAL_TEARDOWN };

struct order {
    char service_key[SERVICE_KEY_TEXT], circuit_id[SERVICE_KEY_TEXT];
    struct plan plan;
    enum order_phase phase;
    enum order_goal goal;
    struct message *first; /* owned, in the order of sending */
    unsigned said;         /* slots of the order that are done, as bits */
    int status, expected;  /* of the provider, indexes of provider_status_names; -1: not known */
    bool adopted;          /* heard of, not handed in: only to be torn down, never to be built */
    bool stalled, torn_down, sending;
    enum request_kind sent; /* last */
    int64_t due;            /* to be sent; INT64_MAX: nothing is */
    int64_t first_try;      /* of what is being sent, 0 before it */
    int tries, surprises;
    int64_t last_timestamp, late_timestamp, skew;
    char *quote;  /* the body that quotes the key, owned */
    char *fault;  /* what went wrong, owned; NULL: nothing */
    size_t index; /* in the heap of the simulator */
};

/* A key that was handed in. */
struct order *order_new(const struct desk *desk, const char *service_key, int64_t now);
void order_free(struct order *order);

/* Something is known to have happened to the circuit: look at it again. */
void order_look(struct order *order, int64_t now);

/* What is due. Only when order->due has come. */
void order_send(struct order *order, struct desk *desk, int64_t now, struct order_request *out);

/* The answer to it. */
void order_answered(struct order *order, struct desk *desk, int64_t now,
                    const struct order_answer *answer);

/* Whether there is still something to say. */
bool order_outstanding(const struct order *order);

/* Whether it came to what was planned. */
bool order_as_planned(const struct order *order);

/* --- between simulator_order.c and simulator_answer.c --- */

/* Out of the order's list, for the caller to free; into it, at its end. */
struct message *order_take_first(struct order *order);
void order_append(struct order *order, struct message *message);

/* Decide by the status, and by whether a deprovisioning is requested, what remains to be said. */
void order_decide(struct order *order, bool requested);

/* Turn to the first message of the list, or rest. */
void order_go_on(struct order *order, int64_t now);

/* End it, and say why. */
void order_fail(struct order *order, struct desk *desk, enum order_phase phase, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

#endif
