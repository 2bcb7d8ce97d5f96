/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authentication.h"

#include "api/access.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/secret_cache.h"
#include "api/token_cache.h"
#include "base/arena.h"
#include "crypto/signature.h"
#include "partners/partner.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static enum phase refuse(struct request *request, const char *detail)
{
    problem_answer(request, (struct refusal){"unauthenticated", detail});
    return PHASE_ANSWERED;
}

static void on_failure(struct query *query, enum failure failure)
{
    request_fail(request_of(query), failure);
    request_resume(request_of(query), PHASE_ANSWERED);
}

bool authentication_by_signature(const struct request *request)
{
    return request_header(request, "webhook-signature") ||
           !request_header(request, "authorization");
}

/* The credentials of `Authorization: Bearer ...`, or NULL. */
static const char *bearer(const struct request *request)
{
    const char *header = request_header(request, "authorization");
    if (!header || strncasecmp(header, "bearer ", 7) != 0)
        return NULL;
    return header + 7 + strspn(header + 7, " ");
}

static void token_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    const char *presented = bearer(request);
    struct token token;
    enum phase next = PHASE_ADMIT;
    if (!presented || !token_read(&token, presented) ||
        !token_cache_confirm(request->loop->tokens, &request->caller, request->arena, &token, rows,
                             request->asked))
        next = refuse(request, "This token is not live. Use one that is.");
    explicit_bzero(&token, sizeof token);
    request_resume(request, next);
}

enum phase authenticate_token(struct request *request)
{
    const char *presented = bearer(request);
    struct token token;
    enum phase next = PHASE_ADMIT;
    if (!presented)
        return refuse(request, NULL);
    if (!token_read(&token, presented)) {
        next = refuse(request, "This is not a token. Check that it was copied whole.");
    } else if (!token_cache_find(request->loop->tokens, &request->caller, request->arena, &token,
                                 request->loop->now)) {
        request->call = (struct call){.operation = &token_check, .arena = request->arena};
        call_set(&request->call, "key-id",
                 arena_copy(request->arena, token.key_id, strlen(token.key_id)));
        request_submit(request, &token_check, token_rows, on_failure);
        next = PHASE_AUTHENTICATE;
    }
    explicit_bzero(&token, sizeof token);
    return next;
}

bool authentication_is_fresh(const struct request *request)
{
    struct token token;
    const char *presented = bearer(request);
    bool fresh = presented && token_read(&token, presented) &&
                 token_cache_holds(request->loop->tokens, &token, request->loop->now);
    explicit_bzero(&token, sizeof token);
    return fresh;
}

void authentication_renew(struct request *request,
                          void (*came)(struct query *query, const struct rows *rows),
                          void (*failed)(struct query *query, enum failure failure))
{
    struct token token;
    const char *presented = bearer(request);
    assert(token_check.parameter_count == 1);
    if (!presented || !token_read(&token, presented))
        abort(); /* it was admitted with it */
    if (!request->wait.key_id[0])
        request->wait.key_id[0] = arena_copy(request->arena, token.key_id, strlen(token.key_id));
    explicit_bzero(&token, sizeof token);
    request_ask(request, &token_check, request->wait.key_id, came, failed);
}

bool authentication_renewed(struct request *request, const struct rows *rows)
{
    struct token token;
    const char *presented = bearer(request);
    bool live =
        presented && token_read(&token, presented) &&
        token_cache_confirm(request->loop->tokens, NULL, NULL, &token, rows, request->asked);
    explicit_bzero(&token, sizeof token);
    return live;
}

/* Try the secrets in turn. The caller's texts borrow from the path and the arena. */
static bool verified(struct request *request, const struct secret_set *set)
{
    const char *id = request_header(request, "webhook-id");
    const char *timestamp = request_header(request, "webhook-timestamp");
    const char *signature = request_header(request, "webhook-signature");
    const char *partner = request->bindings.items[0].value;
    for (size_t i = 0; i < set->count; i++) {
        const struct secret *secret = &set->secrets[i];
        if (!signature_matches(&secret->key, id, timestamp, request->exchange->body,
                               request->exchange->body_length, signature))
            continue;
        request->caller = (struct caller){
            .role = ROLE_PARTNER,
            .partner = partner,
            .name = partner,
            .secret_id = arena_copy(request->arena, secret->id, strlen(secret->id)),
        };
        return true;
    }
    return false;
}

static enum phase signature_refuse(struct request *request, const char *why)
{
    /* For the operator alone: the client learns nothing about the step. */
    access_refused(request, why);
    return refuse(request,
                  "The signature does not fit. Sign webhook-id, webhook-timestamp and the "
                  "raw body with a callback secret that is live, by a clock that is right.");
}

/* The fault is ours: a 401 would have the partner look for it on its side, and give up. */
static enum phase secrets_closed(struct request *request)
{
    problem_answer(request, (struct refusal){"unavailable",
                                             "The secret that would verify the signature cannot be "
                                             "read now. Nothing was done; try again after "
                                             "Retry-After."});
    return PHASE_ANSWERED;
}

static void secret_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    const struct secret_set *set =
        secret_cache_keep(request->loop->secrets, request->arena, request->bindings.items[0].value,
                          rows, request->asked);
    if (!set)
        request_resume(request, signature_refuse(request, "the partner is unknown"));
    else if (verified(request, set))
        request_resume(request, PHASE_ADMIT);
    else if (set->closed > 0)
        request_resume(request, secrets_closed(request));
    else
        request_resume(request, signature_refuse(request, "no live secret made the signature"));
}

enum phase authenticate_signature(struct request *request)
{
    const char *id = request_header(request, "webhook-id");
    const char *timestamp = request_header(request, "webhook-timestamp");
    const char *partner = request->bindings.items[0].value;
    struct faults ignored = {.arena = request->arena};
    struct reading reading = {&ignored, request->arena, ""};
    if (!request_header(request, "webhook-signature") || !id || !timestamp)
        return signature_refuse(request, "webhook-id, -timestamp or -signature is missing");
    if (!signature_id_valid(id))
        return signature_refuse(request, "the webhook-id is malformed");
    if (!signature_timestamp_fresh(timestamp, (int64_t)time(NULL)))
        return signature_refuse(request,
                                "the webhook-timestamp is more than 300 s off or malformed");
    if (!kind_slug.from_text(&kind_slug, partner, &reading))
        return signature_refuse(request, "the partner is unknown");
    const struct secret_set *set =
        secret_cache_find(request->loop->secrets, partner, request->loop->now);
    if (set && verified(request, set))
        return PHASE_ADMIT;
    if (set && set->asked >= request->arrived && set->closed == 0)
        return signature_refuse(request, "no live secret made the signature");
    /* Not known, or perhaps rotated since: ask. */
    request->call = (struct call){.operation = &callback_secret_list, .arena = request->arena};
    call_set(&request->call, "partner", partner);
    request_submit(request, &callback_secret_list, secret_rows, on_failure);
    return PHASE_VERIFY;
}
