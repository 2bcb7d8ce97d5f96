/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - secrets at rest: sealed before they go to the database, opened when they are used.
 *
 * A sealed secret is the text `v1.<key id>.<base64url of nonce | ciphertext | tag>`, AES-256-GCM
 * (NIST SP 800-38D) with a random nonce of 96 bits and a tag of 128. The context is authenticated
 * with it and says whose secret it is: "callback:<partner>" or "webhook:<role>:<customer, partner
 * or nothing>"; a sealed secret that was moved to another owner's row does not open there.
 *
 * The keys are the process's, in any thread. Their file (crypto/seal_keys.h) may change while the
 * process runs: it is read again when it is another one at the next sealing, and when a secret was
 * sealed with a key that is not known. A key that has left the file still opens here. */
#ifndef ONRAMP_CRYPTO_SEAL_H
#define ONRAMP_CRYPTO_SEAL_H

#include "base/arena.h"
#include "crypto/seal_keys.h"

#include <stdbool.h>

enum { SEAL_PLAIN_MAX = 4096 }; /* octets of one secret */

/* Load the keys of the file, before threads start. False when it cannot be used; *error is then a
 * sentence, the caller's to free. */
bool seal_keys_load(const char *path, char **error);

/* Forget the keys. */
void seal_keys_forget(void);

/* Seal a text of at most SEAL_PLAIN_MAX octets. NULL when the system has no randomness. Borrowed
 * from the arena. Without keys the process ends: a programming error. */
const char *seal_close(struct arena *arena, const char *plain, const char *context);

/* What was sealed for that context, or NULL: malformed, changed, of another context, or sealed with
 * a key that is not there. In the arena, which does not wipe: cleanse it after use. */
char *seal_open(struct arena *arena, const char *sealed, const char *context);

/* The id of the key that the text says it was sealed with, or NULL when it is no sealed text.
 * Borrowed from the arena. */
const char *seal_key_id(struct arena *arena, const char *sealed);

/* A key as the database knows it: its id, sealed with itself. NULL when the system has no
 * randomness. Borrowed from the arena. */
const char *seal_key_prove(struct arena *arena, const struct seal_key *key);

/* Whether the proof was made with this key. */
bool seal_key_proves(struct arena *arena, const struct seal_key *key, const char *proof);

#endif
