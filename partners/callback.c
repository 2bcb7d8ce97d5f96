/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/callback.h"

#include "base/arena.h"
#include "circuits/provider_status.h"
#include "crypto/digest.h"
#include "operations/sweep.h"

#include <string.h>

const char *const callback_type_names[] = {
    [CALLBACK_PROVISIONING] = "circuit.provisioning",
    [CALLBACK_PROVISIONED] = "circuit.provisioned",
    [CALLBACK_REJECTED] = "circuit.rejected",
    [CALLBACK_DEPROVISIONING] = "circuit.deprovisioning",
    [CALLBACK_DEPROVISIONED] = "circuit.deprovisioned",
    [CALLBACK_PROGRESS] = "circuit.progress",
    [CALLBACK_TYPES] = NULL,
};

static const struct kind event_type = KIND_WORD(callback_type_names);
static const struct kind sentence = KIND_TEXT(1, 1000);
static const struct kind port = KIND_TEXT(1, 120);
static const struct kind reference = KIND_TEXT(1, 120);
static const struct kind vlan = KIND_INTEGER(1, 4094); /* IEEE 802.1Q VLAN identifiers */
static const struct kind webhook_id = KIND_TEXT(1, 256);

/* What a partner sees of a circuit. */
#define PARTNER_CIRCUIT_MEMBERS                                                                    \
    {"id", MEMBER_UUID, "id"}, {"serviceKey", MEMBER_UUID, "service_key"},                         \
        {"peeringLocation", MEMBER_TEXT, "peering_location"},                                      \
        {"bandwidthMbps", MEMBER_NUMBER, "bandwidth_mbps"}, {"sku", MEMBER_OPEN, NULL},            \
        {"tier", MEMBER_PLAIN, "sku_tier"}, {"family", MEMBER_PLAIN, "sku_family"},                \
        {NULL, MEMBER_CLOSE, NULL}, {"circuitStatus", MEMBER_PLAIN, "circuit_status"},             \
        {"providerStatus", MEMBER_PLAIN, "provider_status"},                                       \
        {"waitingOn", MEMBER_PLAIN, "waiting_on"}, {"since", MEMBER_TIME, "since"},                \
        {"stalled", MEMBER_BOOLEAN, "stalled"},                                                    \
        {"deprovisionRequestedAt", MEMBER_TIME, "deprovision_requested_at"},                       \
        {"lastRejection", MEMBER_JSON, "last_rejection"},                                          \
        {"partnerNote", MEMBER_TEXT, "partner_note"},                                              \
        {"partnerReference", MEMBER_TEXT, "partner_reference"},                                    \
        {"expectedBy", MEMBER_TIME, "expected_by"}, {"primaryPort", MEMBER_TEXT, "primary_port"},  \
        {"secondaryPort", MEMBER_TEXT, "secondary_port"}, {"sTag", MEMBER_NUMBER, "s_tag"},        \
        {"keyQuotedAt", MEMBER_TIME, "key_quoted_at"},                                             \
    {                                                                                              \
        "version", MEMBER_NUMBER, "version"                                                        \
    }

static const struct member partner_circuit_members[] = {PARTNER_CIRCUIT_MEMBERS};

static const struct member callback_members[] = {
    {"applied", MEMBER_BOOLEAN, "applied"},
    {"reason", MEMBER_PLAIN, "reason"},
    {"newestTimestamp", MEMBER_TIME_EXACT, "newest_timestamp"},
    {"circuit", MEMBER_OPEN, NULL},
    PARTNER_CIRCUIT_MEMBERS,
    {NULL, MEMBER_CLOSE, NULL},
};

/* The members of a callback's data that are kept. Absent means unchanged, null means cleared;
 * members of other names are the partner's own affair. serviceKey is a parameter of its own. */
static const struct {
    const char *name;
    const struct kind *kind;
} data_members[] = {
    {"reason", &sentence},
    {"note", &sentence},
    {"expectedBy", &kind_time},
    {"primaryPort", &port},
    {"secondaryPort", &port},
    {"sTag", &vlan},
    {"partnerReference", &reference},
};

static const char *data_from_json(const struct kind *kind, const json_t *value,
                                  const struct reading *reading)
{
    (void)kind;
    if (!json_is_object(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected an object.");
        return NULL;
    }
    json_t *kept = json_object();
    for (size_t i = 0; i < sizeof data_members / sizeof *data_members; i++) {
        const char *name = data_members[i].name;
        json_t *member = json_object_get(value, name);
        struct reading below = {reading->faults, reading->arena,
                                arena_printf(reading->arena, "%s/%s", reading->pointer, name)};
        if (!member)
            continue;
        if (json_is_null(member) ||
            data_members[i].kind->from_json(data_members[i].kind, member, &below))
            json_object_set(kept, name, member);
    }
    const char *text = json_compact(reading->arena, kept);
    json_decref(kept);
    return text;
}

static const struct kind callback_data = {.from_json = data_from_json};

static const struct parameter callback_apply_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "partner", &kind_slug, .required = true},
    {FROM_BODY, "data/serviceKey", &kind_uuid, .required = true, .locks = LOCK_SERVICE_KEY},
    {FROM_BODY, "type", &event_type, .required = true},
    {FROM_BODY, "timestamp", &kind_time, .required = true},
    {FROM_BODY, "data", &callback_data, .required = true},
    {FROM_HEADER, "webhook-id", &webhook_id, .required = true},
    {FROM_HOOK, "body-sha256"},
    {FROM_CALLER, "secret"},
};

static bool text_given(const json_t *data, const char *name)
{
    return json_is_string(json_object_get(data, name));
}

/* A rejection says why, and so does an operator who acts in a partner's place. */
static void callback_apply_complete(struct call *call)
{
    char *hex = arena_alloc(call->arena, DIGEST_TEXT);
    digest_write(hex, call->raw_body, call->raw_body_length);
    call_set(call, "body-sha256", hex);

    const json_t *data = json_object_get(call->body, "data");
    const char *type = call_value(call, "type");
    if (!json_is_object(data) || text_given(data, "reason"))
        return;
    if (call->caller->role == ROLE_OPERATOR)
        fault_add(call->faults, "/data/reason", "required",
                  "An operator who acts for a partner gives the reason.");
    else if (type && strcmp(type, "circuit.rejected") == 0)
        fault_add(call->faults, "/data/reason", "required",
                  "Say why the order is rejected; the customer is shown this text.");
}

const struct operation callback_apply_each = {
    .name = "callback_apply_each",
    .lane = LANE_WRITE,
    PARAMETERS(callback_apply_parameters),
    MEMBERS(callback_members),
};

const struct operation callback_apply = {
    .name = "callback_apply",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(callback_apply_parameters),
    MEMBERS(callback_members),
    .each = &callback_apply_each,
    .open_member = "data",
    .complete = callback_apply_complete,
};

const struct operation callback_memory_sweep = {.name = "callback_memory_sweep", SWEEP};

static const struct parameter partner_circuit_quote_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_CALLER, "partner"},
    {FROM_BODY, "serviceKey", &kind_uuid, .required = true, .locks = LOCK_SERVICE_KEY},
};

const struct operation partner_circuit_quote = {
    .name = "partner_circuit_quote",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(partner_circuit_quote_parameters),
    MEMBERS(partner_circuit_members),
};

static const struct parameter partner_circuit_get_parameters[] = {
    {FROM_CALLER, "partner"},
    {FROM_PATH, "id", &kind_uuid, .required = true},
};

const struct operation partner_circuit_get = {
    .name = "partner_circuit_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(partner_circuit_get_parameters),
    MEMBERS(partner_circuit_members),
};

static const struct parameter partner_circuit_list_parameters[] = {
    {FROM_CALLER, "partner"},
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "providerStatus", &kind_provider_status},
};

const struct operation partner_circuit_list = {
    .name = "partner_circuit_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(partner_circuit_list_parameters),
    MEMBERS(partner_circuit_members),
    .binary = true,
};
