/* SPDX-License-Identifier: Apache-2.0 */
/* Standard Webhooks signatures: the published example, and everything that must be refused. */
#include "crypto/signature.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The example of the Standard Webhooks reference libraries, whsec_plJ3nmyCDGBKInavdOK15jsl. Its key
 * has 18 octets, which we would not accept as a secret: the specification asks for 24. */
static const struct signature_key published = {{0xa6, 0x52, 0x77, 0x9e, 0x6c, 0x82, 0x0c, 0x60,
                                                0x4a, 0x22, 0x76, 0xaf, 0x74, 0xe2, 0xb5, 0xe6,
                                                0x3b, 0x25},
                                               18};
static const char id[] = "msg_loFOjxBNrRLzqYUf";
static const char timestamp[] = "1731705121";
static const char body[] = "{\"event_type\":\"ping\",\"data\":{\"success\":true}}";
static const char expected[] = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";

static struct signature_key key_of(const char *text)
{
    struct signature_key key = {0};
    ck_assert(signature_key_read(&key, text));
    return key;
}

START_TEST(the_published_example_is_signed_alike)
{
    struct signature_key key = published;
    char made[SIGNATURE_TEXT];
    signature_make(made, &key, id, timestamp, body, sizeof body - 1);
    ck_assert_str_eq(made, expected);
    ck_assert(signature_matches(&key, id, timestamp, body, sizeof body - 1, expected));
}
END_TEST

START_TEST(one_good_signature_among_several_is_enough)
{
    struct signature_key key = published;
    char header[256];
    snprintf(header, sizeof header,
             "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v1a,abc %s v2,x", expected);
    ck_assert(signature_matches(&key, id, timestamp, body, sizeof body - 1, header));
}
END_TEST

START_TEST(any_flipped_bit_is_refused)
{
    struct signature_key key = published;
    char changed[sizeof body];
    for (size_t bit = 0; bit < (sizeof body - 1) * 8; bit++) {
        memcpy(changed, body, sizeof body);
        changed[bit / 8] = (char)(changed[bit / 8] ^ (1 << bit % 8));
        ck_assert(!signature_matches(&key, id, timestamp, changed, sizeof body - 1, expected));
    }
    char header[sizeof expected];
    for (size_t i = 0; i < sizeof expected - 1; i++) {
        memcpy(header, expected, sizeof expected);
        header[i] = header[i] == 'A' ? 'B' : 'A';
        ck_assert(!signature_matches(&key, id, timestamp, body, sizeof body - 1, header));
    }
    ck_assert(!signature_matches(&key, "msg_other", timestamp, body, sizeof body - 1, expected));
    ck_assert(!signature_matches(&key, id, "1731705122", body, sizeof body - 1, expected));
}
END_TEST

static const char *const bad_headers[] = {
    "",
    " ",
    "v1",
    "v1,",
    "rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    "v1 rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    "V1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0",
    "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD1=",
    "v1,rAvfW3dJ_X_qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=,v1,x",
    "v1a,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
};

START_TEST(a_header_of_another_form_is_refused)
{
    struct signature_key key = published;
    ck_assert_msg(!signature_matches(&key, id, timestamp, body, sizeof body - 1, bad_headers[_i]),
                  "accepted \"%s\"", bad_headers[_i]);
}
END_TEST

static const struct {
    const char *text;
    bool fresh;
} timestamps[] = {
    {"1700000000", true},
    {"1699999700", true},
    {"1700000300", true},
    {"1699999699", false},
    {"1700000301", false},
    {"", false},
    {"0", false},
    {"01700000000", false},
    {"+1700000000", false},
    {"-1700000000", false},
    {" 1700000000", false},
    {"1700000000 ", false},
    {"1700000000abc", false},
    {"1700000000.0", false},
    {"1.7e9", false},
    {"99999999999999999999999999", false},
};

START_TEST(a_timestamp_is_a_plain_number_within_300_seconds)
{
    ck_assert_msg(signature_timestamp_fresh(timestamps[_i].text, 1700000000) ==
                      timestamps[_i].fresh,
                  "\"%s\"", timestamps[_i].text);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} secrets[] = {
    {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", true},  /* 24 octets */
    {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", false}, /* 23 */
    {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
    {"whsec_", false},
    {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA", false}, /* no padding */
    {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n", false},
    {"whsec_ AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
    {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGB==", false}, /* stray bits */
    {"WHSEC_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", false},
};

START_TEST(a_secret_is_strict_base64_of_24_to_64_octets)
{
    struct signature_key key;
    ck_assert_msg(signature_key_read(&key, secrets[_i].text) == secrets[_i].good, "\"%s\"",
                  secrets[_i].text);
}
END_TEST

START_TEST(every_length_from_24_to_64_octets_is_a_secret_and_no_other)
{
    for (int length = 20; length <= 70; length++) {
        char text[256] = "whsec_";
        int groups = length / 3;
        for (int i = 0; i < groups; i++)
            strcat(text, "AAAA");
        strcat(text, length % 3 == 0 ? "" : length % 3 == 1 ? "AA==" : "AAA=");
        struct signature_key key;
        ck_assert_msg(signature_key_read(&key, text) == (length >= 24 && length <= 64), "%d octets",
                      length);
    }
}
END_TEST

START_TEST(a_fresh_secret_reads_back_and_never_repeats)
{
    char one[SECRET_TEXT], two[SECRET_TEXT];
    ck_assert(secret_new(one) && secret_new(two));
    ck_assert_uint_eq(key_of(one).length, 32);
    ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(a_webhook_id_has_no_full_stop_blank_or_control_character)
{
    char longest[258];
    memset(longest, 'a', sizeof longest);
    longest[256] = '\0';
    ck_assert(signature_id_valid("msg_1"));
    ck_assert(signature_id_valid(longest));
    longest[256] = 'a';
    longest[257] = '\0';
    ck_assert(!signature_id_valid(longest));
    ck_assert(!signature_id_valid(""));
    ck_assert(!signature_id_valid("a.b"));
    ck_assert(!signature_id_valid("a b"));
    ck_assert(!signature_id_valid("a\tb"));
    ck_assert(!signature_id_valid("\xc3\xa9"));
}
END_TEST

#define COUNT(list) ((int)(sizeof list / sizeof *list))

int main(void)
{
    Suite *suite = suite_create("signature");
    TCase *tests = tcase_create("signature");
    tcase_add_test(tests, the_published_example_is_signed_alike);
    tcase_add_test(tests, one_good_signature_among_several_is_enough);
    tcase_add_test(tests, any_flipped_bit_is_refused);
    tcase_add_loop_test(tests, a_header_of_another_form_is_refused, 0, COUNT(bad_headers));
    tcase_add_loop_test(tests, a_timestamp_is_a_plain_number_within_300_seconds, 0,
                        COUNT(timestamps));
    tcase_add_loop_test(tests, a_secret_is_strict_base64_of_24_to_64_octets, 0, COUNT(secrets));
    tcase_add_test(tests, every_length_from_24_to_64_octets_is_a_secret_and_no_other);
    tcase_add_test(tests, a_fresh_secret_reads_back_and_never_repeats);
    tcase_add_test(tests, a_webhook_id_has_no_full_stop_blank_or_control_character);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
