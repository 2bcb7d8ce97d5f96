/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/vnet.h"

#include "circuits/address_space.h"

static const struct member vnet_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"customerId", MEMBER_PLAIN, "customer_id"},
    {"name", MEMBER_TEXT, "name"},
    {"addressSpace", MEMBER_JSON, "address_space"},
    {"gateway", MEMBER_OPEN_IF, NULL},
    {"subnet", MEMBER_PLAIN, "gateway_subnet"},
    {NULL, MEMBER_CLOSE, NULL},
    {"circuits", MEMBER_OPEN, NULL},
    {"used", MEMBER_NUMBER, "circuits_used"},
    {"limit", MEMBER_NUMBER, "circuits_limit"},
    {NULL, MEMBER_CLOSE, NULL},
    {"tags", MEMBER_JSON, "tags"},
    {"version", MEMBER_NUMBER, "version"},
    {"createdAt", MEMBER_TIME, "created_at"},
    {"updatedAt", MEMBER_TIME, "updated_at"},
};

static const struct parameter vnet_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "name", &kind_name, .required = true},
    {FROM_BODY, "addressSpace", &kind_address_space, .required = true},
    {FROM_BODY, "tags", &kind_tags, .fallback = "{}"},
};

/* Alone, as vnet_delete is: each holds its customer's counter, and two in one transaction would
 * hold them in the order in which they came. */
const struct operation vnet_create = {
    .name = "vnet_create",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 201,
    .location = "/v1/vnets/",
    PARAMETERS(vnet_create_parameters),
    MEMBERS(vnet_members),
};

static const struct parameter vnet_get_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
};

const struct operation vnet_get = {
    .name = "vnet_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(vnet_get_parameters),
    MEMBERS(vnet_members),
};

static const struct parameter vnet_list_parameters[] = {
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "customerId", &kind_uuid},
};

const struct operation vnet_list = {
    .name = "vnet_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(vnet_list_parameters),
    MEMBERS(vnet_members),
};

static const struct parameter vnet_update_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_VNET},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "name", &kind_name},
    {FROM_BODY, "addressSpace", &kind_address_space},
    {FROM_BODY, "tags", &kind_tags_patch},
};

const struct operation vnet_update = {
    .name = "vnet_update",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(vnet_update_parameters),
    MEMBERS(vnet_members),
};

static const struct parameter vnet_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_VNET},
    {FROM_CALLER, "customer"},
};

const struct operation vnet_delete = {
    .name = "vnet_delete",
    .lane = LANE_ALONE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(vnet_delete_parameters),
};

static const struct parameter vnet_gateway_put_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_VNET},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "subnet", &kind_gateway_subnet, .required = true},
};

const struct operation vnet_gateway_put = {
    .name = "vnet_gateway_put",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(vnet_gateway_put_parameters),
    MEMBERS(vnet_members),
};

/* Answers 204: what is left of the VNet is read with GET. */
const struct operation vnet_gateway_delete = {
    .name = "vnet_gateway_delete",
    .lane = LANE_WRITE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(vnet_delete_parameters),
    MEMBERS(vnet_members),
};
