/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

#include "base/arena.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 64 * 1024 };

static const char blanks[] = " \t\r";

/* The whole file with a NUL behind it; NULL after complaining. */
static char *text_of(struct arena *kept, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = arena_alloc(kept, FILE_MAX + 2);
    bool good = false;
    if (!file) {
        complain("cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    size_t length = fread(text, 1, FILE_MAX + 1, file);
    if (ferror(file))
        complain("cannot read %s: %s", path, strerror(errno));
    else if (length > FILE_MAX || strlen(text) != length)
        complain("%s is no file of settings: it %s", path,
                 length > FILE_MAX ? "is longer than 64 KiB" : "holds a NUL");
    else
        good = true;
    fclose(file);
    return good ? text : NULL;
}

/* The text without the blanks around it; they are overwritten. */
static char *trimmed(char *text)
{
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]))
        text[--length] = '\0';
    return text;
}

bool config_read(const char *path, config_line *line, void *context)
{
    static struct arena *kept; /* for good */
    if (!kept)
        kept = arena_new();
    char *rest = text_of(kept, path), *text;
    if (!rest)
        return false;
    for (int number = 1; (text = strsep(&rest, "\n")) != NULL; number++) {
        char *value = trimmed(text);
        if (*value == '\0' || *value == '#')
            continue;
        const char *name = trimmed(strsep(&value, "="));
        const char *where = arena_printf(kept, "%s:%d", path, number);
        if (!value || *name == '\0') {
            complain("%s: expected 'name = value'", where);
            return false;
        }
        if (!line(context, where, name, trimmed(value)))
            return false;
    }
    return true;
}
