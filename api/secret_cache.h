/* SPDX-License-Identifier: Apache-2.0 */
/* secret_cache.h - callback secrets of partners that the database gave out in the last seconds, of
 * one loop. Kept CACHE_MS from the moment when it was asked. */
#ifndef ONRAMP_API_SECRET_CACHE_H
#define ONRAMP_API_SECRET_CACHE_H

#include "api/token_cache.h"
#include "crypto/signature.h"

#include <stddef.h>
#include <stdint.h>

enum { SECRETS_MAX = 8 }; /* live ones of one partner that are tried, newest first */

struct secret {
    char id[36 + 1];
    struct signature_key key;
};

struct secret_set {
    char partner[64]; /* "": empty */
    int64_t asked;    /* milliseconds, monotonic */
    size_t count;
    size_t closed; /* live ones that did not open: their key is not here, or they were changed */
    struct secret secrets[SECRETS_MAX];
};

struct secret_cache;

struct secret_cache *secret_cache_new(void);
void secret_cache_free(struct secret_cache *cache);

/* What is known of the partner, or NULL. Borrowed until the next call. */
const struct secret_set *secret_cache_find(const struct secret_cache *cache, const char *partner,
                                           int64_t now);

/* Keep the rows of callback_secret_list, asked for at that time, opened. No rows: nothing is kept,
 * NULL. The arena is for what is needed on the way. */
const struct secret_set *secret_cache_keep(struct secret_cache *cache, struct arena *arena,
                                           const char *partner, const struct rows *rows,
                                           int64_t asked);

/* Forget a partner's secrets. */
void secret_cache_drop(struct secret_cache *cache, const char *partner);

#endif
