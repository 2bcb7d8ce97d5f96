/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "crypto/hex.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Both are only read after they were looked up, and stay as long as the process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC_CTX *keyless; /* HMAC of it, which each signature copies */

/* Without digests no token could be verified. */
static void fail(void)
{
    fputs("OpenSSL has no SHA-256 or HMAC for us; does its configuration leave out the default"
          " provider?\n",
          stderr);
    abort();
}

static void look_up(void)
{
    char name[] = "SHA256";
    const OSSL_PARAM of_sha256[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    sha256 = EVP_MD_fetch(NULL, name, NULL);
    keyless = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    if (!sha256 || !keyless || EVP_MAC_CTX_set_params(keyless, of_sha256) != 1)
        fail();
    EVP_MAC_free(hmac);
}

void digest_make(unsigned char out[DIGEST_OCTETS], const void *octets, size_t length)
{
    pthread_once(&once, look_up);
    if (EVP_Digest(octets, length, out, NULL, sha256, NULL) != 1)
        abort();
}

void digest_write(char out[DIGEST_TEXT], const void *octets, size_t length)
{
    unsigned char digest[DIGEST_OCTETS];
    digest_make(digest, octets, length);
    hex_write(out, digest, sizeof digest);
}

void digest_sign(unsigned char out[DIGEST_OCTETS], const void *key, size_t key_length,
                 const void *octets, size_t length)
{
    size_t written = 0;
    pthread_once(&once, look_up);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(keyless);
    if (!mac || EVP_MAC_init(mac, key, key_length, NULL) != 1 ||
        EVP_MAC_update(mac, octets, length) != 1 ||
        EVP_MAC_final(mac, out, &written, DIGEST_OCTETS) != 1 || written != DIGEST_OCTETS)
        abort();
    EVP_MAC_CTX_free(mac);
}
