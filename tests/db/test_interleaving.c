/* SPDX-License-Identifier: Apache-2.0 */
/* Two and three sessions stepped in a fixed order, at each isolation level. What each test pins
 * stands above it. Whatever an isolation level makes of a conflict - waiting, then a refusal, or a
 * serialization failure - the rule it is about must hold afterwards. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

static const char *customer, *circuit, *vnet;
static PGconn *one, *two;

static void begin_story(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
    vnet = vnet_new(customer, 1);
    bring_to(circuit, "Provisioned");
}

/* Two transactions that have taken their snapshots before either writes. */
static void begin_two(const char *role, int level)
{
    one = session(role);
    two = session(role);
    run(one, "BEGIN ISOLATION LEVEL %s", levels[level]);
    run(two, "BEGIN ISOLATION LEVEL %s", levels[level]);
    run(one, "SELECT 1");
    run(two, "SELECT 1");
}

#define CONNECT                                                                                    \
    "INSERT INTO onramp.connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) " \
    "VALUES ('%s', '%s', '%s', '%s')"

static bool serialization_failure(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0;
}

/* Under READ COMMITTED the second waits and then sees the first: the rule itself refuses. Above it,
 * its snapshot is old: a serialization failure. Never success. */
static void loses(int level, const char *sqlstate, const char *rule)
{
    if (level == 0)
        ck_assert_str_eq(sqlstate, rule);
    else
        ck_assert_msg(serialization_failure(sqlstate) || strcmp(sqlstate, rule) == 0, "%s",
                      sqlstate);
}

/* Counting under a row lock lets both in at REPEATABLE READ: the count is of the old snapshot. */
START_TEST(the_last_place_of_a_circuit_goes_to_one_of_two)
{
    begin_story();
    for (int i = 1; i <= 9; i++)
        run(owner, CONNECT, circuit, vnet_new(customer, 10 + i), customer, customer);
    const char *other = vnet_new(customer, 2);
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two, CONNECT, circuit, other, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23514");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 10);
}
END_TEST

START_TEST(the_last_place_of_a_vnet_goes_to_one_of_two)
{
    begin_story();
    for (int i = 0; i < 3; i++)
        run(owner, CONNECT, circuit_new(customer), vnet, customer, customer);
    const char *other = circuit_new(customer);
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two, CONNECT, other, vnet, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23514");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 4);
}
END_TEST

/* A place that is given back by a rollback is free again for the one who waited. */
START_TEST(a_place_that_was_rolled_back_is_free)
{
    begin_story();
    for (int i = 1; i <= 9; i++)
        run(owner, CONNECT, circuit, vnet_new(customer, 10 + i), customer, customer);
    const char *other = vnet_new(customer, 2);
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two, CONNECT, circuit, other, customer, customer);
    blocked(two);
    run(one, "ROLLBACK");
    ck_assert_str_eq(finish(two, NULL), "");
    run(two, "COMMIT");
    ck_assert_int_eq(number(owner, "SELECT used FROM circuits WHERE id = '%s'", circuit), 10);
}
END_TEST

/* A lock alone leaves the old snapshot in force; the overlap was then committed at REPEATABLE READ.
 */
START_TEST(two_overlapping_vnets_do_not_slip_in_side_by_side)
{
    begin_story();
    const char *overlapping = vnet_new(customer, 1);
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two, CONNECT, circuit, overlapping, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23P01");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 1);
}
END_TEST

/* The address space that is checked must be the one that is committed, not the one of the snapshot.
 */
START_TEST(a_vnet_that_grows_while_it_is_connected_does_not_overlap)
{
    begin_story();
    run(owner, CONNECT, circuit, vnet, customer, customer);
    const char *growing = vnet_new(customer, 2);
    begin_two("onramp_owner", _i);
    run(one, "UPDATE onramp.vnets SET address_space = '{10.2.0.0/16,10.1.0.0/16}' WHERE id = '%s'",
        growing);
    start(two, CONNECT, circuit, growing, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23P01");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 1);
}
END_TEST

START_TEST(a_vnet_that_is_being_connected_does_not_change_its_addresses)
{
    begin_story();
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two,
          "UPDATE onramp.vnets SET address_space = '{10.1.0.0/16,10.2.0.0/16}' WHERE id = '%s'",
          vnet);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23000");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnet_prefixes"), 1);
}
END_TEST

/* Both events begin where the circuit stands in their snapshots; only one of them is true. */
START_TEST(two_events_from_one_status_move_it_once)
{
    begin_story();
    static const char event[] = "INSERT INTO onramp.circuit_events (circuit_id, sequence, type, "
                                "from_status, to_status, actor_role, actor_name) "
                                "VALUES ('%s', 3, '%s', 'Provisioned', '%s', 'operator', 'x')";
    begin_two("onramp_owner", _i);
    run(one, event, circuit, "circuit.deprovisioning", "Deprovisioning");
    start(two, event, circuit, "circuit.deprovisioned", "NotProvisioned");
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23000");
    ck_assert_str_eq(value(owner,
                           "SELECT provider_status || last_sequence FROM circuits WHERE id = '%s'",
                           circuit),
                     "Deprovisioning3");
    ck_assert_int_eq(events_of(circuit), 3);
}
END_TEST

START_TEST(the_same_event_twice_moves_it_once)
{
    begin_story();
    static const char event[] = "INSERT INTO onramp.circuit_events (circuit_id, sequence, type, "
                                "from_status, to_status, actor_role, actor_name) "
                                "VALUES ('%s', 3, 'circuit.deprovisioning', 'Provisioned', "
                                "'Deprovisioning', 'operator', 'x')";
    begin_two("onramp_owner", _i);
    run(one, event, circuit);
    start(two, event, circuit);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23000");
    ck_assert_int_eq(events_of(circuit), 3);
}
END_TEST

/* A delete that has found nothing in the way, and a connection that is made meanwhile. */
START_TEST(a_circuit_that_is_being_connected_is_not_deleted)
{
    begin_story();
    announce(circuit, "circuit.deprovisioned", "{}");
    begin_two("onramp_owner", _i);
    run(one, CONNECT, circuit, vnet, customer, customer);
    start(two, "SELECT outcome FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')", circuit,
          customer);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "circuit_in_use") == 0
                          : serialization_failure(sqlstate),
                  "%s %s", sqlstate, outcome);
    ck_assert_str_eq(value(owner, "SELECT deleted_at FROM circuits WHERE id = '%s'", circuit), "");
}
END_TEST

START_TEST(a_circuit_that_is_being_deleted_is_not_connected)
{
    begin_story();
    announce(circuit, "circuit.deprovisioned", "{}");
    begin_two("onramp_owner", _i);
    run(one, "SELECT * FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')", circuit,
        customer);
    start(two, CONNECT, circuit, vnet, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23000");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
}
END_TEST

START_TEST(an_authorization_that_is_being_revoked_opens_nothing)
{
    begin_story();
    const char *guest = customer_new("Guest"), *foreign = vnet_new(guest, 2);
    const char *key = value(owner,
                            "INSERT INTO authorizations (customer_id, circuit_id, "
                            "authorization_key, name) VALUES ('%s', '%s', 'k', 'n') RETURNING id",
                            customer, circuit);
    begin_two("onramp_owner", _i);
    run(one, "DELETE FROM onramp.authorizations WHERE id = '%s'", key);
    start(two,
          "INSERT INTO onramp.connections (circuit_id, vnet_id, circuit_customer_id, "
          "vnet_customer_id, authorization_id) "
          "VALUES ('%s', '%s', '%s', '%s', '%s')",
          circuit, foreign, customer, guest, key);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23503");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
}
END_TEST

START_TEST(a_lower_limit_and_a_new_connection_do_not_pass_each_other)
{
    begin_story();
    run(owner, CONNECT, circuit, vnet, customer, customer);
    const char *other = vnet_new(customer, 2);
    begin_two("onramp_owner", _i);
    run(one, "UPDATE onramp.vnet_limits SET vnets = 1 WHERE tier = 'Standard' AND bandwidth_mbps = "
             "1000");
    start(two, CONNECT, circuit, other, customer, customer);
    blocked(two);
    run(one, "COMMIT");
    loses(_i, finish(two, NULL), "23514");
    ck_assert_str_eq(
        value(owner, "SELECT used || ' ' || vnet_limit FROM circuits WHERE id = '%s'", circuit),
        "1 1");
}
END_TEST

/* --- through the API
 * ------------------------------------------------------------------------------- */

static const char *callback(const char *service_key, const char *type, const char *id,
                            const char *body, const char *secret)
{
    return value(owner,
                 "SELECT format('SELECT CASE outcome WHEN ''ok'' THEN reason ELSE outcome END FROM "
                 "onramp.callback_apply(''(partner,carrier,,,,)'', ''carrier'', %%L, "
                 "%%L, clock_timestamp(), ''{}'', %%L, repeat(%%L, 32), %%L)', '%s', '%s', '%s', "
                 "'%s', '%s')",
                 service_key, type, id, body, secret);
}

/* Both have looked for the webhook-id before either has remembered it. */
START_TEST(the_same_callback_at_once_is_applied_once)
{
    begin_story();
    const char *call =
        callback(key_of(circuit), "circuit.deprovisioning", "m", "ab", secret_of("carrier"));
    begin_two("onramp_daemon", _i);
    run(one, "%s", call);
    start(two, "%s", call);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "duplicate") == 0 : serialization_failure(sqlstate),
                  "%s %s", sqlstate, outcome);
    ck_assert_int_eq(events_of(circuit), 3);
}
END_TEST

/* The id is taken by another circuit's callback after this one has looked: decided by the insert.
 */
START_TEST(one_webhook_id_for_two_circuits_at_once_serves_one)
{
    begin_story();
    const char *other = circuit_new(customer), *secret = secret_of("carrier");
    const char *first = callback(key_of(circuit), "circuit.deprovisioning", "m", "ab", secret);
    const char *second = callback(key_of(other), "circuit.provisioned", "m", "cd", secret);
    begin_two("onramp_daemon", _i);
    run(one, "%s", first);
    start(two, "%s", second);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "webhook_id_reused") == 0
                          : serialization_failure(sqlstate),
                  "%s %s", sqlstate, outcome);
    PQclear(PQexec(two, "COMMIT"));
    ck_assert_str_eq(value(owner, "SELECT provider_status FROM circuits WHERE id = '%s'", other),
                     "NotProvisioned");
}
END_TEST

START_TEST(the_last_place_goes_to_one_of_two_calls_and_the_other_is_told)
{
    begin_story();
    for (int i = 1; i <= 9; i++)
        connected(customer, circuit, vnet_new(customer, 10 + i));
    const char *other = vnet_new(customer, 2);
    begin_two("onramp_daemon", _i);
    run(one, "SELECT * FROM onramp.connection_create('(customer,x,,,,)', '%s', '%s', '%s')",
        customer, circuit, vnet);
    start(two,
          "SELECT outcome || (facts ->> 'used') FROM onramp.connection_create('(customer,x,,,,)', "
          "'%s', '%s', '%s')",
          customer, circuit, other);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "circuit_vnet_limit_reached10") == 0
                          : serialization_failure(sqlstate),
                  "%s %s", sqlstate, outcome);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 10);
}
END_TEST

/* Deleting takes circuit, VNet, connection in the order in which connecting does: no deadlock. */
START_TEST(connecting_and_disconnecting_the_same_pair_do_not_deadlock)
{
    begin_story();
    const char *id = connected(customer, circuit, vnet);
    begin_two("onramp_daemon", _i);
    run(one, "SELECT * FROM onramp.connection_delete('(customer,x,,,,)', '%s', '%s')", id,
        customer);
    start(two, "SELECT outcome FROM onramp.connection_create('(customer,x,,,,)', '%s', '%s', '%s')",
          customer, circuit, vnet);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "ok") == 0 : serialization_failure(sqlstate), "%s %s",
                  sqlstate, outcome);
}
END_TEST

/* Two shared transactions that name the same rows in opposite orders: arrival order would deadlock.
 */
START_TEST(batches_lock_in_one_order_whatever_order_they_name)
{
    begin_story();
    const char *other = circuit_new(customer), *net = vnet_new(customer, 2);
    bring_to(other, "Provisioned");
    const char *id = connected(customer, other, net);
    begin_two("onramp_daemon", _i);
    PGconn *three = session("onramp_daemon");
    run(one, "SELECT * FROM onramp.batch_lock('{%s,%s}', NULL, '{%s}', NULL)", other, circuit,
        vnet);
    start(two, "SELECT outcome FROM onramp.batch_lock('{}', '{%s,%s}', '{%s}', '{}')",
          key_of(circuit), key_of(other), vnet);
    blocked(two);
    start(three, "SELECT outcome FROM onramp.batch_lock(NULL, NULL, NULL, '{%s}')", id);
    blocked(three);
    run(one, "SELECT * FROM onramp.connection_create('(customer,x,,,,)', '%s', '%s', '%s')",
        customer, circuit, vnet);
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "ok") == 0 : serialization_failure(sqlstate), "%s %s",
                  sqlstate, outcome);
    PQclear(PQexec(two, "COMMIT"));
    ck_assert_str_eq(finish(three, &outcome), "");
    ck_assert_str_eq(outcome, "ok");
}
END_TEST

/* By the key of an authorization, too, the circuit comes before the VNet. */
START_TEST(a_batch_locks_what_a_key_opens_before_the_vnets)
{
    begin_story();
    const char *guest = customer_new("Guest"), *net = vnet_new(guest, 7);
    for (int i = 1; i <= 2; i++)
        run(api,
            "SELECT * FROM onramp.authorization_create('(customer,Acme,,,,)', '%s', '%s', 'guest', "
            "'onra_%d')",
            circuit, customer, i);
    begin_two("onramp_daemon", _i);
    run(one,
        "SELECT * FROM onramp.batch_lock(NULL, NULL, '{%s}', NULL, NULL, NULL,"
        " '{onra_1,onra_none}')",
        net);
    start(two,
          "SELECT outcome FROM onramp.connection_create('(customer,x,,,,)', '%s', NULL, '%s',"
          " 'onra_2')",
          guest, net);
    blocked(two);
    ck_assert_str_eq(value(one,
                           "SELECT outcome FROM onramp.connection_create_each("
                           "'{\"(customer,x,,,,)\"}', '{%s}', '{NULL}', '{%s}', '{onra_1}')",
                           guest, net),
                     "ok");
    run(one, "COMMIT");
    const char *outcome, *sqlstate = finish(two, &outcome);
    ck_assert_msg(_i == 0 ? strcmp(outcome, "already_connected") == 0
                          : serialization_failure(sqlstate),
                  "%s %s", sqlstate, outcome);
}
END_TEST

/* While a batch waits for a row, it holds none that stands behind that row in the order: circuits
 * by id, then VNets. */
START_TEST(a_batch_that_waits_holds_nothing_that_comes_later)
{
    begin_story();
    const char *later = circuit_new(customer);
    begin_two("onramp_daemon", _i);
    run(one, "SELECT * FROM onramp.batch_lock('{%s}', NULL, NULL, NULL)", circuit);
    start(two, "SELECT outcome FROM onramp.batch_lock('{%s,%s}', NULL, '{%s}', NULL)", later,
          circuit, vnet);
    blocked(two);
    run(owner, "BEGIN");
    run(owner, "SELECT FROM circuits WHERE id = '%s' FOR UPDATE NOWAIT", later);
    run(owner, "SELECT FROM vnets WHERE id = '%s' FOR UPDATE NOWAIT", vnet);
    run(owner, "ROLLBACK");
    run(one, "COMMIT");
    ck_assert_str_eq(finish(two, NULL), "");
}
END_TEST

/* What somebody is changing is left to the next round, not waited for. */
START_TEST(marking_stalled_circuits_does_not_wait)
{
    begin_story();
    run(owner, "UPDATE settings SET partner_patience = '1 ms'");
    const char *late = circuit_new(customer);
    announce(late, "circuit.progress", "{}");
    begin_two("onramp_daemon", _i);
    run(one, "SELECT * FROM onramp.batch_lock('{%s}', NULL, NULL, NULL)", late);
    ck_assert_str_eq(value(two, "SELECT done FROM onramp.circuit_stall(10)"), "0");
    run(two, "COMMIT");
    run(one, "COMMIT");
    ck_assert_str_eq(value(api, "SELECT done FROM onramp.circuit_stall(10)"), "1");
}
END_TEST

START_TEST(two_rotations_at_once_leave_one_secret_without_end)
{
    begin_two("onramp_daemon", _i);
    run(one,
        "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'rival', NULL, '" SEALED(
            "1") "', 60)");
    start(two, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'rival', "
               "NULL, '" SEALED("2") "', 60)");
    blocked(two);
    run(one, "COMMIT");
    const char *sqlstate = finish(two, NULL);
    if (_i == 0)
        ck_assert_str_eq(sqlstate, "");
    PQclear(PQexec(two, "COMMIT"));
    ck_assert_int_eq(
        number(
            owner,
            "SELECT count(*) FROM callback_secrets WHERE partner = 'rival' AND expires_at IS NULL"),
        1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interleaving");
    TCase *rules = scene_case(suite, "by hand", 60);
    tcase_add_loop_test(rules, the_last_place_of_a_circuit_goes_to_one_of_two, 0, 3);
    tcase_add_loop_test(rules, the_last_place_of_a_vnet_goes_to_one_of_two, 0, 3);
    tcase_add_loop_test(rules, a_place_that_was_rolled_back_is_free, 0, 3);
    tcase_add_loop_test(rules, two_overlapping_vnets_do_not_slip_in_side_by_side, 0, 3);
    tcase_add_loop_test(rules, a_vnet_that_grows_while_it_is_connected_does_not_overlap, 0, 3);
    tcase_add_loop_test(rules, a_vnet_that_is_being_connected_does_not_change_its_addresses, 0, 3);
    tcase_add_loop_test(rules, two_events_from_one_status_move_it_once, 0, 3);
    tcase_add_loop_test(rules, the_same_event_twice_moves_it_once, 0, 3);
    tcase_add_loop_test(rules, a_circuit_that_is_being_connected_is_not_deleted, 0, 3);
    tcase_add_loop_test(rules, a_circuit_that_is_being_deleted_is_not_connected, 0, 3);
    tcase_add_loop_test(rules, an_authorization_that_is_being_revoked_opens_nothing, 0, 3);
    tcase_add_loop_test(rules, a_lower_limit_and_a_new_connection_do_not_pass_each_other, 0, 3);
    TCase *calls = scene_case(suite, "by the API", 60);
    tcase_add_loop_test(calls, the_same_callback_at_once_is_applied_once, 0, 3);
    tcase_add_loop_test(calls, one_webhook_id_for_two_circuits_at_once_serves_one, 0, 3);
    tcase_add_loop_test(calls, the_last_place_goes_to_one_of_two_calls_and_the_other_is_told, 0, 3);
    tcase_add_loop_test(calls, connecting_and_disconnecting_the_same_pair_do_not_deadlock, 0, 3);
    tcase_add_loop_test(calls, batches_lock_in_one_order_whatever_order_they_name, 0, 3);
    tcase_add_loop_test(calls, a_batch_locks_what_a_key_opens_before_the_vnets, 0, 3);
    tcase_add_loop_test(calls, a_batch_that_waits_holds_nothing_that_comes_later, 0, 3);
    tcase_add_loop_test(calls, marking_stalled_circuits_does_not_wait, 0, 3);
    tcase_add_loop_test(calls, two_rotations_at_once_leave_one_secret_without_end, 0, 3);
    return scene_run(suite);
}
