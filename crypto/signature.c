/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signature.h"

#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MIN = 24,
    KEY_FRESH = 32,
    ID_MAX = 256,
};

static const char prefix[] = "whsec_";

bool secret_new(char text[SECRET_TEXT])
{
    unsigned char key[KEY_FRESH];
    if (RAND_bytes(key, sizeof key) != 1)
        return false;
    memcpy(text, prefix, sizeof prefix);
    EVP_EncodeBlock((unsigned char *)text + sizeof prefix - 1, key, sizeof key);
    OPENSSL_cleanse(key, sizeof key);
    return true;
}

bool signature_key_read(struct signature_key *out, const char *secret)
{
    if (strncmp(secret, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *text = secret + sizeof prefix - 1;
    size_t length = strnlen(text, SECRET_TEXT);
    unsigned char raw[SIGNATURE_KEY_MAX + 4];
    char again[SECRET_TEXT];
    if (length == 0 || length % 4 != 0 || length / 4 * 3 > sizeof raw)
        return false;
    int decoded = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)length);
    if (decoded < 0)
        return false;
    size_t size = (size_t)decoded - (text[length - 1] == '=') - (text[length - 2] == '=');
    bool good = size >= KEY_MIN && size <= SIGNATURE_KEY_MAX;
    if (good) {
        /* The decoder passes over stray bits and blanks; only the text that we would write counts.
         */
        EVP_EncodeBlock((unsigned char *)again, raw, (int)size);
        good = strcmp(again, text) == 0;
    }
    if (good) {
        memcpy(out->octets, raw, size);
        out->length = size;
    }
    OPENSSL_cleanse(raw, sizeof raw);
    return good;
}

bool signature_timestamp_fresh(const char *text, int64_t now)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 12 || text[digits] != '\0' || text[0] == '0')
        return false;
    int64_t sent = strtoll(text, NULL, 10);
    return sent >= now - SIGNATURE_TOLERANCE_SECONDS && sent <= now + SIGNATURE_TOLERANCE_SECONDS;
}

bool signature_id_valid(const char *id)
{
    size_t length = strnlen(id, ID_MAX + 1);
    if (length < 1 || length > ID_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '.')
            return false;
    return true;
}

static void mac_compute(unsigned char mac[DIGEST_OCTETS], const struct signature_key *key,
                        const char *id, const char *timestamp, const void *body, size_t length)
{
    size_t id_length = strlen(id);
    size_t time_length = strlen(timestamp);
    size_t total = id_length + 1 + time_length + 1 + length;
    unsigned char *content = malloc(total);
    if (!content)
        abort();
    unsigned char *end = content;
    memcpy(end, id, id_length);
    end += id_length;
    *end++ = '.';
    memcpy(end, timestamp, time_length);
    end += time_length;
    *end++ = '.';
    if (length > 0)
        memcpy(end, body, length);
    digest_sign(mac, key->octets, key->length, content, total);
    free(content);
}

void signature_make(char out[SIGNATURE_TEXT], const struct signature_key *key, const char *id,
                    const char *timestamp, const void *body, size_t length)
{
    unsigned char mac[DIGEST_OCTETS];
    mac_compute(mac, key, id, timestamp, body, length);
    memcpy(out, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)out + 3, mac, DIGEST_OCTETS);
}

bool signature_matches(const struct signature_key *key, const char *id, const char *timestamp,
                       const void *body, size_t length, const char *header)
{
    char ours[SIGNATURE_TEXT];
    signature_make(ours, key, id, timestamp, body, length);
    bool found = false;
    while (*header) {
        size_t size = strcspn(header, " ");
        /* Every entry is compared whole, as text: one signature has one base64 form. */
        if (size == SIGNATURE_TEXT - 1)
            found |= CRYPTO_memcmp(header, ours, SIGNATURE_TEXT - 1) == 0;
        header += size;
        header += strspn(header, " ");
    }
    return found;
}
