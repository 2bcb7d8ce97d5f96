/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <string.h>

#define COLUMNS(list) .columns = (list), .column_count = sizeof(list) / sizeof *(list)
static const struct column swapped_columns[] = {
    {"word", COLUMN_TEXT},
    {"backend", COLUMN_INTEGER},
    {"transaction", COLUMN_TEXT},
};
static const struct column short_columns[] = {
    {"word", COLUMN_TEXT},
};
static const struct column uuid_columns[] = {
    {"word", COLUMN_TEXT},
    {"transaction", COLUMN_UUID},
    {"backend", COLUMN_INTEGER},
};
#define READ(called)                                                                               \
    .name = #called, .text = "SELECT * FROM onramp." #called "($1)", .lane = LANE_READ,            \
    .parameter_count = 1
static const struct statement swapped = {READ(note_read), COLUMNS(swapped_columns)};
static const struct statement shortened = {READ(note_read), COLUMNS(short_columns)};
static const struct statement columnless = {READ(note_read)};
static const struct statement misread = {READ(note_read), COLUMNS(uuid_columns), .binary = true};
static const struct statement absent = {READ(note_absent)};

static void expect_refused(const struct statement *statement, const char *complaint)
{
    static const struct statement *only; /* outlives the lanes */
    struct lanes_settings settings = rig_settings(1, 1, 1);
    only = statement;
    settings.statements = &only;
    settings.statement_count = 1;
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
    expect_refused(&columnless, "column 3 of onramp.note_read is word, expected none");
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
