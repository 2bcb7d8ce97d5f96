/* SPDX-License-Identifier: Apache-2.0 */
/* authentication.h - who calls: by a bearer token, or by a partner's signature.
 *
 * Nothing here waits: what the caches do not know is to be asked of the database by whoever calls,
 * who brings the rows. Both ways fail closed: a caller is known, or it is none. */
#ifndef ONRAMP_API_AUTHENTICATION_H
#define ONRAMP_API_AUTHENTICATION_H

#include "operations/operation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct rows;
struct secret_cache;
struct token_cache;

/* What a request presents. Borrowed. */
struct credentials {
    const char *authorization; /* header fields, or NULL */
    const char *id, *timestamp, *signature;
    const char *partner; /* of the path; NULL on routes that take no signature */
    const void *body;    /* as received */
    size_t body_length;
};

struct authentication {
    enum {
        AUTHENTICATION_KNOWN,   /* caller */
        AUTHENTICATION_REFUSED, /* 401 */
        AUTHENTICATION_CLOSED,  /* the fault is ours: a secret cannot be read; 503 */
        AUTHENTICATION_ASK      /* submit operation and come back with its rows */
    } verdict;
    struct caller caller; /* its texts are in the arena, or the credentials' */
    const char *detail;   /* for the client, or NULL */
    const char *why;      /* of a refused signature: for the operator alone; otherwise NULL */
    const struct operation *operation;
    const char *value; /* of its only parameter; in the arena, or the credentials' */
};

/* Whether the credentials are to be judged as a signature: an operator acts for a partner with a
 * token, and then sends none. */
bool credentials_signed(const struct credentials *credentials);

/* By the bearer token; now in milliseconds, monotonic. */
struct authentication token_authenticate(const struct token_cache *cache,
                                         const struct credentials *credentials, struct arena *arena,
                                         int64_t now);

/* ... with the rows of the operation, which was submitted at the time asked. */
struct authentication token_authenticate_by(struct token_cache *cache,
                                            const struct credentials *credentials,
                                            struct arena *arena, const struct rows *rows,
                                            int64_t asked);

/* A request that waits, or goes on answering, is looked at again: the token may have been revoked,
 * or have expired. Whether it is known to be live; */
bool token_is_fresh(const struct token_cache *cache, const struct credentials *credentials,
                    int64_t now);

/* ... otherwise its key is asked for with token_check (in the arena; the token was admitted); */
const char *token_key_id(const struct credentials *credentials, struct arena *arena);

/* ... and whether the rows say that it still is. */
bool token_is_live(struct token_cache *cache, const struct credentials *credentials,
                   const struct rows *rows, int64_t asked);

/* By the signature over the raw body. One 401, whichever step failed. now and arrived (when the
 * head was in) in milliseconds, monotonic; clock in seconds since the epoch. */
struct authentication signature_authenticate(const struct secret_cache *cache,
                                             const struct credentials *credentials,
                                             struct arena *arena, int64_t now, int64_t arrived,
                                             int64_t clock);

/* ... with the rows of the operation, which was submitted at the time asked. */
struct authentication signature_authenticate_by(struct secret_cache *cache,
                                                const struct credentials *credentials,
                                                struct arena *arena, const struct rows *rows,
                                                int64_t asked);

#endif
