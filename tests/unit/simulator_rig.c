/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator_rig.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct simulator *simulator;
int64_t now;
struct order *order;
struct order_request request;
char said[1024];

static void hear(void *context, const char *sentence)
{
    (void)context;
    snprintf(said, sizeof said, "%s", sentence);
}

void begin(struct simulator_settings settings)
{
    settings.run = "test";
    settings.patience = 60000;
    settings.key.length = 32;
    settings.say = hear;
    simulator = simulator_new(&settings);
    now = start;
    said[0] = '\0';
    ck_assert_int_eq(simulator_hand_in(simulator, KEY, now), KEY_TAKEN);
}

void end(void)
{
    simulator_free(simulator);
}

const char *next(void)
{
    static char type[64];
    if (simulator_due(simulator) == INT64_MAX)
        return "nothing";
    if (simulator_due(simulator) > now)
        now = simulator_due(simulator);
    order = simulator_send(simulator, now, &request);
    ck_assert_ptr_nonnull(order);
    if (request.kind == REQUEST_LOOK) {
        ck_assert_str_eq(request.body, "{\"serviceKey\":\"" KEY "\"}");
        return "look";
    }
    json_t *body = json_loads(request.body, 0, NULL);
    snprintf(type, sizeof type, "%s", json_string_value(json_object_get(body, "type")));
    json_decref(body);
    return type;
}

int64_t payload_time(void)
{
    json_t *body = json_loads(request.body, 0, NULL);
    int64_t time = message_time_read(json_string_value(json_object_get(body, "timestamp")));
    json_decref(body);
    return time;
}

bool signed_well(void)
{
    struct signature_key key = {.length = 32};
    return signature_matches(&key, request.id, request.timestamp, request.body,
                             strlen(request.body), request.signature);
}

void answer_with(struct order_answer answer)
{
    if (answer.code == NULL)
        answer.code = "";
    if (answer.reason == NULL)
        answer.reason = "";
    answer.detail = "";
    answer.circuit_id = answer.status == 200 ? "01a20000-0000-7000-8000-000000000001" : "";
    if (answer.provider_status == NULL)
        answer.provider_status = "";
    simulator_answered(simulator, order, now, &answer);
}

void shown(const char *status, bool requested)
{
    answer_with((struct order_answer){
        .status = 200, .provider_status = status, .deprovision_requested = requested});
}

void ok(const char *reason, const char *status)
{
    answer_with((struct order_answer){.status = 200, .reason = reason, .provider_status = status});
}

void refused(int status, const char *code)
{
    answer_with((struct order_answer){.status = status, .code = code});
}

struct simulator_tally tally(void)
{
    struct simulator_tally out;
    simulator_tally(simulator, &out);
    return out;
}

bool as_planned(void)
{
    struct simulator_tally out = tally();
    return simulator_as_planned(&out);
}

void build(void)
{
    ck_assert_str_eq(next(), "look");
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "circuit.provisioning");
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "circuit.progress");
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "circuit.provisioned");
    ok("applied", "Provisioned");
}
