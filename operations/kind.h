/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - how one value of a request becomes one parameter of a statement.
 *
 * A kind reads a JSON value or a piece of text (path segment, query parameter, header), and either
 * gives the text that PostgreSQL shall see or records a fault. Kinds are immutable and static. */
#ifndef ONRAMP_OPERATIONS_KIND_H
#define ONRAMP_OPERATIONS_KIND_H

#include "operations/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the value stands and where to report. */
struct reading {
    struct faults *faults;
    struct arena *arena;
    const char *pointer; /* of the value itself */
};

struct kind {
    /* Text for PostgreSQL, arena-owned, or NULL after fault_add. value is never NULL. */
    const char *(*from_json)(const struct kind *kind, const json_t *value,
                             const struct reading *reading);
    /* The same from text. NULL where a kind stands in bodies only. */
    const char *(*from_text)(const struct kind *kind, const char *text,
                             const struct reading *reading);
    int64_t min, max;         /* characters of a text, value of an integer */
    const char *const *words; /* the known words, NULL-terminated; kind_word only */
    bool nullable;            /* JSON null is handed to from_json instead of being a fault */
};

/* Readers to build kinds from. */
const char *text_from_json(const struct kind *, const json_t *, const struct reading *);
const char *text_from_text(const struct kind *, const char *, const struct reading *);
const char *word_from_json(const struct kind *, const json_t *, const struct reading *);
const char *word_from_text(const struct kind *, const char *, const struct reading *);
const char *integer_from_json(const struct kind *, const json_t *, const struct reading *);
const char *integer_from_text(const struct kind *, const char *, const struct reading *);

/* The compact text of a value, as json and jsonb parameters are given on. Arena-owned. */
const char *json_compact(struct arena *arena, const json_t *value);

/* Initialisers: static const struct kind vlan = KIND_INTEGER(1, 4094); */
#define KIND_TEXT(least, most)                                                                     \
    {                                                                                              \
        .from_json = text_from_json, .from_text = text_from_text, .min = (least), .max = (most)    \
    }
#define KIND_INTEGER(least, most)                                                                  \
    {                                                                                              \
        .from_json = integer_from_json, .from_text = integer_from_text, .min = (least),            \
        .max = (most)                                                                              \
    }
#define KIND_WORD(list)                                                                            \
    {                                                                                              \
        .from_json = word_from_json, .from_text = word_from_text, .words = (list)                  \
    }

extern const struct kind kind_uuid;       /* RFC 9562 text form, any case; given on in lower case */
extern const struct kind kind_name;       /* 1-80 characters, no control characters */
extern const struct kind kind_slug;       /* lower case letters, digits, single hyphens, 1-100 */
extern const struct kind kind_time;       /* RFC 3339 with an offset or Z */
extern const struct kind kind_boolean;    /* JSON true or false; in text `true` or `false` */
extern const struct kind kind_tags;       /* object of at most 50 texts; keys 1-128, values 0-256 */
extern const struct kind kind_tags_patch; /* the same as a merge patch (RFC 7396): nulls allowed */
extern const struct kind kind_limit;      /* page size 1-200 */

/* Cursors are opaque to clients: base64url of a version octet, the key and its CRC-32. The key is
 * the first member of the last row: a UUID, a name or a sequence number. Malformed: a fault with
 * the code "malformed_cursor", which is answered with 400. */
extern const struct kind kind_cursor_uuid;
extern const struct kind kind_cursor_name;
extern const struct kind kind_cursor_sequence;

/* Of lists that may be in order of a time: given on as a list_position. Its key is that of
 * cursor_text, or what cursor_text_timed was given. */
extern const struct kind kind_cursor_position;

/* The cursor for a key, arena-owned; and for one in order of a time, as PostgreSQL writes it. */
const char *cursor_text(struct arena *arena, const char *key);
const char *cursor_text_timed(struct arena *arena, const char *time, const char *key);

/* Whether a list_position that was read from a cursor has a time. */
bool cursor_timed(const char *position);

#endif
