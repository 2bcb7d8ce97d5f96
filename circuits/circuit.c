/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/circuit.h"

#include "circuits/age.h"
#include "circuits/provider_status.h"
#include "operations/sweep.h"

#include <string.h>

static const char *const circuit_statuses[] = {"Enabled", "Disabled", NULL};
static const char *const waits[] = {"customer", "partner", "operator", "nobody", NULL};
static const char *const tiers[] = {"Local", "Standard", "Premium", NULL};
static const char *const families[] = {"MeteredData", "UnlimitedData", NULL};

static const struct kind circuit_status = KIND_WORD(circuit_statuses);
static const struct kind waiting_on = KIND_WORD(waits);
static const struct kind tier = KIND_WORD(tiers);
static const struct kind family = KIND_WORD(families);
/* Which bandwidths there are is data in the database, and which of them are offered where. */
static const struct kind bandwidth = KIND_INTEGER(1, 1000000);
static const struct kind location = KIND_TEXT(1, 80);
static const struct kind reason = KIND_TEXT(1, 1000);
/* A key, or key=value. */
static const struct kind tag = KIND_TEXT(1, 128 + 1 + 256);

static const struct member circuit_members[] = {
    {"id", MEMBER_UUID, "id"},
    {"name", MEMBER_TEXT, "name"},
    {"customerId", MEMBER_UUID, "customer_id"},
    {"partner", MEMBER_PLAIN, "partner"},
    {"peeringLocation", MEMBER_TEXT, "peering_location"},
    {"bandwidthMbps", MEMBER_NUMBER, "bandwidth_mbps"},
    {"sku", MEMBER_OPEN, NULL},
    {"tier", MEMBER_PLAIN, "sku_tier"},
    {"family", MEMBER_PLAIN, "sku_family"},
    {NULL, MEMBER_CLOSE, NULL},
    {"serviceKey", MEMBER_UUID, "service_key"},
    {"serviceKeyIssuedAt", MEMBER_TIME, "service_key_issued_at"},
    {"keyQuotedAt", MEMBER_TIME, "key_quoted_at"},
    {"circuitStatus", MEMBER_PLAIN, "circuit_status"},
    {"providerStatus", MEMBER_PLAIN, "provider_status"},
    {"waitingOn", MEMBER_PLAIN, "waiting_on"},
    {"since", MEMBER_TIME, "since"},
    {"stalled", MEMBER_BOOLEAN, "stalled"},
    {"lastRejection", MEMBER_JSON, "last_rejection"},
    {"partnerNote", MEMBER_TEXT, "partner_note"},
    {"partnerReference", MEMBER_TEXT, "partner_reference"},
    {"expectedBy", MEMBER_TIME, "expected_by"},
    {"primaryPort", MEMBER_TEXT, "primary_port"},
    {"secondaryPort", MEMBER_TEXT, "secondary_port"},
    {"sTag", MEMBER_NUMBER, "s_tag"},
    {"deprovisionRequestedAt", MEMBER_TIME, "deprovision_requested_at"},
    {"deleteWhenDeprovisioned", MEMBER_BOOLEAN, "delete_when_deprovisioned"},
    {"connections", MEMBER_OPEN, NULL},
    {"used", MEMBER_NUMBER, "connections_used"},
    {"limit", MEMBER_NUMBER, "connections_limit"},
    {NULL, MEMBER_CLOSE, NULL},
    {"provisionedAt", MEMBER_TIME, "provisioned_at"},
    {"deprovisionedAt", MEMBER_TIME, "deprovisioned_at"},
    {"deletedAt", MEMBER_TIME, "deleted_at"},
    {"tags", MEMBER_JSON, "tags"},
    {"version", MEMBER_NUMBER, "version"},
    {"createdAt", MEMBER_TIME, "created_at"},
    {"updatedAt", MEMBER_TIME, "updated_at"},
};

static const struct parameter circuit_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_CALLER, "customer", .locks = LOCK_CUSTOMER},
    {FROM_BODY, "name", &kind_name, .required = true},
    {FROM_BODY, "partner", &kind_slug, .required = true},
    {FROM_BODY, "peeringLocation", &location, .required = true},
    {FROM_BODY, "bandwidthMbps", &bandwidth, .required = true},
    {FROM_BODY, "sku/tier", &tier, .fallback = "Standard"},
    {FROM_BODY, "sku/family", &family, .fallback = "MeteredData"},
    {FROM_BODY, "tags", &kind_tags, .fallback = "{}"},
};

static void circuit_create_complete(struct call *call)
{
    const char *chosen_tier = call_value(call, "sku/tier");
    const char *chosen_family = call_value(call, "sku/family");
    if (!chosen_tier || !chosen_family)
        return;
    if (strcmp(chosen_tier, "Local") == 0 && strcmp(chosen_family, "UnlimitedData") != 0)
        fault_add(call->faults, "/sku/family", "invalid_value",
                  "The Local tier comes with UnlimitedData alone; name it in sku.family.");
}

const struct operation circuit_create_each = {
    .name = "circuit_create_each",
    .lane = LANE_WRITE,
    PARAMETERS(circuit_create_parameters),
    MEMBERS(circuit_members),
};

const struct operation circuit_create = {
    .name = "circuit_create",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 201,
    .location = "/v1/circuits/",
    PARAMETERS(circuit_create_parameters),
    MEMBERS(circuit_members),
    .each = &circuit_create_each,
    .complete = circuit_create_complete,
};

static const struct kind wait_seconds = KIND_INTEGER(1, 120);

static const struct waiting circuit_waiting = {
    .what = {FROM_QUERY, "waitFor", &kind_provider_status},
    .seconds = {FROM_QUERY, "timeout", &wait_seconds, .fallback = "60"},
    .column = "provider_status",
};

static const struct parameter circuit_get_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
};

const struct operation circuit_get_each = {
    .name = "circuit_get_each",
    .lane = LANE_READ,
    PARAMETERS(circuit_get_parameters),
    MEMBERS(circuit_members),
};

const struct operation circuit_get = {
    .name = "circuit_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(circuit_get_parameters),
    MEMBERS(circuit_members),
    .each = &circuit_get_each,
    .waiting = &circuit_waiting,
};

static const struct parameter circuit_list_parameters[] = {
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_position},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "providerStatus", &kind_provider_status},
    {FROM_QUERY, "circuitStatus", &circuit_status},
    {FROM_QUERY, "partner", &kind_slug},
    {FROM_QUERY, "peeringLocation", &location},
    {FROM_QUERY, "customerId", &kind_uuid},
    {FROM_QUERY, "serviceKey", &kind_uuid},
    {FROM_QUERY, "deleted", &kind_boolean},
    {FROM_QUERY, "tag", &tag},
    {FROM_QUERY, "stalled", &kind_boolean},
    {FROM_QUERY, "waitingOn", &waiting_on},
    {FROM_QUERY, "olderThan", &kind_age},
    {FROM_QUERY, "updatedSince", &kind_time},
};

/* Those that ask by a time are answered in order of that time. */
static const char *circuit_list_order(const struct call *call)
{
    if (call_value(call, "olderThan"))
        return "since";
    return call_value(call, "updatedSince") ? "updated_at" : NULL;
}

static void circuit_list_complete(struct call *call)
{
    const char *cursor = call_value(call, "cursor");
    if (cursor && cursor_timed(cursor) != (circuit_list_order(call) != NULL))
        fault_add(call->faults, "?cursor", "malformed_cursor",
                  "This cursor is of a list in another order. Use it with the filters that it came "
                  "with.");
}

const struct operation circuit_list = {
    .name = "circuit_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(circuit_list_parameters),
    MEMBERS(circuit_members),
    .binary = true,
    .order = circuit_list_order,
    .complete = circuit_list_complete,
};

static const struct parameter circuit_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer", .locks = LOCK_CUSTOMER},
};

const struct operation circuit_delete = {
    .name = "circuit_delete",
    .lane = LANE_WRITE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(circuit_delete_parameters),
};

static const struct parameter circuit_update_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "name", &kind_name},
    {FROM_BODY, "bandwidthMbps", &bandwidth},
    {FROM_BODY, "sku/tier", &tier},
    {FROM_BODY, "sku/family", &family},
    {FROM_BODY, "tags", &kind_tags_patch},
};

const struct operation circuit_update = {
    .name = "circuit_update",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(circuit_update_parameters),
    MEMBERS(circuit_members),
    .fixed_members = true,
};

static const struct parameter circuit_status_set_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_BODY, "circuitStatus", &circuit_status, .required = true},
    {FROM_BODY, "reason", &reason, .required = true},
};

const struct operation circuit_status_set = {
    .name = "circuit_status_set",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(circuit_status_set_parameters),
    MEMBERS(circuit_members),
    .fixed_members = true,
};

static const struct parameter circuit_deprovision_request_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "deleteWhenDeprovisioned", &kind_boolean},
};

const struct operation circuit_deprovision_request = {
    .name = "circuit_deprovision_request",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(circuit_deprovision_request_parameters),
    MEMBERS(circuit_members),
};

static const struct parameter circuit_change_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer"},
};

const struct operation circuit_deprovision_withdraw = {
    .name = "circuit_deprovision_withdraw",
    .lane = LANE_WRITE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(circuit_change_parameters),
};

const struct operation circuit_service_key_rotate = {
    .name = "circuit_service_key_rotate",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(circuit_change_parameters),
    MEMBERS(circuit_members),
};

const struct operation circuit_stall = {.name = "circuit_stall", SWEEP};
