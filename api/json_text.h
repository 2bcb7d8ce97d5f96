/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - what is looked for in the text of a JSON body before and after jansson reads it. */
#ifndef ONRAMP_API_JSON_TEXT_H
#define ONRAMP_API_JSON_TEXT_H

#include <stddef.h>

struct arena;

enum { JSON_DEPTH_MAX = 32 };

/* Where objects and arrays nest deeper than JSON_DEPTH_MAX: the offset of the bracket, or length
 * when they do not. Strings are passed over; the text need not be well-formed. */
size_t json_text_too_deep(const char *text, size_t length);

/* The same text, as long as it was, with every number in it replaced by 0 and spaces: well-formed
 * where the text is, whatever its numbers are. Arena-owned. */
const char *json_text_small(struct arena *arena, const char *text, size_t length);

/* The JSON Pointer (RFC 6901) of the member or element that a reader of text stood in after offset
 * octets; the whole document is "". Arena-owned. */
const char *json_text_pointer(struct arena *arena, const char *text, size_t offset);

#endif
