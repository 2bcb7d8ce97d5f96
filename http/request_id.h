/* SPDX-License-Identifier: Apache-2.0 */
/* request_id.h - the id under which a request is answered and logged. */
#ifndef ONRAMP_HTTP_REQUEST_ID_H
#define ONRAMP_HTTP_REQUEST_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { REQUEST_ID_MAX = 128, UUID_LENGTH = 36 };

/* Whether a presented X-Request-Id is taken over: 1-128 visible ASCII characters. */
bool request_id_valid(const char *text);

/* A generator of UUIDs (RFC 9562, version 7) for one thread. Unique, not secret. */
struct request_ids {
    uint64_t state[4];
};

/* Seed from the system's randomness. */
void request_ids_seed(struct request_ids *ids);

/* Write a UUID and its NUL. milliseconds: since the epoch. */
void request_id_make(struct request_ids *ids, char out[UUID_LENGTH + 1], uint64_t milliseconds);

#endif
