/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token.h"

#include "base/arena.h"
#include "crypto/base62.h"
#include "crypto/hex.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 5 };

_Static_assert((int)TOKEN_CHECK == (int)BASE62_CHECK, "a token ends with its check");

static const struct {
    enum role role;
    const char *prefix;
} prefixes[] = {
    {ROLE_CUSTOMER, "onrc_"},
    {ROLE_PARTNER, "onrp_"},
    {ROLE_OPERATOR, "onro_"},
};

bool token_new(struct token *out, enum role role)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (prefixes[i].role == role)
            memcpy(out->text, prefixes[i].prefix, PREFIX);
    if (!out->text[0])
        abort();
    if (!base62_random(out->text + PREFIX, TOKEN_KEY_ID + TOKEN_RANDOM))
        return false;
    base62_check(out->text + TOKEN_LENGTH - TOKEN_CHECK, out->text, TOKEN_LENGTH - TOKEN_CHECK);
    memcpy(out->key_id, out->text + PREFIX, TOKEN_KEY_ID);
    digest_make(out->sha256, out->text, TOKEN_LENGTH);
    out->role = role;
    return true;
}

bool token_read(struct token *out, const char *text)
{
    memset(out, 0, sizeof *out);
    if (!base62_valid(text, TOKEN_LENGTH, PREFIX))
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (memcmp(text, prefixes[i].prefix, PREFIX) == 0)
            out->role = prefixes[i].role;
    if (out->role == ROLE_NONE)
        return false;
    memcpy(out->text, text, TOKEN_LENGTH);
    memcpy(out->key_id, text + PREFIX, TOKEN_KEY_ID);
    digest_make(out->sha256, text, TOKEN_LENGTH);
    return true;
}

static const char *const roles[] = {"customer", "partner", "operator", NULL};
static const struct kind role_kind = KIND_WORD(roles);
static const struct kind description = KIND_TEXT(1, 200);

static const struct member token_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"role", MEMBER_PLAIN, "role"},
    {"customerId", MEMBER_PLAIN, "customer_id"},
    {"partner", MEMBER_PLAIN, "partner"},
    {"description", MEMBER_TEXT, "description"},
    {"keyId", MEMBER_PLAIN, "key_id"},
    {"createdAt", MEMBER_TIME, "created_at"},
    {"expiresAt", MEMBER_TIME, "expires_at"},
};

static const struct member token_created_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"role", MEMBER_PLAIN, "role"},
    {"customerId", MEMBER_PLAIN, "customer_id"},
    {"partner", MEMBER_PLAIN, "partner"},
    {"description", MEMBER_TEXT, "description"},
    {"keyId", MEMBER_PLAIN, "key_id"},
    {"createdAt", MEMBER_TIME, "created_at"},
    {"expiresAt", MEMBER_TIME, "expires_at"},
    {"token", MEMBER_ISSUED, NULL},
};

static const struct parameter token_create_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_HOOK, "key-id"},
    {FROM_HOOK, "sha256"},
    {FROM_BODY, "role", &role_kind, .required = true},
    {FROM_BODY, "customerId", &kind_uuid},
    {FROM_BODY, "partner", &kind_slug},
    {FROM_BODY, "description", &description},
    {FROM_BODY, "expiresAt", &kind_time},
    {FROM_CALLER, "customer"},
    {FROM_CALLER, "partner-of-caller"},
};

/* Whom the token is for must be named for its role and for no other. */
static void tenant_check(struct call *call, const char *role, const char *wanted,
                         const char *member)
{
    bool needed = strcmp(role, wanted) == 0;
    const char *given = call_value(call, member);
    const char *pointer = arena_printf(call->arena, "/%s", member);
    /* One's own tenant goes without saying. */
    bool own = call->caller->role != ROLE_OPERATOR;
    if (needed && !given && !own)
        fault_add(call->faults, pointer, "required", "A token of the role %s names its %s.", role,
                  wanted);
    if (!needed && given)
        fault_add(call->faults, pointer, "invalid_value", "A token of the role %s has no %s.", role,
                  wanted);
}

static void token_create_complete(struct call *call)
{
    struct token token;
    const char *role = call_value(call, "role");
    if (role) {
        tenant_check(call, role, "customer", "customerId");
        tenant_check(call, role, "partner", "partner");
    }
    if (!role || call->faults->count > 0)
        return;
    enum role for_role = strcmp(role, "customer") == 0  ? ROLE_CUSTOMER
                         : strcmp(role, "partner") == 0 ? ROLE_PARTNER
                                                        : ROLE_OPERATOR;
    if (!token_new(&token, for_role)) {
        fault_add(call->faults, "", "no_randomness",
                  "The system gives no randomness; no token can be made now.");
        return;
    }
    char *sha256 = arena_alloc(call->arena, DIGEST_TEXT);
    hex_write(sha256, token.sha256, sizeof token.sha256);
    call->issued = arena_copy(call->arena, token.text, TOKEN_LENGTH);
    call_set(call, "key-id", arena_copy(call->arena, token.key_id, TOKEN_KEY_ID));
    call_set(call, "sha256", sha256);
    explicit_bzero(&token, sizeof token);
}

/* Alone, as token_delete is: each holds its tenant's counter, and two in one transaction would hold
 * them in the order in which they came. */
const struct operation token_create = {
    .name = "token_create",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 201,
    PARAMETERS(token_create_parameters),
    MEMBERS(token_created_members),
    .complete = token_create_complete,
};

static const struct parameter token_list_parameters[] = {
    {FROM_QUERY, "cursor", &kind_cursor_uuid},
    {FROM_QUERY, "limit", &kind_limit, .fallback = "50"},
    {FROM_CALLER, "role"},
    {FROM_CALLER, "customer"},
    {FROM_CALLER, "partner"},
};

const struct operation token_list = {
    .name = "token_list",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(token_list_parameters),
    MEMBERS(token_members),
};

static const struct parameter token_delete_parameters[] = {
    {FROM_CALLER, "caller"},
    {FROM_PATH, "id", &kind_uuid, .required = true},
    {FROM_CALLER, "customer"},
    {FROM_CALLER, "partner"},
};

const struct operation token_delete = {
    .name = "token_delete",
    .lane = LANE_ALONE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(token_delete_parameters),
};

static const struct parameter token_check_parameters[] = {{FROM_HOOK, "key-id"}};

static const struct member token_check_members[] = {
    {"id", MEMBER_PLAIN, "id"},
    {"sha256", MEMBER_PLAIN, "sha256"},
    {"role", MEMBER_PLAIN, "role"},
    {"customerId", MEMBER_PLAIN, "customer_id"},
    {"partner", MEMBER_PLAIN, "partner"},
    {"name", MEMBER_TEXT, "name"},
    {"expiresAt", MEMBER_TIME, "expires_at"},
    {"livesMs", MEMBER_NUMBER, "lives_ms"},
};

const struct operation token_check = {
    .name = "token_check",
    .lane = LANE_READ,
    .answer = ANSWER_LIST,
    .success = 200,
    PARAMETERS(token_check_parameters),
    MEMBERS(token_check_members),
};
