/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated partner that misbehaves as planned, and what must come of it. */
#include "circuits/provider_status.h"
#include "simulator_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_key_is_quoted_and_its_circuit_built)
{
    int64_t last = 0;
    begin((struct simulator_settings){.plan = {.delay_least = 400, .delay_most = 400}});
    ck_assert_str_eq(next(), "look");
    ck_assert_int_eq(now, start);
    shown("NotProvisioned", false);
    ck_assert(!as_planned());
    for (int i = 0; i < 3; i++) {
        next();
        ck_assert_int_eq(now, start + 400 * (i + 1));
        ck_assert(signed_well());
        ck_assert_int_eq(payload_time(), now);
        ck_assert_int_gt(payload_time(), last);
        last = payload_time();
        ok("applied", i == 2 ? "Provisioned" : "Provisioning");
    }
    ck_assert_str_eq(next(), "nothing");
    ck_assert(simulator_idle(simulator));
    ck_assert(as_planned());
    ck_assert_uint_eq(tally().provisioned, 1);
    end();
}
END_TEST

START_TEST(a_duplicate_is_the_same_id_and_body)
{
    char ids[PLAN_ORDER][64], bodies[PLAN_ORDER][1024];
    int repeated = 0;
    begin((struct simulator_settings){.plan = {.duplicates = 100}});
    next();
    shown("NotProvisioned", false);
    while (strcmp(next(), "nothing") != 0) {
        int slot = order->first->slot;
        ck_assert(signed_well());
        if (order->first->attempt == ATTEMPT_AGAIN) {
            ck_assert_str_eq(request.id, ids[slot]);
            ck_assert_str_eq(request.body, bodies[slot]);
            repeated++;
            ok("duplicate", provider_status_names[order->status]);
            continue;
        }
        for (int i = 0; i < slot; i++)
            ck_assert_str_ne(request.id, ids[i]);
        snprintf(ids[slot], sizeof ids[slot], "%s", request.id);
        snprintf(bodies[slot], sizeof bodies[slot], "%s", request.body);
        ok("applied", slot == PLAN_ORDER - 1 ? "Provisioned" : "Provisioning");
    }
    ck_assert_int_eq(repeated, PLAN_ORDER);
    ck_assert_uint_eq(tally().counts.duplicates, PLAN_ORDER);
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_duplicate_that_is_applied_again_is_not_as_planned)
{
    begin((struct simulator_settings){.plan = {.duplicates = 100}});
    next();
    shown("NotProvisioned", false);
    do {
        next();
        ok("applied", "Provisioning");
    } while (order->phase == ORDER_WORKING);
    ck_assert_int_eq(order->phase, ORDER_FAILED);
    ck_assert_ptr_nonnull(strstr(said, "sent once more, was answered 200 applied"));
    ck_assert(!as_planned());
    end();
}
END_TEST

START_TEST(what_is_reordered_comes_with_an_older_time)
{
    begin((struct simulator_settings){
        .plan = {.reorder = 100, .delay_least = 100, .delay_most = 100}});
    next();
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "circuit.progress");
    int64_t newer = payload_time();
    ck_assert_int_eq(now, start + 200);
    ok("applied", "NotProvisioned");
    ck_assert_str_eq(next(), "circuit.provisioning");
    ck_assert_int_lt(payload_time(), newer);
    ck_assert_int_eq(payload_time(), newer - 100);
    ok("stale", "NotProvisioned");
    ck_assert_str_eq(next(), "circuit.provisioned");
    ck_assert_int_gt(payload_time(), newer);
    ok("applied", "Provisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert_uint_eq(tally().counts.stale, 1);
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(what_comes_late_must_not_be_applied)
{
    begin((struct simulator_settings){.plan = {.reorder = 100}});
    next();
    shown("NotProvisioned", false);
    next();
    ok("applied", "NotProvisioned");
    next();
    ok("applied", "Provisioning");
    ck_assert_int_eq(order->phase, ORDER_FAILED);
    ck_assert_ptr_nonnull(strstr(said, "circuit.provisioning, late, was answered 200 applied"));
    end();
}
END_TEST

START_TEST(a_wrong_signature_comes_before_the_right_one)
{
    char id[64];
    begin((struct simulator_settings){.plan = {.wrong_signatures = 100}});
    next();
    shown("NotProvisioned", false);
    for (int i = 0; i < 3; i++) {
        next();
        ck_assert(!signed_well());
        snprintf(id, sizeof id, "%s", request.id);
        refused(401, "unauthenticated");
        next();
        ck_assert(signed_well());
        ck_assert_str_eq(request.id, id);
        ok("applied", i == 2 ? "Provisioned" : "Provisioning");
    }
    ck_assert_uint_eq(tally().counts.forged, 3);
    ck_assert(as_planned());
    next();
    end();
}
END_TEST

START_TEST(a_wrong_signature_that_is_taken_is_not_as_planned)
{
    begin((struct simulator_settings){.plan = {.wrong_signatures = 100}});
    next();
    shown("NotProvisioned", false);
    next();
    ok("applied", "Provisioning");
    ck_assert_int_eq(order->phase, ORDER_FAILED);
    ck_assert_ptr_nonnull(strstr(said, "with a wrong signature was answered 200"));
    end();
}
END_TEST

START_TEST(a_clock_that_is_ahead_is_refused_twice_and_set)
{
    begin((struct simulator_settings){.clock_skew = 600000});
    next();
    shown("NotProvisioned", false);
    next();
    ck_assert(signed_well());
    ck_assert_int_eq(atoll(request.timestamp), (now + 600000) / 1000);
    refused(401, "unauthenticated");
    next();
    ck_assert(signed_well());
    ck_assert_int_eq(atoll(request.timestamp), now / 1000);
    ck_assert_int_ge(payload_time(), now + 600000);
    refused(422, "timestamp_in_future");
    next();
    ck_assert_int_ge(payload_time(), now);
    ck_assert_int_le(payload_time(), now + 10);
    ok("applied", "Provisioning");
    next();
    ck_assert_int_eq(atoll(request.timestamp), now / 1000);
    ok("applied", "Provisioning");
    next();
    ok("applied", "Provisioned");
    ck_assert_uint_eq(tally().counts.off_clock, 1);
    ck_assert_uint_eq(tally().counts.ahead, 1);
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_clock_that_is_behind_is_refused_once_and_set)
{
    begin((struct simulator_settings){.clock_skew = -600000});
    next();
    shown("NotProvisioned", false);
    next();
    ck_assert_int_eq(atoll(request.timestamp), (now - 600000) / 1000);
    refused(401, "unauthenticated");
    next();
    ck_assert_int_eq(atoll(request.timestamp), now / 1000);
    ck_assert_int_ge(payload_time(), now);
    ok("applied", "Provisioning");
    ck_assert_uint_eq(tally().counts.off_clock, 1);
    end();
}
END_TEST

START_TEST(a_skew_within_the_tolerance_stays)
{
    begin((struct simulator_settings){.clock_skew = -60000});
    next();
    shown("NotProvisioned", false);
    for (int i = 0; i < 3; i++) {
        next();
        ck_assert_int_eq(atoll(request.timestamp), (now - 60000) / 1000);
        ck_assert_int_ge(payload_time(), now - 60000);
        ck_assert_int_le(payload_time(), now - 59990);
        ok("applied", i == 2 ? "Provisioned" : "Provisioning");
    }
    ck_assert(as_planned());
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator_misbehaviour");
    TCase *test = tcase_create("simulator_misbehaviour");
    tcase_add_test(test, a_key_is_quoted_and_its_circuit_built);
    tcase_add_test(test, a_duplicate_is_the_same_id_and_body);
    tcase_add_test(test, a_duplicate_that_is_applied_again_is_not_as_planned);
    tcase_add_test(test, what_is_reordered_comes_with_an_older_time);
    tcase_add_test(test, what_comes_late_must_not_be_applied);
    tcase_add_test(test, a_wrong_signature_comes_before_the_right_one);
    tcase_add_test(test, a_wrong_signature_that_is_taken_is_not_as_planned);
    tcase_add_test(test, a_clock_that_is_ahead_is_refused_twice_and_set);
    tcase_add_test(test, a_clock_that_is_behind_is_refused_once_and_set);
    tcase_add_test(test, a_skew_within_the_tolerance_stays);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
