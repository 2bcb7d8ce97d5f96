/* SPDX-License-Identifier: Apache-2.0 */
/* quantity.h - times and numbers as they stand on the command line. */
#ifndef ONRAMP_CLI_QUANTITY_H
#define ONRAMP_CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number from least to most, in digits, with a minus sign before them where that is
 * allowed. False when it is not one; out is then untouched. */
bool number_read(int64_t *out, const char *text, int64_t least, int64_t most);

/* A time with its unit, in milliseconds: 250ms, 2s, 5m, 1h, 0; with a minus sign where signs is
 * true. At most 365 days. */
bool span_read(int64_t *out, const char *text, bool signs);

/* From a least to a most, 500ms..2s, or one time for both. */
bool span_range_read(int64_t *least, int64_t *most, const char *text);

#endif
