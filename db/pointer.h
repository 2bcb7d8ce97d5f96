/* SPDX-License-Identifier: Apache-2.0 */
/* pointer.h - JSON Pointers (RFC 6901). */
#ifndef ONRAMP_DB_POINTER_H
#define ONRAMP_DB_POINTER_H

struct arena;

/* The pointer of the member name of the object at pointer, escaped. A name is cut after 128 octets,
 * at a character's edge: it comes from the client and goes into an answer. Arena-owned. */
const char *pointer_below(struct arena *arena, const char *pointer, const char *name);

#endif
