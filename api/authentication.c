/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authentication.h"

#include "api/secret_cache.h"
#include "api/token_cache.h"
#include "base/arena.h"
#include "crypto/signature.h"
#include "partners/partner.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool credentials_signed(const struct credentials *credentials)
{
    return credentials->signature || !credentials->authorization;
}

/* --- by a token --- */

static struct authentication token_refuse(const char *detail)
{
    return (struct authentication){.verdict = AUTHENTICATION_REFUSED, .detail = detail};
}

/* The credentials of `Authorization: Bearer ...`, or NULL. */
static const char *bearer(const struct credentials *credentials)
{
    const char *header = credentials->authorization;
    if (!header || strncasecmp(header, "bearer ", 7) != 0)
        return NULL;
    return header + 7 + strspn(header + 7, " ");
}

static bool presented(struct token *out, const struct credentials *credentials)
{
    const char *text = bearer(credentials);
    return text && token_read(out, text);
}

struct authentication token_authenticate(const struct token_cache *cache,
                                         const struct credentials *credentials, struct arena *arena,
                                         int64_t now)
{
    struct authentication found = {.verdict = AUTHENTICATION_KNOWN};
    const char *text = bearer(credentials);
    struct token token;
    if (!text)
        return token_refuse(NULL);
    if (!token_read(&token, text))
        found = token_refuse("This is not a token. Check that it was copied whole.");
    else if (!token_cache_find(cache, &found.caller, arena, &token, now))
        found =
            (struct authentication){.verdict = AUTHENTICATION_ASK,
                                    .operation = &token_check,
                                    .value = arena_copy(arena, token.key_id, strlen(token.key_id))};
    explicit_bzero(&token, sizeof token);
    return found;
}

struct authentication token_authenticate_by(struct token_cache *cache,
                                            const struct credentials *credentials,
                                            struct arena *arena, const struct rows *rows,
                                            int64_t asked)
{
    struct authentication found = {.verdict = AUTHENTICATION_KNOWN};
    struct token token;
    if (!presented(&token, credentials) ||
        !token_cache_confirm(cache, &found.caller, arena, &token, rows, asked))
        found = token_refuse("This token is not live. Use one that is.");
    explicit_bzero(&token, sizeof token);
    return found;
}

bool token_is_fresh(const struct token_cache *cache, const struct credentials *credentials,
                    int64_t now)
{
    struct token token;
    bool fresh = presented(&token, credentials) && token_cache_holds(cache, &token, now);
    explicit_bzero(&token, sizeof token);
    return fresh;
}

const char *token_key_id(const struct credentials *credentials, struct arena *arena)
{
    struct token token;
    if (!presented(&token, credentials))
        abort(); /* it was admitted with it */
    const char *key_id = arena_copy(arena, token.key_id, strlen(token.key_id));
    explicit_bzero(&token, sizeof token);
    return key_id;
}

bool token_is_live(struct token_cache *cache, const struct credentials *credentials,
                   const struct rows *rows, int64_t asked)
{
    struct token token;
    bool live = presented(&token, credentials) &&
                token_cache_confirm(cache, NULL, NULL, &token, rows, asked);
    explicit_bzero(&token, sizeof token);
    return live;
}

/* --- by a signature --- */

static struct authentication signature_refuse(const char *why)
{
    return (struct authentication){
        .verdict = AUTHENTICATION_REFUSED,
        .detail = "The signature does not fit. Sign webhook-id, webhook-timestamp and the "
                  "raw body with a callback secret that is live, by a clock that is right.",
        .why = why};
}

/* Try the secrets in turn. */
static bool verified(struct caller *out, const struct secret_set *set,
                     const struct credentials *credentials, struct arena *arena)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct secret *secret = &set->secrets[i];
        if (!signature_matches(&secret->key, credentials->id, credentials->timestamp,
                               credentials->body, credentials->body_length, credentials->signature))
            continue;
        *out = (struct caller){
            .role = ROLE_PARTNER,
            .partner = credentials->partner,
            .name = credentials->partner,
            .secret_id = arena_copy(arena, secret->id, strlen(secret->id)),
        };
        return true;
    }
    return false;
}

struct authentication signature_authenticate(const struct secret_cache *cache,
                                             const struct credentials *credentials,
                                             struct arena *arena, int64_t now, int64_t arrived,
                                             int64_t clock)
{
    struct authentication found = {.verdict = AUTHENTICATION_KNOWN};
    struct faults ignored = {.arena = arena};
    struct reading reading = {&ignored, arena, ""};
    if (!credentials->signature || !credentials->id || !credentials->timestamp)
        return signature_refuse("webhook-id, -timestamp or -signature is missing");
    if (!signature_id_valid(credentials->id))
        return signature_refuse("the webhook-id is malformed");
    if (!signature_timestamp_fresh(credentials->timestamp, clock))
        return signature_refuse("the webhook-timestamp is more than 300 s off or malformed");
    if (!kind_slug.from_text(&kind_slug, credentials->partner, &reading))
        return signature_refuse("the partner is unknown");
    const struct secret_set *set = secret_cache_find(cache, credentials->partner, now);
    if (set && verified(&found.caller, set, credentials, arena))
        return found;
    if (set && set->asked >= arrived && set->closed == 0)
        return signature_refuse("no live secret made the signature");
    /* Not known, or perhaps rotated since. */
    return (struct authentication){.verdict = AUTHENTICATION_ASK,
                                   .operation = &callback_secret_list,
                                   .value = credentials->partner};
}

struct authentication signature_authenticate_by(struct secret_cache *cache,
                                                const struct credentials *credentials,
                                                struct arena *arena, const struct rows *rows,
                                                int64_t asked)
{
    struct authentication found = {.verdict = AUTHENTICATION_KNOWN};
    const struct secret_set *set =
        secret_cache_keep(cache, arena, credentials->partner, rows, asked);
    if (!set)
        return signature_refuse("the partner is unknown");
    if (verified(&found.caller, set, credentials, arena))
        return found;
    /* A 401 would have the partner look for the fault on its side, and give up. */
    if (set->closed > 0)
        return (struct authentication){
            .verdict = AUTHENTICATION_CLOSED,
            .detail = "The secret that would verify the signature cannot be read now. Nothing was "
                      "done; try again after Retry-After."};
    return signature_refuse("no live secret made the signature");
}
