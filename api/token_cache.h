/* SPDX-License-Identifier: Apache-2.0 */
/* token_cache.h - tokens that the database has confirmed in the last seconds, of one loop.
 *
 * An entry counts from the moment when the database was asked, so that a revoked token is refused
 * within CACHE_MS, and one that expires from that instant on. Unknown tokens are not kept. */
#ifndef ONRAMP_API_TOKEN_CACHE_H
#define ONRAMP_API_TOKEN_CACHE_H

#include "api/token.h"
#include "operations/operation.h"

#include <stdbool.h>
#include <stdint.h>

enum { CACHE_MS = 4000 };

struct rows;
struct token_cache;

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);

/* The caller that a presented token stands for; texts are copied into the arena. False when it is
 * not there, too old, or not the token that was confirmed. */
bool token_cache_find(const struct token_cache *cache, struct caller *out, struct arena *arena,
                      const struct token *token, int64_t now);

/* Whether the token stands there and is not too old: it is live. */
bool token_cache_holds(const struct token_cache *cache, const struct token *token, int64_t now);

/* Whether the rows of token_check confirm the token; if so it is kept as of asked (milliseconds)
 * and out (which may be NULL) is filled as above. */
bool token_cache_confirm(struct token_cache *cache, struct caller *out, struct arena *arena,
                         const struct token *token, const struct rows *rows, int64_t asked);

#endif
