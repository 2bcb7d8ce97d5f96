/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_cache.h"

#include "db/arena.h"
#include "db/rows.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* A key id has one of the places of its set; who comes later takes that of the token that was asked
 * for longest ago. With one place each, of a thousand tokens in use more than half would share
 * theirs with another one, and be asked for again and again. */
enum { SETS = 1024, PLACES = 4 };

/* The columns of token_check. */
enum { ID = COLUMN_FIRST, SHA256, ROLE, CUSTOMER, PARTNER, NAME };

struct entry {
    char key_id[TOKEN_KEY_ID + 1]; /* "": empty */
    char sha256[64 + 1];
    int64_t asked;
    enum role role;
    char *id, *customer, *partner, *name; /* owned; NULL where the row had none */
};

struct token_cache {
    struct entry sets[SETS][PLACES];
};

struct token_cache *token_cache_new(void)
{
    struct token_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    return cache;
}

static void entry_clear(struct entry *entry)
{
    free(entry->id);
    free(entry->customer);
    free(entry->partner);
    free(entry->name);
    *entry = (struct entry){0};
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < PLACES; j++)
            entry_clear(&cache->sets[i][j]);
    free(cache);
}

static size_t set_of(const char *key_id)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *key_id; key_id++)
        hash = (hash ^ (unsigned char)*key_id) * 16777619u;
    return hash % SETS;
}

static bool same_digest(const char *a, const char *b)
{
    return CRYPTO_memcmp(a, b, 64) == 0;
}

static const char *copy_of(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

static void caller_fill(struct caller *out, struct arena *arena, const struct entry *entry)
{
    *out = (struct caller){
        .role = entry->role,
        .customer = copy_of(arena, entry->customer),
        .partner = copy_of(arena, entry->partner),
        .name = copy_of(arena, entry->name),
        .token_id = copy_of(arena, entry->id),
    };
}

static const struct entry *entry_of(const struct token_cache *cache, const struct token *token,
                                    int64_t now)
{
    const struct entry *set = cache->sets[set_of(token->key_id)];
    for (size_t i = 0; i < PLACES; i++)
        if (strcmp(set[i].key_id, token->key_id) == 0)
            return now - set[i].asked < CACHE_MS && same_digest(set[i].sha256, token->sha256)
                       ? &set[i]
                       : NULL;
    return NULL;
}

bool token_cache_holds(const struct token_cache *cache, const struct token *token, int64_t now)
{
    return entry_of(cache, token, now) != NULL;
}

bool token_cache_find(const struct token_cache *cache, struct caller *out, struct arena *arena,
                      const struct token *token, int64_t now)
{
    const struct entry *entry = entry_of(cache, token, now);
    if (!entry)
        return false;
    caller_fill(out, arena, entry);
    return true;
}

static char *column_copy(const struct rows *rows, int column)
{
    if (rows_null(rows, 0, column))
        return NULL;
    char *copy = strdup(rows_text(rows, 0, column));
    if (!copy)
        abort();
    return copy;
}

static enum role role_read(const char *name)
{
    static const enum role roles[] = {ROLE_CUSTOMER, ROLE_PARTNER, ROLE_OPERATOR};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(role_name(roles[i]), name) == 0)
            return roles[i];
    return ROLE_NONE;
}

/* Its own place, or the one that is free or was asked for longest ago. */
static struct entry *place_for(struct entry set[PLACES], const char *key_id)
{
    struct entry *oldest = &set[0];
    for (size_t i = 0; i < PLACES; i++) {
        if (strcmp(set[i].key_id, key_id) == 0)
            return &set[i];
        if (set[i].asked < oldest->asked)
            oldest = &set[i];
    }
    return oldest;
}

bool token_cache_confirm(struct token_cache *cache, struct caller *out, struct arena *arena,
                         const struct token *token, const struct rows *rows, int64_t asked)
{
    if (rows_count(rows) != 1 || strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0 ||
        rows_length(rows, 0, SHA256) != 64 ||
        !same_digest(rows_text(rows, 0, SHA256), token->sha256) ||
        role_read(rows_text(rows, 0, ROLE)) != token->role)
        return false;
    struct entry *entry = place_for(cache->sets[set_of(token->key_id)], token->key_id);
    entry_clear(entry);
    memcpy(entry->key_id, token->key_id, sizeof entry->key_id);
    memcpy(entry->sha256, token->sha256, sizeof entry->sha256);
    entry->asked = asked;
    entry->role = token->role;
    entry->id = column_copy(rows, ID);
    entry->customer = column_copy(rows, CUSTOMER);
    entry->partner = column_copy(rows, PARTNER);
    entry->name = column_copy(rows, NAME);
    if (out)
        caller_fill(out, arena, entry);
    return true;
}
