/* SPDX-License-Identifier: Apache-2.0 */
#include "api/secret_cache.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "crypto/seal.h"
#include "db/rows.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256 };

/* The columns of callback_secret_list. */
enum { ID = COLUMN_FIRST, SECRET };

struct secret_cache {
    struct secret_set *sets[BUCKETS];
};

struct secret_cache *secret_cache_new(void)
{
    struct secret_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    return cache;
}

static void set_free(struct secret_set *set)
{
    if (set)
        OPENSSL_cleanse(set, sizeof *set);
    free(set);
}

void secret_cache_free(struct secret_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        set_free(cache->sets[i]);
    free(cache);
}

static size_t bucket_of(const char *partner)
{
    return hash_text(HASH_START, partner) % BUCKETS;
}

const struct secret_set *secret_cache_find(const struct secret_cache *cache, const char *partner,
                                           int64_t now)
{
    const struct secret_set *set = cache->sets[bucket_of(partner)];
    return set && strcmp(set->partner, partner) == 0 && now - set->asked < CACHE_MS ? set : NULL;
}

/* quiet: it has been said a moment ago. */
static bool secret_open(struct secret *out, struct arena *arena, const char *sealed,
                        const char *partner, bool quiet)
{
    char *plain = seal_open(arena, sealed, arena_printf(arena, "callback:%s", partner));
    if (plain) {
        bool good = signature_key_read(&out->key, plain);
        OPENSSL_cleanse(plain, strlen(plain));
        if (!good)
            log_line(LOG_ERR, "bug: a stored callback secret of %s cannot be read", partner);
        return good;
    }
    const char *key_id = seal_key_id(arena, sealed);
    if (quiet)
        return false;
    log_line(LOG_ERR,
             "a callback secret of %s does not open: sealed with key %s, which is not in the file "
             "of keys, or changed since",
             partner, key_id ? key_id : "(none)");
    return false;
}

const struct secret_set *secret_cache_keep(struct secret_cache *cache, struct arena *arena,
                                           const char *partner, const struct rows *rows,
                                           int64_t asked)
{
    struct secret_set **bucket = &cache->sets[bucket_of(partner)];
    if (rows_count(rows) == 0 || strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0 ||
        strlen(partner) >= sizeof(*bucket)->partner)
        return NULL;
    struct secret_set *set = calloc(1, sizeof *set);
    if (!set)
        abort();
    memcpy(set->partner, partner, strlen(partner) + 1);
    set->asked = asked;
    const struct secret_set *before = secret_cache_find(cache, partner, asked);
    bool quiet = before && before->closed > 0;
    for (int row = 0; row < rows_count(rows) && set->count < SECRETS_MAX; row++) {
        struct secret *secret = &set->secrets[set->count];
        if (rows_length(rows, row, ID) != 36 ||
            !secret_open(secret, arena, rows_text(rows, row, SECRET), partner, quiet)) {
            set->closed++;
            continue;
        }
        memcpy(secret->id, rows_text(rows, row, ID), sizeof secret->id);
        set->count++;
    }
    set_free(*bucket);
    return *bucket = set;
}

void secret_cache_drop(struct secret_cache *cache, const char *partner)
{
    struct secret_set **bucket = &cache->sets[bucket_of(partner)];
    if (*bucket && strcmp((*bucket)->partner, partner) == 0) {
        set_free(*bucket);
        *bucket = NULL;
    }
}
