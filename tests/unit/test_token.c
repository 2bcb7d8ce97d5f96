/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens: typed, checked without a read, never guessable from one another. */
#include "api/token.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_new_token_reads_back)
{
    static const struct {
        enum role role;
        const char *prefix;
    } kinds[] = {{ROLE_CUSTOMER, "onrc_"}, {ROLE_PARTNER, "onrp_"}, {ROLE_OPERATOR, "onro_"}};
    for (size_t i = 0; i < 3; i++) {
        struct token made, read;
        ck_assert(token_new(&made, kinds[i].role));
        ck_assert_uint_eq(strlen(made.text), TOKEN_LENGTH);
        ck_assert(strncmp(made.text, kinds[i].prefix, 5) == 0);
        ck_assert(token_read(&read, made.text));
        ck_assert_int_eq(read.role, kinds[i].role);
        ck_assert_str_eq(read.key_id, made.key_id);
        ck_assert_mem_eq(read.sha256, made.sha256, sizeof made.sha256);
    }
}
END_TEST

START_TEST(a_typo_anywhere_is_refused_without_a_read)
{
    struct token made, read;
    ck_assert(token_new(&made, ROLE_CUSTOMER));
    for (size_t i = 0; i < TOKEN_LENGTH; i++) {
        char typo[TOKEN_LENGTH + 1];
        memcpy(typo, made.text, sizeof typo);
        typo[i] = typo[i] == 'x' ? 'y' : 'x';
        ck_assert_msg(!token_read(&read, typo), "accepted a change at %zu", i);
    }
}
END_TEST

START_TEST(a_token_of_another_length_or_alphabet_is_refused)
{
    struct token made, read;
    char text[TOKEN_LENGTH + 2];
    ck_assert(token_new(&made, ROLE_PARTNER));
    memcpy(text, made.text, TOKEN_LENGTH);
    text[TOKEN_LENGTH] = '0';
    text[TOKEN_LENGTH + 1] = '\0';
    ck_assert(!token_read(&read, text));
    text[TOKEN_LENGTH - 1] = '\0';
    ck_assert(!token_read(&read, text));
    ck_assert(!token_read(&read, ""));
    ck_assert(!token_read(&read, "onrc_"));
    memcpy(text, made.text, TOKEN_LENGTH + 1);
    text[20] = '-';
    ck_assert(!token_read(&read, text));
}
END_TEST

/* The form is a contract with secret scanners: this text must stay acceptable for ever. */
START_TEST(the_form_of_a_token_is_fixed)
{
    struct token read;
    ck_assert(token_read(&read, "onrc_000000000000"
                                "00000000000000000000000000000000"
                                "2400Ut"));
    ck_assert_str_eq(read.key_id, "000000000000");
}
END_TEST

START_TEST(tokens_do_not_repeat)
{
    struct token one, two;
    ck_assert(token_new(&one, ROLE_OPERATOR) && token_new(&two, ROLE_OPERATOR));
    ck_assert_str_ne(one.key_id, two.key_id);
    ck_assert_str_ne(one.text, two.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token");
    TCase *tests = tcase_create("token");
    tcase_add_test(tests, a_new_token_reads_back);
    tcase_add_test(tests, a_typo_anywhere_is_refused_without_a_read);
    tcase_add_test(tests, a_token_of_another_length_or_alphabet_is_refused);
    tcase_add_test(tests, the_form_of_a_token_is_fixed);
    tcase_add_test(tests, tokens_do_not_repeat);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
