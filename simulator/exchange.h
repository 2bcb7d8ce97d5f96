/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_exchange.h - one request of a simulated partner and its answer, by libcurl. */
#ifndef ONRAMP_SIMULATOR_EXCHANGE_H
#define ONRAMP_SIMULATOR_EXCHANGE_H

#include "simulator/order.h"

#include <curl/curl.h>
#include <jansson.h>

struct exchange {
    CURL *easy;          /* kept from one request to the next, with its connection */
    struct order *order; /* whose request it is, NULL: the feed's, or none is under way */
    bool under_way;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    char *text; /* of the answer, owned */
    size_t length;
    json_t *json; /* the same read; NULL where it is no object */
};

/* False when there is no memory for it. */
bool exchange_open(struct exchange *exchange);
void exchange_close(struct exchange *exchange);

/* Prepare the next request; false when it cannot be. body NULL: a GET. headers: text behind text,
 * NULL at the end. The body is borrowed until exchange_take. */
bool exchange_prepare(struct exchange *exchange, const char *url, const char *body, int seconds,
                      const char *const headers[]);

/* Its answer, when the transfer has ended with result. Borrowed until the next request. */
void exchange_take(struct exchange *exchange, CURLcode result, struct order_answer *out);

#endif
