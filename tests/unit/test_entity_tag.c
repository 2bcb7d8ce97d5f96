/* SPDX-License-Identifier: Apache-2.0 */
#include "api/entity_tag.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tags of a list, as "a,W/b", with ! behind the last good one when the list is malformed. */
static const char *read_all(const char *list)
{
    static char out[256];
    struct entity_tag tag;
    enum tag_step step;
    size_t used = 0;
    out[0] = '\0';
    while ((step = entity_tag_next(&list, &tag)) == TAG_FOUND)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s%.*s", used ? "," : "",
                                 tag.weak ? "W/" : "", (int)tag.length, tag.text);
    if (step == TAG_MALFORMED)
        snprintf(out + used, sizeof out - used, "!");
    return out;
}

START_TEST(lists_are_read_tag_by_tag)
{
    ck_assert_str_eq(read_all("\"1\""), "1");
    ck_assert_str_eq(read_all("\"1\", W/\"2\" ,\t\"3\""), "1,W/2,3");
    ck_assert_str_eq(read_all("\"a,b\", \"c\""), "a,b,c");
    ck_assert_str_eq(read_all("\"a b\""), "!"); /* a space is not of a tag */
}
END_TEST

START_TEST(what_is_no_list_is_malformed)
{
    static const char *const lists[] = {"1", "\"1",    "w/\"1\"", "\"1\" \"2\"", "W/",
                                        "*", "\"1\"x", "'1'",     "\"\x7f\""};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        ck_assert_msg(strchr(read_all(lists[i]), '!') != NULL, "%s", lists[i]);
    ck_assert_str_eq(read_all("\"1\", x"), "1!");
}
END_TEST

START_TEST(empty_elements_are_passed_over)
{
    ck_assert_str_eq(read_all(""), "");
    ck_assert_str_eq(read_all(" , ,"), "");
    ck_assert_str_eq(read_all(",\"1\",, \"2\","), "1,2");
    ck_assert_str_eq(read_all("\"\""), "");
}
END_TEST

START_TEST(a_star_is_any)
{
    ck_assert(entity_tags_any("*"));
    ck_assert(entity_tags_any(" *\t"));
    ck_assert(!entity_tags_any("\"*\""));
    ck_assert(!entity_tags_any("*, \"1\""));
    ck_assert(!entity_tags_any(""));
}
END_TEST

START_TEST(a_tag_is_found_whole_and_weakly)
{
    ck_assert(entity_tags_hold("\"12\"", "12"));
    ck_assert(entity_tags_hold("W/\"12\"", "12"));
    ck_assert(entity_tags_hold("\"1\", \"12\"", "12"));
    ck_assert(entity_tags_hold("*", "12"));
    ck_assert(!entity_tags_hold("\"1\"", "12"));
    ck_assert(!entity_tags_hold("\"123\"", "12"));
    ck_assert(!entity_tags_hold("\"12\", x", "12"));
    ck_assert(!entity_tags_hold("12", "12"));
    ck_assert(!entity_tags_hold("", "12"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("entity_tag");
    TCase *test = tcase_create("entity_tag");
    tcase_add_test(test, lists_are_read_tag_by_tag);
    tcase_add_test(test, what_is_no_list_is_malformed);
    tcase_add_test(test, empty_elements_are_passed_over);
    tcase_add_test(test, a_star_is_any);
    tcase_add_test(test, a_tag_is_found_whole_and_weakly);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
