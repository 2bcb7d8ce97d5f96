/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include <stddef.h>
#include <string.h>

/* isdigit() would look into the locale for each of the many. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* With so many digits of a second. */
static bool write_digits(char *out, const char *text, size_t wanted)
{
    static const unsigned char digits_at[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
    enum { SECONDS = 19 }; /* the length down to them */
    char fraction[6] = {'0', '0', '0', '0', '0', '0'};
    bool good = strnlen(text, SECONDS) == SECONDS && text[4] == '-' && text[7] == '-' &&
                text[10] == ' ' && text[13] == ':' && text[16] == ':';
    for (size_t i = 0; good && i < sizeof digits_at; i++)
        good = is_digit(text[digits_at[i]]);
    if (!good)
        return false;
    const char *at = text + SECONDS;
    if (*at == '.') {
        size_t digits = 0;
        for (at++; is_digit(*at); at++, digits++)
            if (digits < sizeof fraction)
                fraction[digits] = *at;
        if (digits == 0)
            return false;
    }
    if (strcmp(at, "+00") != 0)
        return false;
    memcpy(out, text, SECONDS);
    out[10] = 'T';
    out[SECONDS] = '.';
    memcpy(out + SECONDS + 1, fraction, wanted);
    out[SECONDS + 1 + wanted] = 'Z';
    return true;
}

bool timestamp_write(char out[TIMESTAMP_LENGTH], const char *text)
{
    return write_digits(out, text, 3);
}

bool timestamp_write_exact(char out[TIMESTAMP_EXACT_LENGTH], const char *text)
{
    return write_digits(out, text, 6);
}

enum { DAYS_BEFORE_2000 = 730119 }; /* from 0001-01-01 on */

/* The date of a day that is counted from 0001-01-01 on. */
static void date_of(uint32_t day, uint32_t *year, uint32_t *month, uint32_t *date)
{
    /* Years that begin in March have their leap day last: counted from 0000-03-01 on. */
    uint32_t from_march = day + 306;
    uint32_t era = from_march / 146097, of_era = from_march % 146097;
    uint32_t of_years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    uint32_t march = (5 * of_year + 2) / 153;
    *date = of_year - (153 * march + 2) / 5 + 1;
    *month = march < 10 ? march + 3 : march - 9;
    *year = era * 400 + of_years + (*month <= 2);
}

static void two_digits(char *out, uint32_t number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

/* The first moment of a day, of which the times in an answer have few: the last one is kept. */
static const char *day_text(uint32_t day)
{
    static _Thread_local struct {
        uint32_t day;
        char text[TIMESTAMP_LENGTH];
    } last = {UINT32_MAX, "YYYY-MM-DDT00:00:00.000Z"};
    if (day != last.day) {
        uint32_t year, month, date;
        date_of(day, &year, &month, &date);
        two_digits(last.text, year / 100);
        two_digits(last.text + 2, year % 100);
        two_digits(last.text + 5, month);
        two_digits(last.text + 8, date);
        last.day = day;
    }
    return last.text;
}

bool timestamp_write_microseconds(char out[TIMESTAMP_LENGTH], int64_t microseconds)
{
    static const int64_t a_day = INT64_C(86400000000);
    static const int64_t first = -DAYS_BEFORE_2000 * INT64_C(86400000000);
    static const int64_t end = INT64_C(2921940) * INT64_C(86400000000); /* 10000-01-01 */
    if (microseconds < first || microseconds >= end)
        return false;
    uint64_t since = (uint64_t)(microseconds - first);
    uint32_t millis = (uint32_t)(since % (uint64_t)a_day / 1000), seconds = millis / 1000;
    memcpy(out, day_text((uint32_t)(since / (uint64_t)a_day)), TIMESTAMP_LENGTH);
    two_digits(out + 11, seconds / 3600);
    two_digits(out + 14, seconds / 60 % 60);
    two_digits(out + 17, seconds % 60);
    two_digits(out + 20, millis % 1000 / 10);
    out[22] = (char)('0' + millis % 10);
    return true;
}
