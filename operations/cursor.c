/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c - opaque page cursors: base64url without padding (RFC 4648 section 5) of a version
 * octet, the key's text and the CRC-32 of both. The check makes a cut or mistyped cursor an error
 * instead of a wrong page; a cursor is a position only and carries no rights. */
#include "base/arena.h"
#include "operations/kind.h"

#include <openssl/evp.h>
#include <string.h>
#include <zlib.h>

enum { VERSION = 1, CHECK = 4, KEY_MAX = 128 };
enum { TIME_AT = 10 }; /* behind the date */
enum { RAW_MAX = 1 + KEY_MAX + CHECK, TEXT_MAX = (RAW_MAX + 2) / 3 * 4 };

static void check_write(unsigned char *raw, size_t length)
{
    unsigned long crc = crc32(0, raw, (uInt)length);
    for (int i = 0; i < CHECK; i++)
        raw[length + (size_t)i] = (unsigned char)(crc >> (8 * i));
}

const char *cursor_text(struct arena *arena, const char *key)
{
    unsigned char raw[RAW_MAX];
    char text[TEXT_MAX + 1];
    size_t length = strnlen(key, KEY_MAX);
    raw[0] = VERSION;
    memcpy(raw + 1, key, length);
    check_write(raw, 1 + length);
    int written = EVP_EncodeBlock((unsigned char *)text, raw, (int)(1 + length + CHECK));
    while (written > 0 && text[written - 1] == '=')
        written--;
    for (int i = 0; i < written; i++)
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    return arena_copy(arena, text, (size_t)written);
}

/* The key of a cursor, arena-owned, or NULL when the text is none of ours. */
static const char *key_read(struct arena *arena, const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_";
    size_t length = strnlen(text, TEXT_MAX + 1);
    if (length > TEXT_MAX || length % 4 == 1 || strspn(text, alphabet) != length)
        return NULL;
    unsigned char padded[TEXT_MAX + 1];
    size_t total = (length + 3) / 4 * 4;
    for (size_t i = 0; i < total; i++) {
        char c = '=';
        if (i < length)
            c = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
        padded[i] = (unsigned char)c;
    }
    unsigned char raw[TEXT_MAX];
    int decoded = EVP_DecodeBlock(raw, padded, (int)total);
    if (decoded < 0)
        return NULL;
    size_t size = (size_t)decoded - (total - length);
    if (size < 1 + 1 + CHECK || size > RAW_MAX || raw[0] != VERSION)
        return NULL;
    unsigned char check[CHECK];
    size -= CHECK;
    memcpy(check, raw + size, CHECK);
    check_write(raw, size);
    if (memcmp(check, raw + size, CHECK) != 0 || memchr(raw + 1, '\0', size - 1))
        return NULL;
    char *key = arena_copy(arena, (const char *)raw + 1, size - 1);
    /* One cursor has one text: stray bits in the last character are refused. */
    return strcmp(cursor_text(arena, key), text) == 0 ? key : NULL;
}

static const char *malformed(const struct reading *reading)
{
    fault_add(reading->faults, reading->pointer, "malformed_cursor",
              "Use nextCursor of the page before, unchanged, or leave the parameter out.");
    return NULL;
}

/* The key, read as the kind that lists of this sort are keyed by. */
static const char *key_as(const struct kind *key_kind, const char *text,
                          const struct reading *reading)
{
    const char *key = key_read(reading->arena, text);
    struct faults ignored = {.arena = reading->arena};
    struct reading inner = {&ignored, reading->arena, ""};
    const char *value = key ? key_kind->from_text(key_kind, key, &inner) : NULL;
    return value ? value : malformed(reading);
}

static const char *cursor_uuid(const struct kind *kind, const char *text,
                               const struct reading *reading)
{
    (void)kind;
    return key_as(&kind_uuid, text, reading);
}

static const char *cursor_name(const struct kind *kind, const char *text,
                               const struct reading *reading)
{
    /* Longer than any name: some lists are keyed by a word and a name. */
    static const struct kind name = KIND_TEXT(1, 160);
    (void)kind;
    return key_as(&name, text, reading);
}

static const char *cursor_sequence(const struct kind *kind, const char *text,
                                   const struct reading *reading)
{
    static const struct kind sequence = KIND_INTEGER(0, INT64_MAX);
    (void)kind;
    return key_as(&sequence, text, reading);
}

/* A time as PostgreSQL writes it in UTC, read as kind_time; NULL when it is none. */
static const char *time_read(struct arena *arena, const char *text, size_t length)
{
    static const char utc[] = "+00";
    size_t end = length > sizeof utc ? length - (sizeof utc - 1) : 0;
    struct faults ignored = {.arena = arena};
    struct reading inner = {&ignored, arena, ""};
    if (end < TIME_AT + 1 || text[TIME_AT] != ' ' || strncmp(text + end, utc, sizeof utc - 1) != 0)
        return NULL;
    char *shown = arena_copy(arena, text, end + 1);
    shown[TIME_AT] = 'T';
    shown[end] = 'Z';
    /* cppcheck-suppress returnDanglingLifetime ; what is returned stands in the arena */
    return kind_time.from_text(&kind_time, shown, &inner);
}

static const char *cursor_position(const struct kind *kind, const char *text,
                                   const struct reading *reading)
{
    const char *key = key_read(reading->arena, text);
    const char *slash = key ? strchr(key, '/') : NULL;
    const char *time = slash ? time_read(reading->arena, key, (size_t)(slash - key)) : "";
    struct faults ignored = {.arena = reading->arena};
    struct reading inner = {&ignored, reading->arena, ""};
    const char *id =
        key && time ? kind_uuid.from_text(&kind_uuid, slash ? slash + 1 : key, &inner) : NULL;
    (void)kind;
    return id ? arena_printf(reading->arena, "(%s,%s)", time, id) : malformed(reading);
}

bool cursor_timed(const char *position)
{
    return strncmp(position, "(,", 2) != 0;
}

const char *cursor_text_timed(struct arena *arena, const char *time, const char *key)
{
    return cursor_text(arena, arena_printf(arena, "%s/%s", time, key));
}

const struct kind kind_cursor_position = {.from_text = cursor_position};
const struct kind kind_cursor_uuid = {.from_text = cursor_uuid};
const struct kind kind_cursor_name = {.from_text = cursor_name};
const struct kind kind_cursor_sequence = {.from_text = cursor_sequence};
