/* SPDX-License-Identifier: Apache-2.0 */
#include "api/target.h"

#include "base/arena.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static char escaped(const char *at)
{
    return (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
}

static bool unreserved(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static const char *segment_decoded(struct arena *arena, const char *raw, size_t length)
{
    char *text = arena_copy(arena, raw, length);
    char *out = text;
    for (const char *at = text; *at; at++) {
        if (*at == '%' && unreserved(escaped(at))) {
            *out++ = escaped(at);
            at += 2;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return text;
}

/* Behind "http://authority" of the absolute form; the rest of the target. */
static const char *origin_form(const char *raw)
{
    const char *scheme = raw[0] == '/' ? NULL : strstr(raw, "://");
    return scheme ? scheme + 3 + strcspn(scheme + 3, "/?") : raw;
}

bool target_read(struct target *out, struct arena *arena, const char *raw)
{
    memset(out, 0, sizeof *out);
    raw = origin_form(raw);
    size_t length = strcspn(raw, "?");
    out->query = raw[length] == '?' ? raw + length + 1 : "";
    out->path = length ? arena_copy(arena, raw, length) : "/";
    for (const char *at = out->path; *at == '/';) {
        const char *start = ++at;
        at += strcspn(at, "/");
        if (out->segment_count == SEGMENTS_MAX)
            return false;
        out->segments[out->segment_count++] = segment_decoded(arena, start, (size_t)(at - start));
    }
    return true;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF, and no NUL. */
static bool is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + length;
    while (at < end) {
        int more = *at < 0x80 ? 0 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
        uint32_t c = *at;
        if (c == 0 || (c >= 0x80 && c < 0xC2) || c > 0xF4 || end - at <= more)
            return false;
        if (more)
            c &= 0x3Fu >> more;
        for (int i = 1; i <= more; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return false;
            c = c << 6 | (at[i] & 0x3Fu);
        }
        if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10FFFF)) ||
            (c >= 0xD800 && c <= 0xDFFF))
            return false;
        at += more + 1;
    }
    return true;
}

/* Decoded in place of a copy; NULL when the result is not text. */
static const char *value_decoded(struct arena *arena, const char *raw, size_t length)
{
    char *text = arena_copy(arena, raw, length);
    char *out = text;
    for (const char *at = text; *at; at++) {
        if (*at == '%') {
            *out++ = escaped(at);
            at += 2;
        } else {
            *out++ = *at == '+' ? ' ' : *at;
        }
    }
    *out = '\0';
    return is_utf8(text, (size_t)(out - text)) ? text : NULL;
}

enum query_verdict query_read(struct pair pairs[PAIRS_MAX], size_t *count, struct arena *arena,
                              const char *query)
{
    *count = 0;
    for (const char *at = query; *at; at += *at == '&') {
        const char *start = at;
        at += strcspn(at, "&");
        if (at == start)
            continue;
        if (*count == PAIRS_MAX)
            return QUERY_TOO_MANY;
        struct pair *pair = &pairs[*count];
        size_t name = strcspn(start, "=&");
        const char *value = start[name] == '=' ? start + name + 1 : start + name;
        pair->raw = arena_copy(arena, start, (size_t)(at - start));
        pair->name = value_decoded(arena, start, name);
        pair->value = value_decoded(arena, value, (size_t)(at - value));
        if (!pair->name || !pair->value)
            return QUERY_NOT_TEXT;
        (*count)++;
    }
    return QUERY_GOOD;
}
