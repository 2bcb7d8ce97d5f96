/* SPDX-License-Identifier: Apache-2.0 */
#include "api/condition.h"

#include "api/entity_tag.h"
#include "api/request.h"
#include "api/route.h"
#include "base/arena.h"
#include "crypto/digest.h"
#include "operations/conditional.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROUTES_MAX = 128,
    KEY_MAX = 255,
    VERSION_DIGITS = 18 /* a tag of more is no version of ours */
};

/* Per route: NULL where it is no write. alone is that of dry runs. */
static const struct operation *shared[ROUTES_MAX], *alone[ROUTES_MAX];
static const struct operation *made[2 * ROUTES_MAX];
static size_t made_count;

/* --- which route takes what --- */

static bool is_write(const struct route *route)
{
    return route->operation && route->method != GET;
}

static void route_prepare(const struct route *route, size_t index)
{
    bool dry = route->takes & DRY_RUN;
    if (!is_write(route))
        return;
    made[made_count++] = shared[index] =
        conditional_new(route->operation, route->operation->lane, dry);
    if (dry)
        made[made_count++] = alone[index] = conditional_new(route->operation, LANE_ALONE, dry);
}

const struct operation *const *conditions_operations(size_t *count)
{
    size_t routes;
    const struct route *route = routes_all(&routes);
    if (routes > ROUTES_MAX)
        abort();
    if (made_count == 0)
        for (size_t i = 0; i < routes; i++)
            route_prepare(&route[i], i);
    *count = made_count;
    return made;
}

static size_t index_of(const struct route *route)
{
    size_t routes;
    return (size_t)(route - routes_all(&routes));
}

const struct operation *condition_form(const struct route *route)
{
    const struct operation *form = shared[index_of(route)];
    return form ? form : route->operation;
}

/* --- header fields --- */

const char *condition_list(const struct request *request, const char *name)
{
    return exchange_fields(request->exchange, name, NULL);
}

/* --- reading --- */

static bool visible(const char *text)
{
    for (; *text; text++)
        if (*text < 0x21 || *text > 0x7E)
            return false;
    return true;
}

/* Keys are the tenant's, not the token's: a token that was replaced meanwhile goes on with them. */
static const char *scope_of(const struct request *request)
{
    const struct caller *caller = &request->caller;
    if (caller->customer)
        return arena_printf(request->arena, "customer:%s", caller->customer);
    if (caller->partner)
        return arena_printf(request->arena, "partner:%s", caller->partner);
    return "operator";
}

/* Of the path and the body, octet by octet as they came. */
static const char *digest_of(const struct request *request)
{
    size_t path = strlen(request->target.path);
    char *bytes = arena_alloc(request->arena, path + 1 + request->exchange->body_length);
    char *hex = arena_alloc(request->arena, DIGEST_TEXT);
    memcpy(bytes, request->target.path, path);
    bytes[path] = '\n';
    if (request->exchange->body_length > 0)
        memcpy(bytes + path + 1, request->exchange->body, request->exchange->body_length);
    digest_write(hex, bytes, path + 1 + request->exchange->body_length);
    return hex;
}

static void key_read(struct request *request)
{
    size_t count;
    const char *key = exchange_fields(request->exchange, "idempotency-key", &count);
    size_t length = count == 1 ? strlen(key) : 0;
    if (count == 0)
        return;
    if (length == 0 || length > KEY_MAX || !visible(key)) {
        fault_add(&request->faults, "Idempotency-Key", "malformed_request",
                  "Send one Idempotency-Key of 1 to %d visible ASCII characters.", KEY_MAX);
        return;
    }
    call_set(&request->call, CONDITION_KEY, key);
    call_set(&request->call, CONDITION_SCOPE, scope_of(request));
    call_set(&request->call, CONDITION_DIGEST, digest_of(request));
}

/* Strong comparison: a weak tag matches nothing. `*` asks for no more than that the resource
 * exists, which it has to anyway. */
static void match_read(struct request *request)
{
    const char *field = condition_list(request, "if-match"), *versions = "";
    struct entity_tag tag;
    enum tag_step step;
    if (!field || entity_tags_any(field))
        return;
    while ((step = entity_tag_next(&field, &tag)) == TAG_FOUND)
        if (!tag.weak && tag.length > 0 && tag.length <= VERSION_DIGITS &&
            strspn(tag.text, "0123456789") == tag.length && tag.text[0] != '0')
            versions = arena_printf(request->arena, "%s%s%.*s", versions, *versions ? "," : "",
                                    (int)tag.length, tag.text);
    if (step == TAG_MALFORMED)
        fault_add(&request->faults, "If-Match", "malformed_request",
                  "Expected a list of entity tags such as \"3\", or *.");
    else
        call_set(&request->call, CONDITION_VERSIONS,
                 arena_printf(request->arena, "{%s}", versions));
}

void conditions_read(struct request *request)
{
    struct call *call = &request->call;
    if (!call->operation->of)
        return;
    const char *dry = call_value(call, CONDITION_DRY);
    request->dry = dry && strcmp(dry, "true") == 0;
    /* A dry run does nothing, so there is nothing to be kept or given again. */
    if (request->route->takes & KEY && !request->dry)
        key_read(request);
    if (conditional_versioned(call->operation->of))
        match_read(request);
    call_set(call, CONDITION_TRACE, request->caller.trace);
    if (request->dry)
        call->operation = alone[index_of(request->route)];
    else if (!call_value(call, CONDITION_KEY) && !call_value(call, CONDITION_VERSIONS) &&
             !call_value(call, CONDITION_TRACE))
        call->operation = call->operation->of;
}
