/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/schedule.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

enum { HTTP_GONE = 410 };

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define YEAR   (365 * 24 * HOUR)

const char schedule_default[] = "0,5s,30s,5m,30m,2h,5h,10h,14h,20h,24h";

static const struct {
    const char *name;
    int64_t milliseconds;
} units[] = {
    {"ms", 1}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", HOUR}, {"d", 24 * HOUR},
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The decimal number that a text begins with, and where it ends; -1: none, or one above a year. */
static int64_t number_read(const char *text, const char **end)
{
    int64_t number = 0;
    if (!digit(*text))
        return -1;
    for (; digit(*text); text++) {
        number = number * 10 + (*text - '0');
        if (number > YEAR)
            return -1;
    }
    *end = text;
    return number;
}

/* A duration of the given length of text. */
static bool duration_take(int64_t *out, const char *text, size_t length)
{
    const char *unit;
    int64_t number = number_read(text, &unit);
    if (number < 0)
        return false;
    size_t left = length - (size_t)(unit - text);
    *out = 0;
    if (left == 0)
        return number == 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == left && strncmp(units[i].name, unit, left) == 0) {
            *out = number * units[i].milliseconds;
            return number <= YEAR / units[i].milliseconds;
        }
    return false;
}

bool duration_read(int64_t *milliseconds, const char *text)
{
    return duration_take(milliseconds, text, strlen(text));
}

bool schedule_read(struct schedule *out, const char *text)
{
    memset(out, 0, sizeof *out);
    for (;; text++) {
        size_t length = strcspn(text, ",");
        if (out->attempts == SCHEDULE_ATTEMPTS ||
            !duration_take(&out->waits[out->attempts++], text, length))
            return false;
        text += length;
        if (*text == '\0')
            return out->waits[0] == 0;
    }
}

bool duration_valid(const char *text)
{
    int64_t ignored;
    return duration_read(&ignored, text);
}

bool schedule_valid(const char *text)
{
    struct schedule ignored;
    return schedule_read(&ignored, text);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_DELIVERED] = "delivered",
        [VERDICT_RETRY] = "retry",
        [VERDICT_EXHAUSTED] = "exhausted",
        [VERDICT_GONE] = "gone",
    };
    return names[verdict];
}

/* The three forms of an HTTP date; milliseconds since the epoch, -1: none of them. */
static int64_t date_read(const char *text)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);
        if (end && *end == '\0')
            return (int64_t)timegm(&parts) * SECOND;
    }
    return -1;
}

/* What Retry-After asks to wait, in milliseconds; 0: nothing. */
static int64_t asked(const struct attempt *attempt)
{
    const char *end, *text = attempt->retry_after;
    if (!text)
        return 0;
    int64_t wait = 0;
    if (digit(text[0]) && strspn(text, "0123456789") == strlen(text)) {
        int64_t seconds = number_read(text, &end);
        wait = seconds < 0 ? YEAR : seconds * SECOND;
    } else if (text[0] != '\0') {
        int64_t date = date_read(text);
        wait = date > attempt->ended ? date - attempt->ended : 0;
    }
    return wait < RETRY_AFTER_HOURS * HOUR ? wait : RETRY_AFTER_HOURS * HOUR;
}

enum verdict schedule_judge(const struct schedule *schedule, const struct attempt *attempt,
                            int64_t *next)
{
    *next = 0;
    if (attempt->status >= 200 && attempt->status <= 299)
        return VERDICT_DELIVERED;
    if (attempt->status == HTTP_GONE)
        return VERDICT_GONE;
    if (attempt->number >= schedule->attempts)
        return VERDICT_EXHAUSTED;
    int64_t wait = schedule->waits[attempt->number];
    /* With 20 bits of chance, the product for a year is far from overflowing. */
    int64_t chance = attempt->random >> 12, full = UINT32_MAX >> 12;
    wait += wait * JITTER_PERCENT * chance / (full * 100);
    int64_t least = asked(attempt);
    *next = attempt->ended + (wait > least ? wait : least);
    return VERDICT_RETRY;
}
