/* SPDX-License-Identifier: Apache-2.0 */
/* signature.h - Standard Webhooks 1.0.0 signatures, version v1 (HMAC-SHA256), and their secrets.
 *
 * Source: the Standard Webhooks specification 1.0.0, "Signature scheme": the signed content is
 * `webhook-id . webhook-timestamp . body`, the secret is `whsec_` and the base64 of 24-64 octets.
 * We read timestamps and signatures more strictly than the reference libraries do. */
#ifndef ONRAMP_CRYPTO_SIGNATURE_H
#define ONRAMP_CRYPTO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIGNATURE_KEY_MAX = 64,      /* octets of a secret's key */
    SIGNATURE_TEXT = 3 + 44 + 1, /* "v1," + base64 of 32 octets + NUL */
    SECRET_TEXT = 6 + 88 + 1,    /* "whsec_" + base64 of at most 64 octets + NUL */
    SIGNATURE_TOLERANCE_SECONDS = 300
};

struct signature_key {
    unsigned char octets[SIGNATURE_KEY_MAX];
    size_t length;
};

/* A fresh secret of 32 random octets as text. Returns false when the system has no randomness. */
bool secret_new(char text[SECRET_TEXT]);

/* Decode `whsec_...`. Strict base64 with padding, 24-64 octets; otherwise false. */
bool signature_key_read(struct signature_key *out, const char *secret);

/* Whether text is a plain decimal number of seconds (no sign, no leading zero, no fraction, nothing
 * behind it) within the tolerance of now, in seconds since the epoch. */
bool signature_timestamp_fresh(const char *text, int64_t now);

/* Whether a webhook-id may be one: 1-256 visible ASCII characters and no full stop, which separates
 * the signed parts (same section of the specification). */
bool signature_id_valid(const char *id);

/* Sign. out gets "v1,<base64>". */
void signature_make(char out[SIGNATURE_TEXT], const struct signature_key *key, const char *id,
                    const char *timestamp, const void *body, size_t length);

/* Whether one of the space-separated signatures in header is ours under key. The time taken does
 * not depend on where a signature differs. Entries of other versions are passed over. */
bool signature_matches(const struct signature_key *key, const char *id, const char *timestamp,
                       const void *body, size_t length, const char *header);

#endif
