/* SPDX-License-Identifier: Apache-2.0 */
/* Service keys that were replaced, authorizations, and quotas of circuits: what the database itself
 * refuses, whoever asks, and sessions stepped against each other. */
#include "scene.h"

#include <string.h>

static const char *const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

static const char *rotated(const char *customer, const char *circuit)
{
    return value(api,
                 "SELECT service_key FROM onramp.circuit_service_key_rotate('(customer,Acme,,,,)', "
                 "'%s', '%s')",
                 circuit, customer);
}

#define ORDER                                                                                      \
    "SELECT outcome FROM onramp.circuit_create('(customer,Acme,,,,)', '%s', 'c', 'carrier', "      \
    "'Amsterdam', 50, "                                                                            \
    "'Standard', "                                                                                 \
    "'MeteredData', '{}')"
#define ORDER_BY_HAND                                                                              \
    "INSERT INTO onramp.circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "  \
    "sku_tier, sku_family, vnet_limit) VALUES ('%s', 'c', 'carrier', 'Amsterdam', 50, "            \
    "'Standard', "                                                                                 \
    "'MeteredData', 10)"
#define QUOTA                                                                                      \
    "SELECT outcome FROM onramp.customer_limits_put('(operator,ops,,,,)', '%s', %d, %d, 200)"

START_TEST(a_retired_key_is_no_circuits_key_again)
{
    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer);
    const char *old = key_of(circuit), *new = rotated(customer, circuit);
    ck_assert_str_ne(old, new);
    ck_assert_str_eq(value(owner,
                           "SELECT service_key FROM retired_service_keys WHERE circuit_id = '%s'",
                           circuit),
                     old);
    refused(owner, "a_service_key_is_never_used_again",
            "UPDATE circuits SET service_key = '%s' WHERE id = '%s'", old, circuit);
    refused(owner, "a_service_key_is_never_used_again",
            "UPDATE circuits SET service_key = '%s' WHERE id = '%s'", old, circuit_new(customer));
    refused(owner, "a_service_key_is_never_used_again",
            "INSERT INTO circuits (customer_id, service_key, name, partner, peering_location, "
            "bandwidth_mbps, sku_tier, sku_family, vnet_limit) "
            "VALUES ('%s', '%s', 'c', 'carrier', 'Amsterdam', 50, 'Standard', 'MeteredData', 10)",
            customer, old);
    refused(owner, "a_retired_key_stays_retired", "DELETE FROM retired_service_keys");
    refused(owner, "a_retired_key_stays_retired",
            "UPDATE retired_service_keys SET service_key = gen_random_uuid()");
    ck_assert_str_eq(key_of(circuit), new);
}
END_TEST

START_TEST(a_callback_that_waited_for_a_rotation_finds_nothing)
{
    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer),
               *old = key_of(circuit);
    PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
    run(one, "BEGIN");
    run(one, "SELECT * FROM onramp.circuit_service_key_rotate('(customer,Acme,,,,)', '%s', '%s')",
        circuit, customer);
    start(two,
          "SELECT outcome FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', "
          "'%s')",
          old);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome;
    ck_assert_str_eq(finish(two, &outcome), "");
    ck_assert_str_eq(outcome, "not_found");
}
END_TEST

START_TEST(revoking_waits_for_connecting_and_takes_it_along)
{
    const char *mine = customer_new("Acme"), *theirs = customer_new("Other");
    const char *circuit = circuit_new(mine), *vnet = vnet_new(theirs, 1);
    bring_to(circuit, "Provisioned");
    const char *id = value(api,
                           "SELECT id FROM onramp.authorization_create('(customer,Acme,,,,)', "
                           "'%s', '%s', 'x', 'onra_x')",
                           circuit, mine);
    PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
    run(one, "BEGIN");
    ck_assert_str_eq(value(one,
                           "SELECT outcome FROM onramp.connection_create('(customer,Other,,,,)', "
                           "'%s', NULL, '%s', 'onra_x')",
                           theirs, vnet),
                     "ok");
    start(
        two,
        "SELECT outcome FROM onramp.authorization_delete('(customer,Acme,,,,)', '%s', '%s', '%s')",
        circuit, mine, id);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome;
    ck_assert_str_eq(finish(two, &outcome), "");
    ck_assert_str_eq(outcome, "ok");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
    ck_assert_int_eq(number(owner, "SELECT used FROM circuits WHERE id = '%s'", circuit), 0);
    ck_assert_str_eq(value(owner,
                           "SELECT customer_id FROM acts_of_vnet_owners WHERE circuit_id = '%s'",
                           circuit),
                     theirs);
    refused(owner, "an_act_is_kept_as_long_as_its_event", "DELETE FROM acts_of_vnet_owners");
}
END_TEST

START_TEST(no_statement_passes_a_quota)
{
    const char *customer = customer_new("Acme");
    ck_assert_str_eq(value(api, QUOTA, customer, 2, 2), "ok");
    run(owner, ORDER_BY_HAND, customer);
    run(owner, ORDER_BY_HAND, customer);
    refused(owner, "a_customer_has_at_most_its_quota_of_circuits", ORDER_BY_HAND, customer);
    ck_assert_str_eq(value(api, ORDER, customer), "customer_circuit_limit_reached");
    ck_assert_str_eq(value(api, QUOTA, customer, 3, 2), "ok");
    refused(owner, "a_location_holds_at_most_its_quota_of_a_customer", ORDER_BY_HAND, customer);
    ck_assert_str_eq(value(api, ORDER, customer), "location_circuit_limit_reached");
    refused(owner, "circuits_are_counted_by_trigger", "UPDATE circuit_quotas SET used = 0");
    refused(owner, "circuits_are_counted_by_trigger",
            "UPDATE circuit_location_quotas SET used = 0");
    refused(owner, "location_quotas_follow_the_circuits", "DELETE FROM circuit_location_quotas");
    refused(owner, "quotas_are_never_deleted", "DELETE FROM circuit_quotas");
    refused(owner, "a_customer_has_at_most_its_quota_of_circuits",
            "UPDATE circuit_quotas SET circuits = 1");
    refused(owner, "a_location_holds_at_most_its_quota_of_a_customer",
            "UPDATE circuit_quotas SET circuits_per_location = 1");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 2);
}
END_TEST

/* Two orders for the last place, at each isolation level: one gets it. */
START_TEST(the_last_place_of_a_quota_goes_to_one)
{
    const char *customer = customer_new("Acme");
    ck_assert_str_eq(value(api, QUOTA, customer, 1, 1), "ok");
    PGconn *one = session("onramp_owner"), *two = session("onramp_owner");
    run(one, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(two, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(two, "SELECT count(*) FROM onramp.customers");
    run(one, ORDER_BY_HAND, customer);
    start(two, ORDER_BY_HAND, customer);
    blocked(two);
    run(one, "COMMIT");
    ck_assert_str_eq(finish(two, NULL), _i == 0 ? "23514" : "40001");
    run(two, "ROLLBACK");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 1);
    ck_assert_int_eq(number(owner, "SELECT used FROM circuit_quotas"), 1);
}
END_TEST

/* A quota that is set while an order is under way waits for it and counts it; an order that began
 * with a snapshot from before the quota can't overlook it. */
START_TEST(a_quota_counts_an_order_that_is_under_way)
{
    const char *customer = customer_new("Acme");
    PGconn *one = session("onramp_owner"), *two = session("onramp_daemon");
    run(one, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(one, ORDER_BY_HAND, customer);
    start(two, QUOTA, customer, 1, 1);
    blocked(two);
    run(one, "COMMIT");
    const char *outcome;
    ck_assert_str_eq(finish(two, &outcome), "");
    ck_assert_str_eq(outcome, "ok");
    ck_assert_int_eq(number(owner, "SELECT used FROM circuit_quotas"), 1);
    ck_assert_str_eq(value(api, ORDER, customer), "customer_circuit_limit_reached");
}
END_TEST

START_TEST(an_order_with_an_old_snapshot_cannot_overlook_a_quota)
{
    const char *customer = customer_new("Acme");
    PGconn *one = session("onramp_owner");
    run(one, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(one, "SELECT count(*) FROM onramp.circuit_quotas");
    ck_assert_str_eq(value(api, QUOTA, customer, 0, 0), "ok");
    fails(one, _i == 0 ? "23514" : "40001", ORDER_BY_HAND, customer);
    run(one, "ROLLBACK");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 0);
}
END_TEST

START_TEST(a_deletion_under_way_is_not_counted_twice)
{
    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer);
    PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
    run(one, "BEGIN");
    ck_assert_str_eq(
        value(one, "SELECT outcome FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s')",
              circuit, customer),
        "ok");
    start(two, QUOTA, customer, 1, 1);
    blocked(two);
    run(one, "COMMIT");
    ck_assert_str_eq(finish(two, NULL), "");
    ck_assert_int_eq(number(owner, "SELECT used FROM circuit_quotas"), 0);
    ck_assert_str_eq(value(api, ORDER, customer), "ok");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *keys = scene_case(suite, "keys", 30);
    tcase_add_test(keys, a_retired_key_is_no_circuits_key_again);
    tcase_add_test(keys, a_callback_that_waited_for_a_rotation_finds_nothing);
    tcase_add_test(keys, revoking_waits_for_connecting_and_takes_it_along);
    TCase *quotas = scene_case(suite, "quotas", 30);
    tcase_add_test(quotas, no_statement_passes_a_quota);
    tcase_add_loop_test(quotas, the_last_place_of_a_quota_goes_to_one, 0, 3);
    tcase_add_loop_test(quotas, a_quota_counts_an_order_that_is_under_way, 0, 3);
    tcase_add_loop_test(quotas, an_order_with_an_old_snapshot_cannot_overlook_a_quota, 0, 3);
    tcase_add_test(quotas, a_deletion_under_way_is_not_counted_twice);
    return scene_run(suite);
}
