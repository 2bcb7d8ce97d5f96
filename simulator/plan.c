/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/plan.h"

#include <stddef.h>

/* What is drawn for. A callback's draws are told apart by its slot: order, teardown, refusal. */
enum draw {
    DRAW_SILENCE,
    DRAW_PROMISE,
    DRAW_REJECT,
    DRAW_EARLY,
    DRAW_REFUSE,
    DRAW_REASON,
    DRAW_TAG,
    DRAW_SLOTS
};
enum slot_draw { DELAY, FORGED, BIT, REPEATED, AT_END, REORDERED, SLOT_DRAWS = 16 };

static const char *const reasons[] = {
    "No capacity at this site before the next quarter.",
    "The letter of authorization has expired; send a new one.",
    "No cross connect can be run to this cage.",
    "The customer could not be reached under the address of the order.",
};
enum { REASONS = sizeof reasons / sizeof *reasons };

static const char *const fate_names[] = {"provisioned", "rejected", "promised", "silent"};

const char *fate_name(enum fate fate)
{
    return fate_names[fate];
}

/* The finishing step of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, 2014). */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

uint64_t plan_draw(const struct plan_settings *settings, const char *service_key, int what)
{
    uint64_t value = mix(settings->seed);
    for (const char *at = service_key; *at != '\0'; at++)
        value = mix(value ^ (unsigned char)*at);
    return mix(value ^ (uint64_t)what);
}

static bool happens(const struct plan_settings *settings, const char *key, int what, int percent)
{
    return (int)(plan_draw(settings, key, what) % 100) < percent;
}

static void callback_plan(struct planned *out, const struct plan_settings *settings,
                          const char *key, int slot, enum callback_type type)
{
    int first = DRAW_SLOTS + slot * SLOT_DRAWS;
    uint64_t span = (uint64_t)(settings->delay_most - settings->delay_least) + 1;
    *out = (struct planned){
        .type = type,
        .delay = settings->delay_least + (int64_t)(plan_draw(settings, key, first + DELAY) % span),
        .forged = happens(settings, key, first + FORGED, settings->wrong_signatures),
        .bit = (int)(plan_draw(settings, key, first + BIT) % 256),
        .repeated = happens(settings, key, first + REPEATED, settings->duplicates),
        .repeated_at_end = happens(settings, key, first + AT_END, 50),
    };
}

/* Swap neighbours; one that was swapped already stays where it is. */
static void reorder(struct planned *planned, int count, const struct plan_settings *settings,
                    const char *key, int slot)
{
    for (int i = 0; i + 1 < count; i++) {
        int draw = DRAW_SLOTS + (slot + i) * SLOT_DRAWS + REORDERED;
        if (happens(settings, key, draw, settings->reorder))
            planned[i++].overtaken = true;
    }
}

void plan_make(struct plan *out, const struct plan_settings *settings, const char *key)
{
    enum callback_type types[PLAN_ORDER] = {CALLBACK_PROVISIONING, CALLBACK_PROGRESS,
                                            CALLBACK_PROVISIONED};
    *out = (struct plan){
        .fate = FATE_PROVISIONED,
        .order_count = PLAN_ORDER,
        .s_tag = 1 + (int)(plan_draw(settings, key, DRAW_TAG) % 4094),
        .refuses = happens(settings, key, DRAW_REFUSE, settings->reject),
        .reason = reasons[plan_draw(settings, key, DRAW_REASON) % REASONS],
    };
    if (happens(settings, key, DRAW_SILENCE, settings->silence)) {
        out->fate = happens(settings, key, DRAW_PROMISE, 50) ? FATE_PROMISED : FATE_SILENT;
        out->order_count = out->fate == FATE_PROMISED ? 2 : 0;
    } else if (happens(settings, key, DRAW_REJECT, settings->reject)) {
        /* At once, or after a beginning. */
        bool early = happens(settings, key, DRAW_EARLY, 50);
        out->fate = FATE_REJECTED;
        out->order_count = early ? 1 : 2;
        types[out->order_count - 1] = CALLBACK_REJECTED;
    }
    for (int i = 0; i < PLAN_ORDER && i < out->order_count; i++)
        callback_plan(&out->order[i], settings, key, i, types[i]);
    callback_plan(&out->teardown[0], settings, key, PLAN_ORDER, CALLBACK_DEPROVISIONING);
    callback_plan(&out->teardown[1], settings, key, PLAN_ORDER + 1, CALLBACK_DEPROVISIONED);
    callback_plan(&out->refusal, settings, key, PLAN_ORDER + PLAN_TEARDOWN, CALLBACK_REJECTED);
    reorder(out->order, out->order_count, settings, key, 0);
    reorder(out->teardown, PLAN_TEARDOWN, settings, key, PLAN_ORDER);
}
