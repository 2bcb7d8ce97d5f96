/* SPDX-License-Identifier: Apache-2.0 */
/* Histories by month: room for what comes, and what goes when it has been kept for long enough. */
#include "scene.h"

#include <string.h>

static const char *customer, *circuit;

static void begin(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
}

static const char *sweep(PGconn *conn)
{
    return value(conn, "SELECT done FROM onramp.event_month_sweep(1)");
}

static const char *keep(const char *days)
{
    return value(api, "SELECT outcome FROM onramp.retention_set(%s)", days);
}

/* What happened to the circuit at a time of long ago; its next event is one of today again. */
static void happened(const char *to, const char *at)
{
    run(owner,
        "INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, "
        "actor_role, actor_name) SELECT id, last_sequence + 1, '%s', 'circuit.updated', "
        "provider_status, provider_status, 'operator', 'hand' FROM circuits WHERE id = '%s'",
        at, to);
}

static const char *history(const char *of)
{
    return value(api,
                 "SELECT string_agg(sequence::text, ' ' ORDER BY sequence) FROM "
                 "onramp.circuit_event_list('%s', NULL, NULL, 100)",
                 of);
}

START_TEST(there_is_room_for_this_month_and_three_more)
{
    ck_assert_str_eq(value(owner, "SELECT string_agg(months::text, ' ' ORDER BY months) FROM "
                                  "(SELECT extract(month FROM age(month, date_trunc('month', "
                                  "now() AT TIME ZONE 'UTC'))) AS months FROM event_months) m"),
                     "0 1 2 3");
    /* None is made twice, and one that is missing is made. */
    ck_assert_str_eq(sweep(api), "0");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM event_months"), 4);
    run(owner, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT events FROM event_months ORDER BY "
               "month LIMIT 1); END $$");
    ck_assert_str_eq(sweep(api), "0");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM event_months"), 4);
    begin();
    ck_assert_str_eq(history(circuit), "1");
}
END_TEST

START_TEST(two_servers_make_room_at_once_and_it_is_made_once)
{
    begin();
    PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
    run(owner, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT events FROM event_months ORDER BY "
               "month DESC LIMIT 1); END $$");
    run(one, "BEGIN");
    ck_assert_str_eq(sweep(one), "0");
    start(two, "SELECT done FROM onramp.event_month_sweep(1)");
    blocked(two);
    run(one, "COMMIT");
    const char *first;
    ck_assert_str_eq(finish(two, &first), "");
    ck_assert_str_eq(first, "0");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM event_months"), 4);
    /* Who makes room keeps nobody from writing. */
    run(owner, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT events FROM event_months ORDER BY "
               "month DESC LIMIT 1); END $$");
    run(one, "BEGIN");
    ck_assert_str_eq(sweep(one), "0");
    ck_assert_str_eq(announce(circuit, "circuit.provisioning", "{}"), "applied");
    run(one, "COMMIT");
}
END_TEST

START_TEST(an_event_lies_in_the_month_of_its_time)
{
    begin();
    run(owner, "SELECT event_month_add('2024-02-01')");
    happened(circuit, "2024-02-29 23:59:59.999999+00");
    ck_assert_str_eq(
        value(owner, "SELECT tableoid::regclass FROM circuit_events WHERE sequence = 2"),
        "circuit_events_2024_02");
    /* No room: nothing is written, and the circuit stands where it stood. */
    fails(owner, "23514",
          "INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, "
          "actor_role, actor_name) VALUES ('%s', 3, '2024-03-01 00:00+00', 'circuit.updated', "
          "'NotProvisioned', 'NotProvisioned', 'operator', 'hand')",
          circuit);
    ck_assert_int_eq(number(owner, "SELECT last_sequence FROM circuits"), 2);
}
END_TEST

START_TEST(nothing_is_forgotten_until_somebody_says_so)
{
    begin();
    run(owner, "SELECT event_month_add('2020-01-01')");
    happened(circuit, "2020-01-15");
    ck_assert_str_eq(sweep(api), "0");
    ck_assert_str_eq(history(circuit), "1 2");
}
END_TEST

START_TEST(a_month_goes_once_all_of_it_is_older_than_histories_are_kept)
{
    begin();
    const char *other = circuit_new(customer);
    run(owner, "SELECT event_month_add('2024-01-01'), event_month_add('2024-02-01')");
    happened(circuit, "2024-01-15");
    happened(circuit, "2024-02-15");
    happened(circuit, "now");
    happened(other, "2024-02-01");
    /* Up to a moment after the end of January. */
    ck_assert_str_eq(keep("(now()::date - '2024-02-02'::date)"), "ok");
    ck_assert_str_eq(value(api, "SELECT string_agg(to_char(month, 'YYYY-MM'), ' ') FROM "
                                "onramp.retention_list(NULL) WHERE expired"),
                     "2024-01");
    ck_assert_str_eq(sweep(api), "1");
    ck_assert_str_eq(sweep(api), "0");
    ck_assert_str_eq(history(circuit), "1 3 4");
    ck_assert_str_eq(keep("(now()::date - '2024-03-02'::date)"), "ok");
    ck_assert_str_eq(sweep(api), "1");
    ck_assert_str_eq(history(circuit), "1 4");
    /* One that stood at an event that is gone stands as it stood, and goes on from there. */
    ck_assert_str_eq(history(other), "1");
    ck_assert_str_eq(announce(other, "circuit.provisioning", "{}"), "applied");
    ck_assert_str_eq(history(other), "1 3");
    ck_assert_str_eq(keep("NULL"), "ok");
    ck_assert_str_eq(value(api, "SELECT count(*) FROM onramp.retention_list(NULL) WHERE expired OR "
                                "expires_at IS NOT NULL OR kept_days IS NOT NULL"),
                     "0");
}
END_TEST

START_TEST(histories_are_kept_for_longer_than_the_feed)
{
    ck_assert_str_eq(keep("30"), "invalid_request");
    ck_assert_str_eq(keep("31"), "ok");
    refused(owner, "the_history_is_kept_longer_than_the_feed",
            "UPDATE settings SET feed_retention = '31 days'");
    refused(owner, "the_history_is_kept_longer_than_the_feed",
            "UPDATE settings SET event_retention = '0'");
}
END_TEST

START_TEST(who_acted_is_forgotten_with_the_event_and_not_before)
{
    begin();
    run(owner, "SELECT event_month_add('2024-01-01')");
    happened(circuit, "2024-01-15");
    happened(circuit, "now");
    /* Not of a connection, as acts are: it would be one of today. */
    run(owner, "ALTER TABLE acts_of_vnet_owners DISABLE TRIGGER an_act_is_of_the_vnets_owner");
    run(owner,
        "INSERT INTO acts_of_vnet_owners SELECT circuit_id, sequence, '%s' FROM circuit_events "
        "WHERE sequence > 1",
        customer);
    refused(owner, "an_act_is_kept_as_long_as_its_event", "DELETE FROM acts_of_vnet_owners");
    ck_assert_str_eq(keep("100"), "ok");
    refused(owner, "an_act_is_kept_as_long_as_its_event", "DELETE FROM acts_of_vnet_owners");
    ck_assert_str_eq(sweep(api), "1");
    ck_assert_str_eq(
        value(owner, "SELECT string_agg(sequence::text, ' ') FROM acts_of_vnet_owners"), "3");
    refused(owner, "an_act_is_never_changed", "UPDATE acts_of_vnet_owners SET sequence = 2");
}
END_TEST

/* A writer holds the histories; the month waits, and not for long. */
START_TEST(a_month_that_is_in_use_goes_another_time)
{
    begin();
    run(owner, "SELECT event_month_add('2024-01-01')");
    happened(circuit, "2024-01-15");
    ck_assert_str_eq(keep("100"), "ok");
    PGconn *writer = session("onramp_owner"), *sweeper = session("onramp_daemon");
    run(writer, "BEGIN");
    run(writer,
        "INSERT INTO onramp.circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "actor_role, actor_name) VALUES ('%s', 3, 'circuit.updated', 'NotProvisioned', "
        "'NotProvisioned', 'operator', 'hand')",
        circuit);
    ck_assert_str_eq(sweep(sweeper), "0");
    run(writer, "COMMIT");
    ck_assert_str_eq(sweep(sweeper), "1");
    ck_assert_str_eq(history(circuit), "1 3");
}
END_TEST

/* To list months is to look into each. */
START_TEST(a_list_waits_for_a_month_that_goes)
{
    begin();
    run(owner, "SELECT event_month_add('2024-01-01')");
    happened(circuit, "2024-01-15");
    ck_assert_str_eq(keep("100"), "ok");
    PGconn *reader = session("onramp_daemon"), *sweeper = session("onramp_daemon");
    run(sweeper, "BEGIN");
    ck_assert_str_eq(sweep(sweeper), "1");
    start(reader, "SELECT count(*) FROM onramp.retention_list(NULL)");
    blocked(reader);
    run(sweeper, "COMMIT");
    const char *months;
    ck_assert_str_eq(finish(reader, &months), "");
    ck_assert_str_eq(months, "4");
}
END_TEST

/* The next event names its month, whatever months there are: one partition is looked into. */
START_TEST(a_write_looks_into_one_month_alone)
{
    begin();
    run(owner, "SELECT event_month_add(month::date) FROM generate_series('2020-01-01'::date, "
               "'2023-12-01', '1 month') AS month");
    run(owner, "SET plan_cache_mode = force_generic_plan");
    run(owner, "PREPARE look (uuid, bigint, timestamptz) AS SELECT FROM circuit_events WHERE "
               "circuit_id = $1 AND sequence = $2 AND at = $3");
    PGresult *plan = run(owner, "EXPLAIN EXECUTE look('%s', 1, now())", circuit);
    bool removed = false;
    for (int i = 0; i < PQntuples(plan); i++)
        removed = removed || strstr(PQgetvalue(plan, i, 0), "Subplans Removed: 51") != NULL;
    ck_assert(removed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retention");
    TCase *tcase = scene_case(suite, "retention", 60);
    tcase_add_test(tcase, there_is_room_for_this_month_and_three_more);
    tcase_add_test(tcase, two_servers_make_room_at_once_and_it_is_made_once);
    tcase_add_test(tcase, an_event_lies_in_the_month_of_its_time);
    tcase_add_test(tcase, nothing_is_forgotten_until_somebody_says_so);
    tcase_add_test(tcase, a_month_goes_once_all_of_it_is_older_than_histories_are_kept);
    tcase_add_test(tcase, histories_are_kept_for_longer_than_the_feed);
    tcase_add_test(tcase, who_acted_is_forgotten_with_the_event_and_not_before);
    tcase_add_test(tcase, a_month_that_is_in_use_goes_another_time);
    tcase_add_test(tcase, a_list_waits_for_a_month_that_goes);
    tcase_add_test(tcase, a_write_looks_into_one_month_alone);
    return scene_run(suite);
}
