/* SPDX-License-Identifier: Apache-2.0 */
/* The feed: what is committed is published once, in an order that never changes behind a reader,
 * and each event to those who may hear it. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *customer, *circuit;

static void begin(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
}

static void publish(PGconn *conn)
{
    run(conn, "SELECT * FROM onramp.feed_tail(0, 100000)");
}

static void tags_set(PGconn *conn, const char *of, int number)
{
    const char *outcome = value(conn,
                                "SELECT outcome FROM onramp.circuit_update('(customer,Acme,,,,)', "
                                "'%s', NULL, NULL, NULL, NULL, NULL, "
                                "'{\"n\": \"%d\"}')",
                                of, number);
    ck_assert_str_eq(outcome, "ok");
}

/* Dense, each event once, and none left behind. */
static void all_published(void)
{
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM events_unpublished"), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_events"),
                     number(owner, "SELECT count(*) FROM feed"));
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_events e LEFT JOIN feed f "
                                   "USING (circuit_id, sequence) WHERE f.position IS NULL"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT max(position) - count(*) FROM feed"), 0);
    ck_assert_int_eq(number(owner, "SELECT min(position) FROM feed"), 1);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM (SELECT sequence - lag(sequence, 1, 0::bigint) OVER "
                      "(PARTITION BY circuit_id ORDER BY position) AS step FROM feed) f "
                      "WHERE step <> 1"),
        0);
}

/* What an operator reads from after a position on: "circuit:sequence" in order, then the position
 * where it ends. */
static const char *read_on(long *position)
{
    PGresult *rows = run(api,
                         "SELECT position, id IS NULL AS ends, circuit_id || ':' || sequence "
                         "AS event FROM onramp.event_list(NULL, NULL, %ld, 200, NULL)",
                         *position);
    char text[16384] = "";
    for (int i = 0; i < PQntuples(rows) - 1; i++) {
        ck_assert_str_eq(field(rows, i, "ends"), "f");
        strcat(strcat(text, field(rows, i, "event")), " ");
    }
    ck_assert_str_eq(field(rows, PQntuples(rows) - 1, "ends"), "t");
    *position = strtol(field(rows, PQntuples(rows) - 1, "position"), NULL, 10);
    return value(owner, "SELECT '%s'", text);
}

static const char *event_name(const char *of, long sequence)
{
    return value(owner, "SELECT '%s:%ld '", of, sequence);
}

/* --- the order ---------------------------------------------------------------------------------
 */

/* A cursor on the number that the writer drew has passed the late one by then, and misses it. */
START_TEST(what_commits_late_is_not_missed)
{
    begin();
    const char *other = circuit_new(customer);
    long position = 0;
    publish(api);
    read_on(&position);
    PGconn *late = session("onramp_daemon");
    run(late, "BEGIN");
    tags_set(late, circuit, 1);
    tags_set(api, other, 1);
    publish(api);
    ck_assert_str_eq(read_on(&position), event_name(other, 2));
    ck_assert_str_eq(read_on(&position), "");
    run(late, "COMMIT");
    ck_assert_str_eq(read_on(&position), "");
    publish(api);
    ck_assert_str_eq(read_on(&position), event_name(circuit, 2));
    all_published();
}
END_TEST

START_TEST(what_is_rolled_back_leaves_no_gap)
{
    begin();
    PGconn *undone = session("onramp_daemon");
    run(undone, "BEGIN");
    tags_set(undone, circuit, 1);
    circuit_new(customer);
    run(undone, "ROLLBACK");
    tags_set(api, circuit, 2);
    publish(api);
    all_published();
}
END_TEST

/* A second publisher neither waits nor gives positions of its own. */
START_TEST(two_publishers_at_once_give_each_event_one_position)
{
    begin();
    PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
    run(one, "BEGIN");
    ck_assert_int_eq(PQntuples(run(one, "SELECT * FROM onramp.feed_tail(0, 100)")), 1);
    tags_set(api, circuit, 1);
    ck_assert_int_eq(number(two, "SELECT count(position) FROM onramp.feed_tail(0, 100)"), 0);
    run(one, "COMMIT");
    ck_assert_int_eq(PQntuples(run(two, "SELECT * FROM onramp.feed_tail(0, 100)")), 2);
    ck_assert_int_eq(PQntuples(run(one, "SELECT * FROM onramp.feed_tail(1, 100)")), 1);
    all_published();
}
END_TEST

START_TEST(a_publisher_that_is_rolled_back_loses_nothing)
{
    begin();
    PGconn *one = session("onramp_daemon");
    run(one, "BEGIN");
    publish(one);
    run(one, "ROLLBACK");
    tags_set(api, circuit, 1);
    publish(api);
    all_published();
}
END_TEST

/* A publisher whose transaction has written events itself, as in a shared commit. */
START_TEST(a_publisher_among_writers_publishes_what_it_wrote)
{
    begin();
    run(api, "BEGIN");
    tags_set(api, circuit, 1);
    publish(api);
    tags_set(api, circuit, 2);
    run(api, "COMMIT");
    publish(api);
    all_published();
}
END_TEST

START_TEST(the_tail_goes_on_where_it_stopped)
{
    begin();
    for (int i = 0; i < 9; i++)
        tags_set(api, circuit, i);
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.feed_tail(NULL, 4)")), 1);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM feed"), 4);
    PGresult *rows = run(api, "SELECT * FROM onramp.feed_tail(2, 4)");
    ck_assert_int_eq(PQntuples(rows), 4);
    ck_assert_str_eq(field(rows, 0, "position"), "3");
    ck_assert_str_eq(field(rows, 3, "position"), "6");
    publish(api);
    ck_assert_str_eq(value(api, "SELECT position FROM onramp.feed_tail(NULL, 4)"), "10");
    all_published();
}
END_TEST

/* Writers that hold their transactions open for a random while, two publishers, sometimes with an
 * open transaction too, and a reader: stepped by one seed each. The reader has heard everything
 * once and each circuit in order. */
START_TEST(a_reader_misses_nothing_whatever_the_order_of_commits)
{
    enum { WRITERS = 5, STEPS = 400 };
    PGconn *writers[WRITERS], *publishers[2];
    bool writing[WRITERS] = {false}, publishing[2] = {false};
    const char *circuits[WRITERS];
    long position = 0, heard[WRITERS] = {0};
    srand(20261126u + (unsigned)_i);
    begin();
    for (int i = 0; i < WRITERS; i++) {
        circuits[i] = circuit_new(customer);
        writers[i] = session("onramp_daemon");
    }
    publishers[0] = session("onramp_daemon");
    publishers[1] = session("onramp_daemon");
    for (int step = 0; step < STEPS; step++) {
        int i = rand() % WRITERS, p = rand() % 2;
        if (rand() % 2 == 0 && !writing[i])
            run(writers[i], "BEGIN");
        writing[i] = true;
        tags_set(writers[i], circuits[i], step);
        if (rand() % 3 == 0 && PQtransactionStatus(writers[i]) == PQTRANS_INTRANS)
            run(writers[i], rand() % 5 == 0 ? "ROLLBACK" : "COMMIT");
        writing[i] = PQtransactionStatus(writers[i]) == PQTRANS_INTRANS;
        if (rand() % 4 == 0) {
            if (!publishing[p] && rand() % 2 == 0) {
                run(publishers[p], "BEGIN");
                publishing[p] = true;
            }
            run(publishers[p], "SELECT * FROM onramp.feed_tail(0, %d)", 1 + rand() % 6);
        }
        if (publishing[p] && rand() % 3 == 0) {
            run(publishers[p], "COMMIT");
            publishing[p] = false;
        }
        if (rand() % 5 > 0 && step < STEPS - 1)
            continue;
        if (step == STEPS - 1) {
            for (int w = 0; w < WRITERS; w++)
                run(writers[w], "COMMIT");
            run(publishers[0], "COMMIT");
            run(publishers[1], "COMMIT");
            publish(api);
        }
        for (;;) {
            PGresult *rows = run(api,
                                 "SELECT position, circuit_id, sequence FROM "
                                 "onramp.event_list(NULL, NULL, %ld, 50, NULL)",
                                 position);
            for (int row = 0; row < PQntuples(rows) - 1; row++)
                for (int c = 0; c < WRITERS; c++)
                    if (strcmp(field(rows, row, "circuit_id"), circuits[c]) == 0)
                        ck_assert_int_eq(strtol(field(rows, row, "sequence"), NULL, 10),
                                         ++heard[c]);
            position = strtol(field(rows, PQntuples(rows) - 1, "position"), NULL, 10);
            if (PQntuples(rows) == 1)
                break;
        }
    }
    for (int c = 0; c < WRITERS; c++)
        ck_assert_int_eq(heard[c], events_of(circuits[c]));
    all_published();
}
END_TEST

/* The same with real concurrency: nobody steps them. */
START_TEST(a_feed_that_is_written_and_published_at_once_is_whole)
{
    enum { WRITERS = 4, PUBLISHERS = 2 };
    PGconn *writers[WRITERS], *publishers[PUBLISHERS];
    begin();
    for (int i = 0; i < WRITERS; i++)
        writers[i] = session("onramp_daemon");
    for (int i = 0; i < PUBLISHERS; i++)
        publishers[i] = session("onramp_daemon");
    const char *shared = circuit_new(customer);
    for (int i = 0; i < PUBLISHERS; i++)
        start(publishers[i], "DO $$ BEGIN FOR i IN 1..400 LOOP PERFORM onramp.feed_tail(0, 7); "
                             "COMMIT; END LOOP; END $$");
    for (int i = 0; i < WRITERS; i++)
        start(writers[i],
              "DO $$ DECLARE c uuid; BEGIN FOR i IN 1..60 LOOP "
              "SELECT id INTO c FROM onramp.circuit_create('(customer,Acme,,,,)', '%s', 'hq', "
              "'carrier', 'Amsterdam', "
              "1000, 'Standard', 'MeteredData', '{}'); "
              "PERFORM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, 'n%d ' || i, NULL, "
              "NULL, NULL, NULL); "
              "PERFORM onramp.circuit_delete('(customer,Acme,,,,)', c, NULL); "
              "COMMIT; END LOOP; END $$",
              customer, shared, i);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_str_eq(finish(writers[i], NULL), "");
    for (int i = 0; i < PUBLISHERS; i++)
        ck_assert_str_eq(finish(publishers[i], NULL), "");
    publish(api);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM feed"), 2 + 3 * 60 * WRITERS);
    all_published();
}
END_TEST

/* --- guards ------------------------------------------------------------------------------------
 */

START_TEST(nothing_comes_to_the_feed_by_hand)
{
    begin();
    refused(owner, "events_are_announced_by_trigger",
            "INSERT INTO events_unpublished (circuit_id, sequence, at, customer_id) "
            "VALUES ('%s', 1, now(), '%s')",
            circuit, customer);
    refused(owner, "an_announcement_is_never_changed",
            "UPDATE events_unpublished SET partner = 'rival'");
    refused(owner, "an_announcement_is_never_changed", "TRUNCATE events_unpublished");
    refused(owner, "an_announcement_ends_in_the_feed", "DELETE FROM events_unpublished");
    refused(owner, "the_feed_holds_what_was_announced",
            "INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id) "
            "VALUES (1, 99, '%s', 1, now(), '%s')",
            circuit, customer);
    /* As announced, but for somebody else. */
    refused(
        owner, "the_feed_holds_what_was_announced",
        "INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id, partner) "
        "SELECT 1, seq, circuit_id, sequence, at, customer_id, 'rival' FROM events_unpublished");
    refused(owner, "positions_of_the_feed_have_no_gaps",
            "INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id) "
            "SELECT 2, seq, circuit_id, sequence, at, customer_id FROM events_unpublished");
    publish(api);
    all_published();
}
END_TEST

START_TEST(nothing_in_the_feed_changes_or_goes_before_its_time)
{
    begin();
    tags_set(api, circuit, 1);
    tags_set(api, circuit, 2);
    publish(api);
    refused(owner, "a_place_in_the_feed_is_never_changed", "UPDATE feed SET partner = 'rival'");
    refused(owner, "a_place_in_the_feed_is_never_changed", "TRUNCATE feed");
    refused(owner, "the_feed_is_forgotten_from_its_old_end", "DELETE FROM feed");
    refused(owner, "the_feed_is_forgotten_from_its_old_end", "DELETE FROM feed WHERE position = 1");
    run(owner, "UPDATE settings SET feed_retention = '1 microsecond'");
    refused(owner, "the_feed_is_forgotten_from_its_old_end", "DELETE FROM feed");
    refused(owner, "the_feed_is_forgotten_from_its_old_end", "DELETE FROM feed WHERE position = 2");
    run(owner, "DELETE FROM feed WHERE position = 1");
    ck_assert_int_eq(number(owner, "SELECT min(position) FROM feed"), 2);
}
END_TEST

START_TEST(the_daemon_may_only_call_functions)
{
    begin();
    fails(api, "42501", "SELECT * FROM onramp.feed");
    fails(api, "42501", "SELECT * FROM onramp.events_unpublished");
    fails(api, "42501", "SELECT onramp.feed_publish(1)");
}
END_TEST

START_TEST(the_feed_forgets_what_is_older_than_it_is_kept)
{
    begin();
    for (int i = 0; i < 9; i++)
        tags_set(api, circuit, i);
    publish(api);
    ck_assert_str_eq(value(api, "SELECT done FROM onramp.feed_sweep(4)"), "0");
    run(owner, "UPDATE settings SET feed_retention = '1 microsecond'");
    ck_assert_str_eq(value(api, "SELECT done FROM onramp.feed_sweep(4)"), "4");
    ck_assert_int_eq(number(owner, "SELECT min(position) FROM feed"), 5);
    ck_assert_str_eq(value(api, "SELECT done FROM onramp.feed_sweep(100)"), "5");
    ck_assert_str_eq(value(api, "SELECT done FROM onramp.feed_sweep(100)"), "0");
    /* The newest has stayed, so that positions go on. */
    tags_set(api, circuit, 10);
    publish(api);
    ck_assert_str_eq(value(owner, "SELECT min(position) || ' ' || max(position) FROM feed"),
                     "10 11");
}
END_TEST

/* --- a page ------------------------------------------------------------------------------------
 */

START_TEST(a_cursor_from_before_what_is_kept_has_expired)
{
    begin();
    for (int i = 0; i < 4; i++)
        tags_set(api, circuit, i);
    publish(api);
    run(owner, "UPDATE settings SET feed_retention = '1 microsecond'");
    run(api, "SELECT onramp.feed_sweep(2)");
    static const char page[] = "SELECT outcome FROM onramp.event_list('%s', NULL, %s, 10, NULL)";
    ck_assert_str_eq(value(api, page, customer, "1"), "cursor_expired");
    ck_assert_str_eq(value(api, page, customer, "2"), "ok");
    ck_assert_str_eq(value(api, page, customer, "5"), "ok");
    ck_assert_str_eq(value(api, page, customer, "NULL"), "ok");
    /* None that was ever given out: another database's. */
    ck_assert_str_eq(value(api, page, customer, "6"), "cursor_expired");
    ck_assert_str_eq(
        value(api, "SELECT min(sequence) FROM onramp.event_list('%s', NULL, NULL, 10, NULL)",
              customer),
        "3");
}
END_TEST

START_TEST(whoever_hears_nothing_gets_ahead_all_the_same)
{
    begin();
    const char *idle = customer_new("Idle");
    static const char page[] =
        "SELECT position || coalesce(facts::text, '') FROM onramp.event_list(%s, 10, NULL)";
    const char *of_idle = value(owner, "SELECT '''%s'', NULL, NULL'", idle);
    ck_assert_str_eq(value(api, page, of_idle), "0");
    publish(api);
    tags_set(api, circuit, 1);
    ck_assert_str_eq(value(api, page, of_idle), "1");
    publish(api);
    ck_assert_str_eq(value(api, page, of_idle), "2");
    ck_assert_str_eq(value(api, page, "NULL, 'rival', NULL"), "2");
}
END_TEST

START_TEST(pages_follow_each_other_without_gap_or_overlap)
{
    begin();
    for (int i = 0; i < 10; i++)
        tags_set(api, circuit, i);
    publish(api);
    long position = 0, heard = 0;
    for (int page = 0; page < 4; page++) {
        PGresult *rows = run(api, "SELECT * FROM onramp.event_list('%s', NULL, %ld, 3, NULL)",
                             customer, position);
        int last = PQntuples(rows) - 1;
        for (int i = 0; i < last; i++)
            ck_assert_int_eq(strtol(field(rows, i, "sequence"), NULL, 10), ++heard);
        ck_assert_str_eq(field(rows, last, "facts"), page < 3 ? "{\"more\": true}" : "");
        position = strtol(field(rows, last, "position"), NULL, 10);
    }
    ck_assert_int_eq(heard, 11);
}
END_TEST

/* A page looks at 500 events; where none of them is of a type that was asked for, the next page
 * goes on behind them. */
START_TEST(a_rare_type_is_found_behind_many_others)
{
    begin();
    run(owner,
        "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "actor_role, actor_name) SELECT '%s', n, 'circuit.updated', 'NotProvisioned', "
        "'NotProvisioned', 'operator', 'x' FROM generate_series(2, 700) n",
        circuit);
    run(api, "SELECT * FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', NULL)", circuit);
    publish(api);
    static const char page[] =
        "SELECT string_agg(coalesce(type, position || coalesce(facts::text, '')), ' ' ORDER BY "
        "position, id) FROM onramp.event_list('%s', NULL, %d, 10, '{%s}')";
    ck_assert_str_eq(value(api, page, customer, 0, "circuit.deleted"), "500{\"more\": true}");
    ck_assert_str_eq(value(api, page, customer, 500, "circuit.deleted"), "circuit.deleted 701");
    ck_assert_str_eq(value(api, page, customer, 699, "circuit.*"),
                     "circuit.updated circuit.deleted 701");
    ck_assert_str_eq(value(api, page, customer, 699, "connection.*,circuit.created"), "701");
}
END_TEST

/* --- who hears what ----------------------------------------------------------------------------
 */

/* The types that an audience hears, in order, each with the numbers that are asked for. */
static const char *heard(const char *audience, const char *columns)
{
    publish(api);
    return value(api,
                 "SELECT coalesce(string_agg(type || %s, ' ' ORDER BY position), '') "
                 "FROM onramp.event_list(%s, NULL, 200, NULL) WHERE id IS NOT NULL",
                 columns, audience);
}

static const char *by_partner(const char *partner)
{
    return heard(value(owner, "SELECT 'NULL, ''%s'''", partner), "''");
}

static const char *by_customer(const char *id)
{
    return heard(value(owner, "SELECT '''%s'', NULL'", id), "''");
}

START_TEST(a_partner_hears_nothing_before_it_has_quoted_the_key)
{
    begin();
    tags_set(api, circuit, 1);
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, NULL, 1000, "
        "'Premium', NULL, NULL)",
        circuit);
    ck_assert_str_eq(by_partner("carrier"), "");
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key_of(circuit));
    ck_assert_str_eq(by_partner("carrier"), "circuit.updated");
    announce(circuit, "circuit.provisioning", "{}");
    ck_assert_str_eq(by_partner("carrier"), "circuit.updated circuit.provisioning");
    ck_assert_str_eq(by_partner("rival"), "");
}
END_TEST

/* Written before the key was quoted, published after. */
START_TEST(what_was_written_before_the_key_was_quoted_stays_unheard)
{
    begin();
    announce(circuit, "circuit.provisioned", "{}");
    ck_assert_str_eq(by_partner("carrier"), "circuit.provisioned");
}
END_TEST

START_TEST(an_operator_in_the_partners_place_does_not_quote_the_key)
{
    begin();
    run(api,
        "SELECT * FROM onramp.callback_apply('(operator,Op,,,,)', 'carrier', '%s', "
        "'circuit.provisioning', "
        "clock_timestamp(), '{\"reason\": \"r\"}', 'm', repeat('ab', 32), NULL)",
        key_of(circuit));
    ck_assert_str_eq(by_partner("carrier"), "");
}
END_TEST

START_TEST(a_partner_hears_of_a_change_that_it_sees)
{
    begin();
    bring_to(circuit, "Provisioned");
    tags_set(api, circuit, 1);
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, 'another name', "
        "NULL, NULL, NULL, NULL)",
        circuit);
    run(owner, "UPDATE vnet_limits SET vnets = vnets WHERE tier = 'Standard'");
    ck_assert_str_eq(by_partner("carrier"), "circuit.provisioned");
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, NULL, NULL, "
        "'Premium', NULL, NULL)",
        circuit);
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, NULL, NULL, NULL, "
        "'UnlimitedData', NULL)",
        circuit);
    ck_assert_str_eq(by_partner("carrier"), "circuit.provisioned circuit.updated circuit.updated");
    run(api,
        "SELECT * FROM onramp.circuit_deprovision_request('(customer,Acme,,,,)', '%s', NULL, "
        "false)",
        circuit);
    /* It is not told whether the circuit will be deleted. */
    run(api,
        "SELECT * FROM onramp.circuit_deprovision_request('(customer,Acme,,,,)', '%s', NULL, true)",
        circuit);
    run(api, "SELECT * FROM onramp.circuit_deprovision_withdraw('(customer,Acme,,,,)', '%s', NULL)",
        circuit);
    run(api, "SELECT * FROM onramp.circuit_status_set('(operator,Op,,,,)', '%s', 'Disabled', 'r')",
        circuit);
    ck_assert_str_eq(by_partner("carrier"),
                     "circuit.provisioned circuit.updated circuit.updated "
                     "circuit.deprovision_requested circuit.deprovision_withdrawn "
                     "circuit.disabled");
}
END_TEST

START_TEST(a_larger_bandwidth_is_a_change_that_a_partner_sees)
{
    begin();
    const char *small =
        value(api,
              "SELECT id FROM onramp.circuit_create('(customer,Acme,,,,)', '%s', 'hq', 'carrier', "
              "'Amsterdam', 50, 'Standard', 'MeteredData', '{}')",
              customer);
    bring_to(small, "Provisioned");
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, NULL, 100, NULL, "
        "NULL, NULL)",
        small);
    ck_assert_str_eq(by_partner("carrier"), "circuit.provisioned circuit.updated");
}
END_TEST

START_TEST(a_partner_whose_key_was_replaced_hears_nothing_until_it_quotes_the_new_one)
{
    begin();
    const char *old = key_of(circuit);
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        old);
    run(api, "SELECT * FROM onramp.circuit_service_key_rotate('(customer,Acme,,,,)', '%s', NULL)",
        circuit);
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, NULL, NULL, "
        "'Premium', NULL, NULL)",
        circuit);
    ck_assert_str_eq(by_partner("carrier"), "circuit.updated");
    announce(circuit, "circuit.provisioning", "{}");
    const char *keys = heard("NULL, 'carrier'", "' ' || service_key");
    ck_assert_str_eq(keys, value(owner, "SELECT 'circuit.updated %s circuit.provisioning %s'", old,
                                 key_of(circuit)));
}
END_TEST

START_TEST(a_partner_hears_that_its_circuit_was_deleted_and_nothing_of_connections)
{
    begin();
    bring_to(circuit, "Provisioned");
    const char *connection = connected(customer, circuit, vnet_new(customer, 1));
    run(api, "SELECT * FROM onramp.connection_delete('(customer,Acme,,,,)', '%s', NULL)",
        connection);
    announce(circuit, "circuit.deprovisioned", "{}");
    run(api, "SELECT * FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', NULL)", circuit);
    ck_assert_str_eq(by_partner("carrier"),
                     "circuit.provisioned circuit.deprovisioned circuit.deleted");
    ck_assert_str_eq(by_customer(customer),
                     "circuit.created circuit.provisioned connection.created connection.deleted "
                     "circuit.deprovisioned circuit.deleted");
    ck_assert_str_eq(heard("NULL, 'carrier'", "' ' || actor_name"),
                     "circuit.provisioned carrier circuit.deprovisioned carrier "
                     "circuit.deleted owner of the circuit");
}
END_TEST

/* The owner of the VNet hears of its connection, and nothing of whose circuit it is. */
START_TEST(both_sides_hear_of_a_shared_connection_and_not_of_each_other)
{
    begin();
    bring_to(circuit, "Provisioned");
    const char *guest = customer_new("Guest"), *stranger = customer_new("Stranger");
    const char *key =
        value(api,
              "SELECT authorization_key FROM onramp.authorization_create('(customer,Acme,,,,)', "
              "'%s', '%s', 'for you', "
              "'onra_key')",
              circuit, customer);
    const char *connection = value(
        api,
        "SELECT id FROM onramp.connection_create('(customer,Guest,,,,)', '%s', NULL, '%s', '%s')",
        guest, vnet_new(guest, 7), key);
    run(api, "SELECT * FROM onramp.circuit_status_set('(operator,Op,,,,)', '%s', 'Disabled', 'r')",
        circuit);
    run(api, "SELECT * FROM onramp.circuit_status_set('(operator,Op,,,,)', '%s', 'Enabled', 'r')",
        circuit);
    announce(circuit, "circuit.deprovisioning", "{}");
    run(api, "SELECT * FROM onramp.connection_delete('(customer,Acme,,,,)', '%s', '%s')",
        connection, customer);
    static const char columns[] = "' by ' || actor_name || coalesce(' on ' || circuit_id, '') || "
                                  "coalesce(' ' || from_status, '') || coalesce(' ' || to_status, "
                                  "'') || ','";
    ck_assert_str_eq(heard(value(owner, "SELECT '''%s'', NULL'", guest), columns),
                     "connection.created by Guest, connection.down by Op, connection.up by Op, "
                     "connection.down by partner of the circuit, "
                     "connection.deleted by owner of the circuit,");
    ck_assert_str_eq(by_customer(customer),
                     "circuit.created circuit.provisioned connection.created circuit.disabled "
                     "connection.down circuit.enabled connection.up circuit.deprovisioning "
                     "connection.down connection.deleted");
    ck_assert_str_eq(heard(value(owner, "SELECT '''%s'', NULL'", customer),
                           "CASE WHEN type = 'connection.created' THEN ' by ' || actor_name ELSE "
                           "'' END"),
                     "circuit.created circuit.provisioned connection.created by owner of the VNet "
                     "circuit.disabled connection.down circuit.enabled connection.up "
                     "circuit.deprovisioning connection.down connection.deleted");
    ck_assert_str_eq(by_customer(stranger), "");
    ck_assert_str_eq(by_partner("carrier"), "circuit.provisioned circuit.disabled circuit.enabled "
                                            "circuit.deprovisioning");
}
END_TEST

START_TEST(the_trace_of_the_request_goes_with_its_events)
{
    begin();
    run(api, "BEGIN");
    run(api, "SELECT set_config('onramp.traceparent', '00-ab-cd-01', true)");
    tags_set(api, circuit, 1);
    run(api, "SELECT set_config('onramp.traceparent', '', true)");
    tags_set(api, circuit, 2);
    run(api, "COMMIT");
    publish(api);
    ck_assert_str_eq(value(owner, "SELECT string_agg(coalesce(traceparent, 'none'), ' ' ORDER BY "
                                  "position) FROM feed"),
                     "none 00-ab-cd-01 none");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *tcase = scene_case(suite, "feed", 60);
    tcase_add_test(tcase, what_commits_late_is_not_missed);
    tcase_add_test(tcase, what_is_rolled_back_leaves_no_gap);
    tcase_add_test(tcase, two_publishers_at_once_give_each_event_one_position);
    tcase_add_test(tcase, a_publisher_that_is_rolled_back_loses_nothing);
    tcase_add_test(tcase, a_publisher_among_writers_publishes_what_it_wrote);
    tcase_add_test(tcase, the_tail_goes_on_where_it_stopped);
    tcase_add_loop_test(tcase, a_reader_misses_nothing_whatever_the_order_of_commits, 0, 3);
    tcase_add_test(tcase, a_feed_that_is_written_and_published_at_once_is_whole);
    tcase_add_test(tcase, nothing_comes_to_the_feed_by_hand);
    tcase_add_test(tcase, nothing_in_the_feed_changes_or_goes_before_its_time);
    tcase_add_test(tcase, the_daemon_may_only_call_functions);
    tcase_add_test(tcase, the_feed_forgets_what_is_older_than_it_is_kept);
    tcase_add_test(tcase, a_cursor_from_before_what_is_kept_has_expired);
    tcase_add_test(tcase, whoever_hears_nothing_gets_ahead_all_the_same);
    tcase_add_test(tcase, pages_follow_each_other_without_gap_or_overlap);
    tcase_add_test(tcase, a_rare_type_is_found_behind_many_others);
    tcase_add_test(tcase, a_partner_hears_nothing_before_it_has_quoted_the_key);
    tcase_add_test(tcase, what_was_written_before_the_key_was_quoted_stays_unheard);
    tcase_add_test(tcase, an_operator_in_the_partners_place_does_not_quote_the_key);
    tcase_add_test(tcase, a_partner_hears_of_a_change_that_it_sees);
    tcase_add_test(tcase, a_larger_bandwidth_is_a_change_that_a_partner_sees);
    tcase_add_test(tcase,
                   a_partner_whose_key_was_replaced_hears_nothing_until_it_quotes_the_new_one);
    tcase_add_test(tcase, a_partner_hears_that_its_circuit_was_deleted_and_nothing_of_connections);
    tcase_add_test(tcase, both_sides_hear_of_a_shared_connection_and_not_of_each_other);
    tcase_add_test(tcase, the_trace_of_the_request_goes_with_its_events);
    return scene_run(suite);
}
