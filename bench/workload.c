/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* As bench/fill.sql numbers them: of every hundred circuits the last ten belong to a customer that
 * acts; the other ninety are for callbacks. */
#define CIRCUIT "00000000-0000-7000-8002-%012x"
#define VNET    "00000000-0000-7000-8003-%012x"
#define KEY     "00000000-0000-4000-8004-%012x"

static unsigned circuit_of(unsigned customer, unsigned index)
{
    return customer * 100 + 90 + index + 1;
}

static unsigned circuit_for_callback(unsigned index)
{
    return index / 90 * 100 + index % 90 + 1;
}

static uint32_t random_below(struct worker *worker, uint32_t limit)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 17;
    worker->random ^= worker->random << 5;
    return worker->random % limit;
}

bool workload_named(enum workload_kind *out, const char *name)
{
    static const char *const names[] = {"get", "create", "callback", "connect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum workload_kind)i;
            return true;
        }
    return false;
}

static size_t get(const struct workload *workload, struct worker *worker, char *out)
{
    unsigned customer = random_below(worker, workload->customers);
    return (size_t)snprintf(out, REQUEST_SIZE,
                            "GET /v1/circuits/" CIRCUIT " HTTP/1.1\r\nHost: %s\r\n"
                            "Authorization: Bearer %s\r\nAccept: application/json\r\n\r\n",
                            circuit_of(customer, random_below(worker, 10)), workload->host,
                            workload->tokens[customer]);
}

static size_t post(const struct workload *workload, unsigned customer, const char *path,
                   const char *body, char *out)
{
    return (size_t)snprintf(out, REQUEST_SIZE,
                            "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                            path, workload->host, workload->tokens[customer], strlen(body), body);
}

static size_t create(const struct workload *workload, struct worker *worker, char *out)
{
    static const char body[] =
        "{\"name\": \"bench\", \"partner\": \"equinix\", \"peeringLocation\": \"Amsterdam\","
        " \"bandwidthMbps\": 1000}";
    return post(workload, random_below(worker, workload->customers), "/v1/circuits", body, out);
}

static bool is_first_of_pair(const struct worker *worker)
{
    return worker->turn % 2 == 0;
}

static size_t callback(const struct workload *workload, struct worker *worker, char *out)
{
    char body[512], id[64], seconds[24], time_text[40], signature[SIGNATURE_TEXT];
    unsigned index = worker->turn / 2 % workload->callbacks_each;
    unsigned circuit = circuit_for_callback(workload->callbacks_from +
                                            worker->number * workload->callbacks_each + index);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(
        body, sizeof body,
        "{\"type\": \"circuit.%s\", \"timestamp\": \"%s.%06ldZ\", \"data\": {\"serviceKey\": "
        "\"" KEY "\", \"note\": \"cross connect 7\", \"sTag\": 210}}",
        is_first_of_pair(worker) ? "provisioned" : "deprovisioned", time_text, now.tv_nsec / 1000,
        circuit);
    snprintf(id, sizeof id, "msg_%u_%u_%u", workload->callbacks_from, worker->number, worker->turn);
    snprintf(seconds, sizeof seconds, "%lld", (long long)now.tv_sec);
    signature_make(signature, &workload->key, id, seconds, body, (size_t)length);
    return (size_t)snprintf(out, REQUEST_SIZE,
                            "POST /v1/partners/equinix/callbacks HTTP/1.1\r\nHost: %s\r\n"
                            "Content-Type: application/json\r\nContent-Length: %d\r\n"
                            "webhook-id: %s\r\nwebhook-timestamp: %s\r\n"
                            "webhook-signature: %s\r\n\r\n%s",
                            workload->host, length, id, seconds, signature, body);
}

/* Connections beyond the number of customers share one, each on a circuit of its own. */
static void place(const struct workload *workload, const struct worker *worker, unsigned *customer,
                  unsigned *circuit)
{
    unsigned rounds = workload->customers / workload->clients;
    *customer = worker->number % workload->customers;
    if (rounds > 1)
        *customer += workload->clients * (worker->turn / 2 % rounds);
    *circuit = worker->number / workload->customers;
}

static size_t connect_vnet(const struct workload *workload, struct worker *worker, char *out)
{
    unsigned customer, circuit;
    char body[256];
    place(workload, worker, &customer, &circuit);
    if (!is_first_of_pair(worker))
        return (size_t)snprintf(out, REQUEST_SIZE,
                                "DELETE /v1/connections/%s HTTP/1.1\r\nHost: %s\r\n"
                                "Authorization: Bearer %s\r\n\r\n",
                                worker->connection, workload->host, workload->tokens[customer]);
    snprintf(body, sizeof body, "{\"circuitId\": \"" CIRCUIT "\", \"vnetId\": \"" VNET "\"}",
             circuit_of(customer, circuit), customer + 1);
    return post(workload, customer, "/v1/connections", body, out);
}

size_t workload_request(const struct workload *workload, struct worker *worker,
                        char out[REQUEST_SIZE])
{
    switch (workload->kind) {
    case WORK_GET:
        return get(workload, worker, out);
    case WORK_CREATE:
        return create(workload, worker, out);
    case WORK_CALLBACK:
        return callback(workload, worker, out);
    case WORK_CONNECT:
        return connect_vnet(workload, worker, out);
    }
    return 0;
}

static bool take_connection(struct worker *worker, const char *body)
{
    const char *id = strstr(body, "\"id\":");
    return id != NULL && sscanf(id, "\"id\": \"%36[0-9a-f-]\"", worker->connection) == 1;
}

bool workload_answered(const struct workload *workload, struct worker *worker, int status,
                       const char *body)
{
    bool first = is_first_of_pair(worker);
    worker->turn++;
    switch (workload->kind) {
    case WORK_GET:
        return status == 200 && strstr(body, "\"serviceKey\"") != NULL;
    case WORK_CREATE:
        return status == 201;
    case WORK_CALLBACK:
        return status == 200 && (strstr(body, "\"applied\":true") != NULL ||
                                 strstr(body, "\"applied\": true") != NULL);
    case WORK_CONNECT:
        return first ? status == 201 && take_connection(worker, body) : status == 204;
    }
    return false;
}
