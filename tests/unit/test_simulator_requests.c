/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated partner does about what customers ask for, and whose turn it is. */
#include "circuits/provider_status.h"
#include "simulator_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_deprovision_request_is_followed)
{
    begin((struct simulator_settings){0});
    build();
    ck_assert_str_eq(next(), "nothing");
    simulator_heard(simulator, KEY, now);
    ck_assert(!simulator_idle(simulator));
    ck_assert_str_eq(next(), "look");
    shown("Provisioned", true);
    ck_assert_str_eq(next(), "circuit.deprovisioning");
    ok("applied", "Deprovisioning");
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    ok("applied", "NotProvisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert_uint_eq(tally().torn_down, 1);
    ck_assert(as_planned());
    /* It is not built again when something else is heard. */
    simulator_heard(simulator, KEY, now);
    ck_assert_str_eq(next(), "look");
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_deprovision_request_is_refused_as_often_as_it_comes)
{
    begin((struct simulator_settings){.plan = {.reject = 100}});
    next();
    shown("Provisioned", false);
    for (int i = 0; i < 2; i++) {
        simulator_heard(simulator, KEY, now);
        ck_assert_str_eq(next(), "look");
        shown("Provisioned", true);
        ck_assert_str_eq(next(), "circuit.rejected");
        ck_assert_ptr_nonnull(strstr(request.body, "\"reason\""));
        ok("applied", "Provisioned");
        ck_assert_str_eq(next(), "nothing");
        ck_assert(as_planned());
    }
    ck_assert_uint_eq(tally().torn_down, 0);
    /* What is on its way down already goes on. */
    simulator_heard(simulator, KEY, now);
    next();
    shown("Deprovisioning", true);
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    end();
}
END_TEST

START_TEST(a_request_while_it_is_built_ends_the_building)
{
    begin((struct simulator_settings){.plan = {.delay_least = 100, .delay_most = 100}});
    next();
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "circuit.provisioning");
    /* The news comes while a callback is under way. */
    simulator_heard(simulator, KEY, now);
    ck_assert_int_eq(simulator_due(simulator), INT64_MAX);
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "look");
    shown("Provisioning", true);
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    ok("applied", "NotProvisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_request_that_is_withdrawn_is_forgotten)
{
    begin((struct simulator_settings){.plan = {.delay_least = 100, .delay_most = 100}});
    next();
    shown("NotProvisioned", false);
    next();
    ok("applied", "Provisioning");
    simulator_heard(simulator, KEY, now);
    next();
    shown("Provisioning", true);
    simulator_heard(simulator, KEY, now);
    ck_assert_str_eq(next(), "look");
    shown("Provisioning", false);
    ck_assert_str_eq(next(), "circuit.progress");
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "circuit.provisioned");
    ok("applied", "Provisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_circuit_that_is_deleted_on_the_way_knows_of_nothing_older)
{
    begin((struct simulator_settings){.plan = {.reorder = 100}});
    next();
    shown("Provisioned", true);
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    int64_t newer = payload_time();
    ok("applied", "NotProvisioned");
    ck_assert_str_eq(next(), "circuit.deprovisioning");
    ck_assert_int_lt(payload_time(), newer);
    refused(404, "not_found");
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(silence_is_kept)
{
    bool silent = false, promised = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin((struct simulator_settings){
            .plan = {.seed = seed, .silence = 100, .delay_least = 5000, .delay_most = 5000}});
        next();
        shown("NotProvisioned", false);
        if (order->plan.fate == FATE_SILENT) {
            silent = true;
        } else {
            promised = true;
            ck_assert_str_eq(next(), "circuit.provisioning");
            ok("applied", "Provisioning");
            ck_assert_str_eq(next(), "circuit.progress");
            /* Nobody will come on that day, and it is soon. */
            char day[MESSAGE_TIME];
            message_time_write(day, now + 5000);
            ck_assert_ptr_nonnull(strstr(request.body, day));
            ok("applied", "Provisioning");
        }
        ck_assert_str_eq(next(), "nothing");
        ck_assert(as_planned());
        simulator_heard(simulator, KEY, now);
        next();
        shown(order->plan.fate == FATE_SILENT ? "NotProvisioned" : "Provisioning", true);
        ck_assert_str_eq(next(), "nothing");
        ck_assert(as_planned());
        end();
    }
    ck_assert(silent && promised);
}
END_TEST

START_TEST(a_circuit_of_another_day_is_torn_down_and_never_built)
{
    begin((struct simulator_settings){0});
    build();
    simulator_heard(simulator, OTHER, now);
    order = simulator_send(simulator, now, &request);
    ck_assert_ptr_nonnull(order);
    shown("NotProvisioned", false);
    ck_assert(simulator_idle(simulator));
    ck_assert(as_planned());
    ck_assert_uint_eq(tally().handed_in, 1);
    ck_assert_uint_eq(tally().adopted, 0);
    simulator_heard(simulator, OTHER, now);
    order = simulator_send(simulator, now, &request);
    shown("Provisioned", true);
    ck_assert_str_eq(next(), "circuit.deprovisioning");
    ok("applied", "Deprovisioning");
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    ok("applied", "NotProvisioned");
    ck_assert(as_planned());
    ck_assert_uint_eq(tally().adopted, 1);
    /* Handed in at last, it is an order like any other. */
    ck_assert_int_eq(simulator_hand_in(simulator, OTHER, now), KEY_TAKEN);
    ck_assert_int_eq(simulator_hand_in(simulator, OTHER, now), KEY_REPEATED);
    order = simulator_send(simulator, now, &request);
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "circuit.provisioning");
    end();
}
END_TEST

START_TEST(a_key_that_is_handed_in_after_its_news_is_built)
{
    begin((struct simulator_settings){0});
    build();
    simulator_heard(simulator, OTHER, now);
    order = simulator_send(simulator, now, &request);
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "nothing");
    simulator_hand_in(simulator, OTHER, now);
    order = simulator_send(simulator, now, &request);
    shown("NotProvisioned", false);
    ck_assert_str_eq(next(), "circuit.provisioning");
    end();
}
END_TEST

START_TEST(a_circuit_of_another_day_that_is_gone_is_an_old_story)
{
    begin((struct simulator_settings){0});
    build();
    simulator_heard(simulator, OTHER, now);
    order = simulator_send(simulator, now, &request);
    refused(404, "not_found");
    ck_assert(simulator_idle(simulator));
    ck_assert(as_planned());
    ck_assert_str_eq(said, "");
    end();
}
END_TEST

START_TEST(what_was_overtaken_is_no_news_when_the_building_goes_on)
{
    begin((struct simulator_settings){.plan = {.reorder = 100}});
    next();
    shown("Provisioning", false);
    ck_assert_str_eq(next(), "circuit.progress");
    ok("applied", "Provisioning");
    simulator_heard(simulator, KEY, now);
    next();
    shown("Provisioning", true);
    simulator_heard(simulator, KEY, now);
    next();
    shown("Provisioning", false);
    ck_assert_str_eq(next(), "circuit.provisioned");
    ok("applied", "Provisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(what_is_to_be_repeated_is_repeated_whatever_comes_between)
{
    begin((struct simulator_settings){
        .plan = {.duplicates = 100, .delay_least = 100, .delay_most = 100}});
    next();
    shown("NotProvisioned", false);
    next();
    char id[64];
    snprintf(id, sizeof id, "%s", request.id);
    simulator_heard(simulator, KEY, now);
    ok("applied", "Provisioning");
    ck_assert_str_eq(next(), "look");
    shown("Provisioning", true);
    ck_assert_str_eq(next(), "circuit.provisioning");
    ck_assert_str_eq(request.id, id);
    ok("duplicate", "Provisioning");
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    ok("applied", "NotProvisioned");
    ck_assert_str_eq(next(), "circuit.deprovisioned");
    ok("duplicate", "NotProvisioned");
    ck_assert_str_eq(next(), "nothing");
    ck_assert(as_planned());
    end();
}
END_TEST

START_TEST(a_key_that_is_gone_before_the_end_is_not_as_planned)
{
    begin((struct simulator_settings){0});
    next();
    shown("Provisioned", true);
    next();
    refused(404, "not_found");
    ck_assert_uint_eq(tally().unknown, 1);
    ck_assert(!as_planned());
    end();
}
END_TEST

START_TEST(keys_are_told_apart)
{
    begin((struct simulator_settings){0});
    ck_assert_int_eq(simulator_hand_in(simulator, "5F0C7A52-6D0E-4B6F-8A54-0D4F4C1F3A10", now),
                     KEY_REPEATED);
    ck_assert_int_eq(simulator_hand_in(simulator, KEY "0", now), KEY_MALFORMED);
    ck_assert_int_eq(simulator_hand_in(simulator, "", now), KEY_MALFORMED);
    ck_assert_int_eq(simulator_hand_in(simulator, "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a1", now),
                     KEY_MALFORMED);
    ck_assert_uint_eq(tally().handed_in, 1);
    ck_assert_uint_eq(tally().repeated, 1);
    ck_assert_uint_eq(tally().malformed, 3);
    build();
    ck_assert(simulator_idle(simulator));
    ck_assert(!as_planned());
    end();
}
END_TEST

START_TEST(the_rate_is_kept)
{
    char key[SERVICE_KEY_TEXT];
    begin((struct simulator_settings){.rate = 10});
    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof key, "5f0c7a52-6d0e-4b6f-8a54-%012d", i);
        simulator_hand_in(simulator, key, now);
    }
    int sent = 0;
    for (int64_t time = start; time < start + 2000; time++)
        sent += simulator_send(simulator, time, &request) != NULL;
    ck_assert_int_eq(sent, 20);
    end();
}
END_TEST

START_TEST(who_is_due_first_comes_first)
{
    char key[SERVICE_KEY_TEXT];
    begin((struct simulator_settings){.plan = {.seed = 3, .delay_least = 0, .delay_most = 9000}});
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "5f0c7a52-6d0e-4b6f-8a54-%012d", i);
        ck_assert_int_eq(simulator_hand_in(simulator, key, now), KEY_TAKEN);
    }
    int callbacks = 0, turns = 0;
    while (simulator_due(simulator) != INT64_MAX) {
        int64_t due = simulator_due(simulator);
        ck_assert_int_ge(due, start);
        if (due > now)
            now = due;
        /* Now and then one leaves its place, because of news. */
        if (++turns % 7 == 3)
            simulator_heard(simulator, simulator_order(simulator, (size_t)turns % 501)->service_key,
                            now);
        due = INT64_MAX;
        for (size_t i = 0; i < simulator_count(simulator); i++)
            if (simulator_order(simulator, i)->due < due)
                due = simulator_order(simulator, i)->due;
        ck_assert_int_eq(simulator_due(simulator), due);
        order = simulator_send(simulator, now, &request);
        ck_assert_ptr_nonnull(order);
        if (request.kind == REQUEST_LOOK) {
            shown(order->status < 0 ? "NotProvisioned" : provider_status_names[order->status],
                  false);
            continue;
        }
        ok("applied", strstr(request.body, "circuit.provisioned") ? "Provisioned" : "Provisioning");
        callbacks++;
    }
    ck_assert_int_eq(callbacks, 501 * 3);
    ck_assert(as_planned());
    ck_assert_uint_eq(tally().provisioned, 501);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator_requests");
    TCase *test = tcase_create("simulator_requests");
    tcase_add_test(test, a_deprovision_request_is_followed);
    tcase_add_test(test, a_deprovision_request_is_refused_as_often_as_it_comes);
    tcase_add_test(test, a_request_while_it_is_built_ends_the_building);
    tcase_add_test(test, a_request_that_is_withdrawn_is_forgotten);
    tcase_add_test(test, a_circuit_that_is_deleted_on_the_way_knows_of_nothing_older);
    tcase_add_test(test, silence_is_kept);
    tcase_add_test(test, a_circuit_of_another_day_is_torn_down_and_never_built);
    tcase_add_test(test, a_key_that_is_handed_in_after_its_news_is_built);
    tcase_add_test(test, a_circuit_of_another_day_that_is_gone_is_an_old_story);
    tcase_add_test(test, what_was_overtaken_is_no_news_when_the_building_goes_on);
    tcase_add_test(test, what_is_to_be_repeated_is_repeated_whatever_comes_between);
    tcase_add_test(test, a_key_that_is_gone_before_the_end_is_not_as_planned);
    tcase_add_test(test, keys_are_told_apart);
    tcase_add_test(test, the_rate_is_kept);
    tcase_add_test(test, who_is_due_first_comes_first);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
