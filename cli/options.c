/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/arena.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("onramp: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

struct arena *options_arena(void)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new();
    return arena;
}

static bool number_take(int *out, int most, const char *where, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > most) {
        complain("%s takes a number from 0 to %d, not '%s'", where, most, text);
        return false;
    }
    *out = (int)number;
    return true;
}

static bool text_add(struct option_texts *out, const char *where, const char *text)
{
    if (out->count == OPTION_TEXTS_MAX) {
        complain("%s: that is more than %d of them", where, OPTION_TEXTS_MAX);
        return false;
    }
    out->items[out->count++] = text;
    return true;
}

/* The daemon works in another directory than the one that it is started from. */
static const char *absolute(const char *path)
{
    char directory[PATH_MAX];
    if (path[0] == '/' || !getcwd(directory, sizeof directory))
        return path;
    return arena_printf(options_arena(), "%s/%s", directory, path);
}

bool option_take(void *values, const struct option_row *row, const char *where, const char *value)
{
    void *member = (char *)values + row->offset;
    if (row->form == OPTION_FLAG) {
        *(bool *)member = true;
        return true;
    }
    if (row->form == OPTION_NUMBER)
        return number_take(member, row->most, where, value);
    if (value[0] == '\0') {
        complain("%s needs a value", where);
        return false;
    }
    if (row->valid && !row->valid(value)) {
        complain("%s takes %s, not '%s'", where, row->takes, value);
        return false;
    }
    if (row->form == OPTION_TEXTS)
        return text_add(member, where, value);
    *(const char **)member = row->form == OPTION_PATH ? absolute(value) : value;
    return true;
}
