/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated partner makes of answers, as a good partner does. */
#include "simulator_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_is_not_answered_is_sent_again_as_it_was)
{
    static const int statuses[] = {0, 408, 429, 500, 503};
    char id[64], body[1024];
    begin((struct simulator_settings){0});
    next();
    shown("NotProvisioned", false);
    next();
    snprintf(id, sizeof id, "%s", request.id);
    snprintf(body, sizeof body, "%s", request.body);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        int64_t before = now;
        refused(statuses[i], "overloaded");
        ck_assert_str_eq(next(), "circuit.provisioning");
        ck_assert_int_ge(now - before, 250 << i);
        ck_assert_int_le(now - before, (250 << i) * 5 / 4);
        ck_assert_str_eq(request.id, id);
        ck_assert_str_eq(request.body, body);
        ck_assert_int_eq(atoll(request.timestamp), now / 1000);
        ck_assert(signed_well());
    }
    /* One of them got through after all. */
    ok("duplicate", "Provisioning");
    ck_assert_str_eq(next(), "circuit.progress");
    ck_assert_uint_eq(tally().counts.retries, 5);
    end();
}
END_TEST

START_TEST(a_duplicate_out_of_the_blue_is_not_as_planned)
{
    begin((struct simulator_settings){0});
    next();
    shown("NotProvisioned", false);
    next();
    ok("duplicate", "NotProvisioned");
    ck_assert_int_eq(order->phase, ORDER_FAILED);
    end();
}
END_TEST

START_TEST(retry_after_is_honoured_by_every_order)
{
    begin((struct simulator_settings){0});
    simulator_hand_in(simulator, OTHER, now);
    next();
    answer_with((struct order_answer){.status = 429, .code = "rate_limited", .retry_after = 7000});
    ck_assert_int_eq(simulator_due(simulator), start + 7000);
    ck_assert_ptr_null(simulator_send(simulator, start + 6999, &request));
    ck_assert_ptr_nonnull(simulator_send(simulator, start + 7000, &request));
    end();
}
END_TEST

START_TEST(retry_after_goes_before_our_own_wait)
{
    begin((struct simulator_settings){0});
    next();
    answer_with((struct order_answer){.status = 500, .retry_after = 9000});
    ck_assert_str_eq(next(), "look");
    ck_assert_int_eq(now, start + 9000);
    end();
}
END_TEST

START_TEST(patience_has_an_end)
{
    begin((struct simulator_settings){0});
    int tries = 0;
    while (strcmp(next(), "look") == 0 && tries < 1000) {
        refused(503, "unavailable");
        tries++;
    }
    ck_assert_int_ge(now - start, 60000 - 11000);
    ck_assert_int_lt(tries, 20);
    ck_assert(simulator_idle(simulator));
    ck_assert_ptr_nonnull(strstr(said, "given up after"));
    ck_assert(!as_planned());
    end();
}
END_TEST

START_TEST(a_key_that_nobody_knows_is_said_and_dropped)
{
    begin((struct simulator_settings){0});
    next();
    refused(404, "not_found");
    ck_assert_str_eq(next(), "nothing");
    ck_assert_uint_eq(tally().unknown, 1);
    ck_assert_ptr_nonnull(strstr(said, "no circuit"));
    ck_assert_ptr_null(strstr(said, KEY));
    ck_assert(!as_planned());
    end();
}
END_TEST

START_TEST(a_refused_event_is_decided_afresh)
{
    begin((struct simulator_settings){0});
    next();
    shown("NotProvisioned", false);
    next();
    /* Somebody else has built it. */
    answer_with(
        (struct order_answer){.status = 409, .code = "illegal_transition", .retry_after = 30000});
    ck_assert_str_eq(next(), "look");
    shown("Provisioned", false);
    ck_assert_str_eq(next(), "nothing");
    ck_assert_uint_eq(tally().counts.refused, 1);
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(refusals_without_end_are_given_up)
{
    begin((struct simulator_settings){0});
    int looks = 0;
    for (const char *what; strcmp(what = next(), "nothing") != 0 && looks < 100;) {
        if (strcmp(what, "look") == 0) {
            shown("Deprovisioning", false);
            looks++;
        } else {
            refused(409, "illegal_transition");
        }
    }
    ck_assert_int_eq(order->phase, ORDER_FAILED);
    ck_assert_int_lt(looks, 10);
    end();
}
END_TEST

START_TEST(what_was_overtaken_by_somebody_else_is_said_again)
{
    begin((struct simulator_settings){0});
    next();
    shown("NotProvisioned", false);
    next();
    int64_t newest = now + 250000;
    answer_with((struct order_answer){
        .status = 200, .reason = "stale", .newest = newest, .provider_status = "NotProvisioned"});
    ck_assert_str_eq(next(), "circuit.provisioning");
    ck_assert_int_gt(payload_time(), newest);
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "circuit.progress");
    ck_assert_int_gt(payload_time(), newest + 1);
    end();
}
END_TEST

START_TEST(an_answer_without_a_plan_is_a_failure)
{
    static const struct {
        int status;
        const char *code;
    } answers[] = {
        {401, "unauthenticated"},
        {422, "invalid_request"},
        {403, "forbidden"},
        {302, ""},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        begin((struct simulator_settings){0});
        next();
        shown("NotProvisioned", false);
        next();
        refused(answers[i].status, answers[i].code);
        ck_assert_str_eq(next(), "nothing");
        ck_assert_uint_eq(tally().failed, 1);
        ck_assert_ptr_nonnull(strstr(said, answers[i].code));
        end();
    }
}
END_TEST

START_TEST(a_success_that_says_nothing_is_none)
{
    begin((struct simulator_settings){0});
    next();
    shown("", false);
    ck_assert_uint_eq(tally().failed, 1);
    end();
    begin((struct simulator_settings){0});
    next();
    shown("NotProvisioned", false);
    next();
    ok("", "");
    ck_assert_uint_eq(tally().failed, 1);
    end();
}
END_TEST

START_TEST(a_circuit_that_is_built_already_is_left_alone)
{
    begin((struct simulator_settings){.plan = {.reject = 100}});
    next();
    shown("Provisioned", false);
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    ck_assert_uint_eq(tally().rejected, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator_answers");
    TCase *test = tcase_create("simulator_answers");
    tcase_add_test(test, what_is_not_answered_is_sent_again_as_it_was);
    tcase_add_test(test, a_duplicate_out_of_the_blue_is_not_as_planned);
    tcase_add_test(test, retry_after_is_honoured_by_every_order);
    tcase_add_test(test, retry_after_goes_before_our_own_wait);
    tcase_add_test(test, patience_has_an_end);
    tcase_add_test(test, a_key_that_nobody_knows_is_said_and_dropped);
    tcase_add_test(test, a_refused_event_is_decided_afresh);
    tcase_add_test(test, refusals_without_end_are_given_up);
    tcase_add_test(test, what_was_overtaken_by_somebody_else_is_said_again);
    tcase_add_test(test, an_answer_without_a_plan_is_a_failure);
    tcase_add_test(test, a_success_that_says_nothing_is_none);
    tcase_add_test(test, a_circuit_that_is_built_already_is_left_alone);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
