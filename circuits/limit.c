/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/limit.h"

#include "base/arena.h"
#include "operations/pointer.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS_MAX = 24 }; /* three tiers, eight bandwidths */

static const char *const tiers[] = {"Local", "Standard", "Premium", NULL};
static const struct kind tier = KIND_WORD(tiers);
static const struct kind bandwidth = KIND_INTEGER(1, 1000000);
static const struct kind vnets = KIND_INTEGER(1, 100);
static const struct kind circuits = KIND_INTEGER(0, 1000000);

static const struct {
    const char *name;
    const struct kind *kind;
} cell_members[] = {
    {"tier", &tier},
    {"bandwidthMbps", &bandwidth},
    {"limit", &vnets},
};

enum { CELL_MEMBERS = sizeof cell_members / sizeof *cell_members };

static bool known(const char *name)
{
    for (size_t i = 0; i < CELL_MEMBERS; i++)
        if (strcmp(cell_members[i].name, name) == 0)
            return true;
    return false;
}

static void cell_read(const json_t *cell, const struct reading *reading)
{
    const char *name;
    json_t *value;
    if (!json_is_object(cell)) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected an object.");
        return;
    }
    for (size_t i = 0; i < CELL_MEMBERS; i++) {
        const struct kind *kind = cell_members[i].kind;
        struct reading below = {
            reading->faults, reading->arena,
            pointer_below(reading->arena, reading->pointer, cell_members[i].name)};
        value = json_object_get(cell, cell_members[i].name);
        if (value)
            kind->from_json(kind, value, &below);
        else
            fault_add(reading->faults, below.pointer, "required", "This member is required.");
    }
    json_object_foreach((json_t *)(uintptr_t)cell, name, value)
    {
        if (!known(name))
            fault_add(reading->faults, pointer_below(reading->arena, reading->pointer, name),
                      "unknown_member",
                      "There is no such member here. Leave it out or correct its name.");
    }
}

static const char *cells_from_json(const struct kind *kind, const json_t *value,
                                   const struct reading *reading)
{
    size_t before = reading->faults->count, i;
    json_t *cell;
    (void)kind;
    if (!json_is_array(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected an array.");
        return NULL;
    }
    if (json_array_size(value) < 1 || json_array_size(value) > CELLS_MAX)
        fault_add(reading->faults, reading->pointer, "out_of_range", "Expected 1 to %d elements.",
                  CELLS_MAX);
    json_array_foreach((json_t *)(uintptr_t)value, i, cell)
    {
        struct reading below = {reading->faults, reading->arena,
                                arena_printf(reading->arena, "%s/%zu", reading->pointer, i)};
        if (i < CELLS_MAX)
            cell_read(cell, &below);
    }
    if (reading->faults->count > before)
        return NULL;
    char *dumped = json_dumps(value, JSON_COMPACT);
    if (!dumped)
        abort();
    const char *copy = arena_copy(reading->arena, dumped, strlen(dumped));
    free(dumped);
    return copy;
}

static const struct kind cells = {.from_json = cells_from_json};

/* Null is no limit. */
static const char *quota_from_json(const struct kind *kind, const json_t *value,
                                   const struct reading *reading)
{
    (void)kind;
    return json_is_null(value) ? NULL : circuits.from_json(&circuits, value, reading);
}

static const struct kind quota = {.from_json = quota_from_json, .nullable = true};

static const struct member limit_members[] = {
    {"name", MEMBER_TEXT, "name"},
    {"scope", MEMBER_PLAIN, "scope"},
    {"peeringLocation", MEMBER_TEXT, "peering_location"},
    {"tier", MEMBER_PLAIN, "tier"},
    {"bandwidthMbps", MEMBER_NUMBER, "bandwidth_mbps"},
    {"used", MEMBER_NUMBER, "used"},
    {"limit", MEMBER_NUMBER, "quota"},
    {"rule", MEMBER_TEXT, "rule"},
};

static const struct parameter limit_list_parameters[] = {
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_name},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "customerId", &kind_uuid},
};

const struct operation limit_list = {
    .name = "limit_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(limit_list_parameters),
    MEMBERS(limit_members),
};

/* The answer is the first page of the quotas, the largest there may be. */
static void whole_page(struct call *call)
{
    call_set(call, "limit", "200");
}

static const struct parameter vnet_limits_put_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_BODY, "vnetsPerCircuit", &cells, .required = true},
    {FROM_HOOK, "limit"},
};

/* Alone: it locks every circuit that it is about. */
const struct operation vnet_limits_put = {
    .name = "vnet_limits_put",
    .lane = LANE_ALONE,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(vnet_limits_put_parameters),
    MEMBERS(limit_members),
    .complete = whole_page,
};

static const struct parameter customer_limits_put_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_BODY, "circuits", &quota},
    {FROM_BODY, "circuitsPerLocation", &quota},
    {FROM_HOOK, "limit"},
};

/* Alone: whoever orders circuits for this customer has to wait for it, and it for them. */
const struct operation customer_limits_put = {
    .name = "customer_limits_put",
    .lane = LANE_ALONE,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(customer_limits_put_parameters),
    MEMBERS(limit_members),
    .complete = whole_page,
};
