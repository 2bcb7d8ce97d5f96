/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/customer.h"

static const struct member customer_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"name", MEMBER_TEXT, "name"},
    {"createdAt", MEMBER_TIME, "created_at"},
};

static const struct parameter customer_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_BODY, "name", &kind_name, .required = true},
};

const struct operation customer_create = {
    .name = "customer_create",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 201,
    PARAMETERS(customer_create_parameters),
    MEMBERS(customer_members),
};

static const struct parameter customer_get_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
};

const struct operation customer_get = {
    .name = "customer_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(customer_get_parameters),
    MEMBERS(customer_members),
};

static const struct parameter customer_list_parameters[] = {
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
};

const struct operation customer_list = {
    .name = "customer_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(customer_list_parameters),
    MEMBERS(customer_members),
};
