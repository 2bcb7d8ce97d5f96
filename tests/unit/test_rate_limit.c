/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets by a clock that is a variable. */
#include "api/rate_limit.h"

#include "operations/operation.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t second = 1000000;
static const struct rate ten_a_second = {10, 1};

START_TEST(rates_are_read)
{
    struct rate rate;
    ck_assert(rate_read(&rate, "1000/10s") && rate.quota == 1000 && rate.window_seconds == 10);
    ck_assert(rate_read(&rate, "5/2m") && rate.quota == 5 && rate.window_seconds == 120);
    ck_assert(rate_read(&rate, "1/1h") && rate.window_seconds == 3600);
    ck_assert(rate_read(&rate, "1000000/1s"));
    ck_assert(rate_read(&rate, "off") && rate.quota == 0);
}
END_TEST

START_TEST(what_is_no_rate_is_told)
{
    static const char *const texts[] = {
        "",       "on",     "10",     "10/",   "10/s",       "/1s",           "0/1s",     "10/0s",
        "10/1d",  "10/1",   "10/1s ", "-1/1s", "1.5/1s",     "10/1ss",        " 10/1s",   "10/-1s",
        "1e3/1s", "10 /1s", "OFF",    "10/1S", "1000001/1s", "9999999999/1s", "10/99999s"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!rate_valid(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(a_bucket_holds_its_quota_and_no_more)
{
    int64_t full_at = 0, now = 1000 * second;
    for (unsigned i = 0; i < 10; i++) {
        struct rate_state state = rate_decide(ten_a_second, &full_at, now);
        ck_assert(state.counted && !state.exceeded);
        ck_assert_uint_eq(state.remaining, 9 - i);
        ck_assert_uint_eq(state.full_seconds, 1);
        ck_assert_uint_eq(state.retry_seconds, 0);
    }
    int64_t before = full_at;
    struct rate_state state = rate_decide(ten_a_second, &full_at, now);
    ck_assert(state.exceeded);
    ck_assert_uint_eq(state.remaining, 0);
    ck_assert_uint_eq(state.retry_seconds, 1);
    ck_assert_int_eq(full_at, before); /* a refusal costs nothing */
}
END_TEST

START_TEST(a_bucket_fills_up_evenly)
{
    int64_t full_at = 0, now = 1000 * second;
    for (int i = 0; i < 10; i++)
        rate_decide(ten_a_second, &full_at, now);
    ck_assert(rate_decide(ten_a_second, &full_at, now + second / 10 - 1).exceeded);
    ck_assert(!rate_decide(ten_a_second, &full_at, now + second / 10).exceeded);
    ck_assert(rate_decide(ten_a_second, &full_at, now + second / 10).exceeded);
    /* Five more in half a second, and never more than the quota. */
    now += second / 10 + second / 2;
    for (int i = 0; i < 5; i++)
        ck_assert(!rate_decide(ten_a_second, &full_at, now).exceeded);
    ck_assert(rate_decide(ten_a_second, &full_at, now).exceeded);
    now += 3600 * second;
    ck_assert_uint_eq(rate_decide(ten_a_second, &full_at, now).remaining, 9);
}
END_TEST

START_TEST(over_a_long_time_the_rate_is_the_rate)
{
    static const struct rate rates[] = {{10, 1}, {1000, 10}, {7, 3}, {1, 60}, {1000000, 1}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int64_t full_at = 0, window = rates[i].window_seconds * second;
        uint64_t passed = 0,
                 steps = 5 * (uint64_t)(rates[i].quota < 100000 ? rates[i].quota : 1000);
        for (uint64_t step = 0; step <= 20 * steps; step++) /* 20 windows, asked too often */
            passed +=
                !rate_decide(rates[i], &full_at, second + (int64_t)step * window / (int64_t)steps)
                     .exceeded;
        uint64_t most = 21 * (uint64_t)rates[i].quota + 1;
        ck_assert_uint_le(passed, most);
        if (rates[i].quota < 100000)
            ck_assert_uint_ge(passed, most - 2);
    }
}
END_TEST

START_TEST(seconds_to_wait_are_rounded_up)
{
    static const struct rate slow = {1, 90};
    int64_t full_at = 0;
    ck_assert_uint_eq(rate_decide(slow, &full_at, second).full_seconds, 90);
    ck_assert_uint_eq(rate_decide(slow, &full_at, second + 1).retry_seconds, 90);
    ck_assert_uint_eq(rate_decide(slow, &full_at, 2 * second).retry_seconds, 89);
    ck_assert_uint_eq(rate_decide(slow, &full_at, 91 * second - 1).retry_seconds, 1);
    ck_assert(!rate_decide(slow, &full_at, 91 * second).exceeded);
}
END_TEST

static struct caller holder(const char *token)
{
    return (struct caller){.role = ROLE_CUSTOMER, .token_id = token};
}

START_TEST(each_token_has_a_bucket_and_each_partner)
{
    struct rate_limits *limits = rate_limits_new((struct rate){2, 60});
    const struct caller one = holder("t1"), two = holder("t2"), nobody = {0};
    const struct caller old = {.role = ROLE_PARTNER, .partner = "p", .secret_id = "s1"};
    const struct caller new = {.role = ROLE_PARTNER, .partner = "p", .secret_id = "s2"};
    const struct caller other = {.role = ROLE_PARTNER, .partner = "q", .secret_id = "s3"};
    ck_assert_uint_eq(rate_limits_count(limits, &one, second).remaining, 1);
    ck_assert_uint_eq(rate_limits_count(limits, &one, second).remaining, 0);
    ck_assert(rate_limits_count(limits, &one, second).exceeded);
    ck_assert_uint_eq(rate_limits_count(limits, &two, second).remaining, 1);
    ck_assert_uint_eq(rate_limits_count(limits, &old, second).remaining, 1);
    ck_assert_uint_eq(rate_limits_count(limits, &new, second).remaining, 0);
    ck_assert(rate_limits_count(limits, &old, second).exceeded);
    ck_assert_uint_eq(rate_limits_count(limits, &other, second).remaining, 1);
    ck_assert(!rate_limits_count(limits, &nobody, second).counted);
    ck_assert(!rate_limits_count(NULL, &one, second).counted);
    ck_assert_ptr_null(rate_limits_new((struct rate){0}));
    rate_limits_free(limits);
    rate_limits_free(NULL);
}
END_TEST

/* However many there are, memory stays; and who has spent the most is the last to be forgotten. */
START_TEST(a_spent_bucket_outlives_a_flood_of_others)
{
    struct rate_limits *limits = rate_limits_new((struct rate){1000, 60});
    const struct caller spent = holder("spent");
    char name[32];
    for (int i = 0; i < 1000; i++)
        ck_assert(!rate_limits_count(limits, &spent, second).exceeded);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "token %d", i);
        const struct caller another = holder(name);
        ck_assert_uint_eq(rate_limits_count(limits, &another, second).remaining, 999);
    }
    ck_assert(rate_limits_count(limits, &spent, second).exceeded);
    rate_limits_free(limits);
}
END_TEST

START_TEST(header_fields_are_structured)
{
    struct rate_limits *limits = rate_limits_new(rate_usual);
    struct rate_state state = {.remaining = 4294967295u, .full_seconds = 0};
    char text[RATE_FIELD_MAX];
    ck_assert_str_eq(rate_policy_text(limits), "\"token\";q=1000;w=10");
    rate_state_write(text, &state);
    ck_assert_str_eq(text, "\"token\";r=4294967295;t=0");
    state = (struct rate_state){.remaining = 0, .full_seconds = 100};
    rate_state_write(text, &state);
    ck_assert_str_eq(text, "\"token\";r=0;t=100");
    rate_limits_free(limits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate_limit");
    TCase *test = tcase_create("rate_limit");
    tcase_add_test(test, rates_are_read);
    tcase_add_test(test, what_is_no_rate_is_told);
    tcase_add_test(test, a_bucket_holds_its_quota_and_no_more);
    tcase_add_test(test, a_bucket_fills_up_evenly);
    tcase_add_test(test, over_a_long_time_the_rate_is_the_rate);
    tcase_add_test(test, seconds_to_wait_are_rounded_up);
    tcase_add_test(test, each_token_has_a_bucket_and_each_partner);
    tcase_add_test(test, a_spent_bucket_outlives_a_flood_of_others);
    tcase_add_test(test, header_fields_are_structured);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
