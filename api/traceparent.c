/* SPDX-License-Identifier: Apache-2.0 */
#include "api/traceparent.h"

#include <string.h>

/* version "-" trace-id "-" parent-id "-" trace-flags */
enum { VERSION_LENGTH = 2, PARENT_ID_AT = 36, PARENT_ID_LENGTH = 16, FLAGS_AT = 53 };

/* Lower case alone, as the specification has it. */
static const char digits[] = "0123456789abcdef";

static bool hexadecimal(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0' || !strchr(digits, text[i]))
            return false;
    return true;
}

/* An id of zeros alone is no id. */
static bool identifies(const char *text, size_t length)
{
    return hexadecimal(text, length) && strspn(text, "0") < length;
}

bool traceparent_read(char out[TRACEPARENT_LENGTH + 1], const char *field)
{
    if (strnlen(field, TRACEPARENT_LENGTH) < TRACEPARENT_LENGTH)
        return false;
    char behind = field[TRACEPARENT_LENGTH];
    bool known = strncmp(field, "00-", 3) == 0;
    if (!hexadecimal(field, VERSION_LENGTH) || strncmp(field, "ff", VERSION_LENGTH) == 0 ||
        field[TRACE_ID_AT - 1] != '-' || field[PARENT_ID_AT - 1] != '-' ||
        field[FLAGS_AT - 1] != '-' || (behind != '\0' && (known || behind != '-')) ||
        !identifies(field + TRACE_ID_AT, TRACE_ID_LENGTH) ||
        !identifies(field + PARENT_ID_AT, PARENT_ID_LENGTH) || !hexadecimal(field + FLAGS_AT, 2))
        return false;
    memcpy(out, field, TRACEPARENT_LENGTH);
    memcpy(out, "00", VERSION_LENGTH);
    out[FLAGS_AT] = '0';
    out[FLAGS_AT + 1] = (strchr(digits, field[FLAGS_AT + 1]) - digits) % 2 == 1 ? '1' : '0';
    out[TRACEPARENT_LENGTH] = '\0';
    return true;
}
