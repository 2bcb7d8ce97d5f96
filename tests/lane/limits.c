/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

START_TEST(a_full_queue_refuses)
{
    struct answer first, answers[8], read;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.queue_limit = 5;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    sql("SELECT pg_advisory_lock(1)");
    ASK(&first, &note_lock, "first", "1");
    turn(0);
    for (int i = 0; i < 8; i++)
        ASK(&answers[i], &note_add, "a");
    ASK(&read, &note_read, "r"); /* another kind, another queue */
    TURN_UNTIL(answers[7].done && read.done);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(answers[i].done ? answers[i].failure : -1,
                         i < 5 ? -1 : FAILURE_OVERLOADED);
    ck_assert_int_eq(read.failure, -1);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(all_done(answers, 8));
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.notes WHERE word = 'a'"), 5);
}
END_TEST

START_TEST(what_goes_first_passes_a_full_queue)
{
    struct answer running, answers[5], news;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.queue_limit = 4;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    ASK(&running, &note_alone, "running");
    turn(0);
    for (int i = 0; i < 5; i++)
        ASK(&answers[i], &note_alone, "a");
    prepare(&news, &note_alone, "news", NULL, NULL, NULL, NULL);
    news.query.first = true;
    submit(&news);
    TURN_UNTIL(running.done && news.done && all_done(answers, 5));
    ck_assert_int_eq(answers[4].failure, FAILURE_OVERLOADED);
    ck_assert_int_eq(news.failure, -1);
    for (int i = 0; i < 4; i++)
        ck_assert_int_lt(news.order, answers[i].order);
}
END_TEST

START_TEST(a_write_that_waits_past_its_deadline_is_never_sent)
{
    struct answer first, late, in_time;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&first, &note_lock, "first", "1");
    turn(0);
    ASK(&in_time, &note_add, "in time");
    patience = 100;
    ASK(&late, &note_add, "late");
    int64_t start = clock_now();
    TURN_UNTIL(late.done);
    ck_assert_int_eq(late.failure, FAILURE_DEADLINE);
    ck_assert_int_ge(clock_now() - start, 99);
    ck_assert_int_lt(clock_now() - start, 5000);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(first.done && in_time.done);
    ck_assert_str_eq(sql_value("SELECT string_agg(word, ',' ORDER BY word) FROM onramp.notes"),
                     "first,in time");
}
END_TEST

static enum failure failed_with;

static void forget(struct query *query, enum failure failure)
{
    failed_with = failure;
    free(query); /* its memory may go as soon as its callback has run */
}

START_TEST(a_sent_write_past_its_deadline_has_an_unknown_outcome)
{
    struct answer *late = malloc(sizeof *late), next;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    patience = 1000;
    ASK(late, &note_lock, "late", "1");
    late->query.on_failure = forget;
    failed_with = FAILURE_BUG;
    TURN_UNTIL(lanes_pending(rig.lanes) == 0);
    ck_assert_int_eq(failed_with, FAILURE_UNKNOWN_OUTCOME);
    patience = 10000;
    ASK(&next, &note_add, "next");
    turn(0);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(next.done);
    ck_assert_int_eq(next.failure, -1);
    ck_assert_str_eq(next.word, "next");
}
END_TEST

START_TEST(a_member_past_its_deadline_does_not_run_again)
{
    struct answer first, late, bug;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
    ASK(&first, &note_lock, "first", "1");
    turn(0);
    ASK(&bug, &note_lock, "bug", "2");
    patience = 2000; /* it has to be on its way by then */
    ASK(&late, &note_add, "late");
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(late.done);
    ck_assert_int_eq(late.failure, FAILURE_UNKNOWN_OUTCOME);
    sql("SELECT pg_advisory_unlock(2)");
    TURN_UNTIL(bug.done);
    ck_assert_int_eq(bug.failure, FAILURE_BUG);
    for (int i = 0; i < 5; i++)
        turn(10);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.notes WHERE word = 'late'"), 0);
}
END_TEST

START_TEST(a_sent_read_past_its_deadline_fails)
{
    struct answer *late = malloc(sizeof *late), next;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    patience = 100;
    ASK(late, &note_wait, "late", "1");
    late->query.on_failure = forget;
    failed_with = FAILURE_BUG;
    TURN_UNTIL(lanes_pending(rig.lanes) == 0);
    ck_assert_int_eq(failed_with, FAILURE_DEADLINE);
    patience = 10000;
    ASK(&next, &note_read, "next");
    turn(0);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(next.done);
    ck_assert_str_eq(next.word, "next");
}
END_TEST

START_TEST(deadlines_come_in_their_own_order)
{
    struct answer first, answers[4];
    const int waits[4] = {400, 100, 300, 200};
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&first, &note_lock, "first", "1");
    turn(0);
    for (int i = 0; i < 4; i++) {
        patience = waits[i];
        ASK(&answers[i], &note_add, "a");
    }
    TURN_UNTIL(all_done(answers, 4));
    ck_assert_int_eq(answers[1].order, 1);
    ck_assert_int_eq(answers[3].order, 2);
    ck_assert_int_eq(answers[2].order, 3);
    ck_assert_int_eq(answers[0].order, 4);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(first.done);
}
END_TEST

static struct answer more;

static void ask_more(struct query *query, enum failure failure)
{
    struct answer *answer = (struct answer *)query;
    answer->done = true;
    answer->failure = (int)failure;
    ASK(&more, &note_add, "more");
}

START_TEST(closing_answers_everything)
{
    struct answer sent, waiting, read;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&sent, &note_lock, "sent", "1");
    ASK(&read, &note_wait, "read", "1");
    turn(0);
    ASK(&waiting, &note_add, "waiting");
    waiting.query.on_failure = ask_more;
    lanes_close(rig.lanes);
    rig.lanes = NULL;
    ck_assert(sent.done && waiting.done && read.done && more.done);
    ck_assert_int_eq(sent.failure, FAILURE_UNKNOWN_OUTCOME);
    ck_assert_int_eq(read.failure, FAILURE_UNAVAILABLE);
    ck_assert_int_eq(waiting.failure, FAILURE_UNAVAILABLE);
    ck_assert_int_eq(more.failure, FAILURE_UNAVAILABLE);
}
END_TEST

/* More than the socket takes at once: what libpq holds back is written when there is room. */
START_TEST(long_values_go_out_in_parts)
{
    enum { LONG = 4000000 };
    static char word[LONG + 1];
    struct answer answers[5];
    rig_open(1, 1, 1);
    memset(word, 'x', LONG);
    for (int i = 0; i < 5; i++)
        ASK(&answers[i], &note_add, word);
    TURN_UNTIL(all_done(answers, 5));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(answers[i].failure, -1);
    ck_assert_int_eq(sql_number("SELECT count(*) FROM onramp.notes WHERE length(word) = 4000000"),
                     5);
}
END_TEST

TCase *limits_case(void)
{
    TCase *test = tcase_create("limits");
    tcase_add_test(test, a_full_queue_refuses);
    tcase_add_test(test, what_goes_first_passes_a_full_queue);
    tcase_add_test(test, a_write_that_waits_past_its_deadline_is_never_sent);
    tcase_add_test(test, a_sent_write_past_its_deadline_has_an_unknown_outcome);
    tcase_add_test(test, a_member_past_its_deadline_does_not_run_again);
    tcase_add_test(test, a_sent_read_past_its_deadline_fails);
    tcase_add_test(test, deadlines_come_in_their_own_order);
    tcase_add_test(test, closing_answers_everything);
    tcase_add_test(test, long_values_go_out_in_parts);
    return test;
}
