/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void text_reserve(struct text *text, size_t size)
{
    size_t capacity = text->capacity ? text->capacity : 4096;
    while (capacity - text->length < size)
        capacity *= 2;
    if (capacity == text->capacity)
        return;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes)
        abort();
    text->bytes = bytes;
    text->capacity = capacity;
}

char *text_give(struct text *text)
{
    char *bytes = realloc(text->bytes, text->length ? text->length : 1);
    if (!bytes)
        abort();
    *text = (struct text){0};
    return bytes;
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

void text_add_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    text_reserve(text, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

/* Whether each of eight octets is written as it is: none is a control character, a quotation mark
 * or a backslash. */
static bool plain(uint64_t eight)
{
    static const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t controls = eight - 0x20 * each, quotes = (eight ^ '"' * each) - each,
             backslashes = (eight ^ '\\' * each) - each, deletes = (eight ^ 0x7F * each) - each;
    /* That of ASCII which was too small is below zero now. */
    return ((controls | quotes | backslashes | deletes) & ~eight & 0x80 * each) == 0;
}

static char *put_character(char *at, char c)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char code = (unsigned char)c;
    if (code >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
        *at = c;
        return at + 1;
    }
    *at++ = '\\';
    if (c == '"' || c == '\\' || c == '\n') {
        *at = c == '\n' ? 'n' : c;
        return at + 1;
    }
    at = put(at, "u00", 3);
    at[0] = digits[code >> 4];
    at[1] = digits[code & 15];
    return at + 2;
}

char *put_json(char *at, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    uint64_t eight;
    *at++ = '"';
    for (; (size_t)(end - bytes) >= sizeof eight; bytes += sizeof eight) {
        memcpy(&eight, bytes, sizeof eight);
        if (!plain(eight))
            break;
        at = put(at, bytes, sizeof eight);
    }
    while (bytes != end)
        at = put_character(at, *bytes++);
    *at = '"';
    return at + 1;
}
