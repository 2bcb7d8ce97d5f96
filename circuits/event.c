/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/event.h"

#include "base/arena.h"
#include "circuits/event_type.h"
#include "operations/pointer.h"
#include "operations/sweep.h"

#include <string.h>

enum { TYPE_SHOWN_OCTETS = 64 };

static const char *const types[] = {EVENT_TYPES};

static bool known(const char *type, size_t length)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == length && strncmp(types[i], type, length) == 0)
            return true;
    return false;
}

/* "circuit.*,connection.created", given on as an array. */
static const char *types_from_text(const struct kind *kind, const char *text,
                                   const struct reading *reading)
{
    (void)kind;
    for (const char *type = text;; type++) {
        size_t length = strcspn(type, ",");
        if (!known(type, length)) {
            fault_add(reading->faults, reading->pointer, "invalid_value",
                      "There is no type '%.*s'. Name types as events have them, or circuit.* or "
                      "connection.*, with commas between them.",
                      (int)name_cut(type, length, TYPE_SHOWN_OCTETS), type);
            return NULL;
        }
        type += length;
        if (*type == '\0')
            break;
    }
    return arena_printf(reading->arena, "{%s}", text);
}

static const struct kind event_types = {.from_text = types_from_text};

/* The members of an event that everybody sees. */
#define EVENT_MEMBERS                                                                              \
    {"id", MEMBER_PLAIN, "id"}, {"circuitId", MEMBER_PLAIN, "circuit_id"},                         \
        {"sequence", MEMBER_NUMBER, "sequence"}, {"type", MEMBER_PLAIN, "type"},                   \
        {"at", MEMBER_TIME, "at"}, {"occurredAt", MEMBER_TIME, "occurred_at"},                     \
        {"actor", MEMBER_OPEN, NULL}, {"role", MEMBER_PLAIN, "actor_role"},                        \
        {"name", MEMBER_TEXT, "actor_name"}, {NULL, MEMBER_CLOSE, NULL},                           \
        {"from", MEMBER_PLAIN, "from_status"}, {"to", MEMBER_PLAIN, "to_status"},                  \
    {                                                                                              \
        "reason", MEMBER_TEXT, "reason"                                                            \
    }

static const struct member event_members[] = {EVENT_MEMBERS};

static const struct parameter circuit_event_list_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_sequence},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
};

const struct operation circuit_event_list = {
    .name = "circuit_event_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(circuit_event_list_parameters),
    MEMBERS(event_members),
    .key = "sequence",
};

static const struct member event_list_members[] = {
    {NULL, MEMBER_KEY, "position"},
    EVENT_MEMBERS,
    {"serviceKey", MEMBER_PLAIN_IF, "service_key"},
};

static const struct parameter event_list_parameters[] = {
    {FROM_CALLER, "customer"},
    {FROM_CALLER, "partner"},
    {FROM_QUERY, "after", &kind_cursor_sequence},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_QUERY, "types", &event_types},
};

static const struct kind wait_seconds = KIND_INTEGER(0, 120);

static const struct waiting event_waiting = {
    .seconds = {FROM_QUERY, "wait", &wait_seconds, .fallback = "0"},
};

const struct operation event_list = {
    .name = "event_list",
    .lane = LANE_READ,
    .answer = ANSWER_FEED,
    .success = 200,
    PARAMETERS(event_list_parameters),
    MEMBERS(event_list_members),
    .key = "position",
    .waiting = &event_waiting,
};

static const struct member feed_tail_members[] = {
    {"position", MEMBER_NUMBER, "position"},
    {"circuitId", MEMBER_PLAIN, "circuit_id"},
    {"customerId", MEMBER_PLAIN, "customer_id"},
    {"vnetCustomerId", MEMBER_PLAIN, "vnet_customer_id"},
    {"partner", MEMBER_PLAIN, "partner"},
    {"catalogueVersion", MEMBER_TEXT, "catalogue_version"},
    {"commitsWait", MEMBER_BOOLEAN, "commits_wait"},
};

static const struct parameter feed_tail_parameters[] = {
    {FROM_HOOK, "after"},
    {FROM_HOOK, "limit"},
};

/* Alone: what it publishes must not wait for the neighbours of a shared transaction. */
const struct operation feed_tail = {
    .name = "feed_tail",
    .lane = LANE_ALONE,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(feed_tail_parameters),
    MEMBERS(feed_tail_members),
};

const struct operation feed_sweep = {.name = "feed_sweep", SWEEP};

const struct operation event_month_sweep = {.name = "event_month_sweep", SWEEP};
