/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NONCE = 12,
    TAG = 16,
    SEALED_MAX = NONCE + SEAL_PLAIN_MAX + TAG,
    /* Base64url: four characters for three octets, without padding. */
    SEALED_TEXT_MAX = (SEALED_MAX + 2) / 3 * 4,
    RETIRED_MAX = 64 /* keys that have left the file and still open */
};

static const char version[] = "v1.";

/* What the process knows. Guarded by the lock, which is held for no longer than a copy takes, or a
 * look at a small file. */
static struct {
    pthread_mutex_t lock;
    char path[PATH_MAX];
    struct stat seen; /* the file when it was read */
    struct seal_keys keys;
    struct seal_key retired[RETIRED_MAX];
    size_t retired_count;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- keys --- */

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

/* Rows that were read a moment ago may be sealed with a key that a rotation has just dropped. */
static void retire(const struct seal_keys *fresh)
{
    for (size_t i = 0; i < ring.keys.count; i++) {
        const struct seal_key *key = &ring.keys.items[i];
        if (seal_keys_find(fresh, key->id, strlen(key->id)) == NULL) {
            ring.retired[ring.retired_count % RETIRED_MAX] = *key;
            ring.retired_count++;
        }
    }
}

static bool ring_read(char **error)
{
    struct seal_keys fresh;
    struct stat seen = {0};
    /* Looked at first: a file that changes while it is read is then read again. */
    if (stat(ring.path, &seen) != 0)
        memset(&seen, 0, sizeof seen);
    ring.seen = seen;
    if (!seal_keys_read(&fresh, ring.path, error))
        return false;
    retire(&fresh);
    ring.keys = fresh;
    seal_keys_cleanse(&fresh);
    return true;
}

/* Read the file again when it is another one; one that cannot be used changes nothing. */
static void ring_refresh(void)
{
    struct stat now;
    char *error = NULL;
    if (stat(ring.path, &now) != 0 || same_file(&now, &ring.seen))
        return;
    (void)ring_read(&error);
    free(error);
}

bool seal_keys_load(const char *path, char **error)
{
    pthread_mutex_lock(&ring.lock);
    int length = snprintf(ring.path, sizeof ring.path, "%s", path);
    if (length >= (int)sizeof ring.path)
        ring.path[0] = '\0'; /* is said not to be there */
    bool good = ring_read(error);
    pthread_mutex_unlock(&ring.lock);
    return good;
}

void seal_keys_forget(void)
{
    pthread_mutex_lock(&ring.lock);
    seal_keys_cleanse(&ring.keys);
    OPENSSL_cleanse(ring.retired, sizeof ring.retired);
    ring.retired_count = 0;
    ring.path[0] = '\0';
    pthread_mutex_unlock(&ring.lock);
}

static const struct seal_key *ring_find(const char *id, size_t length)
{
    const struct seal_key *key = seal_keys_find(&ring.keys, id, length);
    for (size_t i = 0; key == NULL && i < ring.retired_count && i < RETIRED_MAX; i++)
        if (strlen(ring.retired[i].id) == length && memcmp(ring.retired[i].id, id, length) == 0)
            key = &ring.retired[i];
    return key;
}

/* Copy the key of that id, or with NULL the one that seals. */
static bool key_take(struct seal_key *out, const char *id, size_t length)
{
    pthread_mutex_lock(&ring.lock);
    const struct seal_key *key = id != NULL ? ring_find(id, length) : NULL;
    if (key == NULL) {
        ring_refresh();
        key = id != NULL ? ring_find(id, length) : ring.keys.count > 0 ? &ring.keys.items[0] : NULL;
    }
    if (key != NULL)
        *out = *key;
    pthread_mutex_unlock(&ring.lock);
    return key != NULL;
}

/* --- text --- */

static size_t base64url_write(char *out, const unsigned char *octets, size_t length)
{
    size_t written = (size_t)EVP_EncodeBlock((unsigned char *)out, octets, (int)length);
    while (written > 0 && out[written - 1] == '=')
        written--;
    out[written] = '\0';
    for (size_t i = 0; i < written; i++)
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    return written;
}

/* Strict: only the text that we would write counts. Both buffers are of the longest size. */
static bool base64url_read(unsigned char *out, size_t *size, const char *text, size_t length)
{
    char padded[SEALED_TEXT_MAX + 4 + 1];
    size_t whole = (length + 3) / 4 * 4;
    if (length % 4 == 1 || length > SEALED_TEXT_MAX)
        return false;
    for (size_t i = 0; i < whole; i++)
        padded[i] = i >= length ? '=' : text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    if (EVP_DecodeBlock(out, (const unsigned char *)padded, (int)whole) < 0)
        return false;
    *size = whole / 4 * 3 - (whole - length);
    return base64url_write(padded, out, *size) == length && memcmp(padded, text, length) == 0;
}

/* The key id of a sealed text, its length, and where the rest begins; NULL when it is none. */
static const char *id_read(const char *sealed, size_t *length, const char **rest)
{
    if (strncmp(sealed, version, sizeof version - 1) != 0)
        return NULL;
    const char *id = sealed + sizeof version - 1;
    *length = strcspn(id, ".");
    if (*length == 0 || *length >= SEAL_KEY_ID || id[*length] != '.')
        return NULL;
    *rest = id + *length + 1;
    return id;
}

const char *seal_key_id(struct arena *arena, const char *sealed)
{
    size_t length;
    const char *rest;
    const char *id = id_read(sealed, &length, &rest);
    return id != NULL ? arena_copy(arena, id, length) : NULL;
}

/* --- sealing --- */

/* What the library refuses here is no input of ours. */
static void must(bool done)
{
    if (!done)
        abort();
}

static const char *close_with(struct arena *arena, const struct seal_key *key, const char *plain,
                              const char *context)
{
    unsigned char octets[SEALED_MAX];
    char text[SEALED_TEXT_MAX + 4 + 1];
    size_t length = strlen(plain);
    int size;
    const char *sealed = NULL;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL && length <= SEAL_PLAIN_MAX);
    if (RAND_bytes(octets, NONCE) != 1)
        goto done;
    must(EVP_EncryptInit_ex2(cipher, EVP_aes_256_gcm(), key->octets, octets, NULL) == 1 &&
         EVP_EncryptUpdate(cipher, NULL, &size, (const unsigned char *)context,
                           (int)strlen(context)) == 1 &&
         EVP_EncryptUpdate(cipher, octets + NONCE, &size, (const unsigned char *)plain,
                           (int)length) == 1 &&
         size == (int)length && EVP_EncryptFinal_ex(cipher, octets + NONCE + length, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, octets + NONCE + length) == 1);
    base64url_write(text, octets, NONCE + length + TAG);
    sealed = arena_printf(arena, "%s%s.%s", version, key->id, text);
done:
    EVP_CIPHER_CTX_free(cipher);
    return sealed;
}

const char *seal_close(struct arena *arena, const char *plain, const char *context)
{
    struct seal_key key;
    must(key_take(&key, NULL, 0));
    const char *sealed = close_with(arena, &key, plain, context);
    OPENSSL_cleanse(&key, sizeof key);
    return sealed;
}

/* Decrypt into plain, which has room for one octet more. */
static bool octets_open(unsigned char *plain, const unsigned char *octets, size_t length,
                        const struct seal_key *key, const char *context)
{
    unsigned char tag[TAG];
    int size;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL);
    memcpy(tag, octets + NONCE + length, TAG);
    bool good = EVP_DecryptInit_ex2(cipher, EVP_aes_256_gcm(), key->octets, octets, NULL) == 1 &&
                EVP_DecryptUpdate(cipher, NULL, &size, (const unsigned char *)context,
                                  (int)strlen(context)) == 1 &&
                EVP_DecryptUpdate(cipher, plain, &size, octets + NONCE, (int)length) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
                EVP_DecryptFinal_ex(cipher, plain + length, &size) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return good;
}

static char *open_with(struct arena *arena, const struct seal_key *key, const char *text,
                       const char *context)
{
    unsigned char octets[SEALED_TEXT_MAX + 4];
    size_t size;
    if (!base64url_read(octets, &size, text, strlen(text)) || size < NONCE + TAG)
        return NULL;
    size_t length = size - NONCE - TAG;
    unsigned char *plain = arena_alloc(arena, length + 1);
    bool good = octets_open(plain, octets, length, key, context);
    plain[good ? length : 0] = '\0';
    if (!good)
        OPENSSL_cleanse(plain, length + 1);
    return good ? (char *)plain : NULL;
}

char *seal_open(struct arena *arena, const char *sealed, const char *context)
{
    struct seal_key key;
    size_t length;
    const char *text;
    const char *id = id_read(sealed, &length, &text);
    if (id == NULL || !key_take(&key, id, length))
        return NULL;
    char *plain = open_with(arena, &key, text, context);
    OPENSSL_cleanse(&key, sizeof key);
    return plain;
}

const char *seal_key_prove(struct arena *arena, const struct seal_key *key)
{
    return close_with(arena, key, key->id, arena_printf(arena, "key:%s", key->id));
}

bool seal_key_proves(struct arena *arena, const struct seal_key *key, const char *proof)
{
    size_t length;
    const char *text;
    if (id_read(proof, &length, &text) == NULL)
        return false;
    const char *id = open_with(arena, key, text, arena_printf(arena, "key:%s", key->id));
    return id != NULL && strcmp(id, key->id) == 0;
}
