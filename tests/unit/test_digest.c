/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and HMAC-SHA-256 against the published examples, whatever was hashed or signed before. */
#include "crypto/digest.h"
#include "crypto/hex.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* FIPS 180-2, appendix B. */
static const struct {
    const char *text, *digest;
} hashed[] = {
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
};

/* RFC 4231, cases 2 and 6: keys shorter and longer than a block. */
static const struct {
    const char *key, *text, *mac;
} known_macs[] = {
    {"Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void examples_hold(void)
{
    char text[DIGEST_TEXT];
    for (size_t i = 0; i < sizeof hashed / sizeof *hashed; i++) {
        digest_write(text, hashed[i].text, strlen(hashed[i].text));
        ck_assert_str_eq(text, hashed[i].digest);
    }
    for (size_t i = 0; i < sizeof known_macs / sizeof *known_macs; i++) {
        unsigned char mac[DIGEST_OCTETS], key[131];
        size_t length = known_macs[i].key ? strlen(known_macs[i].key) : sizeof key;
        memset(key, 0xaa, sizeof key);
        if (known_macs[i].key)
            memcpy(key, known_macs[i].key, length);
        digest_sign(mac, key, length, known_macs[i].text, strlen(known_macs[i].text));
        hex_write(text, mac, sizeof mac);
        ck_assert_str_eq(text, known_macs[i].mac);
    }
}

START_TEST(published_examples_hold)
{
    examples_hold();
    examples_hold();
}
END_TEST

static void *examples_again(void *nothing)
{
    for (int i = 0; i < 500; i++)
        examples_hold();
    return nothing;
}

START_TEST(threads_do_not_disturb_each_other)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, examples_again, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digest");
    TCase *tests = tcase_create("digest");
    tcase_add_test(tests, published_examples_hold);
    tcase_add_test(tests, threads_do_not_disturb_each_other);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
