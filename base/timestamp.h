/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.h - from PostgreSQL's forms of a timestamptz to RFC 3339. */
#ifndef ONRAMP_BASE_TIMESTAMP_H
#define ONRAMP_BASE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TIMESTAMP_LENGTH = 24,      /* 2026-11-22T10:00:00.500Z */
    TIMESTAMP_EXACT_LENGTH = 27 /* 2026-11-22T10:00:00.500000Z */
};

/* Rewrite "2026-11-22 10:00:00.5+00" (DateStyle ISO, TimeZone UTC) with exactly three digits of a
 * second, the rest cut off. False when the text is not of that form; out is then untouched. */
bool timestamp_write(char out[TIMESTAMP_LENGTH], const char *text);

/* The same with all six digits of a second, for what is compared to the microsecond. */
bool timestamp_write_exact(char out[TIMESTAMP_EXACT_LENGTH], const char *text);

/* timestamp_write from the binary form: microseconds from 2000 on. False for what is not in the
 * years 1 to 9999. */
bool timestamp_write_microseconds(char out[TIMESTAMP_LENGTH], int64_t microseconds);

#endif
