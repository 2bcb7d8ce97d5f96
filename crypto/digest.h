/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256 and HMAC-SHA-256 (RFC 2104) by OpenSSL, for any thread.
 *
 * SHA256() and HMAC() look their algorithms up by name at every call, which takes longer than to
 * hash a token. Here they are looked up once. */
#ifndef ONRAMP_CRYPTO_DIGEST_H
#define ONRAMP_CRYPTO_DIGEST_H

#include <stddef.h>

enum { DIGEST_OCTETS = 32, DIGEST_TEXT = 2 * DIGEST_OCTETS + 1 };

void digest_make(unsigned char out[DIGEST_OCTETS], const void *octets, size_t length);

/* The same as lower-case hexadecimal text. */
void digest_write(char out[DIGEST_TEXT], const void *octets, size_t length);

/* Nothing of the key remains. */
void digest_sign(unsigned char out[DIGEST_OCTETS], const void *key, size_t key_length,
                 const void *octets, size_t length);

#endif
