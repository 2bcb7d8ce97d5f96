/* SPDX-License-Identifier: Apache-2.0 */
/* base62.h - random text and its check digits, for tokens and keys that people copy.
 *
 * The check is the CRC-32 of all that stands before it, in 6 base62 digits: a typo, or a secret of
 * another kind, is recognised without a look into the database. */
#ifndef ONRAMP_CRYPTO_BASE62_H
#define ONRAMP_CRYPTO_BASE62_H

#include <stdbool.h>
#include <stddef.h>

enum { BASE62_CHECK = 6 };

/* Fill with random characters, each equally likely. False: the system gives no randomness. */
bool base62_random(char *out, size_t length);

/* Write the check of the length characters at text; no NUL. */
void base62_check(char check[BASE62_CHECK], const char *text, size_t length);

/* Whether the length characters are base62 and the last of them the check of all before them, a
 * prefix of any characters aside. */
bool base62_valid(const char *text, size_t length, size_t prefix);

#endif
