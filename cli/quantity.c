/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t milliseconds;
} units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60000},
    {"h", 3600000},
};
static const int64_t span_most = (int64_t)365 * 24 * 3600000;

bool number_read(int64_t *out, const char *text, int64_t least, int64_t most)
{
    const char *digits = text + (text[0] == '-' && least < 0);
    size_t length = strspn(digits, "0123456789");
    long long number;
    errno = 0;
    number = strtoll(text, NULL, 10);
    if (length == 0 || digits[length] != '\0' || errno != 0 || number < least || number > most)
        return false;
    *out = number;
    return true;
}

bool span_read(int64_t *out, const char *text, bool signs)
{
    char digits[16] = "";
    int64_t number;
    bool minus = signs && text[0] == '-';
    if (minus)
        text++;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    if (!number_read(&number, digits, 0, span_most))
        return false;
    const char *unit = text + length;
    /* Nothing is nothing in every unit. */
    if (number == 0 && unit[0] == '\0')
        unit = "ms";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0 && number <= span_most / units[i].milliseconds) {
            *out = (minus ? -number : number) * units[i].milliseconds;
            return true;
        }
    return false;
}

bool span_range_read(int64_t *least, int64_t *most, const char *text)
{
    char first[32];
    int64_t from, to;
    const char *dots = strstr(text, "..");
    if (dots == NULL) {
        if (!span_read(&from, text, false))
            return false;
        to = from;
    } else {
        size_t length = (size_t)(dots - text);
        if (length >= sizeof first)
            return false;
        memcpy(first, text, length);
        first[length] = '\0';
        if (!span_read(&from, first, false) || !span_read(&to, dots + 2, false) || from > to)
            return false;
    }
    *least = from;
    *most = to;
    return true;
}
