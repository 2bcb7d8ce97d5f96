/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json_text.h"

#include "base/arena.h"
#include "db/pointer.h"

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
