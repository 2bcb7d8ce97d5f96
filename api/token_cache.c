/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_cache.h"

#include "base/arena.h"
#include "base/hash.h"
#include "crypto/hex.h"
#include "db/rows.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* A key id has one of the slots of its set; who comes later takes that of the token that was asked
 * for longest ago. With one slot in each of as many sets, an eighth of the requests of a thousand
 * tokens would ask for one that another has displaced. What there are more of than slots is asked
 * for again and again.
 */
enum { SETS = 4096, SLOTS = 4 };

/* The columns of token_check. */
enum { ID = COLUMN_FIRST, SHA256, ROLE, CUSTOMER, PARTNER, NAME, EXPIRES, LIVES };

struct entry {
    int64_t asked, until; /* when the database was asked; the token counts up to then */
    const char *id, *customer, *partner, *name; /* in texts; NULL where the row had none */
    enum role role;
    char key_id[TOKEN_KEY_ID + 1];
    unsigned char sha256[DIGEST_OCTETS];
    char texts[];
};

/* Memory only for tokens that were asked for; it stays until another takes the slot. */
struct token_cache {
    struct entry *sets[SETS][SLOTS]; /* NULL: empty */
};

struct token_cache *token_cache_new(void)
{
    struct token_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < SLOTS; j++)
            free(cache->sets[i][j]);
    free(cache);
}

static size_t set_of(const char *key_id)
{
    return hash_text(HASH_START, key_id) % SETS;
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
    struct entry *const *set = cache->sets[set_of(token->key_id)];
    for (size_t i = 0; i < SLOTS; i++)
        if (set[i] && strcmp(set[i]->key_id, token->key_id) == 0)
            return now < set[i]->until &&
                           CRYPTO_memcmp(set[i]->sha256, token->sha256, DIGEST_OCTETS) == 0
                       ? set[i]
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

static size_t column_room(const struct rows *rows, int column)
{
    return rows_null(rows, 0, column) ? 0 : strlen(rows_text(rows, 0, column)) + 1;
}

/* Copy a text to *at, which moves on. */
static const char *column_copy(char **at, const struct rows *rows, int column)
{
    size_t size = column_room(rows, column);
    if (size == 0)
        return NULL;
    const char *copy = memcpy(*at, rows_text(rows, 0, column), size);
    *at += size;
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

static struct entry *entry_new(const struct token *token, const struct rows *rows, int64_t asked)
{
    size_t room = column_room(rows, ID) + column_room(rows, CUSTOMER) + column_room(rows, PARTNER) +
                  column_room(rows, NAME);
    struct entry *entry = malloc(sizeof *entry + room);
    if (!entry)
        abort();
    char *at = entry->texts;
    entry->asked = asked;
    entry->until = asked + CACHE_MS;
    if (!rows_null(rows, 0, LIVES)) {
        int64_t lives = strtoll(rows_text(rows, 0, LIVES), NULL, 10);
        if (lives < CACHE_MS)
            entry->until = asked + lives;
    }
    entry->role = token->role;
    memcpy(entry->key_id, token->key_id, sizeof entry->key_id);
    memcpy(entry->sha256, token->sha256, sizeof entry->sha256);
    entry->id = column_copy(&at, rows, ID);
    entry->customer = column_copy(&at, rows, CUSTOMER);
    entry->partner = column_copy(&at, rows, PARTNER);
    entry->name = column_copy(&at, rows, NAME);
    return entry;
}

/* Its own slot, or the one that is free or was asked for longest ago. */
static struct entry **slot_for(struct entry *set[SLOTS], const char *key_id)
{
    struct entry **oldest = &set[0];
    for (size_t i = 0; i < SLOTS; i++) {
        if (set[i] && strcmp(set[i]->key_id, key_id) == 0)
            return &set[i];
        if (*oldest && (!set[i] || set[i]->asked < (*oldest)->asked))
            oldest = &set[i];
    }
    return oldest;
}

static bool is_confirmed(const struct token *token, const struct rows *rows)
{
    char sha256[DIGEST_TEXT];
    hex_write(sha256, token->sha256, sizeof token->sha256);
    return rows_count(rows) == 1 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0 &&
           rows_length(rows, 0, SHA256) == DIGEST_TEXT - 1 &&
           CRYPTO_memcmp(rows_text(rows, 0, SHA256), sha256, DIGEST_TEXT - 1) == 0 &&
           role_read(rows_text(rows, 0, ROLE)) == token->role;
}

bool token_cache_confirm(struct token_cache *cache, struct caller *out, struct arena *arena,
                         const struct token *token, const struct rows *rows, int64_t asked)
{
    if (!is_confirmed(token, rows))
        return false;
    struct entry **slot = slot_for(cache->sets[set_of(token->key_id)], token->key_id);
    free(*slot);
    *slot = entry_new(token, rows, asked);
    if (out)
        caller_fill(out, arena, *slot);
    return true;
}
