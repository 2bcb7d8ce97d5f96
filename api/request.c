/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include "api/access.h"
#include "api/answer.h"
#include "api/authentication.h"
#include "api/catalogue_cache.h"
#include "api/condition.h"
#include "api/json_text.h"
#include "api/loop.h"
#include "api/media_type.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/secret_cache.h"
#include "api/stream.h"
#include "api/token.h"
#include "api/traceparent.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "db/rows.h"
#include "operations/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPARE_MAX = 512 };

/* A fresh request of the loop, for an exchange whose head is in. */
static struct request *request_new(struct exchange *exchange)
{
    struct loop *loop = exchange->context;
    struct request *request = loop->spare;
    struct timespec wall;
    if (request) {
        loop->spare = request->next;
        loop->spare_count--;
    } else if (!(request = malloc(sizeof *request))) {
        abort();
    }
    memset(request, 0, sizeof *request);
    clock_gettime(CLOCK_REALTIME, &wall);
    request->loop = loop;
    request->exchange = exchange;
    request->arena = exchange->arena;
    request->arrived = exchange->began_us / 1000;
    request->method = method_read(exchange->method);
    request->faults.arena = exchange->arena;
    request_id_make(&loop->ids, request->id,
                    (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000);
    const char *id = exchange_field(exchange, "x-request-id");
    if (id && request_id_valid(id))
        memcpy(request->id, id, strlen(id) + 1);
    request->phase = PHASE_BODY;
    exchange->of = request;
    return request;
}

/* --- what the HTTP engine calls --- */

static void begin(struct exchange *exchange)
{
    request_new(exchange);
}

static void ready(struct exchange *exchange)
{
    struct request *request = exchange->of;
    request->phase = PHASE_ROUTE;
    request_move(request);
    if (request->phase == PHASE_ANSWERED)
        access_note(request);
}

static void gone(struct exchange *exchange)
{
    wait_gone(exchange->of);
}

static void refuse_exchange(struct exchange *exchange, struct refusal refusal)
{
    struct request *request = exchange->of ? exchange->of : request_new(exchange);
    if (*exchange->target) /* well-formed, that much */
        (void)target_read(&request->target, request->arena, exchange->target);
    problem_answer(request, refusal);
    access_note(request);
}

static void done(struct exchange *exchange)
{
    struct request *request = exchange->of;
    struct loop *loop = request->loop;
    if (request->waiting)
        abort(); /* a query would write into what others use by now */
    wait_end(request);
    stream_free(request->stream);
    request->stream = NULL;
    json_decref(request->json);
    request->json = NULL;
    if (loop->spare_count >= SPARE_MAX) {
        free(request);
        return;
    }
    request->next = loop->spare;
    loop->spare = request;
    loop->spare_count++;
}

/* Fields that mean something here and have one value. */
static const struct single_field single_fields[] = {
    SINGLE_FIELD("authorization"),     SINGLE_FIELD("content-type"),
    SINGLE_FIELD("webhook-id"),        SINGLE_FIELD("webhook-timestamp"),
    SINGLE_FIELD("webhook-signature"), {NULL, 0},
};

const struct http_handlers request_handlers = {begin,           ready, gone,
                                               refuse_exchange, done,  single_fields};

/* --- queries --- */

struct request *request_of(struct query *query)
{
    return (struct request *)(void *)((char *)query - offsetof(struct request, query));
}

const char *request_header(const struct request *request, const char *name)
{
    return exchange_field(request->exchange, name);
}

void request_submit(struct request *request, const struct operation *operation,
                    void (*on_rows)(struct query *query, const struct rows *rows),
                    void (*on_failure)(struct query *query, enum failure failure))
{
    request_ask(request, operation, request->call.values, on_rows, on_failure);
}

/* Whose a query is. Who is not known yet is known by the address alone: of tokens that nobody has
 * given out, anybody can make up many. */
static uint64_t tenant_of(const struct request *request)
{
    const struct caller *caller = &request->caller;
    if (caller->customer)
        return hash_text(hash_text(HASH_START, "customer "), caller->customer) | 1;
    if (caller->partner)
        return hash_text(hash_text(HASH_START, "partner "), caller->partner) | 1;
    if (caller->role != ROLE_NONE)
        return hash_text(HASH_START, role_name(caller->role)) | 1;
    return hash_text(HASH_START, exchange_client(request->exchange)) | 1;
}

void request_ask(struct request *request, const struct operation *operation,
                 const char *const *values,
                 void (*on_rows)(struct query *query, const struct rows *rows),
                 void (*on_failure)(struct query *query, enum failure failure))
{
    struct loop *loop = request->loop;
    request->waiting = true;
    request->asked = loop->now;
    request->query = (struct query){
        .statement = operation->statement,
        .values = values,
        .tenant = tenant_of(request),
        .deadline = request->deadline,
        .on_rows = on_rows,
        .on_failure = on_failure,
    };
    lanes_submit(loop->lanes, &request->query);
}

void request_resume(struct request *request, enum phase phase)
{
    request->waiting = false;
    request->phase = phase;
    request_move(request);
    if (request->phase != PHASE_ANSWERED)
        return;
    if (!request->stream)
        wait_end(request);
    access_note(request);
    exchange_send(request->exchange);
}

void request_fail(struct request *request, enum failure failure)
{
    problem_answer(request, problem_of_failure(failure));
}

static void on_failure(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    request_fail(request, failure);
    request_resume(request, PHASE_ANSWERED);
}

static enum phase refuse(struct request *request, const char *code, const char *detail)
{
    problem_answer(request, (struct refusal){code, detail});
    return PHASE_ANSWERED;
}

/* Nothing that the caller may see: then what is wrong with the request is no matter either. */
static enum phase refuse_unseen(struct request *request)
{
    request->faults.count = 0;
    return refuse(request, "not_found", NULL);
}

static struct credentials credentials_of(const struct request *request)
{
    struct credentials credentials = {
        .authorization = request_header(request, "authorization"),
        .body = request->exchange->body,
        .body_length = request->exchange->body_length,
    };
    if (!(request->route->callers & SIGNATURE))
        return credentials;
    credentials.partner = request->bindings.items[0].value;
    credentials.id = request_header(request, "webhook-id");
    credentials.timestamp = request_header(request, "webhook-timestamp");
    credentials.signature = request_header(request, "webhook-signature");
    return credentials;
}

static enum phase route(struct request *request)
{
    char allow[ALLOW_MAX];
    request->deadline =
        request->loop->now + (int64_t)request->loop->settings->operation_seconds * 1000;
    bool fits = target_read(&request->target, request->arena, request->exchange->target);
    if (!request->loop->lanes)
        return refuse(request, "unavailable", "The server is shutting down. Nothing was done.");
    if (request->method == METHOD_UNKNOWN)
        return refuse(request, "not_implemented", NULL);
    if (!fits)
        return refuse(request, "not_found", NULL);
    switch (
        route_find(&request->route, &request->bindings, allow, request->method, &request->target)) {
    case ROUTE_NO_PATH:
        return refuse(request, "not_found", "There is no such path. GET /openapi.yaml lists them.");
    case ROUTE_NO_METHOD:
        if (request->method == OPTIONS)
            answer_static(request, 204, NULL, "", 0);
        else
            refuse(request, "method_not_allowed", NULL);
        answer_header(request, "Allow", allow);
        return PHASE_ANSWERED;
    case ROUTE_FOUND:
        break;
    }
    if (request->route->callers & EVERYBODY)
        return PHASE_ADMIT;
    if (!(request->route->callers & SIGNATURE))
        return PHASE_AUTHENTICATE;
    struct credentials credentials = credentials_of(request);
    return credentials_signed(&credentials) ? PHASE_VERIFY : PHASE_AUTHENTICATE;
}

/* --- who calls --- */

/* The phase that follows; while the database is asked, the one that asks. */
static enum phase authenticated(struct request *request, const struct authentication *found,
                                enum phase asks,
                                void (*came)(struct query *query, const struct rows *rows))
{
    switch (found->verdict) {
    case AUTHENTICATION_KNOWN:
        request->caller = found->caller;
        return PHASE_ADMIT;
    case AUTHENTICATION_REFUSED:
        if (found->why)
            access_refused(request, found->why);
        return refuse(request, "unauthenticated", found->detail);
    case AUTHENTICATION_CLOSED:
        return refuse(request, "unavailable", found->detail);
    case AUTHENTICATION_ASK:
        break;
    }
    request->call = (struct call){
        .operation = found->operation, .arena = request->arena, .values = {found->value}};
    request_submit(request, found->operation, came, on_failure);
    return asks;
}

static void token_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    struct credentials credentials = credentials_of(request);
    struct authentication found = token_authenticate_by(request->loop->tokens, &credentials,
                                                        request->arena, rows, request->asked);
    request_resume(request, authenticated(request, &found, PHASE_AUTHENTICATE, token_rows));
}

static enum phase authenticate(struct request *request)
{
    struct credentials credentials = credentials_of(request);
    struct authentication found =
        token_authenticate(request->loop->tokens, &credentials, request->arena, request->loop->now);
    return authenticated(request, &found, PHASE_AUTHENTICATE, token_rows);
}

static void secret_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    struct credentials credentials = credentials_of(request);
    struct authentication found = signature_authenticate_by(request->loop->secrets, &credentials,
                                                            request->arena, rows, request->asked);
    request_resume(request, authenticated(request, &found, PHASE_VERIFY, secret_rows));
}

static enum phase verify(struct request *request)
{
    struct credentials credentials = credentials_of(request);
    struct authentication found =
        signature_authenticate(request->loop->secrets, &credentials, request->arena,
                               request->loop->now, request->arrived, (int64_t)time(NULL));
    return authenticated(request, &found, PHASE_VERIFY, secret_rows);
}

bool request_token_is_fresh(const struct request *request)
{
    struct credentials credentials = credentials_of(request);
    return token_is_fresh(request->loop->tokens, &credentials, request->loop->now);
}

void request_token_ask(struct request *request,
                       void (*came)(struct query *query, const struct rows *rows),
                       void (*failed)(struct query *query, enum failure failure))
{
    struct credentials credentials = credentials_of(request);
    if (!request->wait.key_id[0])
        request->wait.key_id[0] = token_key_id(&credentials, request->arena);
    request_ask(request, &token_check, request->wait.key_id, came, failed);
}

bool request_token_is_live(struct request *request, const struct rows *rows)
{
    struct credentials credentials = credentials_of(request);
    return token_is_live(request->loop->tokens, &credentials, rows, request->asked);
}

/* A signature has proved its own right; a token on such a route is an operator's. */
static bool role_admitted(const struct request *request)
{
    unsigned callers = request->route->callers;
    if (callers & EVERYBODY || (callers & SIGNATURE && request->caller.secret_id))
        return true;
    return (callers & SIGNATURE ? (unsigned)ROLE_OPERATOR : callers) & request->caller.role;
}

/* Whoever was verified is counted, before anything else is asked of the database. */
static enum phase refuse_hasty(struct request *request)
{
    char seconds[12];
    snprintf(seconds, sizeof seconds, "%u", request->rate.retry_seconds);
    refuse(request, "rate_limited", NULL);
    answer_header(request, "Retry-After", seconds);
    return PHASE_ANSWERED;
}

static enum phase admit(struct request *request)
{
    request->rate = rate_limits_count(request->loop->settings->rates, &request->caller,
                                      request->loop->now * 1000);
    if (request->rate.exceeded)
        return refuse_hasty(request);
    const struct route *route = request->route =
        route_for_role(request->route, request->caller.role);
    if (!role_admitted(request))
        return refuse(request, "forbidden", NULL);
    if (route->takes & OWN_PARTNER && request->caller.role == ROLE_PARTNER &&
        strcmp(request->caller.partner, request->bindings.items[0].value) != 0)
        return refuse(request, "not_found", NULL);
    request->streaming = stream_wanted(request);
    if (!(route->callers & EVERYBODY) && !request->streaming &&
        !media_type_accepted(request_header(request, "accept"), "application/json"))
        return refuse(request, "not_acceptable", NULL);
    return PHASE_READ;
}

static void keep(struct request *request, const char *code, const char *detail)
{
    if (!request->withheld.code)
        request->withheld = (struct refusal){code, detail};
}

/* What jansson could not read, in our words, with its position. */
static void json_refused(struct request *request, const json_error_t *error)
{
    size_t offset = error->position > 0 ? (size_t)error->position : 0;
    if (offset > request->exchange->body_length)
        offset = request->exchange->body_length;
    const char *pointer = json_text_pointer(request->arena, request->exchange->body, offset);
    const char *what = "This is not well-formed JSON";
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
        fault_add(&request->faults, pointer, "out_of_range", "This number is too large.");
        keep(request, "invalid_request", NULL);
        return;
    case json_error_duplicate_key:
        what = "A member stands twice in one object";
        break;
    case json_error_invalid_utf8:
        what = "The body is not valid UTF-8";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        what = "The character U+0000 is not allowed";
        break;
    case json_error_premature_end_of_input:
        what = "The JSON ends before it is complete";
        break;
    case json_error_end_of_input_expected:
        what = "Something follows the JSON value";
        break;
    default:
        break;
    }
    fault_add(&request->faults, pointer, "invalid_value", "%s.", what);
    keep(
        request, "malformed_json",
        arena_printf(request->arena, "%s (line %d, column %d).", what, error->line, error->column));
}

/* jansson stops at a number that is too large, and does not see what is wrong behind it. */
static void see_behind(struct request *request, json_error_t *error)
{
    const struct exchange *exchange = request->exchange;
    json_error_t other;
    const char *text = json_text_small(request->arena, exchange->body, exchange->body_length);
    json_t *json =
        json_loadb(text, exchange->body_length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &other);
    if (!json)
        *error = other;
    json_decref(json);
}

static void json_read(struct request *request)
{
    json_error_t error;
    const char *body = request->exchange->body;
    const char *nul = memchr(body, '\0', request->exchange->body_length);
    if (nul) {
        /* Behind a number or a literal jansson takes it for the end. */
        fault_add(&request->faults, json_text_pointer(request->arena, body, (size_t)(nul - body)),
                  "invalid_value", "The character U+0000 is not allowed.");
        keep(request, "malformed_json",
             arena_printf(request->arena, "The character U+0000 is not allowed (octet %zu).",
                          (size_t)(nul - body) + 1));
        return;
    }
    size_t deep = json_text_too_deep(request->exchange->body, request->exchange->body_length);
    if (deep < request->exchange->body_length) {
        fault_add(&request->faults,
                  json_text_pointer(request->arena, request->exchange->body, deep), "invalid_value",
                  "Nested more than %d deep.", JSON_DEPTH_MAX);
        keep(request, "malformed_json",
             arena_printf(request->arena, "The JSON nests more than %d deep (octet %zu).",
                          JSON_DEPTH_MAX, deep + 1));
        return;
    }
    request->json = json_loadb(request->exchange->body, request->exchange->body_length,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (request->json)
        return;
    if (json_error_code(&error) == json_error_numeric_overflow)
        see_behind(request, &error);
    json_refused(request, &error);
}

static void body_take(struct request *request)
{
    const struct operation *operation = request->route->operation;
    bool expected = operation && body_expected(operation);
    const char *type = request_header(request, "content-type");
    if (request->exchange->body_length > 0 && !expected)
        keep(request, "malformed_request", "This method takes no body here. Send none.");
    if (!expected)
        return;
    /* A POST may say nothing when there is nothing that has to be said; a patch may not. Nothing is
     * also what comes without a length: chunks were refused with the head. */
    if (request->exchange->body_length == 0 && request->method == POST &&
        !body_required(operation)) {
        request->json = json_object();
        return;
    }
    if (!request->exchange->sized) {
        keep(request, "length_required", NULL);
        return;
    }
    if (!type || !media_type_is_json(type, request->method == PATCH)) {
        keep(request, "unsupported_media_type", NULL);
        return;
    }
    if (request->exchange->body_length == 0)
        keep(request, "malformed_json", "The body is empty. Send a JSON object.");
    else
        json_read(request);
}

/* The problem that the faults make together: what is not well-formed before what is wrong. */
static void faults_judge(struct request *request)
{
    static const char *const first[] = {"malformed_request", "unknown_parameter",
                                        "malformed_cursor", "no_randomness", "immutable_field"};
    const struct faults *faults = &request->faults;
    if (request->withheld.code || faults->count == 0)
        return;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        for (size_t j = 0; j < faults->count && j < FAULTS_MAX; j++)
            if (strcmp(faults->items[j].code, first[i]) == 0) {
                bool ours = strcmp(first[i], "no_randomness") == 0;
                keep(request, ours ? "internal_error" : first[i], faults->items[j].detail);
                return;
            }
    keep(request, "invalid_request",
         arena_printf(request->arena,
                      "%zu fault%s in the request. Correct what errors names and "
                      "send it again.",
                      faults->count, faults->count == 1 ? "" : "s"));
}

/* An empty call of the operation by the request's caller. */
static void call_begin(struct request *request, const struct operation *operation,
                       struct faults *faults)
{
    request->call = (struct call){
        .operation = operation,
        .arena = request->arena,
        .faults = faults,
        .caller = &request->caller,
        .body = request->json,
        .raw_body = request->exchange->body,
        .raw_body_length = request->exchange->body_length,
    };
}

static const char *header_found(const void *message, const char *name)
{
    return request_header(message, name);
}

/* What is no part of the body or the query. False: the path names nothing. */
static bool read_other_parameters(struct request *request)
{
    return other_parameters_read(&request->call, &request->bindings,
                                 (struct header_lookup){header_found, request});
}

/* Where a request that writes came from, for what is kept of it. */
static void caller_complete(struct request *request)
{
    char trace[TRACEPARENT_LENGTH + 1];
    const char *field = exchange_fields(request->exchange, "traceparent", NULL);
    request->caller.address = exchange_client(request->exchange);
    request->caller.request_id = request->id;
    if (field && traceparent_read(trace, field))
        request->caller.trace = arena_copy(request->arena, trace, TRACEPARENT_LENGTH);
}

/* For routes without an operation: nothing may be given that nobody reads. */
static const struct operation nothing = {.name = "nothing", NO_PARAMETERS};

static enum phase read_parameters(struct request *request)
{
    const struct operation *operation = request->route->operation;
    struct call *call = &request->call;
    body_take(request);
    call_begin(request, operation ? condition_form(request->route) : &nothing, &request->faults);
    if (operation && operation->lane != LANE_READ)
        caller_complete(request);
    query_parameters_read(call, request->target.query, request->pairs, &request->pair_count);
    if (!read_other_parameters(request))
        return refuse_unseen(request);
    if (call->body)
        body_read(call);
    if (call->operation->complete && !request->withheld.code)
        call->operation->complete(call);
    conditions_read(request);
    wait_read(request);
    faults_judge(request);
    if (!request->withheld.code)
        return PHASE_OPERATE;
    if (request->route->owner &&
        !(request->route->callers & SIGNATURE && request->caller.secret_id))
        return PHASE_OWN;
    return refuse(request, request->withheld.code, request->withheld.detail);
}

static void owner_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    bool visible = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0;
    if (visible)
        refuse(request, request->withheld.code, request->withheld.detail);
    else
        refuse_unseen(request);
    request_resume(request, PHASE_ANSWERED);
}

/* Look whether the caller sees what the path names before saying what is wrong with the request. */
static enum phase own(struct request *request)
{
    struct faults ignored = {.arena = request->arena};
    call_begin(request, request->route->owner, &ignored);
    if (!read_other_parameters(request))
        return refuse_unseen(request);
    if (request->route->owner->of_catalogue &&
        catalogue_cache_holds(request->loop, request->route->owner,
                              call_value(&request->call, "partner")))
        return refuse(request, request->withheld.code, request->withheld.detail);
    request_submit(request, request->route->owner, owner_rows, on_failure);
    return PHASE_OWN;
}

static void operation_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    bool ok = rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0;
    if (ok)
        loop_did(request->loop, request->call.operation);
    if (request->streaming && ok) {
        stream_begin(request, rows);
        request_resume(request, PHASE_ANSWERED);
        return;
    }
    if (wait_goes_on(request, rows)) {
        request_resume(request, PHASE_WAIT);
        if (request->wait.woken)
            wait_line_up(request);
        return;
    }
    if (wait_is_void(request, rows))
        refuse(request, "not_found", NULL);
    else
        answer_rows(request, rows);
    if (request->status == 401 && request->caller.secret_id)
        secret_cache_drop(request->loop->secrets, request->caller.partner);
    request_resume(request, PHASE_ANSWERED);
}

static enum phase operate(struct request *request)
{
    if (request->route->serve) {
        request->route->serve(request);
        return request->phase;
    }
    if (request->call.operation->of_catalogue && catalogue_cache_answer(request))
        return PHASE_ANSWERED;
    if (request->wait.wanted)
        wait_begin(request);
    request_submit(request, request->call.operation, operation_rows, on_failure);
    return PHASE_OPERATE;
}

static void renewal_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    if (request_token_is_live(request, rows))
        request_resume(request, PHASE_OPERATE);
    else
        request_resume(request, refuse(request, "unauthenticated", NULL));
}

/* A page of the feed that stayed empty needs no look at the database. */
static enum phase renew(struct request *request)
{
    if (request->wait.over && !request->wait.woken &&
        request->call.operation->answer == ANSWER_FEED) {
        answer_feed_end(request, wait_position(request));
        return PHASE_ANSWERED;
    }
    if (request_token_is_fresh(request))
        return PHASE_OPERATE;
    request_token_ask(request, renewal_rows, on_failure);
    return PHASE_RENEW;
}

void request_move(struct request *request)
{
    while (request->phase != PHASE_ANSWERED && request->phase != PHASE_WAIT && !request->waiting) {
        switch (request->phase) {
        case PHASE_ROUTE:
            request->phase = route(request);
            break;
        case PHASE_AUTHENTICATE:
            request->phase = authenticate(request);
            break;
        case PHASE_VERIFY:
            request->phase = verify(request);
            break;
        case PHASE_ADMIT:
            request->phase = admit(request);
            break;
        case PHASE_READ:
            request->phase = read_parameters(request);
            break;
        case PHASE_OWN:
            request->phase = own(request);
            break;
        case PHASE_OPERATE:
            request->phase = operate(request);
            break;
        case PHASE_RENEW:
            request->phase = renew(request);
            break;
        case PHASE_BODY:
        case PHASE_WAIT:
        case PHASE_ANSWERED:
            abort(); /* not moved from here */
        }
    }
}
