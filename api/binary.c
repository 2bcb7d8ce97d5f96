/* SPDX-License-Identifier: Apache-2.0 */
#include "api/binary.h"

#include "api/log.h"
#include "api/text.h"
#include "api/timestamp.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

int64_t binary_integer(const char *value, size_t size)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case sizeof two:
        memcpy(&two, value, sizeof two);
        return (int16_t)be16toh(two);
    case sizeof four:
        memcpy(&four, value, sizeof four);
        return (int32_t)be32toh(four);
    case sizeof eight:
        memcpy(&eight, value, sizeof eight);
        return (int64_t)be64toh(eight);
    default:
        abort();
    }
}

/* Eight hexadecimal digits at once, as a list of fifty has 4,800 of them: the half octets are
 * spread over an octet each, and those above 9 lifted to the letters. */
static void hex_write_eight(char out[8], const char octets[4])
{
    static const uint64_t each = UINT64_C(0x0101010101010101);
    uint32_t word;
    memcpy(&word, octets, sizeof word);
    uint64_t x = be32toh(word);
    x = (x << 16 | x) & UINT64_C(0x0000FFFF0000FFFF);
    x = (x << 8 | x) & UINT64_C(0x00FF00FF00FF00FF);
    x = (x << 4 | x) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    uint64_t letters = (x + 6 * each) >> 4 & each;
    x = htobe64(x + '0' * each + letters * ('a' - '0' - 10));
    memcpy(out, &x, sizeof x);
}

void binary_uuid_write(char out[UUID_TEXT], const char value[UUID_OCTETS])
{
    char digits[2 * UUID_OCTETS];
    for (size_t i = 0; i < UUID_OCTETS; i += 4)
        hex_write_eight(digits + 2 * i, value + i);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

static void add_uuid(struct text *text, const char *value)
{
    char *at = text_room(text, 1 + UUID_TEXT + 1);
    at[0] = at[1 + UUID_TEXT] = '"';
    binary_uuid_write(at + 1, value);
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
    int64_t microseconds = binary_integer(value, size);
    char *at = text_room(text, 1 + TIMESTAMP_LENGTH + 1);
    at[0] = at[1 + TIMESTAMP_LENGTH] = '"';
    if (timestamp_write_microseconds(at + 1, microseconds))
        return;
    log_line(LOG_ERR, "bug: a timestamp is %lld us from 2000 on", (long long)microseconds);
    text->length -= 1 + TIMESTAMP_LENGTH + 1;
    text_add(text, "null", 4);
}

void binary_add(struct text *text, enum member_kind kind, const char *value, size_t size)
{
    switch (kind) {
    case MEMBER_TEXT:
        text_add_json(text, value, size);
        break;
    case MEMBER_UUID:
        add_uuid(text, value);
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
