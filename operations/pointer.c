/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/pointer.h"

#include "base/arena.h"

#include <string.h>

enum { NAME_MAX_OCTETS = 128 };

size_t name_cut(const char *name, size_t length, size_t most)
{
    if (length > most)
        for (length = most; length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80;)
            length--;
    return length;
}

const char *pointer_below(struct arena *arena, const char *pointer, const char *name)
{
    size_t base = strlen(pointer);
    size_t length = name_cut(name, strlen(name), NAME_MAX_OCTETS);
    char *out = arena_alloc(arena, base + 2 * length + 2);
    memcpy(out, pointer, base);
    char *end = out + base;
    *end++ = '/';
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '~' || name[i] == '/') {
            *end++ = '~';
            *end++ = name[i] == '~' ? '0' : '1';
        } else {
            *end++ = name[i];
        }
    }
    return out;
}
