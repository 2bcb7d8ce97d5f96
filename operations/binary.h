/* SPDX-License-Identifier: Apache-2.0 */
/* binary.h - columns as PostgreSQL sends them in binary form: big-endian, and without an end. */
#ifndef ONRAMP_OPERATIONS_BINARY_H
#define ONRAMP_OPERATIONS_BINARY_H

#include "operations/operation.h"

#include <stddef.h>
#include <stdint.h>

enum { UUID_OCTETS = 16, UUID_TEXT = 36 };

/* A smallint, integer or bigint: 2, 4 or 8 octets. */
int64_t binary_integer(const char *value, size_t size);

/* 0199a0c4-...; not NUL-terminated. */
void binary_uuid_write(char out[UUID_TEXT], const char value[UUID_OCTETS]);

/* Put a value that is not null, as JSON, where there is room for JSON_MOST times its octets and a
 * quoted uuid (text.h). */
char *put_binary(char *at, enum member_kind kind, const char *value, size_t size);

/* A jsonb is its text behind the number of the format. */
enum { JSONB_TEXT_AT = 1 };

#endif
