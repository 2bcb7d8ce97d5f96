/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/kind.h"

#include "base/arena.h"
#include "operations/pointer.h"
#include "operations/visible.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Characters of UTF-8 that is known to be valid (jansson and the request reader both check). */
static int64_t characters(const char *text, size_t length)
{
    int64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        /* C0 and DEL, and C1 (U+0080 to U+009F, in UTF-8 0xC2 0x80 to 0xC2 0x9F). */
        if (c < 0x20 || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < length && (unsigned char)text[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static const char *wrong_type(const struct reading *reading, const char *expected)
{
    fault_add(reading->faults, reading->pointer, "wrong_type", "Expected %s.", expected);
    return NULL;
}

static const char *text_checked(const struct kind *kind, const char *text, size_t length,
                                const struct reading *reading)
{
    int64_t count = characters(text, length);
    if (count < kind->min || count > kind->max) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected %" PRId64 " to %" PRId64 " characters, got %" PRId64 ".", kind->min,
                  kind->max, count);
        return NULL;
    }
    if (has_control(text, length)) {
        fault_add(reading->faults, reading->pointer, "invalid_value",
                  "Control characters and line breaks are not allowed.");
        return NULL;
    }
    return arena_copy(reading->arena, text, length);
}

/* A text that may not be empty is there to be seen. */
static const char *text_seen(const struct kind *kind, const char *text, size_t length,
                             const struct reading *reading)
{
    const char *checked = text_checked(kind, text, length, reading);
    if (checked == NULL || kind->min == 0 || has_visible(checked))
        return checked;
    fault_add(reading->faults, reading->pointer, "invalid_value",
              "There is no visible character in it.");
    return NULL;
}

const char *text_from_json(const struct kind *kind, const json_t *value,
                           const struct reading *reading)
{
    if (!json_is_string(value))
        return wrong_type(reading, "a string");
    return text_seen(kind, json_string_value(value), json_string_length(value), reading);
}

const char *text_from_text(const struct kind *kind, const char *text, const struct reading *reading)
{
    return text_seen(kind, text, strlen(text), reading);
}

static const char *word_checked(const struct kind *kind, const char *text,
                                const struct reading *reading)
{
    char known[256] = "";
    size_t used = 0;
    for (const char *const *word = kind->words; *word; word++) {
        if (strcmp(*word, text) == 0)
            return *word;
        int added = snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", *word);
        if (added > 0 && (size_t)added < sizeof known - used)
            used += (size_t)added;
    }
    fault_add(reading->faults, reading->pointer, "invalid_value", "Expected one of %s.", known);
    return NULL;
}

const char *word_from_json(const struct kind *kind, const json_t *value,
                           const struct reading *reading)
{
    if (!json_is_string(value))
        return wrong_type(reading, "a string");
    return word_checked(kind, json_string_value(value), reading);
}

const char *word_from_text(const struct kind *kind, const char *text, const struct reading *reading)
{
    return word_checked(kind, text, reading);
}

static const char *integer_checked(const struct kind *kind, int64_t value,
                                   const struct reading *reading)
{
    if (value < kind->min || value > kind->max) {
        fault_add(reading->faults, reading->pointer, "out_of_range",
                  "Expected an integer from %" PRId64 " to %" PRId64 ".", kind->min, kind->max);
        return NULL;
    }
    return arena_printf(reading->arena, "%" PRId64, value);
}

const char *integer_from_json(const struct kind *kind, const json_t *value,
                              const struct reading *reading)
{
    if (!json_is_integer(value))
        return wrong_type(reading, "an integer");
    return integer_checked(kind, json_integer_value(value), reading);
}

const char *integer_from_text(const struct kind *kind, const char *text,
                              const struct reading *reading)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
        return wrong_type(reading, "an integer in decimal digits");
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        value = INT64_MAX;
    return integer_checked(kind, value, reading);
}

static const char *uuid_checked(const char *text, const struct reading *reading)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    char lower[sizeof form];
    size_t i = 0;
    for (; form[i] && text[i]; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (form[i] == '-' ? c != '-' : !hex)
            break;
        lower[i] = c;
    }
    if (form[i] || text[i]) {
        fault_add(reading->faults, reading->pointer, "invalid_value",
                  "Expected a UUID such as 5f0c1e9a-3b7d-4c55-9d0e-2a4b6c8d0e1f.");
        return NULL;
    }
    return arena_copy(reading->arena, lower, i);
}

static const char *uuid_from_json(const struct kind *kind, const json_t *value,
                                  const struct reading *reading)
{
    (void)kind;
    if (!json_is_string(value))
        return wrong_type(reading, "a UUID as a string");
    return uuid_checked(json_string_value(value), reading);
}

static const char *uuid_from_text(const struct kind *kind, const char *text,
                                  const struct reading *reading)
{
    (void)kind;
    return uuid_checked(text, reading);
}

static const char *slug_checked(const struct kind *kind, const char *text,
                                const struct reading *reading)
{
    size_t length = strlen(text);
    bool good = length >= (size_t)kind->min && length <= (size_t)kind->max &&
                strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[0] != '-' &&
                text[length - 1] != '-' && !strstr(text, "--");
    if (good)
        return arena_copy(reading->arena, text, length);
    fault_add(
        reading->faults, reading->pointer, "invalid_value",
        "Expected a slug: lower-case letters, digits and single hyphens, %d to %d characters.",
        (int)kind->min, (int)kind->max);
    return NULL;
}

static const char *slug_from_json(const struct kind *kind, const json_t *value,
                                  const struct reading *reading)
{
    if (!json_is_string(value))
        return wrong_type(reading, "a string");
    return slug_checked(kind, json_string_value(value), reading);
}

/* Digits at text as a number, or -1; text advances behind them and behind the stop character. */
static int digits(const char **text, int count, char stop)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    if (stop && (*text)[count] != stop)
        return -1;
    *text += count + (stop != '\0');
    return value;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Whether the instant, rounded up to the next second, lies in the years 1 to 9999: answers have
 * four digits for a year. */
static bool instant_shown(struct tm local, int offset_minutes, bool fraction)
{
    static const int64_t first = -62135596800; /* 0001-01-01T00:00:00Z */
    static const int64_t last = 253402300799;  /* 9999-12-31T23:59:59Z */
    int64_t instant = (int64_t)timegm(&local) - (int64_t)offset_minutes * 60;
    return instant >= first && instant + fraction <= last;
}

/* RFC 3339 section 5.6, in the range of years that PostgreSQL and our answers share. A leap second
 * is given on as it stands: PostgreSQL reads :60 as the next minute. */
static bool time_valid(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text;
    int year = digits(&at, 4, '-');
    int month = year < 0 ? -1 : digits(&at, 2, '-');
    int day = month < 0 ? -1 : digits(&at, 2, '\0');
    if (day < 1 || year < 1 || month < 1 || month > 12)
        return false;
    if (day > days[month - 1] + (month == 2 && leap(year)))
        return false;
    if (*at != 'T' && *at != 't')
        return false;
    at++;
    int hour = digits(&at, 2, ':');
    int minute = hour < 0 ? -1 : digits(&at, 2, ':');
    int second = minute < 0 ? -1 : digits(&at, 2, '\0');
    if (second < 0 || hour > 23 || minute > 59 || second > 60)
        return false;
    struct tm local = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = second};
    size_t fraction = 0;
    if (*at == '.') {
        fraction = strspn(at + 1, "0123456789");
        if (fraction == 0 || fraction > 9)
            return false;
        at += 1 + fraction;
    }
    if (*at == 'Z' || *at == 'z')
        return at[1] == '\0' && instant_shown(local, 0, fraction > 0);
    if (*at != '+' && *at != '-')
        return false;
    int sign = *at++ == '-' ? -1 : 1;
    int offset_hour = digits(&at, 2, ':');
    int offset_minute = offset_hour < 0 ? -1 : digits(&at, 2, '\0');
    /* PostgreSQL takes offsets below 16 hours; the widest in use is +14:00. */
    return offset_minute >= 0 && offset_hour <= 15 && offset_minute <= 59 && *at == '\0' &&
           instant_shown(local, sign * (offset_hour * 60 + offset_minute), fraction > 0);
}

static const char *time_from_text(const struct kind *kind, const char *text,
                                  const struct reading *reading)
{
    (void)kind;
    if (time_valid(text))
        return arena_copy(reading->arena, text, strlen(text));
    fault_add(reading->faults, reading->pointer, "invalid_value",
              "Expected an RFC 3339 time such as 2026-11-22T10:00:00Z.");
    return NULL;
}

static const char *time_from_json(const struct kind *kind, const json_t *value,
                                  const struct reading *reading)
{
    if (!json_is_string(value))
        return wrong_type(reading, "an RFC 3339 time as a string");
    return time_from_text(kind, json_string_value(value), reading);
}

static const char *boolean_from_json(const struct kind *kind, const json_t *value,
                                     const struct reading *reading)
{
    (void)kind;
    if (!json_is_boolean(value))
        return wrong_type(reading, "true or false");
    return json_is_true(value) ? "true" : "false";
}

static const char *boolean_from_text(const struct kind *kind, const char *text,
                                     const struct reading *reading)
{
    (void)kind;
    if (strcmp(text, "true") == 0)
        return "true";
    if (strcmp(text, "false") == 0)
        return "false";
    fault_add(reading->faults, reading->pointer, "invalid_value", "Expected true or false.");
    return NULL;
}

const char *json_compact(struct arena *arena, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT);
    if (!dumped)
        abort();
    const char *copy = arena_copy(arena, dumped, strlen(dumped));
    free(dumped);
    return copy;
}

enum { TAGS_MAX = 50, TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256 };

static const char *tags_from_json(const struct kind *kind, const json_t *value,
                                  const struct reading *reading)
{
    if (json_is_null(value) && kind->nullable)
        return "null";
    if (!json_is_object(value))
        return wrong_type(reading, "an object of strings");
    size_t before = reading->faults->count;
    if (json_object_size(value) > TAGS_MAX)
        fault_add(reading->faults, reading->pointer, "out_of_range", "Expected at most %d tags.",
                  TAGS_MAX);
    const char *key;
    json_t *text;
    json_object_foreach((json_t *)value, key, text)
    {
        struct reading below = {reading->faults, reading->arena,
                                pointer_below(reading->arena, reading->pointer, key)};
        static const struct kind tag_key = {.min = 1, .max = TAG_KEY_MAX};
        static const struct kind tag_value = {.min = 0, .max = TAG_VALUE_MAX};
        text_checked(&tag_key, key, strlen(key), &below);
        /* In a merge patch (RFC 7396) a null takes the tag away. */
        if (json_is_null(text) && kind->nullable)
            continue;
        if (!json_is_string(text))
            wrong_type(&below, "a string");
        else
            text_checked(&tag_value, json_string_value(text), json_string_length(text), &below);
    }
    if (reading->faults->count > before)
        return NULL;
    return json_compact(reading->arena, value);
}

const struct kind kind_uuid = {.from_json = uuid_from_json, .from_text = uuid_from_text};
const struct kind kind_name = KIND_TEXT(1, 80);
const struct kind kind_slug = {
    .from_json = slug_from_json, .from_text = slug_checked, .min = 1, .max = 100};
const struct kind kind_time = {.from_json = time_from_json, .from_text = time_from_text};
const struct kind kind_boolean = {.from_json = boolean_from_json, .from_text = boolean_from_text};
const struct kind kind_tags = {.from_json = tags_from_json};
const struct kind kind_tags_patch = {.from_json = tags_from_json, .nullable = true};
const struct kind kind_limit = KIND_INTEGER(1, 200);
