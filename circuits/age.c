/* SPDX-License-Identifier: Apache-2.0 */
#include "circuits/age.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIGITS_MAX = 7, TEXT_MAX = 24 };

/* Of one m, h or d; 0: no unit. */
static time_t seconds_of(char unit)
{
    switch (unit) {
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

/* A hundred years, longer than there have been circuits. */
static const time_t seconds_max = (time_t)36525 * 86400;

static const char *age_from_text(const struct kind *kind, const char *text,
                                 const struct reading *reading)
{
    size_t digits = strspn(text, "0123456789");
    time_t unit = digits > 0 && text[digits] ? seconds_of(text[digits]) : 0;
    (void)kind;
    if (unit == 0 || text[digits + 1] != '\0') {
        struct faults ignored = {.arena = reading->arena};
        struct reading inner = {&ignored, reading->arena, ""};
        const char *moment = kind_time.from_text(&kind_time, text, &inner);
        if (!moment)
            fault_add(reading->faults, reading->pointer, "invalid_value",
                      "Expected how long ago, such as 72h (m, h or d), or an RFC 3339 time such as "
                      "2026-11-22T10:00:00Z.");
        /* cppcheck-suppress returnDanglingLifetime ; what is returned stands in the arena */
        return moment;
    }
    time_t ago = digits > DIGITS_MAX ? seconds_max + 1 : (time_t)strtol(text, NULL, 10) * unit;
    if (ago > seconds_max) {
        fault_add(reading->faults, reading->pointer, "out_of_range", "Expected 100 years at most.");
        return NULL;
    }
    char out[TEXT_MAX];
    struct tm utc;
    time_t then = time(NULL) - ago;
    gmtime_r(&then, &utc);
    size_t length = strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return arena_copy(reading->arena, out, length);
}

const struct kind kind_age = {.from_text = age_from_text};
