/* SPDX-License-Identifier: Apache-2.0 */
/* excerpt.h - the beginning of whatever somebody answered, as text that may be kept. */
#ifndef ONRAMP_WEBHOOKS_EXCERPT_H
#define ONRAMP_WEBHOOKS_EXCERPT_H

#include <stddef.h>

enum { EXCERPT_OCTETS = 4096 };

/* Write octets as valid UTF-8 (RFC 3629) of at most EXCERPT_OCTETS, with a NUL behind it: what is
 * none, and NUL, becomes U+FFFD; a character that does not fit whole is left out. */
void excerpt_write(char out[EXCERPT_OCTETS + 1], const char *octets, size_t length);

#endif
