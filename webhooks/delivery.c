/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/delivery.h"
#include "operations/sweep.h"

static const char *const delivery_statuses[] = {"pending", "delivered", "exhausted", NULL};
static const struct kind delivery_status = KIND_WORD(delivery_statuses);

static const struct member delivery_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"eventType", MEMBER_PLAIN, "event_type"},
    {"circuitId", MEMBER_PLAIN, "circuit_id"},
    {"status", MEMBER_PLAIN, "status"},
    {"attempts", MEMBER_JSON, "attempts"},
    {"nextAttemptAt", MEMBER_TIME, "next_attempt_at"},
    {"createdAt", MEMBER_TIME, "created_at"},
};

/* clang-format off */
static const struct parameter delivery_list_parameters[] = {
    {FROM_PATH,   "id",     &kind_uuid,        .required = true},
    {FROM_CALLER, "role"                                       },
    {FROM_CALLER, "customer"                                   },
    {FROM_CALLER, "partner"                                    },
    {FROM_QUERY,  "status", &delivery_status                   },
    {FROM_QUERY,  "cursor", &kind_cursor_uuid                  },
    {FROM_QUERY,  "limit",  &kind_limit,       .fallback = "50"},
};

static const struct parameter delivery_redeliver_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH,   "id",       &kind_uuid, .required = true},
    {FROM_PATH,   "delivery", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"                              },
    {FROM_CALLER, "partner"                               },
};

static const struct parameter webhook_ping_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH,   "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"                        },
    {FROM_CALLER, "partner"                         },
};
/* clang-format on */

const struct operation delivery_list = {
    .name = "delivery_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(delivery_list_parameters),
    MEMBERS(delivery_members),
};

const struct operation delivery_redeliver = {
    .name = "delivery_redeliver",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 202,
    PARAMETERS(delivery_redeliver_parameters),
    MEMBERS(delivery_members),
    .makes_due = true,
};

const struct operation webhook_ping = {
    .name = "webhook_ping",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 202,
    PARAMETERS(webhook_ping_parameters),
    MEMBERS(delivery_members),
    .makes_due = true,
};

static const struct parameter delivery_claim_parameters[] = {
    {FROM_HOOK, "limit"},
    {FROM_HOOK, "lease-seconds"},
};

static const struct member delivery_claim_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"fence", MEMBER_NUMBER, "fence"},
    {"endpointId", MEMBER_PLAIN, "endpoint_id"},
    {"url", MEMBER_TEXT, "url"},
    {"secrets", MEMBER_JSON, "secrets"},
    {"eventType", MEMBER_PLAIN, "event_type"},
    {"body", MEMBER_TEXT, "body"},
    {"attempts", MEMBER_NUMBER, "attempts"},
    {"firstAt", MEMBER_TIME, "first_at"},
    {"traceparent", MEMBER_PLAIN, "traceparent"},
    {"dueInMs", MEMBER_NUMBER, "due_in_ms"},
    {"owner", MEMBER_PLAIN, "owner"},
};

const struct operation delivery_claim = {
    .name = "delivery_claim",
    .lane = LANE_WRITE,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(delivery_claim_parameters),
    MEMBERS(delivery_claim_members),
};

/* clang-format off */
static const struct parameter delivery_record_parameters[] = {
    {FROM_HOOK, "id", .locks = LOCK_DELIVERY},
    {FROM_HOOK, "fence"                     },
    {FROM_HOOK, "at"                        },
    {FROM_HOOK, "status"                    },
    {FROM_HOOK, "latency-ms"                },
    {FROM_HOOK, "error"                     },
    {FROM_HOOK, "response"                  },
    {FROM_HOOK, "verdict"                   },
    {FROM_HOOK, "next-at"                   },
    {FROM_HOOK, "disable-after-seconds"     },
};
/* clang-format on */

static const struct member delivery_record_members[] = {
    {"disabled", MEMBER_BOOLEAN, "disabled"},
};

const struct operation delivery_record = {
    .name = "delivery_record",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(delivery_record_parameters),
    MEMBERS(delivery_record_members),
};

const struct operation delivery_sweep = {.name = "delivery_sweep", SWEEP};
