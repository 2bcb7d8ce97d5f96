/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a growing buffer for answers, and the JSON that is written into it.
 *
 * The buffer is kept from one answer to the next; out of memory ends the process. */
#ifndef ONRAMP_API_TEXT_H
#define ONRAMP_API_TEXT_H

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

/* Room for that many octets, which are then written there. */
static inline char *text_room(struct text *text, size_t length)
{
    if (text->capacity - text->length < length)
        text_reserve(text, length);
    char *at = text->bytes + text->length;
    text->length += length;
    return at;
}

static inline void text_add_char(struct text *text, char c)
{
    if (text->capacity == text->length)
        text_reserve(text, 1);
    text->bytes[text->length++] = c;
}

/* In quotes, as it stands. */
static inline void text_add_quoted(struct text *text, const char *bytes, size_t length)
{
    if (text->capacity - text->length < length + 2)
        text_reserve(text, length + 2);
    char *at = text->bytes + text->length;
    *at++ = '"';
    memcpy(at, bytes, length);
    at[length] = '"';
    text->length += length + 2;
}

static inline void text_add_word(struct text *text, const char *word)
{
    text_add(text, word, strlen(word));
}

void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; the bytes are valid UTF-8. */
void text_add_json(struct text *text, const char *bytes, size_t length);

#endif
