/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - bearer tokens: their text form, and the operations on them.
 *
 * A token is a typed prefix (onrc_ customer, onrp_ partner, onro_ operator), 12 base62 characters
 * of key id, 32 base62 characters of randomness and 6 base62 characters of CRC-32 over all before,
 * so that a typo is refused without a read. The database keeps the key id and the SHA-256 of the
 * whole. */
#ifndef ONRAMP_API_TOKEN_H
#define ONRAMP_API_TOKEN_H

#include "crypto/digest.h"
#include "operations/operation.h"

enum { TOKEN_KEY_ID = 12, TOKEN_RANDOM = 32, TOKEN_CHECK = 6 };
enum { TOKEN_LENGTH = 5 + TOKEN_KEY_ID + TOKEN_RANDOM + TOKEN_CHECK };

struct token {
    char text[TOKEN_LENGTH + 1];
    char key_id[TOKEN_KEY_ID + 1];
    unsigned char sha256[DIGEST_OCTETS]; /* of text */
    enum role role;                      /* by the prefix */
};

/* Make a token for a role. Returns false when the system has no randomness. */
bool token_new(struct token *out, enum role role);

/* Read a presented token. False when its form or its check characters are wrong. */
bool token_read(struct token *out, const char *text);

extern const struct operation token_create, token_list, token_delete;
/* Look-up of a presented token by its key id: (id, sha256, role, customer_id, partner, name,
 * expires_at), no row when it is unknown, deleted or expired. */
extern const struct operation token_check;

#endif
