/* SPDX-License-Identifier: Apache-2.0 */
/* pointer.h - JSON Pointers (RFC 6901). */
#ifndef ONRAMP_OPERATIONS_POINTER_H
#define ONRAMP_OPERATIONS_POINTER_H

#include <stddef.h>

struct arena;

/* How much of a name in UTF-8 goes into an answer: all of its length, or most octets at most, up to
 * a character's edge. */
size_t name_cut(const char *name, size_t length, size_t most);

/* The pointer of the member name of the object at pointer, escaped. A name is cut after 128 octets,
 * at a character's edge: it comes from the client and goes into an answer. Arena-owned. */
const char *pointer_below(struct arena *arena, const char *pointer, const char *name);

#endif
