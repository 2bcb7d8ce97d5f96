/* SPDX-License-Identifier: Apache-2.0 */
#include "partners/partner.h"

#include "base/arena.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "partners/offer.h"

#include <string.h>

static const struct kind display_name = KIND_TEXT(1, 120);
/* A week of overlap is more than any rotation needs. */
static const struct kind keep_seconds = KIND_INTEGER(0, 7 * 86400);

static const struct member partner_members[] = {
    {"name", MEMBER_PLAIN, "name"},           {"displayName", MEMBER_TEXT, "display_name"},
    {"offers", MEMBER_JSON, "offers"},        {"createdAt", MEMBER_TIME, "created_at"},
    {"updatedAt", MEMBER_TIME, "updated_at"}, {NULL, MEMBER_KEY, "catalogue_version"},
};

static const struct member partner_created_members[] = {
    {"name", MEMBER_PLAIN, "name"},           {"displayName", MEMBER_TEXT, "display_name"},
    {"offers", MEMBER_JSON, "offers"},        {"createdAt", MEMBER_TIME, "created_at"},
    {"updatedAt", MEMBER_TIME, "updated_at"}, {NULL, MEMBER_KEY, "catalogue_version"},
    {"callbackSecret", MEMBER_ISSUED, NULL},
};

/* Make the callback secret that the function stores sealed and the answer shows once. */
static void secret_issue(struct call *call, const char *partner)
{
    char secret[SECRET_TEXT];
    if (call->faults->count > 0)
        return;
    const char *context = arena_printf(call->arena, "callback:%s", partner);
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

static void partner_create_complete(struct call *call)
{
    secret_issue(call, call_value(call, "name"));
}

static void callback_secret_rotate_complete(struct call *call)
{
    secret_issue(call, call_value(call, "partner"));
}

static const struct parameter partner_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_BODY, "name", &kind_slug, .required = true},
    {FROM_BODY, "displayName", &display_name, .required = true},
    {FROM_BODY, "offers", &kind_offers, .fallback = "[]"},
    {FROM_HOOK, "secret"},
};

const struct operation partner_create = {
    .name = "partner_create",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 201,
    .location = "/v1/partners/",
    PARAMETERS(partner_create_parameters),
    MEMBERS(partner_created_members),
    .changes_catalogue = true,
    .complete = partner_create_complete,
};

static const struct parameter partner_get_parameters[] = {
    {FROM_PATH, "partner", &kind_slug, .required = true},
};

const struct operation partner_get = {
    .name = "partner_get",
    .lane = LANE_READ,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(partner_get_parameters),
    MEMBERS(partner_members),
    .of_catalogue = true,
};

static const struct parameter name_page_parameters[] = {
    {FROM_QUERY, "cursor", &kind_cursor_name},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
};

const struct operation partner_list = {
    .name = "partner_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(name_page_parameters),
    MEMBERS(partner_members),
    .of_catalogue = true,
};

/* PUT carries the whole resource, so its name may stand in the body; it can't be another one. */
static const struct parameter partner_replace_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "partner", &kind_slug, .required = true},
    {FROM_BODY, "displayName", &display_name, .required = true},
    {FROM_BODY, "offers", &kind_offers, .required = true},
    {FROM_BODY, "name", &kind_slug},
};

const struct operation partner_replace = {
    .name = "partner_replace",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(partner_replace_parameters),
    MEMBERS(partner_members),
    .changes_catalogue = true,
};

static const struct member peering_location_members[] = {
    {"name", MEMBER_TEXT, "name"},
    {"metro", MEMBER_TEXT, "metro"},
    {"zone", MEMBER_NUMBER, "zone"},
    {"site", MEMBER_TEXT, "site"},
    {"localRegions", MEMBER_JSON, "local_regions"},
    {"direct", MEMBER_BOOLEAN, "direct"},
    {"partners", MEMBER_JSON, "partners"},
    {NULL, MEMBER_KEY, "catalogue_version"},
};

const struct operation peering_location_list = {
    .name = "peering_location_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(name_page_parameters),
    MEMBERS(peering_location_members),
    .of_catalogue = true,
};

static const struct member callback_secret_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"secret", MEMBER_TEXT, "secret"},
    {"expiresAt", MEMBER_TIME, "expires_at"},
    {"createdAt", MEMBER_TIME, "created_at"},
};

/* clang-format 14 crashes on this table. */
/* clang-format off */
static const struct parameter callback_secret_rotate_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH,   "partner",        &kind_slug,    .required = true    },
    {FROM_CALLER, "partner-of-caller"                                  },
    {FROM_HOOK,   "secret"                                             },
    {FROM_BODY,   "keepOldSeconds", &keep_seconds, .fallback = "86400" },
};
/* clang-format on */

static const struct member callback_secret_rotated_members[] = {
    {"callbackSecret", MEMBER_ISSUED, NULL},
};

/* Alone: it holds the partner and its counter, and two in one transaction would hold them in the
 * order in which they came. */
const struct operation callback_secret_rotate = {
    .name = "callback_secret_rotate",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 201,
    PARAMETERS(callback_secret_rotate_parameters),
    MEMBERS(callback_secret_rotated_members),
    .complete = callback_secret_rotate_complete,
};

static const struct parameter callback_secret_list_parameters[] = {
    {FROM_PATH, "partner", &kind_slug, .required = true},
};

const struct operation callback_secret_list = {
    .name = "callback_secret_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(callback_secret_list_parameters),
    MEMBERS(callback_secret_members),
};
