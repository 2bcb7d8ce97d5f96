/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/order.h"

#include "circuits/provider_status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMISE_MS = 60 * 60 * 1000 /* of a partner that keeps it */ };

struct order *order_new(const struct desk *desk, const char *service_key, int64_t now)
{
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL || asprintf(&order->quote, "{\"serviceKey\":\"%s\"}", service_key) < 0)
        abort();
    snprintf(order->service_key, sizeof order->service_key, "%s", service_key);
    plan_make(&order->plan, &desk->plan, service_key);
    order->phase = ORDER_LOOKING;
    order->status = order->expected = -1;
    order->due = now;
    order->skew = desk->clock_skew;
    return order;
}

void order_free(struct order *order)
{
    while (order->first != NULL)
        message_free(order_take_first(order));
    free(order->quote);
    free(order->fault);
    free(order);
}

void order_fail(struct order *order, struct desk *desk, enum order_phase phase, const char *format,
                ...)
{
    char *sentence = NULL;
    va_list arguments;
    va_start(arguments, format);
    free(order->fault);
    if (vasprintf(&order->fault, format, arguments) < 0 ||
        asprintf(&sentence, "%.8s...: %s", order->service_key, order->fault) < 0)
        abort();
    va_end(arguments);
    if (desk->say != NULL)
        desk->say(desk->context, sentence);
    free(sentence);
    order->phase = phase;
    order->due = INT64_MAX;
}

/* --- what is to be said --- */

struct message *order_take_first(struct order *order)
{
    struct message *first = order->first;
    order->first = first->next;
    first->next = NULL;
    return first;
}

void order_append(struct order *order, struct message *message)
{
    struct message **end = &order->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = message;
}

/* The callbacks that are not said yet, in the order of sending. */
static void append_all(struct order *order, const struct planned *planned, int count, int slot)
{
    for (int i = 0; i < count; i++) {
        struct message *message;
        /* What was overtaken by something that is said is no news. */
        if ((order->said >> (slot + i) & (planned[i].overtaken ? 3U : 1U)) != 0)
            continue;
        message = message_new(&planned[i], slot + i);
        if (planned[i].overtaken && i + 1 < count) {
            struct message *next = message_new(&planned[i + 1], slot + i + 1);
            next->delay += message->delay;
            message->delay = 0;
            message->late = true;
            order_append(order, next);
            i++;
        }
        order_append(order, message);
    }
}

/* Keep nothing but what was taken already and is to be sent once more. */
static void drop_unsaid(struct order *order)
{
    struct message **at = &order->first;
    while (*at != NULL) {
        struct message *message = *at;
        if (message->attempt == ATTEMPT_AGAIN) {
            at = &message->next;
            continue;
        }
        *at = message->next;
        message_free(message);
    }
}

void order_go_on(struct order *order, int64_t now)
{
    order->tries = 0;
    order->first_try = 0;
    order->phase = order->first != NULL ? ORDER_WORKING : ORDER_RESTING;
    order->due = INT64_MAX;
    if (order->first == NULL) {
        if (order->goal == GOAL_TEARDOWN && order->status == NOT_PROVISIONED)
            order->torn_down = true;
        else if (order->goal == GOAL_TEARDOWN)
            order->goal = GOAL_NONE; /* refused, and may be asked for again */
        return;
    }
    if (order->first->due == 0)
        order->first->due = now + order->first->delay;
    order->due = order->first->due;
}

static bool silent(const struct order *order)
{
    return order->plan.fate == FATE_SILENT || order->plan.fate == FATE_PROMISED;
}

static int order_expects(const struct order *order)
{
    if (order->status == PROVISIONED || order->plan.fate == FATE_PROVISIONED)
        return PROVISIONED;
    if (order->plan.fate == FATE_REJECTED)
        return NOT_PROVISIONED;
    /* A beginning that comes late changes nothing any more. */
    if (order->plan.fate == FATE_PROMISED && !order->plan.order[0].overtaken)
        return PROVISIONING;
    return order->status;
}

void order_decide(struct order *order, bool requested)
{
    const struct plan *plan = &order->plan;
    bool down = !silent(order) && (requested || order->status == DEPROVISIONING);
    enum order_goal goal = down ? GOAL_TEARDOWN : GOAL_PROVISION;
    if (goal == order->goal)
        return;
    drop_unsaid(order);
    order->goal = goal;
    if (down && plan->refuses && order->status != DEPROVISIONING) {
        order->expected = order->status == PROVISIONED ? PROVISIONED : NOT_PROVISIONED;
        append_all(order, &plan->refusal, 1, PLAN_ORDER + PLAN_TEARDOWN);
    } else if (down) {
        /* From Provisioning there is one step back only. */
        int first = order->status == PROVISIONED ? 0 : 1;
        order->expected = NOT_PROVISIONED;
        if (order->status != NOT_PROVISIONED)
            append_all(order, plan->teardown + first, PLAN_TEARDOWN - first, PLAN_ORDER + first);
    } else if (order->torn_down || order->adopted) {
        order->expected = order->status;
    } else {
        order->expected = order_expects(order);
        if (order->status != PROVISIONED)
            append_all(order, plan->order, plan->order_count, 0);
    }
}

void order_look(struct order *order, int64_t now)
{
    if (order->phase != ORDER_WORKING && order->phase != ORDER_RESTING)
        return;
    order->phase = ORDER_LOOKING;
    if (order->sending)
        return;
    order->tries = 0;
    order->first_try = 0;
    order->due = now;
}

/* --- sending --- */

/* Give a message its time, its id and its bytes. */
static void stamp(struct order *order, struct desk *desk, struct message *message, int64_t now)
{
    char id[MESSAGE_ID];
    bool keeps = order->plan.fate != FATE_PROMISED;
    int64_t promised = now + (keeps ? PROMISE_MS : desk->plan.delay_most);
    if (message->late) {
        message->happened = order->late_timestamp;
    } else {
        /* Between two of them there is room for one that was overtaken. */
        int64_t before = order->last_timestamp;
        int64_t delay = message->planned.delay;
        message->happened = now > before + 2 ? now : before + 2;
        order->last_timestamp = message->happened;
        order->late_timestamp = message->happened - (delay > 0 ? delay : 1);
    }
    snprintf(id, sizeof id, "msg_%.32s_%llu", desk->run, (unsigned long long)++desk->ids);
    message_write(message, &order->plan, order->service_key, id, order->skew, promised);
}

/* Whether the clock is so wrong that it is noticed. */
static bool off_clock(const struct order *order)
{
    return llabs(order->skew) > (long long)SIGNATURE_TOLERANCE_SECONDS * 1000;
}

void order_send(struct order *order, struct desk *desk, int64_t now, struct order_request *out)
{
    struct message *message = order->first;
    memset(out, 0, sizeof *out);
    order->sending = true;
    order->sent = order->phase == ORDER_LOOKING ? REQUEST_LOOK : REQUEST_CALLBACK;
    order->due = INT64_MAX;
    if (order->first_try == 0)
        order->first_try = now;
    if (order->phase == ORDER_LOOKING) {
        out->kind = REQUEST_LOOK;
        out->body = order->quote;
        return;
    }
    if (message->attempt == ATTEMPT_PLAIN && off_clock(order))
        message->attempt = ATTEMPT_OFF_CLOCK;
    if (message->body == NULL)
        stamp(order, desk, message, now);
    int64_t clock = message->attempt == ATTEMPT_AHEAD ? now : now + order->skew;
    out->kind = REQUEST_CALLBACK;
    out->body = message->body;
    out->id = message->id;
    snprintf(out->timestamp, sizeof out->timestamp, "%lld", (long long)(clock / 1000));
    message_sign(out->signature, message, &desk->key, out->timestamp);
}

/* --- what came of it --- */

bool order_outstanding(const struct order *order)
{
    return order->phase == ORDER_LOOKING || order->phase == ORDER_WORKING;
}

bool order_as_planned(const struct order *order)
{
    return order->phase == ORDER_RESTING && order->status == order->expected;
}
