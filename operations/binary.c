/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/binary.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"

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

typedef unsigned char octets __attribute__((vector_size(16)));

static octets digits_of(octets halves)
{
    return halves + '0' + ((octets)(halves > 9) & ('a' - '0' - 10));
}

/* All 32 digits at once, as a list of fifty has 4,800 of them. */
void binary_uuid_write(char out[UUID_TEXT], const char value[UUID_OCTETS])
{
    octets all;
    char digits[2 * UUID_OCTETS];
    memcpy(&all, value, sizeof all);
    octets high = digits_of(all >> 4), low = digits_of(all & 15);
    octets first =
        __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    octets second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                            14, 30, 15, 31);
    memcpy(digits, &first, sizeof first);
    memcpy(digits + sizeof first, &second, sizeof second);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

static char *put_integer(char *at, int64_t number)
{
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number, power = 1;
    if (number < 0)
        *at++ = '-';
    char *end = at + 1;
    for (; left / 10 >= power; power *= 10)
        end++;
    at = end;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    return end;
}

static char *put_time(char *at, int64_t microseconds)
{
    if (!timestamp_write_microseconds(at + 1, microseconds)) {
        log_line(LOG_ERR, "bug: a timestamp is %lld us from 2000 on", (long long)microseconds);
        return put(at, "null", 4);
    }
    at[0] = at[1 + TIMESTAMP_LENGTH] = '"';
    return at + 1 + TIMESTAMP_LENGTH + 1;
}

char *put_binary(char *at, enum member_kind kind, const char *value, size_t size)
{
    switch (kind) {
    case MEMBER_TEXT:
        return put_json(at, value, size);
    case MEMBER_UUID:
        at[0] = at[1 + UUID_TEXT] = '"';
        binary_uuid_write(at + 1, value);
        return at + 1 + UUID_TEXT + 1;
    case MEMBER_NUMBER:
        return put_integer(at, binary_integer(value, size));
    case MEMBER_BOOLEAN:
        return value[0] ? put(at, "true", 4) : put(at, "false", 5);
    case MEMBER_TIME:
        return put_time(at, binary_integer(value, size));
    case MEMBER_JSON:
        return put(at, value + JSONB_TEXT_AT, size - JSONB_TEXT_AT);
    default:
        return put_quoted(at, value, size);
    }
}
