/* SPDX-License-Identifier: Apache-2.0 */
#include "api/traceparent.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

/* The form that is carried on, or "" when the field is none. */
static const char *carried(const char *field)
{
    static char out[TRACEPARENT_LENGTH + 1];
    return traceparent_read(out, field) ? out : "";
}

START_TEST(a_field_of_this_version_is_carried_on)
{
    ck_assert_str_eq(carried("00-" TRACE "-" PARENT "-01"), "00-" TRACE "-" PARENT "-01");
    ck_assert_str_eq(carried("00-" TRACE "-" PARENT "-00"), "00-" TRACE "-" PARENT "-00");
    ck_assert_int_eq(strncmp(carried("00-" TRACE "-" PARENT "-00") + TRACE_ID_AT, TRACE "-",
                             TRACE_ID_LENGTH + 1),
                     0);
}
END_TEST

START_TEST(flags_that_nobody_knows_are_not)
{
    ck_assert_str_eq(carried("00-" TRACE "-" PARENT "-ff"), "00-" TRACE "-" PARENT "-01");
    ck_assert_str_eq(carried("00-" TRACE "-" PARENT "-02"), "00-" TRACE "-" PARENT "-00");
}
END_TEST

START_TEST(a_later_version_is_read_as_far_as_it_is_this_one)
{
    ck_assert_str_eq(carried("01-" TRACE "-" PARENT "-01"), "00-" TRACE "-" PARENT "-01");
    ck_assert_str_eq(carried("cc-" TRACE "-" PARENT "-03-what-comes"),
                     "00-" TRACE "-" PARENT "-01");
    ck_assert_str_eq(carried("fe-" TRACE "-" PARENT "-00-"), "00-" TRACE "-" PARENT "-00");
}
END_TEST

START_TEST(what_is_none_is_told)
{
    static const char *const fields[] = {
        "",
        "00",
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-1",
        "00-" TRACE "-" PARENT "-01-", /* nothing follows the flags of version 00 */
        "00-" TRACE "-" PARENT "-011",
        "00-" TRACE "-" PARENT "-01 ",
        "00-" TRACE "-" PARENT "-01, 00-" TRACE "-" PARENT "-01",
        "01-" TRACE "-" PARENT "-01.", /* a dash or nothing in later ones */
        "ff-" TRACE "-" PARENT "-01",  /* not a version */
        "0F-" TRACE "-" PARENT "-01",  /* lower case alone */
        "0x-" TRACE "-" PARENT "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" PARENT "-0A",
        "00-" TRACE "-" PARENT "-g1",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-0af7651916cd43dd8448eb211c80319 -" PARENT "-01",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(*carried(fields[i]) == '\0', "%s", fields[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traceparent");
    TCase *test = tcase_create("traceparent");
    tcase_add_test(test, a_field_of_this_version_is_carried_on);
    tcase_add_test(test, flags_that_nobody_knows_are_not);
    tcase_add_test(test, a_later_version_is_read_as_far_as_it_is_this_one);
    tcase_add_test(test, what_is_none_is_told);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
