/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define CIRCUIT_1  "00000000-0000-7000-8000-000000000001"
#define CIRCUIT_2  "00000000-0000-7000-8000-000000000002"
#define VNET       "00000000-0000-7000-8000-00000000000a"
#define CONNECTION "00000000-0000-7000-8000-00000000000c"
#define KEY        "00000000-0000-4000-8000-00000000000b"

/* A write that runs until release(): what is asked meanwhile becomes the next transaction. */
static void hold(struct answer *first)
{
    sql("SELECT pg_advisory_lock(1)");
    ASK(first, &note_lock, "first", "1");
    turn(0);
}

static void release(void)
{
    for (int i = 0; i < 3; i++)
        turn(5);
    sql("SELECT pg_advisory_unlock(1)");
}

static int notes(const char *word)
{
    return sql_number("SELECT count(*) FROM onramp.notes WHERE word = '%s'", word);
}

START_TEST(a_lone_write_goes_at_once_without_locks)
{
    struct answer answer;
    rig_open(1, 1, 1);
    ASK(&answer, &note_add, "a", CIRCUIT_1);
    turn(0);
    ck_assert(answer.query.session != NULL || answer.done);
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, -1);
    ck_assert_int_eq(notes("a"), 1);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.batch_locks"), 0);
}
END_TEST

START_TEST(writes_that_wait_share_a_transaction)
{
    struct answer first, answers[5];
    const char *words[5] = {"a", "b", "c", "d", "e"};
    rig_open(1, 1, 1);
    hold(&first);
    for (int i = 0; i < 5; i++)
        ASK(&answers[i], &note_add, words[i]);
    release();
    TURN_UNTIL(first.done && all_done(answers, 5));
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.batch_locks"), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(answers[i].failure, -1);
        ck_assert_str_eq(answers[i].word, words[i]);
        ck_assert_str_eq(answers[i].transaction, answers[0].transaction);
        ck_assert_int_eq(answers[i].order, i + 2);
        ck_assert_int_eq(notes(words[i]), 1);
    }
    ck_assert_str_ne(answers[0].transaction, first.transaction);
}
END_TEST

START_TEST(a_shared_transaction_locks_its_rows_first)
{
    struct answer first, answers[5];
    rig_open(1, 1, 1);
    hold(&first);
    ASK(&answers[0], &note_add, "a", CIRCUIT_2, NULL, VNET);
    ASK(&answers[1], &note_add, "b", CIRCUIT_1);
    ASK(&answers[2], &note_add, "c", NULL, KEY);
    ASK(&answers[3], &note_lock, "d");
    ASK(&answers[4], &note_add, "e", NULL, NULL, NULL, CONNECTION);
    release();
    TURN_UNTIL(first.done && all_done(answers, 5));
    ck_assert_str_eq(sql_value("SELECT concat(circuits, service_keys, vnets, connections)"
                               " FROM onramp.batch_locks"),
                     "{" CIRCUIT_2 "," CIRCUIT_1 "}{" KEY "}{" VNET "}{" CONNECTION "}");
    ck_assert_str_eq(sql_value("SELECT transaction FROM onramp.batch_locks"),
                     answers[0].transaction);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.notes n, onramp.batch_locks l"
                                " WHERE n.transaction = l.transaction AND n.at > l.at"),
                     5);
}
END_TEST

START_TEST(a_transaction_has_at_most_batch_limit_members)
{
    struct answer first, answers[10];
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.batch_limit = 4;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    hold(&first);
    for (int i = 0; i < 10; i++)
        ASK(&answers[i], &note_add, "a", CIRCUIT_1);
    release();
    TURN_UNTIL(all_done(answers, 10));
    ck_assert_str_eq(sql_value("SELECT string_agg(n::text, ' ') FROM (SELECT count(*) n FROM"
                               " onramp.notes WHERE word = 'a' GROUP BY transaction ORDER BY"
                               " min(at)) s"),
                     "4 4 2");
}
END_TEST

static const char *statements(void)
{
    return sql_value("SELECT coalesce(string_agg(words::text, ' '), '') FROM onramp.statements");
}

START_TEST(writes_of_one_kind_share_a_statement)
{
    struct answer first, answers[6], other, lone;
    const char *words[6] = {"a", "\"b\\", "{NULL}", "d, e", "f", "g"};
    rig_open(1, 1, 1);
    hold(&first);
    for (int i = 0; i < 6; i++) {
        ASK(&answers[i], &note_put, words[i], i == 4 ? NULL : CIRCUIT_1);
        if (i == 2)
            ASK(&other, &note_add, "another kind", CIRCUIT_2);
    }
    release();
    TURN_UNTIL(first.done && other.done && all_done(answers, 6));
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(answers[i].failure, -1);
        ck_assert_int_eq(answers[i].rows, 1);
        ck_assert_str_eq(answers[i].word, words[i]);
        ck_assert_str_eq(answers[i].transaction, other.transaction);
    }
    ck_assert_str_eq(statements(), "{a,\"\\\"b\\\\\",\"{NULL}\",\"d, e\",f,g}");
    ck_assert_str_eq(sql_value("SELECT circuits FROM onramp.batch_locks"),
                     "{" CIRCUIT_1 "," CIRCUIT_1 "," CIRCUIT_1 "," CIRCUIT_2 "," CIRCUIT_1
                     "," CIRCUIT_1 "}");
    ASK(&lone, &note_put, "by itself");
    TURN_UNTIL(lone.done);
    ck_assert_str_eq(lone.word, "by itself");
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.statements"), 1);
}
END_TEST

START_TEST(a_statement_is_shared_within_one_transaction_alone)
{
    struct answer first, answers[10];
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.batch_limit = 4;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    hold(&first);
    for (int i = 0; i < 10; i++)
        ASK(&answers[i], i % 5 == 1 ? &note_add : &note_put, i < 5 ? "a" : "b", CIRCUIT_1);
    release();
    TURN_UNTIL(all_done(answers, 10));
    ck_assert_str_eq(statements(), "{a,a,a} {a,b,b} {b,b}");
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.batch_locks"), 3);
    ck_assert_int_eq(sql_number("SELECT count(DISTINCT transaction) FROM onramp.statements"), 3);
}
END_TEST

/* What was done for whom can't be told, but it was done. */
START_TEST(a_shared_statement_with_a_row_too_few_has_an_unknown_outcome)
{
    struct answer first, answers[3];
    const char *words[3] = {"a", "lost", "b"};
    rig_open(1, 1, 1);
    hold(&first);
    for (int i = 0; i < 3; i++)
        ASK(&answers[i], &note_put, words[i], CIRCUIT_1);
    release();
    TURN_UNTIL(all_done(answers, 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i].failure, FAILURE_UNKNOWN_OUTCOME);
    ck_assert_ptr_nonnull(strstr(logged, "bug: note_put_each answered 2 rows for 3 calls"));
}
END_TEST

START_TEST(a_deadline_passes_for_one_of_a_shared_statement)
{
    struct answer first, answers[3];
    const char *words[3] = {"a", "b", "c"};
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(2)");
    hold(&first);
    for (int i = 0; i < 3; i++) {
        patience = i == 1 ? 2000 : 10000; /* it has to be on its way by then */
        ASK(&answers[i], &note_put, words[i], CIRCUIT_1);
    }
    patience = 10000;
    struct answer last;
    ASK(&last, &note_commit, "d", "2");
    release();
    TURN_UNTIL(answers[1].done);
    ck_assert_int_eq(answers[1].failure, FAILURE_UNKNOWN_OUTCOME);
    ck_assert(!answers[0].done && !answers[2].done);
    sql("SELECT pg_advisory_unlock(2)");
    TURN_UNTIL(all_done(answers, 3) && last.done);
    ck_assert_int_eq(answers[0].failure, -1);
    ck_assert_str_eq(answers[0].word, "a");
    ck_assert_str_eq(answers[2].word, "c");
    ck_assert_int_eq(notes("b"), 1);
}
END_TEST

START_TEST(an_answer_is_held_until_its_commit)
{
    struct answer first, answers[2];
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(2)");
    hold(&first);
    ASK(&answers[0], &note_add, "a");
    ASK(&answers[1], &note_commit, "b", "2");
    release();
    TURN_UNTIL(sql_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onramp'"
                          " AND wait_event = 'advisory'") == 1);
    /* The commit waits for the lock. The second row is long, so that all of the first one's answer
     * is here. */
    for (int i = 0; i < 20; i++)
        turn(10);
    ck_assert(first.done);
    ck_assert(!answers[0].done && !answers[1].done);
    ck_assert_int_eq(notes("a"), 0);
    sql("SELECT pg_advisory_unlock(2)");
    TURN_UNTIL(all_done(answers, 2));
    ck_assert_int_eq(answers[0].failure, -1);
    ck_assert_int_eq(notes("a"), 1);
}
END_TEST

/* In statements of their own, and in one that they share, which is all of the transaction. */
START_TEST(an_error_leaves_its_neighbours_unharmed)
{
    static const struct {
        const struct statement *statement;
        const char *together, *alone;
    } ways[] = {
        {&note_add, "note_add rolled a shared transaction back", "note_add failed: SQLSTATE P0001"},
        {&note_put, "note_put_each rolled a shared transaction back",
         "note_put failed: SQLSTATE P0001"},
    };
    struct answer first, answers[5];
    const char *words[5] = {"a", "b", "bug", "c", "d"};
    rig_open(1, 1, 1);
    hold(&first);
    for (int i = 0; i < 5; i++)
        ASK(&answers[i], ways[_i].statement, words[i], CIRCUIT_1);
    release();
    TURN_UNTIL(all_done(answers, 5));
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(answers[i].failure, i == 2 ? FAILURE_BUG : -1);
        ck_assert_int_eq(notes(words[i]), i == 2 ? 0 : 1);
    }
    ck_assert_ptr_nonnull(strstr(logged, ways[_i].together));
    ck_assert_ptr_nonnull(strstr(logged, ways[_i].alone));
    ck_assert_str_eq(statements(), "");
    ck_assert_uint_eq(lanes_pending(rig.lanes), 0);
}
END_TEST

START_TEST(an_error_at_commit_fails_the_one_that_caused_it)
{
    struct answer first, answers[3];
    rig_open(1, 1, 1);
    hold(&first);
    ASK(&answers[0], &note_add, "a");
    ASK(&answers[1], &note_commit, "b", "-1");
    ASK(&answers[2], &note_add, "c");
    release();
    TURN_UNTIL(all_done(answers, 3));
    ck_assert_int_eq(answers[0].failure, -1);
    ck_assert_int_eq(answers[1].failure, FAILURE_BUG);
    ck_assert_int_eq(answers[2].failure, -1);
    ck_assert_int_eq(notes("a"), 1);
    ck_assert_int_eq(notes("b"), 0);
    ck_assert_int_eq(notes("c"), 1);
}
END_TEST

START_TEST(a_deadlocked_write_runs_again)
{
    struct answer answer;
    rig_open(1, 1, 1);
    sql("SET deadlock_timeout = '30s'"); /* so that it is the lane's write that is aborted */
    sql("BEGIN");
    sql("SELECT pg_advisory_xact_lock(4)");
    ASK(&answer, &note_lock, "a", "3", "4");
    TURN_UNTIL(sql_number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT"
                          " granted") == 1);
    ck_assert_int_eq(PQsendQuery(control, "SELECT pg_advisory_xact_lock(3); COMMIT"), 1);
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, -1);
    ck_assert_int_eq(answer.query.tries, 1);
    PGresult *result;
    while ((result = PQgetResult(control)) != NULL) {
        ck_assert_int_ne(PQresultStatus(result), PGRES_FATAL_ERROR);
        PQclear(result);
    }
    ck_assert_int_eq(notes("a"), 1);
}
END_TEST

START_TEST(a_write_that_finds_no_lock_twice_is_aborted)
{
    struct answer answer, next;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.conninfo = conninfo_with("options='-c lock_timeout=100'");
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    sql("SELECT pg_advisory_lock(1)");
    ASK(&answer, &note_lock, "a", "1");
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, FAILURE_ABORTED);
    ck_assert_int_eq(answer.query.tries, 2);
    ck_assert_ptr_nonnull(strstr(logged, "55P03"));
    sql("SELECT pg_advisory_unlock(1)");
    ASK(&next, &note_lock, "b", "1");
    TURN_UNTIL(next.done);
    ck_assert_int_eq(next.failure, -1);
    ck_assert_int_eq(notes("a"), 0);
}
END_TEST

START_TEST(what_runs_alone_shares_nothing)
{
    struct answer answers[6];
    rig_open(1, 1, 2);
    for (int i = 0; i < 6; i++)
        ASK(&answers[i], &note_alone, "a");
    TURN_UNTIL(all_done(answers, 6));
    ck_assert_int_eq(sql_number("SELECT count(DISTINCT transaction) FROM onramp.notes"), 6);
}
END_TEST

START_TEST(the_log_holds_no_values)
{
    struct answer answer;
    rig_open(1, 1, 1);
    ASK(&answer, &note_add, "number");
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, FAILURE_BUG);
    ck_assert_ptr_nonnull(strstr(logged, "note_add failed: SQLSTATE 22P02"));
    ck_assert_ptr_null(strstr(logged, "secret"));
    ASK(&answer, &note_add, "a", "not a uuid");
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, FAILURE_BUG);
    ck_assert_ptr_null(strstr(logged, "not a uuid"));
}
END_TEST

TCase *writes_case(void)
{
    TCase *test = tcase_create("writes");
    tcase_add_test(test, a_lone_write_goes_at_once_without_locks);
    tcase_add_test(test, writes_that_wait_share_a_transaction);
    tcase_add_test(test, a_shared_transaction_locks_its_rows_first);
    tcase_add_test(test, a_transaction_has_at_most_batch_limit_members);
    tcase_add_test(test, writes_of_one_kind_share_a_statement);
    tcase_add_test(test, a_statement_is_shared_within_one_transaction_alone);
    tcase_add_test(test, a_shared_statement_with_a_row_too_few_has_an_unknown_outcome);
    tcase_add_test(test, a_deadline_passes_for_one_of_a_shared_statement);
    tcase_add_test(test, an_answer_is_held_until_its_commit);
    tcase_add_loop_test(test, an_error_leaves_its_neighbours_unharmed, 0, 2);
    tcase_add_test(test, an_error_at_commit_fails_the_one_that_caused_it);
    tcase_add_test(test, a_deadlocked_write_runs_again);
    tcase_add_test(test, a_write_that_finds_no_lock_twice_is_aborted);
    tcase_add_test(test, what_runs_alone_shares_nothing);
    tcase_add_test(test, the_log_holds_no_values);
    return test;
}
