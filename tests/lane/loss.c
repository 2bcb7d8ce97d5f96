/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"
#include "suites.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OURS "datname = current_database() AND application_name = 'onramp'"

static void kill_waiting(void)
{
    TURN_UNTIL(sql_number("SELECT count(*) FROM pg_stat_activity WHERE " OURS
                          " AND wait_event = 'advisory'") == 1);
    sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS
        " AND wait_event = 'advisory'");
}

START_TEST(sent_writes_of_a_lost_connection_have_an_unknown_outcome)
{
    struct answer first, sent[3], waiting[2];
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
    ASK(&first, &note_lock, "first", "1");
    turn(0);
    ASK(&sent[0], &note_add, "a");
    ASK(&sent[1], &note_lock, "b", "2");
    ASK(&sent[2], &note_add, "c");
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(first.done && sent[2].query.session != NULL);
    ASK(&waiting[0], &note_add, "d");
    ASK(&waiting[1], &note_add, "e");
    turn(0);
    kill_waiting();
    sql("SELECT pg_advisory_unlock(2)");
    TURN_UNTIL(all_done(sent, 3) && all_done(waiting, 2));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(sent[i].failure, FAILURE_UNKNOWN_OUTCOME);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(waiting[i].failure, -1);
    ck_assert_str_eq(sql_value("SELECT string_agg(word, ' ' ORDER BY word) FROM onramp.notes"),
                     "d e first");
    ck_assert_ptr_nonnull(strstr(logged, "lost: SQLSTATE 57P01"));
}
END_TEST

START_TEST(sent_reads_of_a_lost_connection_run_again)
{
    struct answer slow, behind[3];
    const char *words[3] = {"a", "b", "c"};
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&slow, &note_wait, "slow", "1");
    for (int i = 0; i < 3; i++)
        ASK(&behind[i], &note_read, words[i]);
    turn(0);
    kill_waiting();
    sql("SELECT pg_advisory_unlock(1)");
    TURN_UNTIL(slow.done && all_done(behind, 3));
    ck_assert_int_eq(slow.failure, -1);
    ck_assert_int_eq(slow.order, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(behind[i].failure, -1);
        ck_assert_str_eq(behind[i].word, words[i]);
        ck_assert_int_eq(behind[i].order, i + 2);
    }
}
END_TEST

START_TEST(a_read_that_loses_two_connections_is_given_up)
{
    struct answer slow;
    rig_open(1, 1, 1);
    sql("SELECT pg_advisory_lock(1)");
    ASK(&slow, &note_wait, "slow", "1");
    turn(0);
    kill_waiting();
    kill_waiting();
    TURN_UNTIL(slow.done);
    ck_assert_int_eq(slow.failure, FAILURE_UNAVAILABLE);
}
END_TEST

START_TEST(lost_connections_come_back)
{
    struct answer answers[3];
    rig_open(2, 2, 1);
    sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " OURS);
    TURN_UNTIL(!lanes_ready(rig.lanes));
    TURN_UNTIL(lanes_ready(rig.lanes));
    TURN_UNTIL(sql_number("SELECT count(*) FROM pg_stat_activity WHERE " OURS) == 5);
    ASK(&answers[0], &note_read, "a");
    ASK(&answers[1], &note_add, "b");
    ASK(&answers[2], &note_alone, "c");
    TURN_UNTIL(all_done(answers, 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(answers[i].failure, -1);
}
END_TEST

/* A standby that never comes: the commit waits for it until somebody cancels that, and libpq calls
 * it a success. */
START_TEST(a_commit_without_its_standbys_has_an_unknown_outcome)
{
    struct answer answer, next;
    rig_open(1, 1, 1);
    sql("SET synchronous_commit = local");
    sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    sql("SELECT pg_reload_conf()");
    TURN_UNTIL(strcmp(sql_value("SHOW synchronous_standby_names"), "nobody") == 0);
    /* The checkpointer tells the sessions that commits wait now, in its own time: one may not yet.
     */
    bool early = true;
    for (int i = 0; i < 100 && early; i++) {
        ASK(&answer, &note_add, "a");
        TURN_UNTIL(answer.done || sql_number("SELECT count(*) FROM pg_stat_activity WHERE " OURS
                                             " AND wait_event = 'SyncRep'") == 1);
        early = answer.done;
    }
    sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE " OURS
        " AND wait_event = 'SyncRep'");
    sql("ALTER SYSTEM RESET synchronous_standby_names");
    sql("SELECT pg_reload_conf()");
    ck_assert_msg(!early, "no commit waited for its standbys");
    TURN_UNTIL(answer.done);
    ck_assert_int_eq(answer.failure, FAILURE_UNKNOWN_OUTCOME);
    ASK(&next, &note_add, "b");
    TURN_UNTIL(next.done);
    ck_assert_int_eq(next.failure, -1);
}
END_TEST

static void make_note_read(const char *type, const char *columns)
{
    sql("BEGIN; DROP FUNCTION note_read; CREATE FUNCTION note_read(p_word text) RETURNS SETOF %s"
        " LANGUAGE sql AS $$ SELECT 'ok', NULL::jsonb %s $$; COMMIT",
        type, columns);
}

START_TEST(a_function_made_anew_is_found)
{
    struct answer answers[2];
    rig_open(1, 1, 1);
    ASK(&answers[0], &note_read, "a");
    TURN_UNTIL(answers[0].done);
    make_note_read("note", ", p_word || '!', '', 0");
    ASK(&answers[1], &note_read, "b");
    TURN_UNTIL(answers[1].done);
    ck_assert_str_eq(answers[1].word, "b!");
    ck_assert_ptr_null(strstr(logged, "lost"));
}
END_TEST

START_TEST(a_changed_row_type_renews_the_session)
{
    struct answer before, between, after;
    rig_open(1, 1, 1);
    ASK(&before, &note_read, "a");
    TURN_UNTIL(before.done);
    make_note_read("verdict", "");
    ASK(&between, &note_read, "b");
    TURN_UNTIL(strstr(logged, "column 3 of onramp.note_read is missing, expected word") != NULL);
    ck_assert_ptr_nonnull(strstr(logged, "its session is out of date"));
    make_note_read("note", ", p_word, '', 0");
    TURN_UNTIL(between.done);
    TURN_UNTIL(lanes_ready(rig.lanes));
    ASK(&after, &note_read, "c");
    TURN_UNTIL(after.done);
    ck_assert_int_eq(after.failure, -1);
}
END_TEST

START_TEST(without_a_server_queries_wait_a_little_and_are_refused)
{
    struct answer early, late;
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.conninfo = conninfo_with("host=/nonexistent");
    rig_open_settings(&settings);
    int64_t start = clock_now();
    ASK(&early, &note_add, "a");
    TURN_UNTIL(early.done);
    ck_assert_int_eq(early.failure, FAILURE_UNAVAILABLE);
    ck_assert_int_ge(clock_now() - start, 2900);
    start = clock_now();
    ASK(&late, &note_read, "a");
    TURN_UNTIL(late.done);
    ck_assert_int_eq(late.failure, FAILURE_UNAVAILABLE);
    ck_assert_int_lt(clock_now() - start, 2000);
    ck_assert(!lanes_ready(rig.lanes));
}
END_TEST

START_TEST(a_host_that_never_answers_is_passed_over)
{
    char hosts[256];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(silent, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(silent, 8), 0);
    ck_assert_int_eq(getsockname(silent, (struct sockaddr *)&address, &length), 0);
    snprintf(hosts, sizeof hosts, "host=127.0.0.1,%s port=%d,%s", PQhost(control),
             ntohs(address.sin_port), PQport(control));
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.conninfo = conninfo_with(hosts);
    rig_open_settings(&settings);
    TURN_UNTIL(lanes_ready(rig.lanes));
    ck_assert_ptr_nonnull(strstr(logged, "no answer in time"));
    close(silent);
}
END_TEST

START_TEST(a_read_only_server_is_not_used)
{
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.conninfo = conninfo_with("options='-c default_transaction_read_only=on'");
    rig_open_settings(&settings);
    TURN_UNTIL(strstr(logged, "read-only") != NULL);
    for (int i = 0; i < 30; i++)
        turn(20);
    ck_assert(!lanes_ready(rig.lanes));
}
END_TEST

START_TEST(a_string_that_is_no_conninfo_is_refused)
{
    struct lanes_settings settings = rig_settings(1, 1, 1);
    settings.conninfo = "password='hush nonsense";
    ck_assert_ptr_null(lanes_open(&settings, rig.epoll_fd));
    ck_assert_ptr_null(strstr(logged, "hush"));
}
END_TEST

TCase *loss_case(void)
{
    TCase *test = tcase_create("loss");
    tcase_add_test(test, sent_writes_of_a_lost_connection_have_an_unknown_outcome);
    tcase_add_test(test, sent_reads_of_a_lost_connection_run_again);
    tcase_add_test(test, a_read_that_loses_two_connections_is_given_up);
    tcase_add_test(test, lost_connections_come_back);
    tcase_add_test(test, a_commit_without_its_standbys_has_an_unknown_outcome);
    tcase_add_test(test, a_function_made_anew_is_found);
    tcase_add_test(test, a_changed_row_type_renews_the_session);
    tcase_add_test(test, without_a_server_queries_wait_a_little_and_are_refused);
    tcase_add_test(test, a_host_that_never_answers_is_passed_over);
    tcase_add_test(test, a_read_only_server_is_not_used);
    tcase_add_test(test, a_string_that_is_no_conninfo_is_refused);
    return test;
}
