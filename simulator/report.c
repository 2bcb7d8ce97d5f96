/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_report.c - what a simulated partner planned, and what came of it, as JSON. */
#include "circuits/provider_status.h"
#include "simulator/simulator.h"

#include <stdlib.h>

static json_t *made(json_t *value)
{
    if (value == NULL)
        abort();
    return value;
}

static json_t *status_name(int status)
{
    return made(status < 0 ? json_null() : json_string(provider_status_names[status]));
}

static void add_planned(json_t *list, const struct planned *planned, int count)
{
    for (int i = 0; i < count; i++)
        json_array_append_new(list,
                              made(json_pack("{s:s, s:I, s:b, s:b, s:b}", "type",
                                             callback_type_names[planned[i].type], "delayMs",
                                             (json_int_t)planned[i].delay, "wrongSignatureFirst",
                                             planned[i].forged, "repeated", planned[i].repeated,
                                             "overtakenByNext", planned[i].overtaken)));
}

static json_t *order_plan(const struct order *order)
{
    json_t *callbacks = made(json_array()), *teardown = made(json_array());
    add_planned(callbacks, order->plan.order, order->plan.order_count);
    if (order->plan.refuses)
        add_planned(teardown, &order->plan.refusal, 1);
    else
        add_planned(teardown, order->plan.teardown, PLAN_TEARDOWN);
    return made(json_pack("{s:s, s:s, s:o, s:o}", "serviceKey", order->service_key, "plan",
                          fate_name(order->plan.fate), "callbacks", callbacks, "teardown",
                          teardown));
}

static json_t *order_report(const struct order *order)
{
    json_t *report = order_plan(order);
    const struct {
        const char *name;
        bool value;
    } facts[] = {
        {"handedIn", !order->adopted},
        {"deprovisioned", order->torn_down},
        {"stalled", order->stalled},
        {"outstanding", order_outstanding(order)},
        {"asPlanned", order_as_planned(order)},
    };
    const char *id = order->circuit_id[0] != '\0' ? order->circuit_id : NULL;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        json_object_set_new(report, facts[i].name, json_boolean(facts[i].value));
    json_object_set_new(report, "circuitId", made(json_pack("s?", id)));
    json_object_set_new(report, "expected", status_name(order->expected));
    json_object_set_new(report, "providerStatus", status_name(order->status));
    json_object_set_new(report, "fault", made(json_pack("s?", order->fault)));
    return report;
}

json_t *simulator_plans(const struct simulator *simulator)
{
    json_t *plans = made(json_array());
    for (size_t i = 0; i < simulator_count(simulator); i++)
        json_array_append_new(plans, order_plan(simulator_order(simulator, i)));
    return plans;
}

json_t *simulator_report(const struct simulator *simulator)
{
    struct simulator_tally tally;
    json_t *report = made(json_object()), *orders = made(json_array());
    simulator_tally(simulator, &tally);
    const struct desk_counts *counts = &tally.counts;
    const struct {
        const char *group, *name;
        uint64_t value;
    } numbers[] = {
        {"keys", "handedIn", tally.handed_in},
        {"keys", "repeated", tally.repeated},
        {"keys", "malformed", tally.malformed},
        {"keys", "unknown", tally.unknown},
        {"circuits", "notProvisioned", tally.not_provisioned},
        {"circuits", "provisioning", tally.provisioning},
        {"circuits", "provisioned", tally.provisioned},
        {"circuits", "deprovisioning", tally.deprovisioning},
        {"circuits", "rejected", tally.rejected},
        {"circuits", "silent", tally.silent},
        {"circuits", "stalled", tally.stalled},
        {"circuits", "deprovisioned", tally.torn_down},
        {"circuits", "adopted", tally.adopted},
        {"circuits", "failed", tally.failed},
        {"circuits", "outstanding", tally.outstanding},
        {"answers", "quoted", counts->quoted},
        {"answers", "applied", counts->applied},
        {"answers", "already", counts->already},
        {"answers", "duplicate", counts->duplicates},
        {"answers", "stale", counts->stale},
        {"answers", "refused", counts->refused},
        {"answers", "wrongSignature", counts->forged},
        {"answers", "wrongClock", counts->off_clock},
        {"answers", "inFuture", counts->ahead},
        {"answers", "retries", counts->retries},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *group = json_object_get(report, numbers[i].group);
        if (group == NULL) {
            group = made(json_object());
            json_object_set_new(report, numbers[i].group, group);
        }
        json_object_set_new(group, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    }
    for (size_t i = 0; i < simulator_count(simulator); i++)
        json_array_append_new(orders, order_report(simulator_order(simulator, i)));
    json_object_set_new(report, "orders", orders);
    json_object_set_new(report, "asPlanned", json_boolean(simulator_as_planned(&tally)));
    return report;
}
