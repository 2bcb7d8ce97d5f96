/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_text.h"

#include "base/arena.h"
#include "operations/pointer.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* Offset behind the string whose opening quote is at start, or length. */
static size_t string_end(const char *text, size_t length, size_t start)
{
    for (size_t i = start + 1; i < length; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return length;
}

size_t json_text_too_deep(const char *text, size_t length)
{
    size_t depth = 0;
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '"':
            i = string_end(text, length, i) - 1;
            break;
        case '{':
        case '[':
            if (++depth > JSON_DEPTH_MAX)
                return i;
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        default:
            break;
        }
    }
    return length;
}

static size_t digits_end(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* Behind the number (RFC 8259 section 6) that begins at start, or start. */
static size_t number_end(const char *text, size_t length, size_t start)
{
    size_t at = start + (text[start] == '-'), end = digits_end(text, length, at);
    if (end == at || (text[at] == '0' && end > at + 1))
        return start;
    if (end < length && text[end] == '.') {
        size_t fraction = end + 1;
        end = digits_end(text, length, fraction);
        if (end == fraction)
            return start;
    }
    if (end < length && (text[end] == 'e' || text[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < length && (text[exponent] == '+' || text[exponent] == '-'))
            exponent++;
        end = digits_end(text, length, exponent);
        if (end == exponent)
            return start;
    }
    return end;
}

const char *json_text_small(struct arena *arena, const char *text, size_t length)
{
    char *small = arena_copy(arena, text, length);
    for (size_t i = 0; i < length;) {
        size_t end = i;
        if (text[i] == '"')
            end = string_end(text, length, i);
        else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9'))
            end = number_end(text, length, i);
        if (end > i && text[i] != '"') {
            memset(small + i, ' ', end - i);
            small[i] = '0';
        }
        i = end > i ? end : i + 1;
    }
    return small;
}

struct level {
    bool object, key_next;
    size_t index;    /* of an array */
    const char *key; /* of an object: the string as it stands, quotes included; or NULL */
    size_t key_length;
};

/* The key as text, without its escapes when it can be read. */
static const char *key_text(struct arena *arena, const struct level *level)
{
    json_t *key = json_loadb(level->key, level->key_length, JSON_DECODE_ANY, NULL);
    const char *text = json_is_string(key)
                           ? arena_copy(arena, json_string_value(key), json_string_length(key))
                           : "?";
    json_decref(key);
    return text;
}

const char *json_text_pointer(struct arena *arena, const char *text, size_t offset)
{
    struct level levels[JSON_DEPTH_MAX + 1] = {0};
    size_t depth = 0;
    for (size_t i = 0; i < offset; i++) {
        struct level *level = depth ? &levels[depth - 1] : NULL;
        switch (text[i]) {
        case '"': {
            size_t stop = string_end(text, offset, i);
            if (level && level->object && level->key_next && text[stop - 1] == '"' &&
                stop > i + 1) {
                level->key = text + i;
                level->key_length = stop - i;
                level->key_next = false;
            }
            i = stop - 1;
            break;
        }
        case '{':
        case '[':
            if (depth > JSON_DEPTH_MAX)
                return "";
            levels[depth++] = (struct level){.object = text[i] == '{', .key_next = true};
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        case ',':
            if (level) {
                level->index++;
                level->key_next = true;
            }
            break;
        default:
            break;
        }
    }
    const char *pointer = "";
    for (size_t i = 0; i < depth; i++) {
        if (!levels[i].object)
            pointer = arena_printf(arena, "%s/%zu", pointer, levels[i].index);
        else if (levels[i].key)
            pointer = pointer_below(arena, pointer, key_text(arena, &levels[i]));
    }
    return pointer;
}
