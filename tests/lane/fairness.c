/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants: one does not hold up another. */
#include "rig.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

/* Submit a query of a tenant. */
static void ask_of(struct answer *answer, uint64_t tenant, const struct statement *statement,
                   const char *first, const char *second)
{
    prepare(answer, statement, first, second, NULL, NULL, NULL);
    answer->query.tenant = tenant;
    submit(answer);
}

/* Reads that take long, one after the other, until they are expected to; longer than others. */
static void be_known_for_long_reads(uint64_t tenant)
{
    for (int i = 0; i < 10; i++) {
        struct answer answer;
        ask_of(&answer, 1000, &note_read, "quick", NULL);
        TURN_UNTIL(answer.done);
    }
    for (int i = 0; i < 10; i++) {
        struct answer answer;
        ask_of(&answer, tenant, &note_sleep, "0.1", NULL);
        TURN_UNTIL(answer.done);
        ck_assert_int_eq(answer.failure, -1);
    }
}

START_TEST(who_comes_behind_a_crowd_of_another_tenant_is_in_the_next_transaction)
{
    enum { CROWD = 100 };
    static struct answer crowd[CROWD];
    struct answer first, other;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ask_of(&first, 1, &note_lock, "first", "1");
    turn(0);
    for (int i = 0; i < CROWD; i++)
        ask_of(&crowd[i], 1, &note_add, "crowd", NULL);
    ask_of(&other, 2, &note_add, "other", NULL);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(other.done && all_done(crowd, CROWD));
    ck_assert_int_eq(other.failure, -1);
    ck_assert_str_eq(other.transaction, crowd[0].transaction);
}
END_TEST

START_TEST(reads_that_take_long_leave_a_session_to_others)
{
    struct answer slow[4], quick;
    rig_open(2, 1, 1);
    be_known_for_long_reads(1);
    sql("SELECT pg_advisory_lock(1)");
    for (int i = 0; i < 4; i++)
        ask_of(&slow[i], 1, &note_wait, "slow", "1");
    turn(0);
    ask_of(&quick, 2, &note_read, "quick", NULL);
    TURN_UNTIL(quick.done);
    ck_assert_int_eq(quick.failure, -1);
    for (int i = 0; i < 4; i++)
        ck_assert(!slow[i].done);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(all_done(slow, 4));
}
END_TEST

/* On one session even, what waits behind is one read, and not all that were sent. */
START_TEST(reads_that_take_long_are_not_sent_ahead)
{
    struct answer slow[5], quick;
    rig_open(1, 1, 1);
    be_known_for_long_reads(1);
    for (int i = 0; i < 5; i++)
        ask_of(&slow[i], 1, &note_sleep, "0.1", NULL);
    turn(0);
    ask_of(&quick, 2, &note_read, "quick", NULL);
    TURN_UNTIL(quick.done && all_done(slow, 5));
    ck_assert_int_lt(quick.order, slow[2].order);
}
END_TEST

START_TEST(a_tenant_fills_half_of_a_queue)
{
    struct answer first, crowd[8], other;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.queue_limit = 10;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    sql("SELECT pg_advisory_lock(1)");
    ask_of(&first, 1, &note_lock, "first", "1");
    turn(0);
    for (int i = 0; i < 8; i++)
        ask_of(&crowd[i], 1, &note_add, "crowd", NULL);
    ask_of(&other, 2, &note_add, "other", NULL);
    TURN_UNTIL(crowd[7].done);
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(other.done && all_done(crowd, 8));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(crowd[i].failure, i < 5 ? -1 : FAILURE_OVERLOADED);
    ck_assert_int_eq(other.failure, -1);
}
END_TEST

TCase *fairness_case(void)
{
    TCase *test = tcase_create("fairness");
    tcase_add_test(test, who_comes_behind_a_crowd_of_another_tenant_is_in_the_next_transaction);
    tcase_add_test(test, reads_that_take_long_leave_a_session_to_others);
    tcase_add_test(test, reads_that_take_long_are_not_sent_ahead);
    tcase_add_test(test, a_tenant_fills_half_of_a_queue);
    return test;
}
