/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing secrets: what was sealed opens, whatever was touched does not, and a file of keys is read
 * to the letter. */
#include "crypto/seal.h"
#include "crypto/signature.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TWO   "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
#define THREE "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8="

static char folder[] = "/tmp/seal.XXXXXX";
static char path[64];
static struct arena *arena;

static void write_file(const char *text, mode_t mode)
{
    unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(file, mode), 0);
    close(file);
}

static void load(const char *text)
{
    char *error = NULL;
    write_file(text, 0600);
    ck_assert_msg(seal_keys_load(path, &error), "%s", error);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/seal.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/keys", folder);
    arena = arena_new();
}

static void tear_down(void)
{
    seal_keys_forget();
    arena_free(arena);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A secret of the longest key, 64 octets. */
#define LONG_SECRET                                                                                \
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+"   \
    "Pw=="

START_TEST(what_was_sealed_opens_again)
{
    /* Texts of every length modulo 3 too. */
    static const char *const plains[] = {"", "a", "ab", "abc", LONG_SECRET};
    char longest[SEAL_PLAIN_MAX + 1];
    load("k1 " ONE "\n");
    for (size_t i = 0; i < sizeof plains / sizeof *plains; i++) {
        const char *sealed = seal_close(arena, plains[i], "callback:equinix");
        ck_assert_str_eq(seal_open(arena, sealed, "callback:equinix"), plains[i]);
        ck_assert(strncmp(sealed, "v1.k1.", 6) == 0);
        ck_assert_uint_eq(strspn(sealed + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789-_"),
                          strlen(sealed + 6));
    }
    struct signature_key key;
    ck_assert(signature_key_read(&key, LONG_SECRET));
    ck_assert_uint_eq(key.length, 64);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *sealed = seal_close(arena, longest, "webhook:operator:");
    ck_assert_str_eq(seal_open(arena, sealed, "webhook:operator:"), longest);
}
END_TEST

START_TEST(a_fresh_secret_is_sealed_and_nothing_of_it_shows)
{
    char secret[SECRET_TEXT];
    load("k1 " ONE "\n");
    ck_assert(secret_new(secret));
    const char *sealed = seal_close(arena, secret, "callback:equinix");
    ck_assert_ptr_null(strstr(sealed, secret));
    ck_assert_ptr_null(strstr(sealed, secret + strlen("whsec_")));
    ck_assert_str_eq(seal_open(arena, sealed, "callback:equinix"), secret);
}
END_TEST

START_TEST(the_same_text_is_never_sealed_alike)
{
    load("k1 " ONE "\n");
    const char *one = seal_close(arena, "secret", "callback:equinix");
    for (int i = 0; i < 1000; i++)
        ck_assert_str_ne(seal_close(arena, "secret", "callback:equinix"), one);
}
END_TEST

/* "secret" for callback:equinix under the key ONE and the nonce 0, 1, ... 11, made with another
 * implementation (Python's cryptography, AESGCM). */
#define SEALED_ELSEWHERE "AAECAwQFBgcICQoLNGe1aaCR_MYvvGN5RMbyuYsctjBV6g"

START_TEST(it_is_aes_256_gcm_as_others_compute_it)
{
    load("k1 " ONE "\n");
    ck_assert_str_eq(seal_open(arena, "v1.k1." SEALED_ELSEWHERE, "callback:equinix"), "secret");
}
END_TEST

START_TEST(another_context_does_not_open_it)
{
    static const char *const others[] = {
        "callback:equini",   "callback:equinixx", "callback:", "webhook:equinix", "",
        "callback:megaport", "callback:Equinix"};
    load("k1 " ONE "\n");
    const char *sealed = seal_close(arena, "secret", "callback:equinix");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(seal_open(arena, sealed, others[i]) == NULL, "opens for \"%s\"", others[i]);
}
END_TEST

START_TEST(another_key_id_does_not_open_it)
{
    load("k1 " ONE "\nk2 " TWO "\n");
    const char *sealed = seal_close(arena, "secret", "callback:equinix");
    const char *rest = sealed + strlen("v1.k1.");
    ck_assert_ptr_null(seal_open(arena, arena_printf(arena, "v1.k2.%s", rest), "callback:equinix"));
    ck_assert_ptr_null(seal_open(arena, arena_printf(arena, "v1.k3.%s", rest), "callback:equinix"));
    ck_assert_ptr_null(seal_open(arena, arena_printf(arena, "v1..%s", rest), "callback:equinix"));
}
END_TEST

START_TEST(any_flipped_bit_is_refused)
{
    load("k1 " ONE "\n");
    const char *sealed =
        seal_close(arena, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "callback:equinix");
    size_t length = strlen(sealed);
    for (size_t bit = 0; bit < length * 8; bit++) {
        char *changed = arena_copy(arena, sealed, length);
        changed[bit / 8] = (char)(changed[bit / 8] ^ (1 << bit % 8));
        ck_assert_msg(seal_open(arena, changed, "callback:equinix") == NULL, "bit %zu: \"%s\"", bit,
                      changed);
    }
}
END_TEST

START_TEST(a_text_that_was_cut_or_lengthened_is_refused)
{
    load("k1 " ONE "\n");
    const char *sealed = seal_close(arena, "secret", "callback:equinix");
    size_t length = strlen(sealed);
    for (size_t kept = 0; kept < length; kept++)
        ck_assert_ptr_null(seal_open(arena, arena_copy(arena, sealed, kept), "callback:equinix"));
    static const char *const tails[] = {"A", "AA", "AAA", "AAAA", "=", "==", " ", "\n", "."};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        ck_assert_msg(seal_open(arena, arena_printf(arena, "%s%s", sealed, tails[i]),
                                "callback:equinix") == NULL,
                      "opens with \"%s\" behind", tails[i]);
    static const char *const heads[] = {" ", "V1.", "v2.", "v1.", "."};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        ck_assert_ptr_null(
            seal_open(arena, arena_printf(arena, "%s%s", heads[i], sealed), "callback:equinix"));
}
END_TEST

START_TEST(what_is_no_sealed_text_is_refused)
{
    char endless[20000];
    memset(endless, 'A', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    memcpy(endless, "v1.k1.", 6);
    load("k1 " ONE "\n");
    ck_assert_ptr_null(seal_open(arena, endless, "callback:equinix"));
    ck_assert_ptr_null(seal_open(arena, "", "callback:equinix"));
    ck_assert_ptr_null(
        seal_open(arena, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "callback:equinix"));
    ck_assert_ptr_null(seal_open(arena, "v1.k1.", "callback:equinix"));
    ck_assert_ptr_null(seal_key_id(arena, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"));
    ck_assert_str_eq(seal_key_id(arena, "v1.k1.AAAA"), "k1");
}
END_TEST

START_TEST(a_key_proves_itself_and_no_other)
{
    struct seal_key one, other;
    ck_assert(seal_key_new(&one));
    other = one;
    other.octets[0] ^= 1;
    const char *proof = seal_key_prove(arena, &one);
    ck_assert(seal_key_proves(arena, &one, proof));
    ck_assert(!seal_key_proves(arena, &other, proof));
    other = one;
    other.id[0] ^= 1;
    ck_assert(!seal_key_proves(arena, &other, proof));
    ck_assert(!seal_key_proves(arena, &one, ""));
}
END_TEST

START_TEST(the_first_key_seals_and_the_others_open)
{
    load("old " ONE "\n");
    const char *sealed_before = seal_close(arena, "before", "callback:equinix");
    load("# rotated\nnew " TWO "\n\nold " ONE "\n");
    const char *sealed_after = seal_close(arena, "after", "callback:equinix");
    ck_assert_str_eq(seal_key_id(arena, sealed_before), "old");
    ck_assert_str_eq(seal_key_id(arena, sealed_after), "new");
    ck_assert_str_eq(seal_open(arena, sealed_before, "callback:equinix"), "before");
    ck_assert_str_eq(seal_open(arena, sealed_after, "callback:equinix"), "after");
}
END_TEST

START_TEST(a_file_that_changes_is_read_again_when_it_matters)
{
    load("old " ONE "\n");
    const char *sealed_old = seal_close(arena, "old", "callback:equinix");
    /* Another process rotates: the next sealing is with the new key. */
    write_file("new " TWO "\nold " ONE "\n", 0600);
    const char *sealed_new = seal_close(arena, "new", "callback:equinix");
    ck_assert_str_eq(seal_key_id(arena, sealed_new), "new");
    /* It drops the old key, which still opens what was read before. */
    write_file("new " TWO "\n", 0600);
    (void)seal_close(arena, "x", "callback:equinix");
    ck_assert_str_eq(seal_open(arena, sealed_old, "callback:equinix"), "old");
    /* A secret sealed with a key that is not known yet: the file is read for it. */
    write_file("third " THREE "\nnew " TWO "\n", 0600);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")), "third");
    const char *sealed_third = seal_close(arena, "third", "callback:equinix");
    load("new " TWO "\n");
    seal_keys_forget();
    load("new " TWO "\n");
    ck_assert_ptr_null(seal_open(arena, sealed_third, "callback:equinix"));
    write_file("third " THREE "\nnew " TWO "\n", 0600);
    ck_assert_str_eq(seal_open(arena, sealed_third, "callback:equinix"), "third");
}
END_TEST

START_TEST(a_file_that_is_spoilt_or_gone_meanwhile_changes_nothing)
{
    load("k1 " ONE "\n");
    const char *sealed = seal_close(arena, "secret", "callback:equinix");
    write_file("k1 nonsense\n", 0600);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")), "k1");
    unlink(path);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")), "k1");
    ck_assert_str_eq(seal_open(arena, sealed, "callback:equinix"), "secret");
    write_file("k2 " TWO "\n", 0600);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")), "k2");
}
END_TEST

enum { THREADS = 4, ROTATIONS = 40 };

static atomic_int failures, done;

static void *seal_and_open(void *ignored)
{
    (void)ignored;
    struct arena *mine = arena_new();
    for (; !done; arena_reset(mine)) {
        const char *sealed = seal_close(mine, "secret", "callback:equinix");
        const char *plain = sealed ? seal_open(mine, sealed, "callback:equinix") : NULL;
        if (!plain || strcmp(plain, "secret") != 0)
            failures++;
    }
    arena_free(mine);
    return NULL;
}

START_TEST(threads_seal_and_open_while_keys_are_rotated)
{
    pthread_t threads[THREADS];
    char *error = NULL;
    struct seal_keys keys = {.count = 1};
    ck_assert(seal_key_new(&keys.items[0]));
    ck_assert(seal_keys_write(&keys, path, &error) && seal_keys_load(path, &error));
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, seal_and_open, NULL), 0);
    for (int i = 0; i < ROTATIONS; i++) {
        keys.items[1] = keys.items[0];
        keys.count = 2;
        ck_assert(seal_key_new(&keys.items[0]));
        ck_assert_msg(seal_keys_write(&keys, path, &error), "%s", error);
        keys.count = 1;
        ck_assert_msg(seal_keys_write(&keys, path, &error), "%s", error);
    }
    done = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(failures, 0);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")),
                     keys.items[0].id);
}
END_TEST

/* --- the file --- */

static const struct {
    const char *text, *complaint;
} bad_files[] = {
    {"", " has no key"},
    {"\n# k1 " ONE "\n", " has no key"},
    {"k1\n", ", line 1: the key is missing behind its id"},
    {"# keys\n\nk1 \n", ", line 3: the key is missing behind its id"},
    {ONE "\n", ", line 1: the key id is not 1 to 32 letters, "
               "digits, _ or -"},
    {ONE " k1\n", ", line 1: the key id is not 1 to 32 letters, "
                  "digits, _ or -"},
    {"k.1 " ONE "\n", ", line 1: the key id is not 1 to 32 letters, "
                      "digits, _ or -"},
    {"k12345678901234567890123456789012 " ONE "\n", ", line 1: the key id is not 1 to 32 letters, "
                                                    "digits, _ or -"},
    {"k1 " ONE "\nk2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n",
     ", line 2: the key is not the base64 of 32 octets"},
    {"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
     ", line 1: the key is not the base64 of 32 octets"},
    {"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
     ", line 1: the key is not the base64 of 32 octets"},
    {"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
     ", line 1: the key is not the base64 of 32 octets"},
    {"k1 " ONE "\r\n", ", line 1: the key is not the base64 of 32 octets"},
    {"k1 " ONE " current\n", ", line 1: something stands behind the key"},
    {"k1 " ONE "\nk1 " TWO "\n", ", line 2: a line above has the same key id"},
    {"k1 " ONE "\nk2 " ONE "\n", ", line 2: a line above has the same key"},
};

START_TEST(a_malformed_file_is_refused_with_its_line_and_never_the_key)
{
    char *error = NULL;
    write_file(bad_files[_i].text, 0600);
    ck_assert(!seal_keys_load(path, &error));
    ck_assert(strncmp(error, path, strlen(path)) == 0);
    ck_assert_str_eq(error + strlen(path), bad_files[_i].complaint);
    ck_assert_ptr_null(strstr(error, "AAECAwQF"));
    free(error);
}
END_TEST

START_TEST(a_file_that_others_may_use_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char *error = NULL;
        write_file("k1 " ONE "\n", modes[i]);
        ck_assert_msg(!seal_keys_load(path, &error), "mode %o", (unsigned)modes[i]);
        ck_assert_ptr_nonnull(strstr(error, "others than its owner may use it"));
        ck_assert_ptr_nonnull(strstr(error, "chmod 600"));
        free(error);
    }
    load("k1 " ONE "\n");
    write_file("k1 " ONE "\n", 0400);
    char *error = NULL;
    ck_assert_msg(seal_keys_load(path, &error), "%s", error);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    char *error = NULL;
    ck_assert(!seal_keys_load("/nowhere/keys", &error));
    ck_assert_str_eq(error, "cannot read /nowhere/keys: No such file or directory");
    free(error);
    ck_assert(!seal_keys_load(folder, &error));
    ck_assert_ptr_nonnull(strstr(error, "is not a file"));
    free(error);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!seal_keys_load(path, &error));
    ck_assert_ptr_nonnull(strstr(error, "is not a file"));
    free(error);
}
END_TEST

START_TEST(sixteen_keys_are_read_and_seventeen_refused)
{
    char text[4096] = "";
    char *error = NULL;
    struct seal_keys keys;
    for (int i = 0; i < 16; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "k%02d %cAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", i, 'A' + i);
    write_file(text, 0600);
    ck_assert_msg(seal_keys_read(&keys, path, &error), "%s", error);
    ck_assert_uint_eq(keys.count, 16);
    ck_assert_str_eq(keys.items[15].id, "k15");
    strcat(text, "k16 QAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    write_file(text, 0600);
    ck_assert(!seal_keys_read(&keys, path, &error));
    ck_assert_ptr_nonnull(strstr(error, ", line 17: there are more than 16 keys"));
    free(error);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    struct seal_keys keys = {.count = 2}, again;
    struct stat about;
    char *error = NULL;
    ck_assert(seal_key_new(&keys.items[0]) && seal_key_new(&keys.items[1]));
    ck_assert_str_ne(keys.items[0].id, keys.items[1].id);
    ck_assert_int_ne(memcmp(keys.items[0].octets, keys.items[1].octets, SEAL_KEY_OCTETS), 0);
    ck_assert_msg(seal_keys_write(&keys, path, &error), "%s", error);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 07777, 0600);
    ck_assert_msg(seal_keys_read(&again, path, &error), "%s", error);
    ck_assert_uint_eq(again.count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(again.items[i].id, keys.items[i].id);
        ck_assert_mem_eq(again.items[i].octets, keys.items[i].octets, SEAL_KEY_OCTETS);
    }
}
END_TEST

START_TEST(writing_replaces_the_file_whole_and_leaves_a_link_a_link)
{
    struct seal_keys keys = {.count = 1};
    struct stat about;
    char link[80], left[80], *error = NULL;
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(left, sizeof left, "%s.part", path);
    load("k1 " ONE "\n");
    ck_assert_int_eq(symlink("keys", link), 0);
    /* What an interrupted writing left behind is no obstacle. */
    int file = open(left, O_WRONLY | O_CREAT, 0644);
    ck_assert_int_ge(file, 0);
    close(file);
    ck_assert(seal_key_new(&keys.items[0]));
    ck_assert_msg(seal_keys_write(&keys, link, &error), "%s", error);
    ck_assert_int_eq(lstat(link, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert_int_ne(access(left, F_OK), 0);
    ck_assert_str_eq(seal_key_id(arena, seal_close(arena, "x", "callback:equinix")),
                     keys.items[0].id);
    unlink(link);
    ck_assert(!seal_keys_write(&keys, "/nowhere/keys", &error));
    ck_assert_str_eq(error, "cannot write /nowhere/keys: No such file or directory");
    free(error);
}
END_TEST

#define COUNT(list) ((int)(sizeof list / sizeof *list))

int main(void)
{
    Suite *suite = suite_create("seal");
    TCase *tests = tcase_create("seal");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_sealed_opens_again);
    tcase_add_test(tests, a_fresh_secret_is_sealed_and_nothing_of_it_shows);
    tcase_add_test(tests, the_same_text_is_never_sealed_alike);
    tcase_add_test(tests, it_is_aes_256_gcm_as_others_compute_it);
    tcase_add_test(tests, another_context_does_not_open_it);
    tcase_add_test(tests, another_key_id_does_not_open_it);
    tcase_add_test(tests, any_flipped_bit_is_refused);
    tcase_add_test(tests, a_text_that_was_cut_or_lengthened_is_refused);
    tcase_add_test(tests, what_is_no_sealed_text_is_refused);
    tcase_add_test(tests, a_key_proves_itself_and_no_other);
    tcase_add_test(tests, the_first_key_seals_and_the_others_open);
    tcase_add_test(tests, a_file_that_changes_is_read_again_when_it_matters);
    tcase_add_test(tests, a_file_that_is_spoilt_or_gone_meanwhile_changes_nothing);
    tcase_add_test(tests, threads_seal_and_open_while_keys_are_rotated);
    tcase_add_loop_test(tests, a_malformed_file_is_refused_with_its_line_and_never_the_key, 0,
                        COUNT(bad_files));
    tcase_add_test(tests, a_file_that_others_may_use_is_refused);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, sixteen_keys_are_read_and_seventeen_refused);
    tcase_add_test(tests, what_is_written_is_read_again);
    tcase_add_test(tests, writing_replaces_the_file_whole_and_leaves_a_link_a_link);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
