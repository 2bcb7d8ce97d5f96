/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that hang: connections stand, and nothing comes on them. */
#include "relay.h"
#include "rig.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 3 };

static void open_through_relay(void)
{
    static char conninfo[512];
    const char *relay = relay_start();
    struct lanes_settings settings = rig_settings(1, 1, 1);
    snprintf(conninfo, sizeof conninfo, "%s host='%s,%s'", conninfo_with(""), relay,
             getenv("PGHOST"));
    settings.conninfo = conninfo;
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    ck_assert_int_eq(relay_accepted(), SESSIONS);
}

/* A test that fails leaves its process, and the relay ends with it. */
static void close_lanes(void)
{
    lanes_close(rig.lanes);
    rig.lanes = NULL;
    relay_stop();
}

START_TEST(a_server_that_hangs_is_left_for_the_next_host)
{
    struct answer read, write, next;
    open_through_relay();
    relay_freeze();
    patience = 15000;
    ASK(&read, &note_read, "read");
    ASK(&write, &note_add, "write");
    turn(0);
    TURN_UNTIL(read.done && write.done);
    ck_assert_int_eq(read.failure, -1); /* it ran again, elsewhere */
    ck_assert_int_eq(write.failure, FAILURE_UNKNOWN_OUTCOME);
    TURN_UNTIL(lanes_ready(rig.lanes));
    ASK(&next, &note_add, "next");
    TURN_UNTIL(next.done);
    ck_assert_int_eq(next.failure, -1);
    ck_assert_ptr_nonnull(strstr(logged, "lost: its server does not answer"));
    close_lanes();
}
END_TEST

START_TEST(connections_without_work_leave_a_server_that_hangs)
{
    struct answer read, alone;
    open_through_relay();
    relay_freeze();
    patience = 15000;
    ASK(&read, &note_read, "read");
    TURN_UNTIL(read.done);
    TURN_UNTIL(lanes_ready(rig.lanes));
    patience = 1000; /* less than it takes to find out again */
    ASK(&alone, &note_alone, "alone");
    TURN_UNTIL(alone.done);
    ck_assert_int_eq(alone.failure, -1);
    close_lanes();
}
END_TEST

START_TEST(a_statement_that_takes_long_is_waited_for_while_its_server_answers)
{
    struct answer slow;
    open_through_relay();
    sql("SELECT pg_advisory_lock(1)");
    ASK(&slow, &note_lock, "slow", "1");
    TURN_UNTIL(relay_accepted() > SESSIONS); /* its server was asked */
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(slow.done);
    ck_assert_int_eq(slow.failure, -1);
    ck_assert_ptr_null(strstr(logged, "lost"));
    close_lanes();
}
END_TEST

START_TEST(a_connection_that_hangs_alone_is_left_in_time)
{
    struct answer write, next;
    open_through_relay();
    relay_freeze_standing();
    patience = 14000;
    ASK(&write, &note_add, "write");
    TURN_UNTIL(write.done);
    ck_assert_int_eq(write.failure, FAILURE_UNKNOWN_OUTCOME);
    ck_assert_ptr_nonnull(strstr(logged, "lost: no answer in time"));
    ASK(&next, &note_add, "next");
    TURN_UNTIL(next.done);
    ck_assert_int_eq(next.failure, -1);
    close_lanes();
}
END_TEST

TCase *hang_case(void)
{
    TCase *test = tcase_create("hang");
    tcase_add_test(test, a_server_that_hangs_is_left_for_the_next_host);
    tcase_add_test(test, connections_without_work_leave_a_server_that_hangs);
    tcase_add_test(test, a_statement_that_takes_long_is_waited_for_while_its_server_answers);
    tcase_add_test(test, a_connection_that_hangs_alone_is_left_in_time);
    return test;
}
