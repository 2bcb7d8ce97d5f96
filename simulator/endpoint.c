/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/endpoint.h"

#include "simulator/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 15, DRAW_DEAF = 2000 };

/* What a partner cannot have done itself. */
static json_t *registration(const char *url)
{
    json_t *body = json_pack("{s:s, s:[s, s, s], s:s}", "url", url, "eventTypes",
                             "circuit.deprovision_requested", "circuit.deprovision_withdrawn",
                             "circuit.stalled", "description", "simulate-partner");
    if (body == NULL)
        abort();
    return body;
}

/* One request, waited for; method NULL: POST. */
static bool ask(struct exchange *exchange, const char *method, const char *url, const char *token,
                const char *body, struct order_answer *answer)
{
    char *authorization = NULL;
    bool good =
        exchange_open(exchange) && asprintf(&authorization, "Authorization: Bearer %s", token) >= 0;
    const char *const headers[] = {authorization, "Content-Type: application/json", NULL};
    good = good && exchange_prepare(exchange, url, body, SECONDS, headers);
    if (good && method != NULL)
        good = curl_easy_setopt(exchange->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    if (good)
        exchange_take(exchange, curl_easy_perform(exchange->easy), answer);
    if (authorization != NULL)
        explicit_bzero(authorization, strlen(authorization));
    free(authorization);
    return good;
}

bool endpoint_register(struct endpoint *endpoint, const char *server, const char *token,
                       const char *url, const char **fault)
{
    struct exchange exchange = {0};
    struct order_answer answer = {0};
    char *target = NULL;
    json_t *body = registration(url);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL || asprintf(&target, "%s/v1/webhooks", server) < 0)
        abort();
    bool asked = ask(&exchange, NULL, target, token, text, &answer);
    const char *id = json_string_value(json_object_get(exchange.json, "id"));
    const char *secret = json_string_value(json_object_get(exchange.json, "secret"));
    bool good = asked && answer.status == 201 && id != NULL && secret != NULL &&
                signature_key_read(&endpoint->key, secret);
    *fault = NULL;
    if (good) {
        endpoint->id = strdup(id);
        endpoint->heard = json_object();
        if (endpoint->id == NULL || endpoint->heard == NULL)
            abort();
    } else if (asked && answer.status == 422) {
        *fault = "the server may not send to that address; it allows some with "
                 "--webhook-allow-cidr";
    } else {
        *fault = asked && answer.status != 0 ? "the server does not register it"
                                             : "the server does not answer";
    }
    if (exchange.text != NULL)
        explicit_bzero(exchange.text, exchange.length);
    exchange_close(&exchange);
    free(target);
    free(text);
    return good;
}

void endpoint_close(struct endpoint *endpoint, const char *server, const char *token)
{
    struct exchange exchange = {0};
    struct order_answer answer;
    char *target = NULL;
    if (endpoint->id != NULL) {
        if (asprintf(&target, "%s/v1/webhooks/%s", server, endpoint->id) < 0)
            abort();
        ask(&exchange, "DELETE", target, token, NULL, &answer);
        exchange_close(&exchange);
    }
    free(target);
    free(endpoint->id);
    json_decref(endpoint->heard);
    endpoint->id = NULL;
    endpoint->heard = NULL;
    explicit_bzero(&endpoint->key, sizeof endpoint->key);
}

/* How often this one has come by now. */
static json_int_t count(struct endpoint *endpoint, const char *id)
{
    json_int_t times = json_integer_value(json_object_get(endpoint->heard, id)) + 1;
    if (json_object_set_new(endpoint->heard, id, json_integer(times)) != 0)
        abort();
    return times;
}

int endpoint_take(struct endpoint *endpoint, const char *id, const char *timestamp,
                  const char *signatures, const char *body, size_t length, int64_t now)
{
    if (!signature_id_valid(id) || !signature_timestamp_fresh(timestamp, now / 1000) ||
        !signature_matches(&endpoint->key, id, timestamp, body, length, signatures)) {
        endpoint->counts.unauthentic++;
        return 401;
    }
    json_int_t times = count(endpoint, id);
    bool deaf = (int)(plan_draw(&endpoint->draws, id, DRAW_DEAF) % 100) < endpoint->deaf;
    if (deaf && times == 1) {
        endpoint->counts.turned_away++;
        return 503;
    }
    if (times > (deaf ? 2 : 1)) {
        endpoint->counts.duplicates++;
        return 204;
    }
    endpoint->counts.heard++;
    json_t *event = json_loadb(body, length, 0, NULL);
    const char *key =
        json_string_value(json_object_get(json_object_get(event, "data"), "serviceKey"));
    if (key != NULL)
        simulator_heard(endpoint->simulator, key, now);
    json_decref(event);
    return 204;
}

json_t *endpoint_report(const struct endpoint *endpoint)
{
    json_t *report = json_pack("{s:I, s:I, s:I, s:I}", "heard", (json_int_t)endpoint->counts.heard,
                               "duplicate", (json_int_t)endpoint->counts.duplicates, "turnedAway",
                               (json_int_t)endpoint->counts.turned_away, "unauthentic",
                               (json_int_t)endpoint->counts.unauthentic);
    if (report == NULL)
        abort();
    return report;
}
