/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/message.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const notes[CALLBACK_TYPES] = {
    [CALLBACK_PROVISIONING] = "Cross connect ordered.",
    [CALLBACK_PROGRESS] = "Fibre is patched to the meet-me room.",
    [CALLBACK_PROVISIONED] = "Both links carry light.",
    [CALLBACK_DEPROVISIONING] = "Taking the cross connect down.",
    [CALLBACK_DEPROVISIONED] = "The ports are free again.",
};

struct message *message_new(const struct planned *planned, int slot)
{
    struct message *message = calloc(1, sizeof *message);
    if (message == NULL)
        abort();
    message->planned = *planned;
    message->slot = slot;
    message->delay = planned->delay;
    message->attempt = planned->forged ? ATTEMPT_FORGED : ATTEMPT_PLAIN;
    return message;
}

void message_free(struct message *message)
{
    if (message != NULL)
        free(message->body);
    free(message);
}

void message_time_write(char out[MESSAGE_TIME], int64_t time)
{
    time_t seconds = (time_t)(time / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(out, MESSAGE_TIME, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + length, MESSAGE_TIME - length, ".%03dZ", (int)(time % 1000));
}

int64_t message_time_read(const char *text)
{
    struct tm utc = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int fraction = 0, end = 0;
    if (rest == NULL || sscanf(rest, ".%6dZ%n", &fraction, &end) != 1 || (end != 5 && end != 8) ||
        rest[end] != '\0')
        return 0;
    int millis = end == 5 ? fraction : (fraction + 999) / 1000;
    return (int64_t)timegm(&utc) * 1000 + millis;
}

static void set(json_t *data, const char *name, json_t *value)
{
    if (json_object_set_new(data, name, value) != 0)
        abort();
}

void message_write(struct message *message, const struct plan *plan, const char *service_key,
                   const char *id, int64_t skew, int64_t expected_by)
{
    enum callback_type type = message->planned.type;
    char time[MESSAGE_TIME], port[64];
    json_t *data = json_object(), *body = json_object();
    set(data, "serviceKey", json_string(service_key));
    if (type == CALLBACK_REJECTED)
        set(data, "reason", json_string(plan->reason));
    else
        set(data, "note", json_string(notes[type]));
    if (type == CALLBACK_PROVISIONING) {
        snprintf(port, sizeof port, "SIM-%.8s", service_key);
        set(data, "partnerReference", json_string(port));
    } else if (type == CALLBACK_PROGRESS) {
        message_time_write(time, expected_by);
        set(data, "expectedBy", json_string(time));
    } else if (type == CALLBACK_PROVISIONED) {
        snprintf(port, sizeof port, "SIM-MSEE-1/0/%d", plan->s_tag % 48);
        set(data, "primaryPort", json_string(port));
        snprintf(port, sizeof port, "SIM-MSEE-2/0/%d", plan->s_tag % 48);
        set(data, "secondaryPort", json_string(port));
        set(data, "sTag", json_integer(plan->s_tag));
    }
    message_time_write(time, message->happened + skew);
    set(body, "type", json_string(callback_type_names[type]));
    set(body, "timestamp", json_string(time));
    set(body, "data", data);
    snprintf(message->id, sizeof message->id, "%s", id);
    free(message->body);
    message->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (message->body == NULL)
        abort();
}

void message_unwrite(struct message *message)
{
    free(message->body);
    message->body = NULL;
    message->happened = 0;
    message->unanswered = 0;
}

void message_sign(char out[SIGNATURE_TEXT], const struct message *message,
                  const struct signature_key *key, const char *timestamp)
{
    unsigned char mac[33]; /* the decoder counts the padding as an octet */
    signature_make(out, key, message->id, timestamp, message->body, strlen(message->body));
    if (message->attempt != ATTEMPT_FORGED)
        return;
    if (EVP_DecodeBlock(mac, (const unsigned char *)out + 3, SIGNATURE_TEXT - 4) != sizeof mac)
        abort();
    mac[message->planned.bit / 8] ^= (unsigned char)(1U << (message->planned.bit % 8));
    EVP_EncodeBlock((unsigned char *)out + 3, mac, 32);
}
