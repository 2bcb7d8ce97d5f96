/* SPDX-License-Identifier: Apache-2.0 */
#include "api/binary.h"

#include "api/log.h"
#include "api/text.h"
#include "api/timestamp.h"

#include <string.h>

int64_t binary_integer(const char *value, size_t size)
{
    uint64_t number = (signed char)value[0] < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)value[i];
    return (int64_t)number;
}

void binary_uuid_write(char out[UUID_TEXT], const char value[UUID_OCTETS])
{
    static const char digits[] = "0123456789abcdef";
    /* Where each octet stands; four hyphens are between them. */
    static const unsigned char at[UUID_OCTETS] = {0,  2,  4,  6,  9,  11, 14, 16,
                                                  19, 21, 24, 26, 28, 30, 32, 34};
    for (size_t i = 0; i < UUID_OCTETS; i++) {
        unsigned char octet = (unsigned char)value[i];
        out[at[i]] = digits[octet >> 4];
        out[at[i] + 1] = digits[octet & 0xF];
    }
    out[8] = out[13] = out[18] = out[23] = '-';
}

static void add_integer(struct text *text, int64_t number)
{
    char digits[20], *end = digits + sizeof digits, *at = end;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--at = '-';
    text_add(text, at, (size_t)(end - at));
}

static void add_time(struct text *text, const char *value, size_t size)
{
    char time[TIMESTAMP_LENGTH];
    int64_t microseconds = binary_integer(value, size);
    if (timestamp_write_microseconds(time, microseconds)) {
        text_add_quoted(text, time, sizeof time);
        return;
    }
    log_line(LOG_ERR, "bug: a timestamp is %lld us from 2000 on", (long long)microseconds);
    text_add(text, "null", 4);
}

void binary_add(struct text *text, enum member_kind kind, const char *value, size_t size)
{
    char uuid[UUID_TEXT];
    switch (kind) {
    case MEMBER_TEXT:
        text_add_json(text, value, size);
        break;
    case MEMBER_UUID:
        binary_uuid_write(uuid, value);
        text_add_quoted(text, uuid, sizeof uuid);
        break;
    case MEMBER_NUMBER:
        add_integer(text, binary_integer(value, size));
        break;
    case MEMBER_BOOLEAN:
        text_add_word(text, value[0] ? "true" : "false");
        break;
    case MEMBER_TIME:
        add_time(text, value, size);
        break;
    case MEMBER_JSON:
        text_add(text, value + JSONB_TEXT_AT, size - JSONB_TEXT_AT);
        break;
    default:
        text_add_quoted(text, value, size);
        break;
    }
}
