/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies are read by the paths that an operation declares, with all faults at once. */
#include "base/arena.h"
#include "operations/body.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *whole_from_json(const struct kind *kind, const json_t *value,
                                   const struct reading *reading)
{
    (void)kind;
    (void)value;
    (void)reading;
    return "whole";
}

static const struct kind whole = {.from_json = whole_from_json};
static const struct kind clearable = {.from_json = whole_from_json, .nullable = true};

static const struct parameter order_parameters[] = {
    {FROM_BODY, "name", &kind_name, .required = true},
    {FROM_BODY, "sku/tier", &kind_slug, .fallback = "standard"},
    {FROM_BODY, "sku/family", &kind_slug, .required = true},
    {FROM_BODY, "tags", &clearable, .fallback = "{}"},
    {FROM_CALLER, "customer"},
};
static const struct operation order = {.name = "order", PARAMETERS(order_parameters)};

static const struct parameter event_parameters[] = {
    {FROM_BODY, "data/key", &kind_uuid, .required = true},
    {FROM_BODY, "data", &whole, .required = true},
};
static const struct operation event = {
    .name = "event", PARAMETERS(event_parameters), .open_member = "data"};

static struct arena *arena;
static struct faults faults;
static struct call call;
static json_t *body;

static void setup(void)
{
    arena = arena_new();
    faults = (struct faults){.arena = arena};
}

static void teardown(void)
{
    json_decref(body);
    arena_free(arena);
}

static void read_as(const struct operation *operation, const char *text)
{
    body = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(body);
    call = (struct call){.operation = operation, .arena = arena, .faults = &faults, .body = body};
    body_read(&call);
}

static bool faulted(const char *pointer, const char *code)
{
    for (size_t i = 0; i < faults.count; i++)
        if (strcmp(faults.items[i].pointer, pointer) == 0 &&
            strcmp(faults.items[i].code, code) == 0)
            return true;
    return false;
}

START_TEST(values_are_taken_from_their_paths)
{
    read_as(&order,
            "{\"name\": \"hq\", \"sku\": {\"tier\": \"premium\", \"family\": \"metered\"}}");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_str_eq(call_value(&call, "name"), "hq");
    ck_assert_str_eq(call_value(&call, "sku/tier"), "premium");
    ck_assert_str_eq(call_value(&call, "sku/family"), "metered");
    ck_assert_str_eq(call_value(&call, "tags"), "{}");
}
END_TEST

START_TEST(all_faults_are_named_at_once)
{
    read_as(&order, "{\"name\": 5, \"sku\": {\"tier\": null, \"colour\": 1}, \"a/b\": 1}");
    ck_assert(faulted("/name", "wrong_type"));
    ck_assert(faulted("/sku/tier", "wrong_type"));
    ck_assert(faulted("/sku/family", "required"));
    ck_assert(faulted("/sku/colour", "unknown_member"));
    ck_assert(faulted("/a~1b", "unknown_member"));
    ck_assert_uint_eq(faults.count, 5);
}
END_TEST

START_TEST(what_should_be_an_object_is_one_fault)
{
    read_as(&order, "{\"name\": \"hq\", \"sku\": [1]}");
    ck_assert(faulted("/sku", "wrong_type"));
    ck_assert_uint_eq(faults.count, 1);
}
END_TEST

START_TEST(a_required_member_of_an_absent_object_is_asked_for)
{
    read_as(&order, "{\"name\": \"hq\"}");
    ck_assert(faulted("/sku/family", "required"));
    ck_assert_uint_eq(faults.count, 1);
}
END_TEST

START_TEST(null_goes_to_those_who_take_it)
{
    read_as(&order, "{\"name\": \"hq\", \"sku\": {\"family\": \"x\"}, \"tags\": null}");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_str_eq(call_value(&call, "tags"), "whole");
}
END_TEST

START_TEST(an_object_that_is_read_whole_has_no_unknown_members)
{
    read_as(&event, "{\"data\": {\"key\": \"5f0c1c63-6a1e-4d6f-9f0a-2f6f1f3a7c11\", \"x\": {}}}");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_str_eq(call_value(&call, "data"), "whole");
}
END_TEST

START_TEST(an_absent_object_is_asked_for_once)
{
    read_as(&event, "{}");
    ck_assert(faulted("/data", "required"));
    ck_assert_uint_eq(faults.count, 1);
}
END_TEST

START_TEST(a_body_is_an_object)
{
    static const char *const others[] = {"[]", "1", "\"a\"", "null", "true"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        faults.count = 0;
        read_as(&order, others[i]);
        ck_assert(faulted("", "wrong_type"));
        ck_assert_uint_eq(faults.count, 1);
        json_decref(body);
        body = NULL;
    }
}
END_TEST

START_TEST(a_hundred_unknown_members_are_counted_and_32_are_kept)
{
    char text[4096] = "{\"name\": \"hq\", \"sku\": {\"family\": \"x\"}";
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), ", \"m%d\": 0", i);
    strcat(text, "}");
    read_as(&order, text);
    ck_assert_uint_eq(faults.count, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("body");
    TCase *tests = tcase_create("body");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, values_are_taken_from_their_paths);
    tcase_add_test(tests, all_faults_are_named_at_once);
    tcase_add_test(tests, what_should_be_an_object_is_one_fault);
    tcase_add_test(tests, a_required_member_of_an_absent_object_is_asked_for);
    tcase_add_test(tests, null_goes_to_those_who_take_it);
    tcase_add_test(tests, an_object_that_is_read_whole_has_no_unknown_members);
    tcase_add_test(tests, an_absent_object_is_asked_for_once);
    tcase_add_test(tests, a_body_is_an_object);
    tcase_add_test(tests, a_hundred_unknown_members_are_counted_and_32_are_kept);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
