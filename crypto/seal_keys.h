/* SPDX-License-Identifier: Apache-2.0 */
/* seal_keys.h - the file of the keys that secrets are sealed with at rest.
 *
 * One key a line, `<key id> <base64 of 32 octets>`; the first one seals, the others only open what
 * they sealed before. Empty lines and lines that begin with # are passed over. Nobody but its owner
 * may read or write the file. An error names the file and the line, never what stands there. */
#ifndef ONRAMP_CRYPTO_SEAL_KEYS_H
#define ONRAMP_CRYPTO_SEAL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SEAL_KEY_OCTETS = 32,
    SEAL_KEY_ID = 32 + 1, /* at most 32 of A-Z a-z 0-9 _ - and NUL */
    SEAL_KEYS_MAX = 16    /* in one file */
};

struct seal_key {
    char id[SEAL_KEY_ID];
    unsigned char octets[SEAL_KEY_OCTETS];
};

struct seal_keys {
    size_t count;
    struct seal_key items[SEAL_KEYS_MAX];
};

/* Read the file; at least one key. The caller gives out back with seal_keys_cleanse. False when it
 * cannot be used; *error is then a sentence, the caller's to free, and out is empty. */
bool seal_keys_read(struct seal_keys *out, const char *path, char **error);

/* Write the file so that it is there whole or not at all, mode 0600, and survives a power cut. A
 * symbolic link stays one. False as above. */
bool seal_keys_write(const struct seal_keys *keys, const char *path, char **error);

/* A fresh key, named after the day and by chance. False when the system has no randomness. */
bool seal_key_new(struct seal_key *out);

/* The key of that id (length octets at id), or NULL. Borrowed from keys. */
const struct seal_key *seal_keys_find(const struct seal_keys *keys, const char *id, size_t length);

void seal_keys_cleanse(struct seal_keys *keys);

#endif
