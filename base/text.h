/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a growing buffer for answers, and the JSON that is written into it.
 *
 * The buffer is kept from one answer to the next; out of memory ends the process. */
#ifndef ONRAMP_BASE_TEXT_H
#define ONRAMP_BASE_TEXT_H

#include <stddef.h>
#include <string.h>

struct text {
    char *bytes; /* owned; not NUL-terminated */
    size_t length, capacity;
};

/* Make room for size more octets. */
void text_reserve(struct text *text, size_t size);

/* Its octets without spare room, for the caller to free; the text is then empty. */
char *text_give(struct text *text);

void text_free(struct text *text);

static inline void text_add(struct text *text, const char *bytes, size_t length)
{
    if (text->capacity - text->length < length)
        text_reserve(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

/* Where its next octet goes, with room for size more; text_end tells how far they were written. */
static inline char *text_room(struct text *text, size_t size)
{
    if (text->capacity - text->length < size)
        text_reserve(text, size);
    return text->bytes + text->length;
}

static inline void text_end(struct text *text, const char *end)
{
    text->length = (size_t)(end - text->bytes);
}

/* What puts octets where there is room for them gives back where the next one goes. */
static inline char *put(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

/* In quotes, as it stands: two octets more. */
static inline char *put_quoted(char *at, const char *bytes, size_t length)
{
    *at = '"';
    at = put(at + 1, bytes, length);
    *at = '"';
    return at + 1;
}

enum { JSON_MOST = 6 }; /* an octet becomes as many at most: \u0000 */

/* A JSON string with its quotes, for which there is room for JSON_MOST times the octets and 2. The
 * bytes are valid UTF-8. */
char *put_json(char *at, const char *bytes, size_t length);

static inline void text_add_char(struct text *text, char c)
{
    if (text->capacity == text->length)
        text_reserve(text, 1);
    text->bytes[text->length++] = c;
}

static inline void text_add_quoted(struct text *text, const char *bytes, size_t length)
{
    text_end(text, put_quoted(text_room(text, length + 2), bytes, length));
}

static inline void text_add_word(struct text *text, const char *word)
{
    text_add(text, word, strlen(word));
}

void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void text_add_json(struct text *text, const char *bytes, size_t length)
{
    text_end(text, put_json(text_room(text, JSON_MOST * length + 2), bytes, length));
}

#endif
