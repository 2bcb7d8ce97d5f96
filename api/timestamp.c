/* SPDX-License-Identifier: Apache-2.0 */
#include "api/timestamp.h"

#include <stddef.h>
#include <string.h>

/* isdigit() would look into the locale for each of the many. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool timestamp_write(char out[TIMESTAMP_LENGTH], const char *text)
{
    static const unsigned char digits_at[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
    enum { SECONDS = 19 }; /* the length down to them */
    char millis[3] = {'0', '0', '0'};
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
            if (digits < sizeof millis)
                millis[digits] = *at;
        if (digits == 0)
            return false;
    }
    if (strcmp(at, "+00") != 0)
        return false;
    memcpy(out, text, SECONDS);
    out[10] = 'T';
    out[SECONDS] = '.';
    memcpy(out + SECONDS + 1, millis, sizeof millis);
    out[SECONDS + 4] = 'Z';
    return true;
}
