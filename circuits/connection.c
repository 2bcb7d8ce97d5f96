/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/connection.h"

#include "circuits/authorization.h"

static const struct member connection_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"circuitId", MEMBER_PLAIN, "circuit_id"},
    {"vnetId", MEMBER_PLAIN, "vnet_id"},
    {"status", MEMBER_PLAIN, "status"},
    {"authorizationId", MEMBER_PLAIN, "authorization_id"},
    {"createdAt", MEMBER_TIME, "created_at"},
    {"addressSpace", MEMBER_JSON, "address_space"},
    {"peeringLocation", MEMBER_TEXT, "peering_location"},
    {"bandwidthMbps", MEMBER_NUMBER, "bandwidth_mbps"},
};

/* clang-format off */
static const struct parameter connection_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "circuitId", &kind_uuid, .locks = LOCK_CIRCUIT},
    {FROM_BODY, "vnetId", &kind_uuid, .required = true, .locks = LOCK_VNET},
    {FROM_BODY, "authorizationKey", &kind_authorization_key, .locks = LOCK_AUTHORIZATION},
};
/* clang-format on */

/* The circuit is named once: one's own by its id, another customer's by a key to it. */
static void connection_create_complete(struct call *call)
{
    bool by_id = json_object_get(call->body, "circuitId");
    bool by_key = json_object_get(call->body, "authorizationKey");
    if (!json_is_object(call->body) || by_id != by_key)
        return;
    if (by_id)
        fault_add(call->faults, "/authorizationKey", "invalid_value",
                  "Name the circuit once: by circuitId or by authorizationKey.");
    else
        fault_add(call->faults, "/circuitId", "required",
                  "This member is required, or authorizationKey in its place.");
}

const struct operation connection_create_each = {
    .name = "connection_create_each",
    .lane = LANE_WRITE,
    PARAMETERS(connection_create_parameters),
    MEMBERS(connection_members),
};

const struct operation connection_create = {
    .name = "connection_create",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 201,
    .location = "/v1/connections/",
    PARAMETERS(connection_create_parameters),
    MEMBERS(connection_members),
    .each = &connection_create_each,
    .complete = connection_create_complete,
};

static const struct parameter connection_get_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
};

const struct operation connection_get = {
    .name = "connection_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(connection_get_parameters),
    MEMBERS(connection_members),
};

static const struct parameter connection_list_parameters[] = {
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "circuitId", &kind_uuid},
    {FROM_QUERY, "vnetId", &kind_uuid},
};

const struct operation connection_list = {
    .name = "connection_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(connection_list_parameters),
    MEMBERS(connection_members),
};

/* Its circuit and VNet are known only after a look at the row, which batch_lock takes as well. */
static const struct parameter connection_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CONNECTION},
    {FROM_CALLER, "customer"},
};

const struct operation connection_delete_each = {
    .name = "connection_delete_each",
    .lane = LANE_WRITE,
    PARAMETERS(connection_delete_parameters),
};

const struct operation connection_delete = {
    .name = "connection_delete",
    .lane = LANE_WRITE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(connection_delete_parameters),
    .each = &connection_delete_each,
};
