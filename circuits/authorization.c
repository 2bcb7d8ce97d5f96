/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/authorization.h"

#include "base/arena.h"
#include "crypto/base62.h"

#include <string.h>

enum { PREFIX = 5, RANDOM = 32, KEY = PREFIX + RANDOM + BASE62_CHECK };

static const char prefix[PREFIX + 1] = "onra_";

static const char *authorization_key_from_json(const struct kind *kind, const json_t *value,
                                               const struct reading *reading)
{
    const char *text = json_string_value(value);
    (void)kind;
    if (!text) {
        fault_add(reading->faults, reading->pointer, "wrong_type", "Expected a string.");
        return NULL;
    }
    if (strncmp(text, prefix, PREFIX) != 0 || !base62_valid(text, KEY, PREFIX)) {
        fault_add(reading->faults, reading->pointer, "invalid_value",
                  "Expected an authorization key, which begins with %s and has %d characters.",
                  prefix, KEY);
        return NULL;
    }
    return arena_copy(reading->arena, text, KEY);
}

const struct kind kind_authorization_key = {.from_json = authorization_key_from_json};

static const struct member authorization_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"name", MEMBER_TEXT, "name"},
    {"authorizationKey", MEMBER_PLAIN, "authorization_key"},
    {"status", MEMBER_PLAIN, "status"},
    {"connectionId", MEMBER_PLAIN, "connection_id"},
    {"createdAt", MEMBER_TIME, "created_at"},
};

static const struct parameter authorization_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer"},
    {FROM_BODY, "name", &kind_name, .required = true},
    {FROM_HOOK, "authorization-key"},
};

static void authorization_create_complete(struct call *call)
{
    char key[KEY];
    memcpy(key, prefix, PREFIX);
    if (!base62_random(key + PREFIX, RANDOM)) {
        fault_add(call->faults, "", "no_randomness",
                  "The system gives no randomness; no key can be made now.");
        return;
    }
    base62_check(key + PREFIX + RANDOM, key, PREFIX + RANDOM);
    call_set(call, "authorization-key", arena_copy(call->arena, key, KEY));
}

const struct operation authorization_create = {
    .name = "authorization_create",
    .lane = LANE_WRITE,
    .answer = ANSWER_ONE,
    .success = 201,
    PARAMETERS(authorization_create_parameters),
    MEMBERS(authorization_members),
    .complete = authorization_create_complete,
};

static const struct parameter authorization_list_parameters[] = {
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
};

const struct operation authorization_list = {
    .name = "authorization_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(authorization_list_parameters),
    MEMBERS(authorization_members),
};

static const struct parameter authorization_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true, .locks = LOCK_CIRCUIT},
    {FROM_CALLER, "customer"},
    {FROM_PATH, "authorization", &kind_uuid, .required = true},
};

/* Alone: the VNet that it locks is known only behind the circuit's lock, too late for a shared
 * transaction to lock it in its place. */
const struct operation authorization_delete = {
    .name = "authorization_delete",
    .lane = LANE_ALONE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(authorization_delete_parameters),
};
