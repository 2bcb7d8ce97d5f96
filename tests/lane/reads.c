/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 500 };

START_TEST(every_read_gets_its_own_answer_in_order)
{
    static struct answer answers[MANY];
    static char words[MANY][32];
    rig_open(1, 1, 1);
    for (int i = 0; i < MANY; i++) {
        snprintf(words[i], sizeof words[i], "word %d", i);
        ASK(&answers[i], &note_read, words[i]);
    }
    ck_assert_uint_eq(lanes_pending(rig.lanes), MANY);
    TURN_UNTIL(all_done(answers, MANY));
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(answers[i].failure, -1);
        ck_assert_str_eq(answers[i].word, words[i]);
        ck_assert_int_eq(answers[i].order, i + 1);
    }
    ck_assert_uint_eq(lanes_pending(rig.lanes), 0);
}
END_TEST

START_TEST(reads_of_one_turn_share_a_sync)
{
    struct answer answers[10], later;
    rig_open(1, 1, 1);
    for (int i = 0; i < 10; i++)
        ASK(&answers[i], &note_read, "x");
    turn(0);
    ASK(&later, &note_read, "y");
    TURN_UNTIL(all_done(answers, 10) && later.done);
    for (int i = 1; i < 10; i++)
        ck_assert_str_eq(answers[i].transaction, answers[0].transaction);
    ck_assert_str_ne(later.transaction, answers[0].transaction);
}
END_TEST

START_TEST(a_read_is_sent_while_another_one_runs)
{
    struct answer slow, behind, other;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&slow, &note_wait, "slow", "1");
    turn(0);
    ASK(&behind, &note_read, "behind");
    for (int i = 0; i < 5; i++)
        turn(10);
    ck_assert(!slow.done && !behind.done);
    ck_assert_ptr_nonnull(behind.query.session); /* on its way, not waiting */
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(slow.done && behind.done);
    ck_assert_int_lt(slow.order, behind.order);
    ASK(&other, &note_read, "none");
    TURN_UNTIL(other.done);
    ck_assert_int_eq(other.rows, 0);
}
END_TEST

START_TEST(a_read_is_answered_before_those_behind_it_are)
{
    static char word[100000]; /* long enough that the server sends it before the Sync */
    struct answer quick, slow, behind;
    memset(word, 'q', sizeof word - 1);
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&quick, &note_read, word);
    ASK(&slow, &note_wait, "slow", "1");
    ASK(&behind, &note_read, "bug");
    TURN_UNTIL(quick.done);
    ck_assert_int_eq(quick.word[0], 'q');
    ck_assert(!slow.done && !behind.done);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(slow.done && behind.done);
    ck_assert_str_eq(slow.word, "slow");
    ck_assert_int_eq(behind.failure, FAILURE_BUG);
    ck_assert_uint_eq(lanes_pending(rig.lanes), 0);
}
END_TEST

START_TEST(reads_are_spread_over_the_connections)
{
    struct answer slow, quick;
    rig_open(2, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&slow, &note_wait, "slow", "1");
    turn(0);
    ASK(&quick, &note_read, "quick");
    TURN_UNTIL(quick.done);
    ck_assert(!slow.done);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(slow.done);
    ck_assert_int_ne(slow.backend, quick.backend);
}
END_TEST

START_TEST(a_failing_read_does_not_hurt_its_neighbours)
{
    struct answer answers[9];
    const char *words[9] = {"a", "b", "bug", "c", "d", "bug", "bug", "e", "f"};
    rig_open(1, 1, 1);
    for (int i = 0; i < 9; i++)
        ASK(&answers[i], &note_read, words[i]);
    TURN_UNTIL(all_done(answers, 9));
    for (int i = 0; i < 9; i++) {
        bool bug = strcmp(words[i], "bug") == 0;
        ck_assert_int_eq(answers[i].failure, bug ? FAILURE_BUG : -1);
        if (!bug)
            ck_assert_str_eq(answers[i].word, words[i]);
    }
    ck_assert_ptr_nonnull(strstr(logged, "note_read failed: SQLSTATE P0001"));
    ck_assert(lanes_ready(rig.lanes));
}
END_TEST

START_TEST(reads_of_one_kind_share_a_statement)
{
    static struct answer answers[40];
    struct answer other, lone;
    static char words[40][32];
    rig_open(1, 1, 1);
    for (int i = 0; i < 40; i++) {
        snprintf(words[i], sizeof words[i], "\"%d\\, {NULL} '", i);
        ASK(&answers[i], &note_look, i == 7 ? NULL : words[i]);
        if (i == 20)
            ASK(&other, &note_read, "another kind");
    }
    TURN_UNTIL(all_done(answers, 40) && other.done);
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(answers[i].failure, -1);
        ck_assert_int_eq(answers[i].rows, 1);
        ck_assert_str_eq(answers[i].word, i == 7 ? "" : words[i]);
        ck_assert_str_eq(answers[i].transaction, i < 32 ? "16" : "8");
    }
    ck_assert_str_eq(other.word, "another kind");
    ASK(&lone, &note_look, "by itself");
    TURN_UNTIL(lone.done);
    ck_assert_str_eq(lone.transaction, "1");
}
END_TEST

START_TEST(a_read_that_fails_in_a_shared_statement_fails_by_itself)
{
    struct answer answers[9];
    const char *words[9] = {"a", "b", "bug", "c", "d", "bug", "bug", "e", "f"};
    struct answer before, behind;
    rig_open(1, 1, 1);
    ASK(&before, &note_read, "before");
    for (int i = 0; i < 9; i++)
        ASK(&answers[i], &note_look, words[i]);
    ASK(&behind, &note_read, "behind");
    TURN_UNTIL(all_done(answers, 9) && before.done && behind.done);
    for (int i = 0; i < 9; i++) {
        bool bug = strcmp(words[i], "bug") == 0;
        ck_assert_int_eq(answers[i].failure, bug ? FAILURE_BUG : -1);
        if (!bug)
            ck_assert_str_eq(answers[i].word, words[i]);
    }
    ck_assert_str_eq(before.word, "before");
    ck_assert_str_eq(behind.word, "behind");
    ck_assert_uint_eq(lanes_pending(rig.lanes), 0);
}
END_TEST

START_TEST(a_shared_statement_with_a_row_too_few_answers_nobody)
{
    struct answer answers[3];
    const char *words[3] = {"a", "lost", "b"};
    rig_open(1, 1, 1);
    for (int i = 0; i < 3; i++)
        ASK(&answers[i], &note_look, words[i]);
    TURN_UNTIL(all_done(answers, 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i].failure, FAILURE_BUG);
    ck_assert_ptr_nonnull(strstr(logged, "note_look_each answered 2 rows for 3 calls"));
}
END_TEST

START_TEST(a_deadline_in_a_shared_statement_is_of_one_call)
{
    struct answer wait, hasty, patient;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&wait, &note_wait, "wait", "1");
    patience = 100;
    ASK(&hasty, &note_look, "hasty");
    patience = 10000;
    ASK(&patient, &note_look, "patient");
    TURN_UNTIL(hasty.done);
    ck_assert_int_eq(hasty.failure, FAILURE_DEADLINE);
    ck_assert(!patient.done);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(patient.done && wait.done);
    ck_assert_str_eq(patient.word, "patient");
    ck_assert_str_eq(patient.transaction, "2");
}
END_TEST

START_TEST(reads_use_the_writes_connections_when_they_have_none)
{
    struct answer answers[3];
    rig_open(0, 1, 0);
    ASK(&answers[0], &note_read, "a");
    ASK(&answers[1], &note_add, "b");
    ASK(&answers[2], &note_alone, "c");
    TURN_UNTIL(all_done(answers, 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i].failure, -1);
    ck_assert_int_eq(answers[0].backend, answers[2].backend);
    ck_assert_str_ne(answers[1].transaction, answers[2].transaction);
}
END_TEST

START_TEST(an_operation_without_members_answers_outcome_and_facts)
{
    struct answer answer;
    rig_open(1, 1, 1);
    sql("INSERT INTO onramp.notes VALUES ('a', '1'), ('b', '1')");
    ASK(&answer, &note_count, NULL);
    TURN_UNTIL(answer.done);
    ck_assert_str_eq(answer.word, "2");
}
END_TEST

TCase *reads_case(void)
{
    TCase *test = tcase_create("reads");
    tcase_add_test(test, every_read_gets_its_own_answer_in_order);
    tcase_add_test(test, reads_of_one_turn_share_a_sync);
    tcase_add_test(test, a_read_is_sent_while_another_one_runs);
    tcase_add_test(test, a_read_is_answered_before_those_behind_it_are);
    tcase_add_test(test, reads_are_spread_over_the_connections);
    tcase_add_test(test, a_failing_read_does_not_hurt_its_neighbours);
    tcase_add_test(test, reads_of_one_kind_share_a_statement);
    tcase_add_test(test, a_read_that_fails_in_a_shared_statement_fails_by_itself);
    tcase_add_test(test, a_shared_statement_with_a_row_too_few_answers_nobody);
    tcase_add_test(test, a_deadline_in_a_shared_statement_is_of_one_call);
    tcase_add_test(test, reads_use_the_writes_connections_when_they_have_none);
    tcase_add_test(test, an_operation_without_members_answers_outcome_and_facts);
    return test;
}
