/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_answer.c - what a partner makes of what it is answered. */
#include "circuits/provider_status.h"
#include "simulator/order.h"

#include <stdio.h>
#include <string.h>

enum {
    BACKOFF_LEAST = 250,
    BACKOFF_MOST = 8000,
    SURPRISES = 5, /* after which it is no accident any more */
    DRAW_JITTER = 1000
};

/* Whether nothing is decided yet, and the same request is to come again. */
static bool busy(const struct order_answer *answer)
{
    return answer->status == 0 || answer->status == 408 || answer->status == 429 ||
           answer->status >= 500;
}

static int64_t backoff(const struct order *order, const struct desk *desk)
{
    int64_t wait = order->tries < 6 ? (int64_t)BACKOFF_LEAST << (order->tries - 1) : BACKOFF_MOST;
    uint64_t jitter = plan_draw(&desk->plan, order->service_key, DRAW_JITTER + order->tries);
    return wait + (int64_t)(jitter % (uint64_t)(wait / 4));
}

static void try_again(struct order *order, struct desk *desk, int64_t now,
                      const struct order_answer *answer)
{
    order->tries++;
    desk->counts.retries++;
    if (now - order->first_try >= desk->patience) {
        order_fail(order, desk, ORDER_FAILED, "given up after %d tries; the last one: %d %s",
                   order->tries, answer->status,
                   answer->code[0] != '\0' ? answer->code : answer->detail);
        return;
    }
    order->due = now + (answer->retry_after > 0 ? answer->retry_after : backoff(order, desk));
}

/* What was shown of the circuit. */
static void see(struct order *order, const struct order_answer *answer)
{
    for (int i = 0; provider_status_names[i] != NULL; i++)
        if (strcmp(provider_status_names[i], answer->provider_status) == 0)
            order->status = i;
    if (answer->circuit_id[0] != '\0')
        snprintf(order->circuit_id, sizeof order->circuit_id, "%s", answer->circuit_id);
    order->stalled = answer->stalled;
}

static void look_answered(struct order *order, struct desk *desk, int64_t now,
                          const struct order_answer *answer)
{
    bool first = order->circuit_id[0] == '\0';
    if (answer->status == 200)
        see(order, answer);
    if (answer->status == 200 && answer->provider_status[0] != '\0') {
        desk->counts.quoted += first;
        order_decide(order, answer->deprovision_requested);
        order_go_on(order, now);
    } else if (answer->status == 404 && order->adopted) {
        order_go_on(order, now); /* an old story */
    } else if (answer->status == 404) {
        order_fail(order, desk, ORDER_UNKNOWN, "%s",
                   first ? "no circuit of this partner has this key; dropped"
                         : "the key is not known any more; dropped");
    } else {
        order_fail(order, desk, ORDER_FAILED, "quoting the key was answered %d %s: %s",
                   answer->status, answer->code, answer->detail);
    }
}

static void surprised(struct order *order, struct desk *desk, const struct order_answer *answer)
{
    const struct message *message = order->first;
    static const char *const looks[] = {
        [ATTEMPT_FORGED] = " with a wrong signature",
        [ATTEMPT_OFF_CLOCK] = " with a webhook-timestamp outside the tolerance",
        [ATTEMPT_AHEAD] = " with a timestamp in the future",
        [ATTEMPT_PLAIN] = "",
        [ATTEMPT_AGAIN] = ", sent once more,",
    };
    order_fail(order, desk, ORDER_FAILED, "%s%s%s was answered %d %s%s%s%s",
               callback_type_names[message->planned.type], message->late ? ", late," : "",
               looks[message->attempt], answer->status, answer->code, answer->reason,
               answer->detail[0] != '\0' ? ": " : "", answer->detail);
}

/* It was refused, as it was meant to be: the next try looks otherwise. */
static void show_next(struct order *order, enum attempt attempt, int64_t now)
{
    order->first->attempt = attempt;
    order->first->due = now;
    order_go_on(order, now);
}

/* The clock is put right: everything is written afresh by it. */
static void clock_set(struct order *order, int64_t now)
{
    order->skew = 0;
    message_unwrite(order->first);
    show_next(order, ATTEMPT_PLAIN, now);
}

/* It is said. */
static void said(struct order *order, int64_t now)
{
    struct message *message = order_take_first(order);
    if (message->slot < PLAN_ORDER)
        order->said |= 1U << message->slot;
    if (!message->planned.repeated || message->attempt == ATTEMPT_AGAIN) {
        message_free(message);
    } else {
        message->attempt = ATTEMPT_AGAIN;
        message->due = 0;
        if (message->planned.repeated_at_end) {
            order_append(order, message);
        } else {
            message->next = order->first;
            order->first = message;
        }
    }
    order_go_on(order, now);
}

/* Taken, or known from before. A duplicate is one too where an earlier answer was lost. */
static void taken(struct order *order, struct desk *desk, int64_t now,
                  const struct order_answer *answer)
{
    const struct message *message = order->first;
    bool stale = strcmp(answer->reason, "stale") == 0;
    bool duplicate = strcmp(answer->reason, "duplicate") == 0;
    bool applied = strcmp(answer->reason, "applied") == 0;
    bool already = strcmp(answer->reason, "already") == 0;
    bool again = message->attempt == ATTEMPT_AGAIN;
    see(order, answer);
    desk->counts.stale += stale;
    desk->counts.duplicates += duplicate;
    desk->counts.applied += applied;
    desk->counts.already += already;
    if ((duplicate && (again || message->unanswered > 0)) || (stale && !again && message->late) ||
        ((applied || already) && !again && !message->late)) {
        said(order, now);
    } else if (stale && order->surprises < SURPRISES && answer->newest > 0) {
        /* Somebody else spoke for us, or our clock went back: say it again behind that. */
        order->surprises++;
        order->last_timestamp = answer->newest - order->skew;
        message_unwrite(order->first);
        show_next(order, ATTEMPT_PLAIN, now);
    } else {
        surprised(order, desk, answer);
    }
}

/* Not legal where the circuit stands, so we are mistaken about that: look, and decide afresh. */
static void refused(struct order *order, struct desk *desk, int64_t now,
                    const struct order_answer *answer)
{
    desk->counts.refused++;
    if (order->surprises++ >= SURPRISES) {
        surprised(order, desk, answer);
        return;
    }
    message_free(order_take_first(order));
    order->goal = GOAL_NONE;
    order_go_on(order, now);
    order_look(order, now);
}

static void plain_answered(struct order *order, struct desk *desk, int64_t now,
                           const struct order_answer *answer)
{
    /* A circuit that is deleted with its deprovisioning knows of nothing older any more. */
    bool gone = order->goal == GOAL_TEARDOWN && order->status == NOT_PROVISIONED;
    if (answer->status == 200)
        taken(order, desk, now, answer);
    else if (answer->status == 409)
        refused(order, desk, now, answer);
    else if (answer->status == 404 && gone)
        said(order, now);
    else if (answer->status == 404)
        order_fail(order, desk, ORDER_UNKNOWN, "the key is not known any more; dropped");
    else
        surprised(order, desk, answer);
}

static void callback_answered(struct order *order, struct desk *desk, int64_t now,
                              const struct order_answer *answer)
{
    switch (order->first->attempt) {
    case ATTEMPT_FORGED:
        if (answer->status != 401)
            break;
        desk->counts.forged++;
        show_next(order, ATTEMPT_PLAIN, now);
        return;
    case ATTEMPT_OFF_CLOCK:
        if (answer->status != 401)
            break;
        desk->counts.off_clock++;
        if (order->skew > 0)
            show_next(order, ATTEMPT_AHEAD, now);
        else
            clock_set(order, now);
        return;
    case ATTEMPT_AHEAD:
        if (answer->status != 422 || strcmp(answer->code, "timestamp_in_future") != 0)
            break;
        desk->counts.ahead++;
        clock_set(order, now);
        return;
    case ATTEMPT_PLAIN:
    case ATTEMPT_AGAIN:
        plain_answered(order, desk, now, answer);
        return;
    }
    surprised(order, desk, answer);
}

void order_answered(struct order *order, struct desk *desk, int64_t now,
                    const struct order_answer *answer)
{
    /* It may have been asked to look while a callback was under way. */
    bool look = order->phase == ORDER_LOOKING;
    bool callback = order->sent == REQUEST_CALLBACK;
    order->sending = false;
    if (busy(answer)) {
        if (callback)
            order->first->unanswered++;
        try_again(order, desk, now, answer);
    } else if (!callback) {
        look_answered(order, desk, now, answer);
    } else {
        callback_answered(order, desk, now, answer);
        if (look)
            order_look(order, now);
    }
}
