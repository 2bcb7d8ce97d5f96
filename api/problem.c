/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include "api/answer.h"
#include "api/loop.h"
#include "api/request.h"
#include "base/log.h"
#include "base/text.h"
#include "operations/fault.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct problem problems[] = {
    /* HTTP and JSON */
    {"malformed_request", 400, "Malformed request",
     "The request is not well-formed HTTP.", 0},
    {"malformed_json", 400, "Malformed JSON",
     "The body is not well-formed JSON.", 0},
    {"malformed_cursor", 400, "Malformed cursor",
     "Use nextCursor of the page before, unchanged, or leave cursor out.", 0},
    {"unknown_parameter", 400, "Unknown query parameter",
     "Leave out or correct the query parameters that are named in errors.", 0},
    {"unauthenticated", 401, "Unauthenticated",
     "Send `Authorization: Bearer <token>` with a token that is live.", 0},
    {"forbidden", 403, "Forbidden",
     "The role of this token may never do this. Use a token of another role.", 0},
    {"not_found", 404, "Not found",
     "There is nothing here that this token may see. Check the id and the token.", 0},
    {"method_not_allowed", 405, "Method not allowed",
     "This path does not have this method. Allow lists those that it has.", 0},
    {"not_acceptable", 406, "Not acceptable",
     "The answer is application/json. Let Accept allow it, or leave Accept out.", 0},
    {"length_required", 411, "Length required",
     "Send the body with a Content-Length, or in chunks.", 0},
    {"content_too_large", 413, "Content too large",
     "A body has at most 65536 octets. Send less.", 0},
    {"uri_too_long", 414, "URI too long",
     "A request target has at most 4096 octets. Send a shorter one.", 0},
    {"unsupported_media_type", 415, "Unsupported media type",
     "Send the body as `Content-Type: application/json`.", 0},
    {"rate_limited", 429, "Too many requests",
     "This token has made more requests than it may. Nothing was done; try again after "
     "Retry-After, and pace requests by RateLimit.", 0},
    {"headers_too_large", 431, "Header fields too large",
     "The head of a request has at most 16384 octets and 64 fields. Send less.", 0},
    {"not_implemented", 501, "Not implemented",
     "This method or transfer coding is not known here. Use one that the documentation names.", 0},
    {"http_version_not_supported", 505, "HTTP version not supported",
     "Speak HTTP/1.1.", 0},
    /* the server */
    {"internal_error", 500, "Internal error",
     "This is a fault of the server. Report it with the requestId.", 0},
    {"overloaded", 503, "Overloaded",
     "The server has more to do than it can take. Nothing was done; try again after Retry-After.", 1},
    {"unavailable", 503, "Unavailable",
     "The database is not available. Nothing was done; try again after Retry-After.", 1},
    {"storage_full", 503, "Storage full",
     "The disk of the database is full. Nothing was done, and reads go on; try again after "
     "Retry-After, and tell the operator.", 10},
    {"unknown_outcome", 503, "Outcome unknown",
     "The connection to the database was lost before it confirmed the change, which may or may not "
     "have been made. With an Idempotency-Key send the same request again; otherwise read the "
     "resource, or list it, to find out before you try again.", 1},
    {"draining", 503, "Shutting down",
     "The server ends once it has answered what it has begun. Ask another one.", 1},
    {"not_ready", 503, "Not ready",
     "The server cannot serve requests yet. Try again after Retry-After.", 1},
    /* requests that are well-formed and wrong */
    {"invalid_request", 422, "Invalid request",
     "Correct what errors names and send the request again.", 0},
    {"not_offered", 422, "Not offered",
     "The partner does not offer this there. GET /v1/partners/{partner} lists its offers.", 0},
    {"timestamp_in_future", 422, "Timestamp in the future",
     "The timestamp is more than 300 s ahead of this server's clock. Check the clock.", 0},
    {"webhook_id_reused", 422, "Webhook id used before",
     "This webhook-id was used for another body. Every message needs an id of its own.", 0},
    {"idempotency_key_reused", 422, "Idempotency-Key used before",
     "This Idempotency-Key came with another path or body within the last 24 hours. A new request "
     "needs a new key.", 0},
    {"immutable_field", 422, "Immutable field",
     "A member in the body cannot be changed. Leave it out.", 0},
    {"bandwidth_decrease", 422, "Bandwidth can only rise",
     "Order a new circuit when less bandwidth is wanted.", 0},
    /* states */
    {"cursor_expired", 410, "Cursor expired",
     "The feed no longer holds what follows this cursor. Start without after, and read again what "
     "you mirror.", 0},
    {"version_mismatch", 412, "Version mismatch",
     "The resource is not of the version that If-Match names. Read it again, and decide again.", 0},
    {"idempotency_key_in_progress", 409, "Request in progress",
     "A request with this Idempotency-Key is being worked on. Send the same one again after "
     "Retry-After to get its answer.", 1},
    {"partner_exists", 409, "Partner exists",
     "A partner of this name exists. Choose another name, or PUT the existing one.", 0},
    {"illegal_transition", 409, "Illegal transition",
     "The circuit's provider status does not allow this event.", 30},
    {"circuit_in_use", 409, "Circuit in use",
     "Remove the blockers first.", 0},
    {"circuit_disabled", 409, "Circuit disabled",
     "The circuit is disabled. Ask the operator to enable it.", 0},
    {"circuit_not_provisioned", 409, "Circuit not provisioned",
     "Wait until the partner has provisioned the circuit.", 0},
    {"circuit_deprovision_requested", 409, "Deprovision requested",
     "The circuit is to be taken down. Withdraw the request first.", 0},
    {"nothing_to_deprovision", 409, "Nothing to deprovision",
     "Only a circuit that is Provisioning or Provisioned can be deprovisioned.", 0},
    {"service_key_in_use", 409, "Service key in use",
     "A service key is replaced only while the circuit is NotProvisioned.", 0},
    {"circuit_vnet_limit_reached", 409, "Circuit at its limit of VNets",
     "Delete a connection of this circuit first.", 0},
    {"customer_circuit_limit_reached", 409, "Customer at its limit of circuits",
     "Delete a circuit first, or ask the operator for more.", 0},
    {"location_circuit_limit_reached", 409, "Customer at its limit of circuits at a location",
     "Delete a circuit at this location first, order elsewhere, or ask the operator for more.", 0},
    {"vnet_circuit_limit_reached", 409, "VNet at its limit of circuits",
     "Delete a connection of this VNet first.", 0},
    {"vnet_has_no_gateway", 409, "VNet has no gateway",
     "PUT /v1/vnets/{id}/gateway first.", 0},
    {"vnet_in_use", 409, "VNet in use",
     "Delete the VNet's connections first.", 0},
    {"already_connected", 409, "Already connected",
     "This VNet is connected to this circuit. List the connections to find it.", 0},
    {"authorization_in_use", 409, "Authorization in use",
     "An authorization serves one connection at a time. Ask for another one.", 0},
    {"address_space_overlap", 409, "Address spaces overlap",
     "Connect VNets whose address spaces do not overlap on one circuit.", 0},
    {"authorization_limit_reached", 409, "Circuit at its limit of authorizations",
     "Delete an authorization of this circuit first.", 0},
    {"vnet_limit_reached", 409, "Customer at its limit of VNets",
     "Delete a VNet first, or ask the operator for more.", 0},
    {"token_limit_reached", 409, "At the limit of tokens",
     "Delete a token that is not needed any more first.", 0},
    {"callback_secret_limit_reached", 409, "Partner at its limit of callback secrets",
     "Wait until an older secret expires, or send keepOldSeconds 0, which ends them at once.", 0},
    {"webhook_limit_reached", 409, "At the limit of webhook endpoints",
     "Delete a webhook endpoint first.", 0},
    {"delivery_limit_reached", 409, "At the limit of attempts",
     "This delivery is not sent again. Read the circuit, or GET /v1/events, for what it said.", 0},
    {"webhook_disabled", 409, "Webhook endpoint disabled",
     "Nothing is sent to an endpoint that is off. PATCH it with {\"enabled\": true} first.", 0},
};
/* clang-format on */

static const char *const fact_members[] = {"limit",    "used", "scope",
                                           "blockers", "more", "providerStatus"};

/* Codes of faults that name a problem of their own; inside errors there are five words only. */
static const struct {
    const char *code, *shown;
} fault_words[] = {
    {"unknown_parameter", "unknown_member"}, {"malformed_cursor", "invalid_value"},
    {"malformed_request", "invalid_value"},  {"no_randomness", "invalid_value"},
    {"immutable_field", "invalid_value"},
};

const struct problem *problem_find(const char *code)
{
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        if (strcmp(problems[i].code, code) == 0)
            return &problems[i];
    return NULL;
}

struct refusal problem_of_failure(enum failure failure)
{
    switch (failure) {
    case FAILURE_OVERLOADED:
        return (struct refusal){"overloaded", NULL};
    case FAILURE_UNAVAILABLE:
        return (struct refusal){"unavailable", NULL};
    case FAILURE_DEADLINE:
        return (struct refusal){"unavailable",
                                "The database did not answer in time. Nothing was done; try again "
                                "after Retry-After."};
    case FAILURE_ABORTED:
        return (struct refusal){"unavailable",
                                "Too much was going on at once around this resource. Nothing was "
                                "done; try again after Retry-After."};
    case FAILURE_STORAGE_FULL:
        return (struct refusal){"storage_full", NULL};
    case FAILURE_RESOURCES:
        return (struct refusal){"unavailable",
                                "The database lacks memory or cannot read its files. Nothing was "
                                "done; try again after Retry-After, and tell the operator."};
    case FAILURE_UNKNOWN_OUTCOME:
        return (struct refusal){"unknown_outcome", NULL};
    case FAILURE_BUG:
        break;
    }
    return (struct refusal){"internal_error", NULL};
}

static void member_write(struct text *text, const char *name, const char *value)
{
    text_add_format(text, ",\"%s\":", name);
    text_add_json(text, value, strlen(value));
}

static void json_write(struct text *text, const char *name, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!dumped)
        return;
    text_add_format(text, ",\"%s\":", name);
    text_add_word(text, dumped);
    free(dumped);
}

static const char *fault_word(const char *code)
{
    for (size_t i = 0; i < sizeof fault_words / sizeof *fault_words; i++)
        if (strcmp(fault_words[i].code, code) == 0)
            return fault_words[i].shown;
    return code;
}

static void faults_write(struct text *text, const struct faults *faults)
{
    text_add_word(text, ",\"errors\":[");
    for (size_t i = 0; i < faults->count && i < FAULTS_MAX; i++) {
        const struct fault *fault = &faults->items[i];
        text_add_word(text, i ? ",{\"pointer\":" : "{\"pointer\":");
        text_add_json(text, fault->pointer, strlen(fault->pointer));
        member_write(text, "code", fault_word(fault->code));
        member_write(text, "detail", fault->detail);
        text_add_char(text, '}');
    }
    text_add_char(text, ']');
}

const struct problem *problem_write(struct text *text, struct refusal refusal, const char *facts,
                                    const struct faults *faults, const char *instance,
                                    const char *request_id)
{
    const struct problem *problem = problem_find(refusal.code);
    if (!problem) {
        log_line(LOG_ERR, "bug: the refusal '%s' is in no table (request %s)", refusal.code,
                 request_id);
        problem = problem_find("internal_error");
        refusal.detail = facts = NULL;
        faults = NULL;
    }
    json_t *given = facts && *facts ? json_loads(facts, 0, NULL) : NULL;
    const char *said = json_string_value(json_object_get(given, "detail"));
    const char *detail = said ? said : refusal.detail ? refusal.detail : problem->detail;
    text_add_format(text, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d",
                    problem->code, problem->title, problem->status);
    member_write(text, "detail", detail);
    member_write(text, "instance", instance);
    member_write(text, "code", problem->code);
    member_write(text, "requestId", request_id);
    for (size_t i = 0; i < sizeof fact_members / sizeof *fact_members; i++) {
        json_t *fact = json_object_get(given, fact_members[i]);
        if (fact)
            json_write(text, fact_members[i], fact);
    }
    json_t *errors = json_object_get(given, "errors");
    if (json_array_size(errors) > 0)
        json_write(text, "errors", errors);
    else if (faults && faults->count > 0)
        faults_write(text, faults);
    text_add_char(text, '}');
    json_decref(given);
    return problem;
}

static void headers_add(struct request *request, const struct problem *problem)
{
    char seconds[16];
    if (problem->retry_after > 0) {
        snprintf(seconds, sizeof seconds, "%d", problem->retry_after);
        answer_header(request, "Retry-After", seconds);
    }
    if (problem->status == 401)
        answer_header(request, "WWW-Authenticate", "Bearer realm=\"onramp\"");
}

static void answer(struct request *request, struct refusal refusal, const char *facts)
{
    struct text *text = &request->loop->text;
    text->length = 0;
    const char *instance = request->target.path ? request->target.path : "/";
    const struct problem *problem =
        problem_write(text, refusal, facts, &request->faults, instance, request->id);
    answer_bytes(request, problem->status, "application/problem+json", text->bytes, text->length);
    headers_add(request, problem);
}

void problem_answer(struct request *request, struct refusal refusal)
{
    answer(request, refusal, NULL);
}

void problem_answer_facts(struct request *request, const char *code, const char *facts)
{
    answer(request, (struct refusal){code, NULL}, facts);
}
