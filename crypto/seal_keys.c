/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_MAX = 16 * 1024,
    KEY_TEXT = 44 /* base64 of a key */
};

static const char blanks[] = " \t";
static const char id_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789_-";
static const char head[] =
    "# Keys that onramp seals secrets with: <key id> <base64 of 32 octets>. The first one seals, "
    "the\n# others open. Back this file up with the database: without it no secret can be read.\n";

static bool fail(char **error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(error, format, arguments) < 0)
        abort();
    va_end(arguments);
    return false;
}

void seal_keys_cleanse(struct seal_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}

const struct seal_key *seal_keys_find(const struct seal_keys *keys, const char *id, size_t length)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strlen(keys->items[i].id) == length && memcmp(keys->items[i].id, id, length) == 0)
            return &keys->items[i];
    return NULL;
}

/* --- reading --- */

/* Strict base64: only the text that we would write counts. */
static bool octets_read(unsigned char octets[SEAL_KEY_OCTETS], const char *text, size_t length)
{
    unsigned char raw[KEY_TEXT / 4 * 3];
    char again[KEY_TEXT + 1];
    bool good = length == KEY_TEXT &&
                EVP_DecodeBlock(raw, (const unsigned char *)text, KEY_TEXT) == (int)sizeof raw;
    if (good) {
        EVP_EncodeBlock((unsigned char *)again, raw, SEAL_KEY_OCTETS);
        good = CRYPTO_memcmp(again, text, KEY_TEXT) == 0;
    }
    if (good)
        memcpy(octets, raw, SEAL_KEY_OCTETS);
    OPENSSL_cleanse(raw, sizeof raw);
    OPENSSL_cleanse(again, sizeof again);
    return good;
}

/* What is wrong with the key that the line gives, or NULL when it was added to out. */
static const char *line_read(struct seal_keys *out, const char *line)
{
    const char *id = line + strspn(line, blanks);
    size_t length = strcspn(id, blanks);
    const char *text = id + length + strspn(id + length, blanks);
    size_t text_length = strcspn(text, blanks);
    if (out->count == SEAL_KEYS_MAX)
        return "there are more than 16 keys";
    struct seal_key *key = &out->items[out->count];
    if (length >= SEAL_KEY_ID || strspn(id, id_characters) != length)
        return "the key id is not 1 to 32 letters, digits, _ or -";
    if (text_length == 0)
        return "the key is missing behind its id";
    if (text[text_length + strspn(text + text_length, blanks)] != '\0')
        return "something stands behind the key";
    if (!octets_read(key->octets, text, text_length))
        return "the key is not the base64 of 32 octets";
    for (size_t i = 0; i < out->count; i++)
        if (CRYPTO_memcmp(out->items[i].octets, key->octets, SEAL_KEY_OCTETS) == 0)
            return "a line above has the same key";
    if (seal_keys_find(out, id, length) != NULL)
        return "a line above has the same key id";
    memcpy(key->id, id, length);
    key->id[length] = '\0';
    out->count++;
    return NULL;
}

static bool text_read(struct seal_keys *out, char *text, size_t length, const char *path,
                      char **error)
{
    size_t number = 0;
    if (memchr(text, '\0', length) != NULL)
        return fail(error, "%s is not text", path);
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        number++;
        if (line[strspn(line, blanks)] != '\0' && line[0] != '#') {
            const char *wrong = line_read(out, line);
            if (wrong != NULL)
                return fail(error, "%s, line %zu: %s", path, number, wrong);
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return out->count > 0 || fail(error, "%s has no key", path);
}

static bool file_take(int file, char *text, size_t *length, const char *path, char **error)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return fail(error, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fail(error, "%s is not a file", path);
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return fail(error,
                    "%s holds keys, and others than its owner may use it (mode %04o); "
                    "chmod 600 it",
                    path, (unsigned)about.st_mode & 07777u);
    for (*length = 0; *length < FILE_MAX;) {
        ssize_t got = read(file, text + *length, FILE_MAX - *length);
        if (got < 0 && errno != EINTR)
            return fail(error, "cannot read %s: %s", path, strerror(errno));
        if (got == 0)
            return true;
        if (got > 0)
            *length += (size_t)got;
    }
    return fail(error, "%s is longer than any file of keys", path);
}

bool seal_keys_read(struct seal_keys *out, const char *path, char **error)
{
    char text[FILE_MAX + 1];
    size_t length = 0;
    memset(out, 0, sizeof *out);
    /* Not blocking: a FIFO must not hang us before it is found to be none of ours. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail(error, "cannot read %s: %s", path, strerror(errno));
    bool good = file_take(file, text, &length, path, error);
    close(file);
    text[good ? length : 0] = '\0';
    good = good && text_read(out, text, length, path, error);
    if (!good)
        seal_keys_cleanse(out);
    OPENSSL_cleanse(text, sizeof text);
    return good;
}

/* --- writing --- */

static bool file_put(int file, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t put = write(file, text, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        text += put;
        length -= (size_t)put;
    }
    return fsync(file) == 0;
}

/* The folder that holds path, so that a rename in it can be made to last. */
static int folder_open(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool seal_keys_write(const struct seal_keys *keys, const char *path, char **error)
{
    char real[PATH_MAX], fresh[PATH_MAX + 8];
    char text[sizeof head + SEAL_KEYS_MAX * (SEAL_KEY_ID + KEY_TEXT + 2)];
    size_t length = sizeof head - 1;
    memcpy(text, head, sizeof head);
    for (size_t i = 0; i < keys->count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s ", keys->items[i].id);
        length += (size_t)EVP_EncodeBlock((unsigned char *)text + length, keys->items[i].octets,
                                          SEAL_KEY_OCTETS);
        text[length++] = '\n';
    }
    const char *target = realpath(path, real) != NULL ? real : path;
    int named = snprintf(fresh, sizeof fresh, "%s.part", target);
    int file = -1;
    if (named >= PATH_MAX)
        errno = ENAMETOOLONG;
    else if (unlink(fresh) == 0 || errno == ENOENT)
        file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int folder = file >= 0 ? folder_open(target) : -1;
    bool good = file >= 0 && folder >= 0 && file_put(file, text, length) &&
                rename(fresh, target) == 0 && fsync(folder) == 0;
    if (!good)
        fail(error, "cannot write %s: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    if (folder >= 0)
        close(folder);
    OPENSSL_cleanse(text, sizeof text);
    return good;
}

bool seal_key_new(struct seal_key *out)
{
    uint32_t chance;
    struct tm day;
    char date[16];
    time_t now = time(NULL);
    if (RAND_bytes(out->octets, SEAL_KEY_OCTETS) != 1 ||
        RAND_bytes((unsigned char *)&chance, sizeof chance) != 1)
        return false;
    strftime(date, sizeof date, "%Y%m%d", gmtime_r(&now, &day));
    snprintf(out->id, sizeof out->id, "%s-%08x", date, (unsigned)chance);
    return true;
}
