/* SPDX-License-Identifier: Apache-2.0 */
#include "db/asked.h"

#include "db/conninfo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void reads(const char *options, const char *names, const char *values)
{
    struct asked asked;
    asked_read(&asked, options);
    ck_assert_str_eq(asked.names, names);
    ck_assert_str_eq(asked.values, values);
    asked_free(&asked);
}

START_TEST(every_form_of_a_setting_is_read)
{
    reads(NULL, "{}", "{}");
    reads("", "{}", "{}");
    reads("-c role=one", "{\"role\"}", "{\"one\"}");
    reads("  -crole=one  --lock_timeout=3s\t-c statement_timeout=8000 ",
          "{\"role\",\"statement_timeout\",\"lock_timeout\"}", "{\"one\",\"8000\",\"3s\"}");
    reads("-c default_transaction_isolation=read\\ committed",
          "{\"default_transaction_isolation\"}", "{\"read committed\"}");
    reads("-c role=a\"b\\\\c", "{\"role\"}", "{\"a\\\"b\\\\c\"}");
}
END_TEST

START_TEST(of_several_the_last_one_counts)
{
    reads("-c role=one -c ROLE=other", "{\"role\"}", "{\"other\"}");
}
END_TEST

/* The role of the session may not set all that a superuser asks for. */
START_TEST(what_is_not_asked_for_by_onramp_is_left_alone)
{
    reads("-c log_statement=none -c search_path=x -e -B 16 -c", "{}", "{}");
}
END_TEST

START_TEST(what_a_lane_asks_for_is_read)
{
    struct conninfo conninfo;
    struct asked asked;
    ck_assert(conninfo_read(&conninfo, "options='-c role=me -c lock_timeout=1s'"));
    asked_read(&asked, conninfo_options(&conninfo));
    ck_assert_str_eq(asked.names,
                     "{\"role\",\"statement_timeout\",\"lock_timeout\",\"TimeZone\",\"DateStyle\","
                     "\"IntervalStyle\",\"bytea_output\",\"extra_float_digits\","
                     "\"default_transaction_isolation\",\"default_transaction_deferrable\"}");
    ck_assert_ptr_nonnull(strstr(asked.values, "{\"me\",\"8000\",\"1s\",\"UTC\",\"ISO,YMD\""));
    asked_free(&asked);
    conninfo_free(&conninfo);
}
END_TEST

START_TEST(a_refusal_names_what_is_missing)
{
    char *sentence = asked_refusal("role, lock_timeout");
    ck_assert_ptr_nonnull(strstr(sentence, "(role, lock_timeout)"));
    free(sentence);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("asked");
    TCase *test = tcase_create("asked");
    tcase_add_test(test, every_form_of_a_setting_is_read);
    tcase_add_test(test, of_several_the_last_one_counts);
    tcase_add_test(test, what_is_not_asked_for_by_onramp_is_left_alone);
    tcase_add_test(test, what_a_lane_asks_for_is_read);
    tcase_add_test(test, a_refusal_names_what_is_missing);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
