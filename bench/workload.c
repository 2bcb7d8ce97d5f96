/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CIRCUIT "00000000-0000-7000-8002-%012x"
#define VNET    "00000000-0000-7000-8003-%012x"
#define KEY     "00000000-0000-4000-8004-%012x"

/* Ten customers and their circuits are a block, as bench/fill.sql numbers them. The last customer
 * of a block acts; the last six tenths of its circuits are that customer's, and the last tenth is
 * provisioned and there to be connected to. All before that may be moved by callbacks. */
static unsigned block_of(const struct workload *workload)
{
    return workload->circuits_each * 10;
}

static unsigned circuit_to_read(const struct workload *workload, unsigned customer, unsigned index)
{
    return customer * block_of(workload) + workload->circuits_each * 4 + index + 1;
}

static unsigned circuit_to_connect(const struct workload *workload, unsigned customer,
                                   unsigned index)
{
    return customer * block_of(workload) + workload->circuits_each * 9 + index + 1;
}

static unsigned circuit_to_move(const struct workload *workload, unsigned index)
{
    unsigned movable = workload->circuits_each * 9;
    return index / movable * block_of(workload) + index % movable + 1;
}

static uint32_t random_below(struct worker *worker, uint32_t limit)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 17;
    worker->random ^= worker->random << 5;
    return worker->random % limit;
}

bool work_named(enum work *out, const char *name)
{
    static const char *const names[] = {"hello",    "get",     "list", "create",
                                        "callback", "connect", "mix"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum work)i;
            return true;
        }
    return false;
}

bool work_writes(enum work work)
{
    return work == WORK_CREATE || work == WORK_CALLBACK || work == WORK_CONNECT;
}

static enum work work_of_mix(struct worker *worker)
{
    uint32_t percent = random_below(worker, 100);
    if (percent < 70)
        return WORK_GET;
    if (percent < 80)
        return WORK_LIST;
    if (percent < 88)
        return WORK_CREATE;
    return percent < 96 ? WORK_CALLBACK : WORK_CONNECT;
}

/* The first of what is done in pairs: provisioned and connect. */
static bool is_first(unsigned done)
{
    return done % 2 == 0;
}

static size_t hello(const struct workload *workload, char *out)
{
    return (size_t)snprintf(out, REQUEST_SIZE, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n",
                            workload->host);
}

static size_t get(const struct workload *workload, unsigned customer, const char *path, char *out)
{
    return (size_t)snprintf(out, REQUEST_SIZE,
                            "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                            "Accept: application/json\r\n\r\n",
                            path, workload->host, workload->tokens[customer]);
}

static size_t get_circuit(const struct workload *workload, struct worker *worker, char *out)
{
    char path[80];
    unsigned customer = random_below(worker, workload->customers);
    unsigned index = random_below(worker, workload->circuits_each * 6);
    snprintf(path, sizeof path, "/v1/circuits/" CIRCUIT,
             circuit_to_read(workload, customer, index));
    return get(workload, customer, path, out);
}

static size_t list_circuits(const struct workload *workload, struct worker *worker, char *out)
{
    return get(workload, random_below(worker, workload->customers), "/v1/circuits", out);
}

static size_t post(const struct workload *workload, unsigned customer, const char *path,
                   const char *key, const char *body, char *out)
{
    return (size_t)snprintf(out, REQUEST_SIZE,
                            "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                            "Idempotency-Key: %s\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            path, workload->host, workload->tokens[customer], key, strlen(body),
                            body);
}

static size_t create(const struct workload *workload, struct worker *worker, char *out)
{
    static const char body[] =
        "{\"name\": \"bench\", \"partner\": \"equinix\", \"peeringLocation\": \"Amsterdam\","
        " \"bandwidthMbps\": 1000}";
    char key[64];
    snprintf(key, sizeof key, "create-%u-%u-%u", workload->turn, worker->number, worker->creates);
    return post(workload, random_below(worker, workload->customers), "/v1/circuits", key, body,
                out);
}

static size_t callback(const struct workload *workload, struct worker *worker, char *out)
{
    char body[512], id[64], seconds[24], time_text[40], signature[SIGNATURE_TEXT];
    unsigned connection = workload->turn * workload->clients + worker->number;
    unsigned index = worker->callbacks / 2 % workload->callbacks_each;
    unsigned circuit = circuit_to_move(workload, connection * workload->callbacks_each + index);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(
        body, sizeof body,
        "{\"type\": \"circuit.%s\", \"timestamp\": \"%s.%06ldZ\", \"data\": {\"serviceKey\": "
        "\"" KEY "\", \"note\": \"cross connect 7\", \"sTag\": 210}}",
        is_first(worker->callbacks) ? "provisioned" : "deprovisioned", time_text,
        now.tv_nsec / 1000, circuit);
    snprintf(id, sizeof id, "msg_%u_%u_%u", workload->turn, worker->number, worker->callbacks);
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
        *customer += workload->clients * (worker->connects / 2 % rounds);
    *circuit = worker->number / workload->customers % workload->circuits_each;
}

static size_t connect_vnet(const struct workload *workload, struct worker *worker, char *out)
{
    unsigned customer, circuit;
    char body[256], key[64];
    place(workload, worker, &customer, &circuit);
    if (!is_first(worker->connects))
        return (size_t)snprintf(out, REQUEST_SIZE,
                                "DELETE /v1/connections/%s HTTP/1.1\r\nHost: %s\r\n"
                                "Authorization: Bearer %s\r\n\r\n",
                                worker->connection, workload->host, workload->tokens[customer]);
    snprintf(body, sizeof body, "{\"circuitId\": \"" CIRCUIT "\", \"vnetId\": \"" VNET "\"}",
             circuit_to_connect(workload, customer, circuit), customer + 1);
    snprintf(key, sizeof key, "connect-%u-%u-%u", workload->turn, worker->number, worker->connects);
    return post(workload, customer, "/v1/connections", key, body, out);
}

size_t workload_request(const struct workload *workload, struct worker *worker,
                        char out[REQUEST_SIZE])
{
    worker->work = workload->work == WORK_MIX ? work_of_mix(worker) : workload->work;
    switch (worker->work) {
    case WORK_HELLO:
        return hello(workload, out);
    case WORK_GET:
        return get_circuit(workload, worker, out);
    case WORK_LIST:
        return list_circuits(workload, worker, out);
    case WORK_CREATE:
        return create(workload, worker, out);
    case WORK_CALLBACK:
        return callback(workload, worker, out);
    case WORK_CONNECT:
        return connect_vnet(workload, worker, out);
    case WORK_MIX:
        break;
    }
    return 0;
}

static bool take_connection(struct worker *worker, const char *body)
{
    return sscanf(body, "{\"id\":\"%36[0-9a-f-]\"", worker->connection) == 1;
}

/* Whether a page ends with where the next one begins; looked for where it is, behind the items. */
static bool goes_on(const char *body, size_t length)
{
    enum { END = 128 };
    return strstr(length > END ? body + length - END : body, "\"nextCursor\":\"") != NULL;
}

bool workload_answered(const struct workload *workload, struct worker *worker, int status,
                       const char *body, size_t length)
{
    worker->refused = workload->hot && status == 409;
    if (worker->refused)
        return true;
    switch (worker->work) {
    case WORK_HELLO:
        return status == 200;
    case WORK_GET:
        return status == 200 && strstr(body, "\"serviceKey\":") != NULL;
    case WORK_LIST:
        return status == 200 && goes_on(body, length);
    case WORK_CREATE:
        worker->creates++;
        return status == 201;
    case WORK_CALLBACK:
        worker->callbacks++;
        return status == 200 && strstr(body, "\"applied\":true") != NULL;
    case WORK_CONNECT:
        return is_first(worker->connects++) ? status == 201 && take_connection(worker, body)
                                            : status == 204;
    case WORK_MIX:
        break;
    }
    return false;
}
