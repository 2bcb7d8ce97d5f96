/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that lives as long as one request (or one command).
 *
 * Everything allocated from an arena is freed at once by arena_reset or arena_free; nothing is
 * freed singly. Out of memory ends the process: a control plane that cannot answer must not limp
 * on. */
#ifndef ONRAMP_BASE_ARENA_H
#define ONRAMP_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena; the caller frees it with arena_free. */
struct arena *arena_new(void);

/* Forget all that was allocated and keep the first block for the next request. */
void arena_reset(struct arena *arena);

void arena_free(struct arena *arena);

/* Zeroed memory of size bytes, aligned for any type. Borrowed until reset. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Copy of the length bytes at text, with a NUL behind them. Borrowed until reset. */
char *arena_copy(struct arena *arena, const char *text, size_t length)
    __attribute__((returns_nonnull));

/* Like printf into arena memory. Borrowed until reset. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
