/* SPDX-License-Identifier: Apache-2.0 */
#include "api/timestamp.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

bool timestamp_write(char out[TIMESTAMP_LENGTH], const char *text)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    char millis[3] = {'0', '0', '0'};
    size_t i = 0;
    for (; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    const char *at = text + i;
    if (*at == '.') {
        size_t digits = 0;
        for (at++; isdigit((unsigned char)*at); at++, digits++)
            if (digits < sizeof millis)
                millis[digits] = *at;
        if (digits == 0)
            return false;
    }
    if (strcmp(at, "+00") != 0)
        return false;
    memcpy(out, text, i);
    out[10] = 'T';
    out[i] = '.';
    memcpy(out + i + 1, millis, sizeof millis);
    out[i + 4] = 'Z';
    return true;
}
