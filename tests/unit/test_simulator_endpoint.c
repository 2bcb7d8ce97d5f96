/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated partner makes of the webhooks that come to it. */
#include "simulator/endpoint.h"
#include "simulator_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char body[] =
    "{\"type\":\"circuit.deprovision_requested\",\"data\":{\"serviceKey\":\"" KEY "\"}}";
static struct endpoint endpoint;

static void open_for(int deaf)
{
    begin((struct simulator_settings){0});
    build();
    memset(&endpoint, 0, sizeof endpoint);
    endpoint.simulator = simulator;
    endpoint.heard = json_object();
    endpoint.key.length = 32;
    endpoint.deaf = deaf;
}

static int come(const char *id, int64_t at, const char *text)
{
    char timestamp[24], signature[SIGNATURE_TEXT];
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)at / 1000);
    signature_make(signature, &endpoint.key, id, timestamp, body, strlen(body));
    return endpoint_take(&endpoint, id, timestamp, signature, text, strlen(text), now);
}

static void close_all(void)
{
    json_decref(endpoint.heard);
    end();
}

START_TEST(what_is_authentic_is_looked_after)
{
    open_for(0);
    ck_assert(simulator_idle(simulator));
    ck_assert_int_eq(come("d1", now, body), 204);
    ck_assert_str_eq(next(), "look");
    shown("Provisioned", true);
    ck_assert_str_eq(next(), "circuit.deprovisioning");
    ck_assert_uint_eq(endpoint.counts.heard, 1);
    close_all();
}
END_TEST

START_TEST(what_is_not_is_refused_and_changes_nothing)
{
    open_for(0);
    ck_assert_int_eq(come("d1", now - 301000, body), 401);
    ck_assert_int_eq(come("d1", now + 301000, body), 401);
    ck_assert_int_eq(come("d1", now, "{\"data\":{\"serviceKey\":\"" KEY "\"}}"), 401);
    ck_assert_int_eq(come("d.1", now, body), 401);
    ck_assert_int_eq(endpoint_take(&endpoint, "", "", "", "", 0, now), 401);
    ck_assert_uint_eq(endpoint.counts.unauthentic, 5);
    ck_assert_uint_eq(endpoint.counts.heard, 0);
    ck_assert(simulator_idle(simulator));
    close_all();
}
END_TEST

START_TEST(a_duplicate_is_taken_and_passed_over)
{
    open_for(0);
    ck_assert_int_eq(come("d1", now, body), 204);
    next();
    shown("Provisioned", false);
    ck_assert_int_eq(come("d1", now, body), 204);
    ck_assert_str_eq(next(), "nothing");
    ck_assert_uint_eq(endpoint.counts.duplicates, 1);
    close_all();
}
END_TEST

START_TEST(the_deaf_hear_it_the_second_time)
{
    open_for(100);
    ck_assert_int_eq(come("d1", now, body), 503);
    ck_assert(simulator_idle(simulator));
    ck_assert_int_eq(come("d1", now, body), 204);
    ck_assert(!simulator_idle(simulator));
    ck_assert_uint_eq(endpoint.counts.turned_away, 1);
    ck_assert_uint_eq(endpoint.counts.heard, 1);
    ck_assert_uint_eq(endpoint.counts.duplicates, 0);
    close_all();
}
END_TEST

START_TEST(what_says_nothing_of_a_key_is_taken)
{
    char timestamp[24], signature[SIGNATURE_TEXT];
    open_for(0);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)now / 1000);
    signature_make(signature, &endpoint.key, "d1", timestamp, "?", 1);
    ck_assert_int_eq(endpoint_take(&endpoint, "d1", timestamp, signature, "?", 1, now), 204);
    ck_assert(simulator_idle(simulator));
    close_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator_endpoint");
    TCase *test = tcase_create("simulator_endpoint");
    tcase_add_test(test, what_is_authentic_is_looked_after);
    tcase_add_test(test, what_is_not_is_refused_and_changes_nothing);
    tcase_add_test(test, a_duplicate_is_taken_and_passed_over);
    tcase_add_test(test, the_deaf_hear_it_the_second_time);
    tcase_add_test(test, what_says_nothing_of_a_key_is_taken);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
