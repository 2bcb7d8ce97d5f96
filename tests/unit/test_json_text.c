/* SPDX-License-Identifier: Apache-2.0 */
/* Depth and places in the text of a JSON body. */
#include "api/json_text.h"
#include "base/arena.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(the_thirty_third_level_is_too_deep)
{
    char text[2 * (JSON_DEPTH_MAX + 1) + 1];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    ck_assert_uint_eq(json_text_too_deep(text, 2 * JSON_DEPTH_MAX), 2 * JSON_DEPTH_MAX);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    ck_assert_uint_eq(json_text_too_deep(text, JSON_DEPTH_MAX + 1), JSON_DEPTH_MAX);
    memset(text, '{', JSON_DEPTH_MAX + 1);
    ck_assert_uint_eq(json_text_too_deep(text, JSON_DEPTH_MAX + 1), JSON_DEPTH_MAX);
}
END_TEST

START_TEST(breadth_is_not_depth_and_brackets_in_strings_are_text)
{
    char wide[4096] = "[";
    for (int i = 0; i < 100; i++)
        strcat(wide, "{\"a\":[]},");
    strcat(wide, "0]");
    ck_assert_uint_eq(json_text_too_deep(wide, strlen(wide)), strlen(wide));
    char quoted[] = "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"";
    ck_assert_uint_eq(json_text_too_deep(quoted, strlen(quoted)), strlen(quoted));
    ck_assert_uint_eq(json_text_too_deep("\"\\", 2), 2);
    ck_assert_uint_eq(json_text_too_deep("]]]]", 4), 4);
}
END_TEST

/* The pointer of the place where jansson stopped. */
static const char *stopped(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(!value, "%s was read", text);
    return json_text_pointer(arena, text, (size_t)error.position);
}

START_TEST(the_pointer_names_the_member_that_was_read)
{
    ck_assert_str_eq(stopped("{\"a\": 1, \"a\": 2}"), "/a");
    ck_assert_str_eq(stopped("{\"sku\": {\"tier\": 1, \"tier\": 2}}"), "/sku/tier");
    ck_assert_str_eq(stopped("{\"a\": [0, 1, {\"b\": \"\\u0000\"}]}"), "/a/2/b");
    ck_assert_str_eq(stopped("{\"a\": [0, 1e999]}"), "/a/1");
    ck_assert_str_eq(stopped("{\"x\": {\"y\": 1}, \"z\": nul}"), "/z");
    ck_assert_str_eq(stopped("{\"a/b~c\": \"\xff\"}"), "/a~1b~0c");
    ck_assert_str_eq(stopped("[1, 2"), "/1");
    ck_assert_str_eq(stopped("{\"\\u0061\": 1, \"a\": 2}"), "/a");
    ck_assert_str_eq(json_text_pointer(arena, "{}", 0), "");
}
END_TEST

START_TEST(any_offset_of_any_text_has_a_pointer)
{
    static const char text[] =
        "{\"a\\\"\": [{\"b\": \"]}\\\\\"}, [[[\"\", {}]]], \"c\": {\"d\": 1}} ,,:\"";
    for (size_t i = 0; i < sizeof text; i++)
        ck_assert_ptr_nonnull(json_text_pointer(arena, text, i));
    char deep[200];
    memset(deep, '[', sizeof deep);
    ck_assert_str_eq(json_text_pointer(arena, deep, sizeof deep), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_text");
    TCase *tests = tcase_create("json_text");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_thirty_third_level_is_too_deep);
    tcase_add_test(tests, breadth_is_not_depth_and_brackets_in_strings_are_text);
    tcase_add_test(tests, the_pointer_names_the_member_that_was_read);
    tcase_add_test(tests, any_offset_of_any_text_has_a_pointer);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
