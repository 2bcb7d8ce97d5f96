/* SPDX-License-Identifier: Apache-2.0 */
/* entity_tag.h - the lists of entity tags in If-Match and If-None-Match (RFC 9110 section 13.1). */
#ifndef ONRAMP_API_ENTITY_TAG_H
#define ONRAMP_API_ENTITY_TAG_H

#include <stdbool.h>
#include <stddef.h>

struct entity_tag {
    bool weak;
    const char *text; /* between the quotes, borrowed from the list */
    size_t length;
};

enum tag_step { TAG_FOUND, TAG_END, TAG_MALFORMED };

/* The next tag of the list at *at, which goes on behind it. */
enum tag_step entity_tag_next(const char **at, struct entity_tag *out);

/* Whether the field is `*`, which any existing resource matches. */
bool entity_tags_any(const char *field);

/* Whether the tag of a resource, given without its quotes, stands in the list or the list is `*`.
 * Weak comparison: as If-None-Match has it. A list that is not well-formed matches nothing. */
bool entity_tags_hold(const char *field, const char *tag);

#endif
