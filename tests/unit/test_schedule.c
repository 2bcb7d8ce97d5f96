/* SPDX-License-Identifier: Apache-2.0 */
/* When a webhook is tried again, under a clock that is only counted. */
#include "webhooks/schedule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* 2026-11-22T10:00:00Z */
static const int64_t start = INT64_C(1795341600) * SECOND;

static const int64_t waits[] = {0,           5 * SECOND, 30 * SECOND, 5 * MINUTE,
                                30 * MINUTE, 2 * HOUR,   5 * HOUR,    10 * HOUR,
                                14 * HOUR,   20 * HOUR,  24 * HOUR};
enum { ATTEMPTS = sizeof waits / sizeof *waits };

static struct schedule standard(void)
{
    struct schedule schedule;
    ck_assert(schedule_read(&schedule, schedule_default));
    return schedule;
}

START_TEST(the_default_is_what_is_promised)
{
    struct schedule schedule = standard();
    ck_assert_int_eq(schedule.attempts, ATTEMPTS);
    ck_assert_mem_eq(schedule.waits, waits, sizeof waits);
}
END_TEST

START_TEST(a_schedule_is_read_with_its_units)
{
    struct schedule schedule;
    ck_assert(schedule_read(&schedule, "0,200ms,1s,5m,2h,1d"));
    static const int64_t expected[] = {0, 200, SECOND, 5 * MINUTE, 2 * HOUR, DAY};
    ck_assert_int_eq(schedule.attempts, 6);
    ck_assert_mem_eq(schedule.waits, expected, sizeof expected);
    ck_assert(schedule_valid("0"));
    ck_assert(schedule_valid("0s,0,0ms"));
    ck_assert(schedule_valid("0,365d"));
    ck_assert(duration_valid("5d"));
}
END_TEST

START_TEST(what_is_no_schedule_is_refused)
{
    static const char *const bad[] = {"",
                                      ",",
                                      "0,",
                                      ",0",
                                      "5s",
                                      "0,5",
                                      "0,5s,",
                                      "0,5S",
                                      "0, 5s",
                                      "0,-5s",
                                      "0,+5s",
                                      "0,5.5s",
                                      "0,5sec",
                                      "0,s",
                                      "0,1w",
                                      "0,366d",
                                      "0,99999999999999999999s",
                                      "0,5s ",
                                      "0;5s",
                                      "0,5s,5s5",
                                      "zero",
                                      "0,0x5s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!schedule_valid(bad[i]), "'%s'", bad[i]);
    char many[2 * (SCHEDULE_ATTEMPTS + 1)];
    memset(many, '0', sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2)
        many[i] = ',';
    many[sizeof many - 1] = '\0';
    ck_assert(!schedule_valid(many));
    many[sizeof many - 3] = '\0';
    ck_assert(schedule_valid(many));
}
END_TEST

static enum verdict judged(int number, int status)
{
    struct schedule schedule = standard();
    int64_t next;
    struct attempt attempt = {.number = number, .status = status, .ended = start};
    return schedule_judge(&schedule, &attempt, &next);
}

START_TEST(only_2xx_is_success_and_410_is_the_end)
{
    for (int status = 0; status <= 599; status++)
        for (int number = 1; number <= ATTEMPTS + 1; number++) {
            enum verdict expected = status >= 200 && status <= 299 ? VERDICT_DELIVERED
                                    : status == 410                ? VERDICT_GONE
                                    : number >= ATTEMPTS           ? VERDICT_EXHAUSTED
                                                                   : VERDICT_RETRY;
            ck_assert_int_eq(judged(number, status), expected);
        }
}
END_TEST

static int64_t waited(int number, const char *retry_after, uint32_t random)
{
    struct schedule schedule = standard();
    int64_t next;
    struct attempt attempt = {.number = number,
                              .status = 503,
                              .ended = start,
                              .retry_after = retry_after,
                              .random = random};
    ck_assert_int_eq(schedule_judge(&schedule, &attempt, &next), VERDICT_RETRY);
    return next - start;
}

START_TEST(jitter_adds_up_to_a_fifth)
{
    for (int number = 1; number < ATTEMPTS; number++) {
        ck_assert_int_eq(waited(number, NULL, 0), waits[number]);
        ck_assert_int_eq(waited(number, NULL, UINT32_MAX), waits[number] / 100 * 120);
        int64_t half = waited(number, NULL, UINT32_MAX / 2);
        ck_assert_int_ge(half, waits[number] / 1000 * 1099);
        ck_assert_int_le(half, waits[number] / 1000 * 1101);
    }
}
END_TEST

START_TEST(the_longest_wait_has_its_jitter_too)
{
    struct schedule schedule;
    struct attempt attempt = {.number = 1, .status = 500, .random = UINT32_MAX};
    int64_t next;
    ck_assert(schedule_read(&schedule, "0,365d"));
    ck_assert_int_eq(schedule_judge(&schedule, &attempt, &next), VERDICT_RETRY);
    ck_assert_int_eq(next, 438 * DAY);
}
END_TEST

START_TEST(retry_after_makes_us_wait_and_never_hurry)
{
    ck_assert_int_eq(waited(1, "120", 0), 120 * SECOND);
    ck_assert_int_eq(waited(1, "120", UINT32_MAX), 120 * SECOND);
    ck_assert_int_eq(waited(1, "1", 0), 5 * SECOND);
    ck_assert_int_eq(waited(1, "0", 0), 5 * SECOND);
    ck_assert_int_eq(waited(5, "60", 0), 2 * HOUR);
    ck_assert_int_eq(waited(1, "86400", 0), DAY);
    ck_assert_int_eq(waited(1, "86401", 0), DAY);
    ck_assert_int_eq(waited(1, "999999999999999999999999999", 0), DAY);
    ck_assert_int_eq(waited(10, "999999999999999999999999999", UINT32_MAX), DAY / 100 * 120);
}
END_TEST

START_TEST(retry_after_may_be_a_date)
{
    ck_assert_int_eq(waited(1, "Sun, 22 Nov 2026 10:02:00 GMT", 0), 120 * SECOND);
    ck_assert_int_eq(waited(1, "Sunday, 22-Nov-26 10:02:00 GMT", 0), 120 * SECOND);
    ck_assert_int_eq(waited(1, "Sun Nov 22 10:02:00 2026", 0), 120 * SECOND);
    ck_assert_int_eq(waited(1, "Sun, 22 Nov 2026 09:59:00 GMT", 0), 5 * SECOND);
    ck_assert_int_eq(waited(1, "Sun, 22 Nov 2099 10:00:00 GMT", 0), DAY);
}
END_TEST

START_TEST(a_retry_after_that_is_none_is_passed_over)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "soon",
                                      "-5",
                                      "+5",
                                      "1.5",
                                      "5 s",
                                      "1e3",
                                      "0x10",
                                      "Sun, 22 Nov 2026 10:02:00 CET",
                                      "Sun, 22 Nov 2026 10:02:00 GMT, later",
                                      "2026-11-22T10:02:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(waited(1, bad[i], 0) == 5 * SECOND, "'%s'", bad[i]);
}
END_TEST

static uint64_t seed;

/* xorshift64: the same numbers in every run. */
static uint32_t random_next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

/* Endpoints that never answer well, each with one delivery after the other, for ten years: every
 * attempt stands within its wait and a fifth more of the end of the one before, every delivery ends
 * after exactly as many as the schedule has, and the jitter is spread evenly. */
START_TEST(ten_years_of_retries)
{
    enum { ENDPOINTS = 5 };
    static const int statuses[] = {0, 301, 307, 400, 404, 429, 500, 503};
    struct schedule schedule = standard();
    int64_t deliveries = 0, attempts = 0, spread = 0, spreads = 0, least = 0, most = 0;
    for (int i = 1; i < ATTEMPTS; i++) {
        least += waits[i];
        most += waits[i] / 100 * 120;
    }
    seed = UINT64_C(0x9E3779B97F4A7C15);
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        int64_t now = start, end = start + 3652 * DAY;
        while (now < end) {
            int64_t begun = now, taken = 0, next;
            enum verdict verdict = VERDICT_RETRY;
            for (int number = 1; verdict == VERDICT_RETRY; number++) {
                ck_assert_int_le(number, ATTEMPTS);
                int64_t lasts = random_next() % (15 * SECOND);
                struct attempt attempt = {.number = number,
                                          .status = statuses[random_next() % 8],
                                          .ended = now + lasts,
                                          .random = random_next()};
                taken += lasts;
                attempts++;
                verdict = schedule_judge(&schedule, &attempt, &next);
                ck_assert_int_eq(verdict, number == ATTEMPTS ? VERDICT_EXHAUSTED : VERDICT_RETRY);
                if (verdict == VERDICT_EXHAUSTED) {
                    now += lasts;
                    break;
                }
                int64_t gap = next - attempt.ended;
                ck_assert_int_ge(gap, waits[number]);
                ck_assert_int_le(gap, waits[number] / 100 * 120);
                spread += (gap - waits[number]) * 1000 / waits[number];
                spreads++;
                now = next;
            }
            ck_assert_int_ge(now - begun - taken, least);
            ck_assert_int_le(now - begun - taken, most);
            deliveries++;
        }
    }
    ck_assert_int_eq(attempts, deliveries * ATTEMPTS);
    ck_assert_int_ge(deliveries, ENDPOINTS * (3652 * DAY / (most + ATTEMPTS * 15 * SECOND)));
    ck_assert_int_ge(spread / spreads, 98);
    ck_assert_int_le(spread / spreads, 102);
}
END_TEST

START_TEST(verdicts_are_named_as_the_database_takes_them)
{
    ck_assert_str_eq(verdict_name(VERDICT_DELIVERED), "delivered");
    ck_assert_str_eq(verdict_name(VERDICT_RETRY), "retry");
    ck_assert_str_eq(verdict_name(VERDICT_EXHAUSTED), "exhausted");
    ck_assert_str_eq(verdict_name(VERDICT_GONE), "gone");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_default_is_what_is_promised);
    tcase_add_test(tests, a_schedule_is_read_with_its_units);
    tcase_add_test(tests, what_is_no_schedule_is_refused);
    tcase_add_test(tests, only_2xx_is_success_and_410_is_the_end);
    tcase_add_test(tests, jitter_adds_up_to_a_fifth);
    tcase_add_test(tests, the_longest_wait_has_its_jitter_too);
    tcase_add_test(tests, retry_after_makes_us_wait_and_never_hurry);
    tcase_add_test(tests, retry_after_may_be_a_date);
    tcase_add_test(tests, a_retry_after_that_is_none_is_passed_over);
    tcase_add_test(tests, ten_years_of_retries);
    tcase_add_test(tests, verdicts_are_named_as_the_database_takes_them);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
