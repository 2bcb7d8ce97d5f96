/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated partner plans, and the bytes that it sends. */
#include "simulator/message.h"

#include <check.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct plan_settings bad_day = {
    .seed = 7,
    .delay_least = 100,
    .delay_most = 900,
    .duplicates = 50,
    .wrong_signatures = 50,
    .reorder = 50,
    .reject = 30,
    .silence = 30,
};

static const char *key_number(int number)
{
    static char key[SERVICE_KEY_TEXT];
    snprintf(key, sizeof key, "5f0c7a52-6d0e-4b6f-8a54-%012d", number);
    return key;
}

static bool planned_same(const struct planned *a, const struct planned *b)
{
    return a->type == b->type && a->delay == b->delay && a->forged == b->forged &&
           a->bit == b->bit && a->repeated == b->repeated &&
           a->repeated_at_end == b->repeated_at_end && a->overtaken == b->overtaken;
}

static bool plan_same(const struct plan *a, const struct plan *b)
{
    bool same = a->fate == b->fate && a->order_count == b->order_count && a->s_tag == b->s_tag &&
                a->reason == b->reason && a->refuses == b->refuses &&
                planned_same(&a->refusal, &b->refusal);
    for (int i = 0; same && i < a->order_count; i++)
        same = planned_same(&a->order[i], &b->order[i]);
    for (int i = 0; same && i < PLAN_TEARDOWN; i++)
        same = planned_same(&a->teardown[i], &b->teardown[i]);
    return same;
}

START_TEST(a_seed_and_a_key_give_one_plan)
{
    struct plan_settings other = bad_day;
    struct plan a, b;
    int differ = 0;
    other.seed++;
    for (int i = 0; i < 200; i++) {
        plan_make(&a, &bad_day, key_number(i));
        plan_make(&b, &bad_day, key_number(i));
        ck_assert(plan_same(&a, &b));
        plan_make(&b, &other, key_number(i));
        differ += !plan_same(&a, &b);
    }
    ck_assert_int_gt(differ, 190);
}
END_TEST

START_TEST(an_option_changes_no_other_draw)
{
    struct plan_settings calm = bad_day;
    struct plan a, b;
    calm.duplicates = calm.silence = calm.reject = 0;
    for (int i = 0; i < 200; i++) {
        plan_make(&a, &bad_day, key_number(i));
        plan_make(&b, &calm, key_number(i));
        for (int slot = 0; slot < a.order_count; slot++) {
            ck_assert_int_eq(a.order[slot].delay, b.order[slot].delay);
            ck_assert_int_eq(a.order[slot].forged, b.order[slot].forged);
        }
        ck_assert_int_eq(a.s_tag, b.s_tag);
        ck_assert_int_eq(b.fate, FATE_PROVISIONED);
    }
}
END_TEST

START_TEST(percents_are_kept)
{
    struct plan plan;
    int fates[4] = {0}, forged = 0, repeated = 0, overtaken = 0, callbacks = 0;
    for (int i = 0; i < 4000; i++) {
        plan_make(&plan, &bad_day, key_number(i));
        fates[plan.fate]++;
        for (int slot = 0; slot < plan.order_count; slot++, callbacks++) {
            forged += plan.order[slot].forged;
            repeated += plan.order[slot].repeated;
            overtaken += plan.order[slot].overtaken;
            ck_assert_int_ge(plan.order[slot].delay, 100);
            ck_assert_int_le(plan.order[slot].delay, 900);
        }
    }
    /* 30 of 100 are silent, in two ways; of the others 30 of 100 are rejected. */
    ck_assert_int_gt(fates[FATE_SILENT], 500);
    ck_assert_int_gt(fates[FATE_PROMISED], 500);
    ck_assert_int_gt(fates[FATE_SILENT] + fates[FATE_PROMISED], 1050);
    ck_assert_int_lt(fates[FATE_SILENT] + fates[FATE_PROMISED], 1350);
    ck_assert_int_gt(fates[FATE_REJECTED], 750);
    ck_assert_int_lt(fates[FATE_REJECTED], 930);
    ck_assert_int_gt(forged * 100, callbacks * 45);
    ck_assert_int_lt(forged * 100, callbacks * 55);
    ck_assert_int_gt(repeated * 100, callbacks * 45);
    ck_assert_int_lt(repeated * 100, callbacks * 55);
    ck_assert_int_gt(overtaken, 0);
}
END_TEST

START_TEST(none_is_none_and_all_is_all)
{
    struct plan_settings calm = {.seed = 1};
    struct plan_settings wild = {
        .seed = 1, .duplicates = 100, .wrong_signatures = 100, .reorder = 100};
    struct plan plan;
    for (int i = 0; i < 100; i++) {
        plan_make(&plan, &calm, key_number(i));
        ck_assert_int_eq(plan.order_count, 3);
        for (int slot = 0; slot < 3; slot++)
            ck_assert(!plan.order[slot].forged && !plan.order[slot].repeated &&
                      !plan.order[slot].overtaken && plan.order[slot].delay == 0);
        plan_make(&plan, &wild, key_number(i));
        for (int slot = 0; slot < 3; slot++)
            ck_assert(plan.order[slot].forged && plan.order[slot].repeated);
        /* Pairs do not overlap, and the last has nobody to be overtaken by. */
        ck_assert(plan.order[0].overtaken && !plan.order[1].overtaken);
        ck_assert(!plan.order[2].overtaken && plan.teardown[0].overtaken);
    }
}
END_TEST

START_TEST(a_wrong_signature_is_wrong_in_one_bit)
{
    struct planned planned = {.type = CALLBACK_PROGRESS, .forged = true};
    struct signature_key key = {.length = 32};
    struct plan plan = {0};
    for (planned.bit = 0; planned.bit < 256; planned.bit++) {
        char right[SIGNATURE_TEXT], wrong[SIGNATURE_TEXT];
        unsigned char a[33], b[33];
        struct message *message = message_new(&planned, 1);
        message->happened = 1795700000123;
        message_write(message, &plan, key_number(1), "msg_1", 0, 1795700001000);
        ck_assert_int_eq(message->attempt, ATTEMPT_FORGED);
        message_sign(wrong, message, &key, "1795700000");
        message->attempt = ATTEMPT_PLAIN;
        message_sign(right, message, &key, "1795700000");
        ck_assert(signature_matches(&key, "msg_1", "1795700000", message->body,
                                    strlen(message->body), right));
        ck_assert(!signature_matches(&key, "msg_1", "1795700000", message->body,
                                     strlen(message->body), wrong));
        ck_assert_int_eq(EVP_DecodeBlock(a, (unsigned char *)right + 3, 44), 33);
        ck_assert_int_eq(EVP_DecodeBlock(b, (unsigned char *)wrong + 3, 44), 33);
        a[planned.bit / 8] ^= (unsigned char)(1U << (planned.bit % 8));
        ck_assert_mem_eq(a, b, 32);
        message_free(message);
    }
}
END_TEST

START_TEST(a_body_says_what_its_event_needs)
{
    static const struct {
        enum callback_type type;
        const char *members[4];
    } expected[] = {
        {CALLBACK_PROVISIONING, {"note", "partnerReference"}},
        {CALLBACK_PROGRESS, {"note", "expectedBy"}},
        {CALLBACK_PROVISIONED, {"note", "primaryPort", "secondaryPort", "sTag"}},
        {CALLBACK_REJECTED, {"reason"}},
    };
    struct plan plan = {.s_tag = 210, .reason = "no"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct planned planned = {.type = expected[i].type};
        struct message *message = message_new(&planned, 0);
        message->happened = 1795700000123;
        message_write(message, &plan, key_number(1), "msg_1", 2000, 1795700009000);
        json_t *body = json_loads(message->body, 0, NULL);
        json_t *data = json_object_get(body, "data");
        ck_assert_str_eq(json_string_value(json_object_get(body, "type")),
                         callback_type_names[expected[i].type]);
        ck_assert_str_eq(json_string_value(json_object_get(body, "timestamp")),
                         "2026-11-26T13:33:22.123Z");
        ck_assert_str_eq(json_string_value(json_object_get(data, "serviceKey")), key_number(1));
        size_t count = 0;
        for (; count < 4 && expected[i].members[count] != NULL; count++)
            ck_assert_ptr_nonnull(json_object_get(data, expected[i].members[count]));
        ck_assert_uint_eq(json_object_size(data), count + 1);
        json_decref(body);
        message_free(message);
    }
}
END_TEST

START_TEST(times_are_written_in_milliseconds_and_read_up_to_the_next)
{
    char text[MESSAGE_TIME];
    message_time_write(text, 1795700000007);
    ck_assert_str_eq(text, "2026-11-26T13:33:20.007Z");
    ck_assert_int_eq(message_time_read("2026-11-26T13:33:20.007000Z"), 1795700000007);
    ck_assert_int_eq(message_time_read("2026-11-26T13:33:20.006001Z"), 1795700000007);
    ck_assert_int_eq(message_time_read("2026-11-26T13:33:20.999001Z"), 1795700001000);
    ck_assert_int_eq(message_time_read(text), 1795700000007);
    ck_assert_int_eq(message_time_read(""), 0);
    ck_assert_int_eq(message_time_read("2026-11-26T13:33:20Z"), 0);
    ck_assert_int_eq(message_time_read("2026-11-26T13:33:20.007000Z?"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator_plan");
    TCase *test = tcase_create("simulator_plan");
    tcase_add_test(test, a_seed_and_a_key_give_one_plan);
    tcase_add_test(test, an_option_changes_no_other_draw);
    tcase_add_test(test, percents_are_kept);
    tcase_add_test(test, none_is_none_and_all_is_all);
    tcase_add_test(test, a_wrong_signature_is_wrong_in_one_bit);
    tcase_add_test(test, a_body_says_what_its_event_needs);
    tcase_add_test(test, times_are_written_in_milliseconds_and_read_up_to_the_next);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
