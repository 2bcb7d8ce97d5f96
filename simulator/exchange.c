/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MOST = 1024 * 1024, CONNECT_SECONDS = 5 };

static size_t keep(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    if (length > ANSWER_MOST - exchange->length)
        return 0;
    char *text = realloc(exchange->text, exchange->length + length + 1);
    if (text == NULL)
        return 0;
    memcpy(text + exchange->length, bytes, length);
    exchange->text = text;
    exchange->length += length;
    return length;
}

bool exchange_open(struct exchange *exchange)
{
    memset(exchange, 0, sizeof *exchange);
    exchange->easy = curl_easy_init();
    return exchange->easy != NULL;
}

void exchange_close(struct exchange *exchange)
{
    if (exchange->easy != NULL)
        curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    free(exchange->text);
    json_decref(exchange->json);
    memset(exchange, 0, sizeof *exchange);
}

bool exchange_prepare(struct exchange *exchange, const char *url, const char *body, int seconds,
                      const char *const headers[])
{
    CURL *easy = exchange->easy;
    curl_easy_reset(easy);
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    exchange->length = 0;
    exchange->error[0] = '\0';
    json_decref(exchange->json);
    exchange->json = NULL;
    for (int i = 0; headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(exchange->headers, headers[i]);
        if (longer == NULL)
            return false;
        exchange->headers = longer;
    }
    bool good = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange) == CURLE_OK;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "onramp-simulate-partner/" ONRAMP_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)seconds);
    if (body != NULL)
        good = good && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
    return good;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* Who is not believed may have a wrong clock, which the answer does not say but its Date does. */
static const char *clock_difference(struct exchange *exchange)
{
    struct curl_header *date;
    time_t theirs = 0;
    if (curl_easy_header(exchange->easy, "date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK)
        theirs = curl_getdate(date->value, NULL);
    long long ahead = (long long)(time(NULL) - theirs);
    if (theirs <= 0 || llabs(ahead) <= SIGNATURE_TOLERANCE_SECONDS)
        return NULL;
    snprintf(exchange->error, sizeof exchange->error,
             "our clock is %lld s %s the server's, which takes %d s at most", llabs(ahead),
             ahead > 0 ? "ahead of" : "behind", SIGNATURE_TOLERANCE_SECONDS);
    return exchange->error;
}

void exchange_take(struct exchange *exchange, CURLcode result, struct order_answer *out)
{
    long status = 0;
    curl_off_t retry_after = 0;
    *out = (struct order_answer){
        .code = "", .detail = "", .reason = "", .circuit_id = "", .provider_status = ""};
    if (result != CURLE_OK) {
        out->detail = exchange->error[0] != '\0' ? exchange->error : curl_easy_strerror(result);
        return;
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (exchange->length > 0)
        exchange->json = json_loadb(exchange->text, exchange->length, 0, NULL);
    const json_t *json = exchange->json;
    const json_t *circuit = json_object_get(json, "circuit");
    if (circuit == NULL)
        circuit = json;
    out->status = (int)status;
    out->retry_after = retry_after > 0 && retry_after < 86400 ? (int64_t)retry_after * 1000 : 0;
    out->newest = message_time_read(text_of(json, "newestTimestamp"));
    out->code = text_of(json, "code");
    out->detail = text_of(json, "detail");
    if (status == 401 && clock_difference(exchange) != NULL)
        out->detail = exchange->error;
    out->reason = text_of(json, "reason");
    out->circuit_id = text_of(circuit, "id");
    out->provider_status = text_of(circuit, "providerStatus");
    out->stalled = json_is_true(json_object_get(circuit, "stalled"));
    out->deprovision_requested = text_of(circuit, "deprovisionRequestedAt")[0] != '\0';
}
