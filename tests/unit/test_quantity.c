/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quantity.h"

#include <check.h>
#include <stdlib.h>

START_TEST(times_have_units)
{
    static const struct {
        const char *text;
        int64_t milliseconds;
    } spans[] = {
        {"250ms", 250}, {"2s", 2000}, {"5m", 300000}, {"1h", 3600000}, {"0", 0}, {"0s", 0},
    };
    int64_t out;
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        ck_assert(span_read(&out, spans[i].text, false));
        ck_assert_int_eq(out, spans[i].milliseconds);
    }
    ck_assert(span_read(&out, "-10m", true));
    ck_assert_int_eq(out, -600000);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const spans[] = {"",
                                        "5",
                                        "s",
                                        "2 s",
                                        "-2s",
                                        "2S",
                                        "1.5s",
                                        "2d",
                                        "+2s",
                                        "2ss",
                                        "2s ",
                                        "9000h",
                                        "99999999999999ms"};
    int64_t out = 7;
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        ck_assert_msg(!span_read(&out, spans[i], false), "%s", spans[i]);
    ck_assert(!span_read(&out, "--2s", true));
    ck_assert(!span_read(&out, "-", true));
    ck_assert_int_eq(out, 7);
}
END_TEST

START_TEST(ranges_go_up)
{
    int64_t least, most;
    ck_assert(span_range_read(&least, &most, "250ms..2s"));
    ck_assert_int_eq(least, 250);
    ck_assert_int_eq(most, 2000);
    ck_assert(span_range_read(&least, &most, "2s"));
    ck_assert_int_eq(least, 2000);
    ck_assert_int_eq(most, 2000);
    ck_assert(!span_range_read(&least, &most, "2s..1s"));
    ck_assert(!span_range_read(&least, &most, "..1s"));
    ck_assert(!span_range_read(&least, &most, "1s.."));
    ck_assert(!span_range_read(&least, &most, "1..2"));
}
END_TEST

START_TEST(numbers_stay_within_their_bounds)
{
    int64_t out = 7;
    ck_assert(number_read(&out, "100", 0, 100));
    ck_assert_int_eq(out, 100);
    ck_assert(number_read(&out, "-3", -5, 5));
    ck_assert_int_eq(out, -3);
    ck_assert(!number_read(&out, "101", 0, 100));
    ck_assert(!number_read(&out, "-1", 0, 100));
    ck_assert(!number_read(&out, "1x", 0, 100));
    ck_assert(!number_read(&out, " 1", 0, 100));
    ck_assert(!number_read(&out, "", 0, 100));
    ck_assert(!number_read(&out, "99999999999999999999", 0, INT64_MAX));
    ck_assert_int_eq(out, -3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantity");
    TCase *test = tcase_create("quantity");
    tcase_add_test(test, times_have_units);
    tcase_add_test(test, what_is_no_time_is_refused);
    tcase_add_test(test, ranges_go_up);
    tcase_add_test(test, numbers_stay_within_their_bounds);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
