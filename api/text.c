/* SPDX-License-Identifier: Apache-2.0 */
#include "api/text.h"

#include <stdarg.h>
#include <stdbool.h>
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

static bool plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

void text_add_json(struct text *text, const char *bytes, size_t length)
{
    size_t from = 0, first = 0;
    while (first < length && plain((unsigned char)bytes[first]))
        first++;
    if (first == length) {
        text_add_quoted(text, bytes, length);
        return;
    }
    text_reserve(text, length + 2);
    text_add_char(text, '"');
    for (size_t i = first; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (plain(c))
            continue;
        text_add(text, bytes + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            char escape[2] = {'\\', (char)c};
            text_add(text, escape, 2);
        } else if (c == '\n') {
            text_add(text, "\\n", 2);
        } else {
            text_add_format(text, "\\u%04x", c);
        }
    }
    text_add(text, bytes + from, length - from);
    text_add_char(text, '"');
}
