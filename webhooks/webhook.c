/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/webhook.h"

#include "base/arena.h"
#include "circuits/event_type.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "webhooks/destination.h"

#include <string.h>

enum { FILTER_MAX = 50 };

/* What an endpoint may want to hear: each event by its name, or all that begin alike. */
static const char *const event_patterns[] = {"*",    EVENT_TYPES, "endpoint.*", "endpoint.disabled",
                                             "ping", NULL};

static const struct kind event_pattern = KIND_WORD(event_patterns);
static const struct kind description = KIND_TEXT(0, 200);

static const char *url_from_json(const struct kind *kind, const json_t *value,
                                 const struct reading *reading)
{
    static const struct kind text = KIND_TEXT(1, WEBHOOK_URL_MAX);
    const char *url = text_from_json(&text, value, reading), *fault;
    (void)kind;
    if (url && !webhook_url_accepts(url, &fault)) {
        fault_add(reading->faults, reading->pointer, "invalid_value", "%s", fault);
        return NULL;
    }
    return url;
}

/* As an array literal; the words need no quotes. */
static const char *event_types_from_json(const struct kind *kind, const json_t *value,
                                         const struct reading *reading)
{
    size_t count = json_array_size(value);
    const char *list = "{";
    (void)kind;
    if (!json_is_array(value)) {
        fault_add(reading->faults, reading->pointer, "wrong_type",
                  "Expected an array of types of events, such as [\"circuit.*\"].");
        return NULL;
    }
    if (count < 1 || count > FILTER_MAX) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected 1 to %d types of events.", FILTER_MAX);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct reading below = {reading->faults, reading->arena,
                                arena_printf(reading->arena, "%s/%zu", reading->pointer, i)};
        const char *word =
            event_pattern.from_json(&event_pattern, json_array_get(value, i), &below);
        if (word && list)
            list = arena_printf(reading->arena, "%s%s%s", list, i > 0 ? "," : "", word);
        else
            list = NULL;
    }
    return list ? arena_printf(reading->arena, "%s}", list) : NULL;
}

static const struct kind url = {.from_json = url_from_json};
static const struct kind event_types = {.from_json = event_types_from_json};

#define WEBHOOK_MEMBERS                                                                            \
    {"id", MEMBER_PLAIN, "id"}, {"url", MEMBER_TEXT, "url"},                                       \
        {"eventTypes", MEMBER_JSON, "event_types"}, {"description", MEMBER_TEXT, "description"},   \
        {"enabled", MEMBER_BOOLEAN, "enabled"}, {"disabledAt", MEMBER_TIME, "disabled_at"},        \
        {"disabledReason", MEMBER_TEXT, "disabled_reason"},                                        \
    {                                                                                              \
        "createdAt", MEMBER_TIME, "created_at"                                                     \
    }

static const struct member webhook_members[] = {WEBHOOK_MEMBERS};
static const struct member webhook_created_members[] = {WEBHOOK_MEMBERS,
                                                        {"secret", MEMBER_ISSUED, NULL}};
static const struct member webhook_secret_members[] = {{"secret", MEMBER_ISSUED, NULL}};

/* Whose endpoint it is, in every operation; one that writes has the role from its caller. */
#define BOUND_AS_CALLER                                                                            \
    {FROM_CALLER, "customer"},                                                                     \
    {                                                                                              \
        FROM_CALLER, "partner"                                                                     \
    }
#define OF_CALLER {FROM_CALLER, "role"}, BOUND_AS_CALLER

/* Make the secret that the function keeps sealed and the answer shows once. Sealed for
 * webhook_endpoints.owner. */
static void secret_issue(struct call *call)
{
    const struct caller *caller = call->caller;
    const char *whose = caller->customer ? caller->customer : caller->partner;
    char secret[SECRET_TEXT];
    if (call->faults->count > 0)
        return;
    const char *context =
        arena_printf(call->arena, "webhook:%s:%s", role_name(caller->role), whose ? whose : "");
    const char *sealed = secret_new(secret) ? seal_close(call->arena, secret, context) : NULL;
    if (sealed) {
        call->issued = arena_copy(call->arena, secret, strlen(secret));
        call_set(call, "secret", sealed);
    } else {
        fault_add(call->faults, "", "no_randomness",
                  "The system gives no randomness; no secret can be made now.");
    }
    explicit_bzero(secret, sizeof secret);
}

/* clang-format off */
static const struct parameter webhook_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_BODY, "url",         &url,         .required = true  },
    {FROM_BODY, "eventTypes",  &event_types, .fallback = "{*}" },
    {FROM_BODY, "description", &description, .fallback = ""    },
    {FROM_HOOK, "secret"                                       },
    BOUND_AS_CALLER,
};
/* clang-format on */

const struct operation webhook_create = {
    .name = "webhook_create",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 201,
    .location = "/v1/webhooks/",
    PARAMETERS(webhook_create_parameters),
    MEMBERS(webhook_created_members),
    .complete = secret_issue,
};

/* clang-format off */
static const struct parameter webhook_list_parameters[] = {
    {FROM_QUERY, "cursor", &kind_cursor_uuid               },
    {FROM_QUERY, "limit",  &kind_limit,    .fallback = "50"},
    OF_CALLER,
};

static const struct parameter webhook_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    OF_CALLER,
};

static const struct parameter webhook_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true},
    BOUND_AS_CALLER,
};

static const struct parameter webhook_update_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id",          &kind_uuid,    .required = true},
    BOUND_AS_CALLER,
    {FROM_BODY, "url",         &url                           },
    {FROM_BODY, "eventTypes",  &event_types                   },
    {FROM_BODY, "description", &description                   },
    {FROM_BODY, "enabled",     &kind_boolean                  },
};

static const struct parameter webhook_secret_rotate_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true},
    BOUND_AS_CALLER,
    {FROM_HOOK, "secret"                          },
};

static const struct parameter webhook_recover_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id",    &kind_uuid, .required = true},
    BOUND_AS_CALLER,
    {FROM_BODY, "since", &kind_time, .required = true},
    {FROM_BODY, "until", &kind_time                  },
};
/* clang-format on */

const struct operation webhook_list = {
    .name = "webhook_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(webhook_list_parameters),
    MEMBERS(webhook_members),
};

const struct operation webhook_get = {
    .name = "webhook_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(webhook_parameters),
    MEMBERS(webhook_members),
};

/* All that write to an endpoint are alone: each holds its turn, and two in one transaction would
 * hold them in the order in which they came. */
const struct operation webhook_update = {
    .name = "webhook_update",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(webhook_update_parameters),
    MEMBERS(webhook_members),
    .makes_due = true,
};

const struct operation webhook_delete = {
    .name = "webhook_delete",
    .lane = LANE_ALONE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(webhook_delete_parameters),
};

const struct operation webhook_secret_rotate = {
    .name = "webhook_secret_rotate",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 201,
    PARAMETERS(webhook_secret_rotate_parameters),
    MEMBERS(webhook_secret_members),
    .complete = secret_issue,
};

static const struct member webhook_recover_members[] = {
    {"recovered", MEMBER_NUMBER, "recovered"},
    {"resumeSince", MEMBER_TIME, "resume_since"},
};

const struct operation webhook_recover = {
    .name = "webhook_recover",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 202,
    PARAMETERS(webhook_recover_parameters),
    MEMBERS(webhook_recover_members),
    .makes_due = true,
};
