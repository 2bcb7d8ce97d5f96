/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <string.h>

static const struct member swapped_members[] = {
    {"word", MEMBER_TEXT, "word"},
    {"backend", MEMBER_NUMBER, "backend"},
    {"transaction", MEMBER_TEXT, "transaction"},
};
static const struct member short_members[] = {
    {"word", MEMBER_TEXT, "word"},
};
static const struct member uuid_members[] = {
    {"word", MEMBER_TEXT, "word"},
    {"transaction", MEMBER_UUID, "transaction"},
    {"backend", MEMBER_NUMBER, "backend"},
};
static const struct parameter word[] = {{.name = "word"}};
#define READ .lane = LANE_READ, PARAMETERS(word)
static const struct operation swapped = {.name = "note_read", READ, MEMBERS(swapped_members)};
static const struct operation shortened = {.name = "note_read", READ, MEMBERS(short_members)};
static const struct operation memberless = {.name = "note_read", READ};
static const struct operation misread = {
    .name = "note_read", READ, MEMBERS(uuid_members), .binary = true};
static const struct operation absent = {.name = "note_absent", READ};

static void expect_refused(const struct operation *operation, const char *complaint)
{
    static const struct operation *only; /* outlives the lanes */
    struct lanes_settings settings = rig_settings(1, 1, 1);
    only = operation;
    settings.operations = &only;
    settings.operation_count = 1;
    rig_open_settings(&settings);
    TURN_UNTIL(strstr(logged, complaint) != NULL);
    for (int i = 0; i < 20; i++)
        turn(20);
    ck_assert(!lanes_ready(rig.lanes));
}

START_TEST(columns_in_another_order_are_refused)
{
    expect_refused(&swapped, "column 4 of onramp.note_read is transaction, expected backend");
}
END_TEST

START_TEST(columns_beyond_the_members_are_refused)
{
    expect_refused(&shortened, "column 4 of onramp.note_read is transaction, expected none");
}
END_TEST

START_TEST(columns_without_members_are_refused)
{
    expect_refused(&memberless, "column 3 of onramp.note_read is word, expected none");
}
END_TEST

START_TEST(a_binary_column_of_another_type_is_refused)
{
    expect_refused(&misread, "column 4 of onramp.note_read, transaction, is of type 25");
}
END_TEST

START_TEST(a_missing_function_is_refused_until_it_is_there)
{
    struct answer answer;
    expect_refused(&absent, "note_absent cannot be used: SQLSTATE 42883");
    ASK(&answer, &absent, "a");
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, FAILURE_UNAVAILABLE);
    sql("CREATE FUNCTION onramp.note_absent(text) RETURNS SETOF onramp.verdict LANGUAGE sql AS"
        " 'SELECT ''ok'', NULL::jsonb'");
    TURN_UNTIL(lanes_ready(rig.lanes));
    ASK(&answer, &absent, "a");
    TURN_UNTIL(answer.done);
    ck_assert_msg(answer.failure == -1, "%s", logged);
    sql("DROP FUNCTION onramp.note_absent(text)");
}
END_TEST

TCase *drift_case(void)
{
    TCase *test = tcase_create("drift");
    tcase_add_test(test, columns_in_another_order_are_refused);
    tcase_add_test(test, columns_beyond_the_members_are_refused);
    tcase_add_test(test, columns_without_members_are_refused);
    tcase_add_test(test, a_binary_column_of_another_type_is_refused);
    tcase_add_test(test, a_missing_function_is_refused_until_it_is_there);
    return test;
}
