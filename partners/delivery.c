/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/delivery.h"

static const struct parameter delivery_claim_parameters[] = {
    {FROM_HOOK, "limit"        },
    {FROM_HOOK, "lease-seconds"},
};

static const struct member delivery_claim_members[] = {
    {"id",          MEMBER_PLAIN,  "id"         },
    {"fence",       MEMBER_NUMBER, "fence"      },
    {"endpointId",  MEMBER_PLAIN,  "endpoint_id"},
    {"url",         MEMBER_TEXT,   "url"        },
    {"secrets",     MEMBER_JSON,   "secrets"    },
    {"eventType",   MEMBER_PLAIN,  "event_type" },
    {"body",        MEMBER_TEXT,   "body"       },
    {"attempts",    MEMBER_NUMBER, "attempts"   },
    {"firstAt",     MEMBER_TIME,   "first_at"   },
    {"traceparent", MEMBER_PLAIN,  "traceparent"},
    {"dueInMs",     MEMBER_NUMBER, "due_in_ms"  },
    {"owner",       MEMBER_PLAIN,  "owner"      },
};

const struct operation delivery_claim = {
    .name = "delivery_claim",
    .lane = LANE_ALONE,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(delivery_claim_parameters),
    MEMBERS(delivery_claim_members),
};

static const struct parameter delivery_record_parameters[] = {
    {FROM_HOOK, "id"                   },
    {FROM_HOOK, "fence"                },
    {FROM_HOOK, "at"                   },
    {FROM_HOOK, "status"               },
    {FROM_HOOK, "latency-ms"           },
    {FROM_HOOK, "error"                },
    {FROM_HOOK, "response"             },
    {FROM_HOOK, "verdict"              },
    {FROM_HOOK, "next-at"              },
    {FROM_HOOK, "disable-after-seconds"},
};

const struct operation delivery_record = {
    .name = "delivery_record",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(delivery_record_parameters),
};
