/* SPDX-License-Identifier: Apache-2.0 */
/* Connections through the API: the order of refusals and what they say, both counters, both sides.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *customer, *circuit, *vnet;

static void begin(const char *status)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
    vnet = vnet_new(customer, 1);
    bring_to(circuit, status);
}

START_TEST(a_new_connection_is_as_promised_and_counts_on_both_sides)
{
    begin("Provisioned");
    long version = number(api, "SELECT version FROM onramp.circuit_get('%s', NULL)", circuit);
    PGresult *k =
        run(api, "SELECT * FROM onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
            customer, circuit, vnet);
    ck_assert_str_eq(field(k, 0, "outcome"), "ok");
    ck_assert_str_eq(field(k, 0, "circuit_id"), circuit);
    ck_assert_str_eq(field(k, 0, "vnet_id"), vnet);
    ck_assert_str_eq(field(k, 0, "status"), "Connected");
    ck_assert_str_eq(field(k, 0, "authorization_id"), "");
    PGresult *read =
        run(api, "SELECT * FROM onramp.connection_get('%s', '%s')", field(k, 0, "id"), customer);
    for (int i = 0; i < PQnfields(read); i++)
        ck_assert_str_eq(PQgetvalue(read, 0, i), PQgetvalue(k, 0, i));
    PGresult *c =
        run(api, "SELECT connections_used, version FROM onramp.circuit_get('%s', NULL)", circuit);
    ck_assert_str_eq(field(c, 0, "connections_used"), "1");
    ck_assert_int_eq(number(api, "SELECT version FROM onramp.circuit_get('%s', NULL)", circuit),
                     version + 1);
    ck_assert_str_eq(
        value(api, "SELECT circuits_used || ' ' || version FROM onramp.vnet_get('%s', NULL)", vnet),
        "1 3");
    PGresult *e =
        run(owner,
            "SELECT * FROM circuit_events WHERE circuit_id = '%s' ORDER BY sequence DESC LIMIT 1",
            circuit);
    ck_assert_str_eq(field(e, 0, "type"), "connection.created");
    ck_assert_str_eq(field(e, 0, "connection_id"), field(k, 0, "id"));
    ck_assert_str_eq(field(e, 0, "actor_role"), "customer");
    ck_assert_str_eq(field(e, 0, "actor_name"), "Acme");
}
END_TEST

START_TEST(a_deleted_connection_gives_both_places_back)
{
    begin("Provisioned");
    const char *id = connected(customer, circuit, vnet);
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.connection_delete('(customer,x,,,,)', '%s', '%s')",
              id, customer_new("Other")),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.connection_delete('(customer,Zoe,,,,)', '%s', '%s')",
              id, customer),
        "ok");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.connection_delete('(customer,Zoe,,,,)', '%s', '%s')",
              id, customer),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT connections_used FROM onramp.circuit_get('%s', NULL)", circuit), "0");
    ck_assert_str_eq(value(api, "SELECT circuits_used FROM onramp.vnet_get('%s', NULL)", vnet),
                     "0");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 0);
    ck_assert_str_eq(value(owner,
                           "SELECT type || ' ' || actor_name FROM circuit_events WHERE circuit_id "
                           "= '%s' ORDER BY sequence DESC LIMIT 1",
                           circuit),
                     "connection.deleted Zoe");
    connected(customer, circuit, vnet);
}
END_TEST

START_TEST(only_a_provisioned_circuit_is_connected)
{
    const char *status = (const char *[]){"NotProvisioned", "Provisioning", "Deprovisioning"}[_i];
    begin(status);
    PGresult *k = run(api,
                      "SELECT outcome, facts ->> 'providerStatus' AS status FROM "
                      "onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
                      customer, circuit, vnet);
    ck_assert_str_eq(field(k, 0, "outcome"), "circuit_not_provisioned");
    ck_assert_str_eq(field(k, 0, "status"), status);
}
END_TEST

START_TEST(a_disabled_circuit_is_not_connected_and_shows_its_connections_down)
{
    begin("Provisioned");
    const char *id = connected(customer, circuit, vnet);
    run(owner, "UPDATE circuits SET circuit_status = 'Disabled'");
    ck_assert_str_eq(value(api, "SELECT status FROM onramp.connection_get('%s', NULL)", id),
                     "Down");
    ck_assert_str_eq(outcome_of_connecting(customer, circuit, vnet_new(customer, 2)),
                     "circuit_disabled");
}
END_TEST

START_TEST(a_circuit_that_will_be_deleted_takes_no_new_connections)
{
    begin("Provisioned");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM "
                           "onramp.circuit_deprovision_request('(customer,Acme,,,,)', '%s', '%s', "
                           "true)",
                           circuit, customer),
                     "ok");
    ck_assert_str_eq(outcome_of_connecting(customer, circuit, vnet),
                     "circuit_deprovision_requested");
}
END_TEST

START_TEST(a_vnet_without_gateway_is_not_connected)
{
    begin("Provisioned");
    run(api, "SELECT * FROM onramp.vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')", vnet,
        customer);
    ck_assert_str_eq(outcome_of_connecting(customer, circuit, vnet), "vnet_has_no_gateway");
}
END_TEST

START_TEST(a_vnet_is_not_connected_twice)
{
    begin("Provisioned");
    connected(customer, circuit, vnet);
    ck_assert_str_eq(outcome_of_connecting(customer, circuit, vnet), "already_connected");
}
END_TEST

START_TEST(an_eleventh_vnet_is_refused_with_limit_used_and_scope)
{
    begin("Provisioned");
    connected(customer, circuit, vnet);
    for (int i = 2; i <= 10; i++)
        connected(customer, circuit, vnet_new(customer, i));
    const char *eleventh = vnet_new(customer, 11);
    ck_assert_str_eq(value(api,
                           "SELECT outcome || concat_ws(',', '', facts ->> 'limit', facts ->> "
                           "'used', facts ->> 'scope') "
                           "FROM onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
                           customer, circuit, eleventh),
                     "circuit_vnet_limit_reached,10,10,circuit");
    /* Already connected is said before the limit. */
    ck_assert_str_eq(outcome_of_connecting(customer, circuit, vnet), "already_connected");
}
END_TEST

START_TEST(a_fifth_circuit_is_refused_with_limit_used_and_scope)
{
    begin("Provisioned");
    connected(customer, circuit, vnet);
    for (int i = 2; i <= 5; i++) {
        const char *next = circuit_new(customer);
        bring_to(next, "Provisioned");
        if (i <= 4)
            connected(customer, next, vnet);
        else
            ck_assert_str_eq(
                value(api,
                      "SELECT outcome || concat_ws(',', '', facts ->> 'limit', facts ->> 'used', "
                      "facts ->> 'scope') "
                      "FROM onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
                      customer, next, vnet),
                "vnet_circuit_limit_reached,4,4,vnet");
    }
}
END_TEST

START_TEST(overlapping_address_spaces_are_refused_on_one_circuit_and_free_on_two)
{
    begin("Provisioned");
    connected(customer, circuit, vnet);
    const char *inner = value(api,
                              "SELECT id FROM onramp.vnet_create('(customer,Acme,,,,)', '%s', 'i', "
                              "'{192.168.0.0/16,10.1.7.0/24}', '{}')",
                              customer);
    run(api,
        "SELECT * FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', '%s', '%s', "
        "'192.168.0.0/27')",
        inner, customer);
    const char *detail =
        value(api,
              "SELECT facts ->> 'detail' FROM onramp.connection_create('(customer,Acme,,,,)', "
              "'%s', '%s', '%s') WHERE outcome = 'address_space_overlap'",
              customer, circuit, inner);
    ck_assert_msg(strstr(detail, "10.1.7.0/24") && !strstr(detail, "10.1.0.0/16"), "%s", detail);
    const char *other = circuit_new(customer);
    bring_to(other, "Provisioned");
    connected(customer, other, inner);
}
END_TEST

START_TEST(what_is_foreign_is_not_found_and_says_which_member)
{
    begin("Provisioned");
    const char *stranger = customer_new("Other"), *theirs = circuit_new(stranger),
               *net = vnet_new(stranger, 2);
    bring_to(theirs, "Provisioned");
    static const char query[] = "SELECT outcome || ' ' || (facts ->> 'detail') FROM "
                                "onramp.connection_create('(customer,x,,,,)', '%s', '%s', '%s')";
    ck_assert_str_eq(value(api, query, customer, theirs, vnet),
                     "not_found There is no circuit with this circuitId.");
    ck_assert_str_eq(value(api, query, customer, customer, vnet),
                     "not_found There is no circuit with this circuitId.");
    ck_assert_str_eq(value(api, query, customer, circuit, net),
                     "not_found There is no VNet with this vnetId.");
    ck_assert_str_eq(value(api, query, customer, circuit, customer),
                     "not_found There is no VNet with this vnetId.");
    run(api, "SELECT * FROM onramp.connection_create('(customer,x,,,,)', '%s', '%s', '%s')",
        stranger, theirs, net);
    const char *id = value(owner, "SELECT id FROM connections");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.connection_get('%s', '%s')", id, customer),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT id FROM onramp.connection_list('%s', NULL, 10, NULL, NULL)", customer),
        "");
    ck_assert_str_eq(value(api, "SELECT id FROM onramp.connection_list('%s', NULL, 10, '%s', NULL)",
                           customer, theirs),
                     "");
    ck_assert_str_eq(value(api, "SELECT id FROM onramp.connection_list('%s', NULL, 10, NULL, '%s')",
                           customer, net),
                     "");
}
END_TEST

START_TEST(lists_go_by_circuit_by_vnet_and_by_both)
{
    begin("Provisioned");
    const char *second = circuit_new(customer), *net = vnet_new(customer, 2);
    bring_to(second, "Provisioned");
    const char *a = connected(customer, circuit, vnet), *b = connected(customer, circuit, net),
               *c = connected(customer, second, vnet);
    char expected[128];
    static const char query[] = "SELECT string_agg(id::text, ' ') FROM onramp.connection_list(%s, "
                                "%s%s%s, 10, %s%s%s, %s%s%s)";
    char me[64];
    snprintf(me, sizeof me, "'%s'", customer);
    snprintf(expected, sizeof expected, "%s %s %s", a, b, c);
    ck_assert_str_eq(value(api, query, me, "", "NULL", "", "", "NULL", "", "", "NULL", ""),
                     expected);
    ck_assert_str_eq(value(api, query, "NULL", "", "NULL", "", "", "NULL", "", "", "NULL", ""),
                     expected);
    snprintf(expected, sizeof expected, "%s %s", a, b);
    ck_assert_str_eq(value(api, query, me, "", "NULL", "", "'", circuit, "'", "", "NULL", ""),
                     expected);
    snprintf(expected, sizeof expected, "%s %s", a, c);
    ck_assert_str_eq(value(api, query, me, "", "NULL", "", "", "NULL", "", "'", vnet, "'"),
                     expected);
    ck_assert_str_eq(value(api, query, me, "", "NULL", "", "'", second, "'", "'", vnet, "'"), c);
    snprintf(expected, sizeof expected, "%s %s", b, c);
    ck_assert_str_eq(value(api, query, me, "'", a, "'", "", "NULL", "", "", "NULL", ""), expected);
    ck_assert_int_eq(
        number(api, "SELECT count(*) FROM onramp.connection_list(NULL, NULL, 1, NULL, NULL)"), 2);
}
END_TEST

START_TEST(on_a_shared_connection_neither_side_sees_the_others_id)
{
    begin("Provisioned");
    const char *guest = customer_new("Guest"), *net = vnet_new(guest, 2);
    run(owner,
        "INSERT INTO authorizations (customer_id, circuit_id, authorization_key, name) VALUES "
        "('%s', '%s', 'k', 'n')",
        customer, circuit);
    const char *id = value(owner,
                           "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, "
                           "vnet_customer_id, authorization_id) "
                           "SELECT '%s', '%s', '%s', '%s', id FROM authorizations RETURNING id",
                           circuit, net, customer, guest);
    PGresult *mine =
        run(api, "SELECT * FROM onramp.connection_list('%s', NULL, 10, NULL, NULL)", customer);
    PGresult *theirs = run(api, "SELECT * FROM onramp.connection_get('%s', '%s')", id, guest);
    ck_assert_str_eq(field(mine, 0, "circuit_id"), circuit);
    ck_assert_str_eq(field(mine, 0, "vnet_id"), "");
    ck_assert_str_eq(field(theirs, 0, "circuit_id"), "");
    ck_assert_str_eq(field(theirs, 0, "vnet_id"), net);
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.connection_delete('(customer,Guest,,,,)', '%s', '%s')",
              id, guest),
        "ok");
}
END_TEST

START_TEST(several_are_connected_in_their_order_up_to_the_limit)
{
    begin("Provisioned");
    const char *vnets[12];
    char list[12 * 40 + 3] = "{";
    for (int i = 0; i < 12; i++) {
        vnets[i] = i == 0 ? vnet : i == 5 ? vnets[2] : vnet_new(customer, 1 + i);
        sprintf(list + strlen(list), "%s%s", i > 0 ? "," : "", vnets[i]);
    }
    strcat(list, "}");
    PGresult *rows =
        run(api,
            "SELECT * FROM onramp.connection_create_each(array_fill("
            " '(customer,Acme,,,,)'::onramp.caller, '{12}'), array_fill('%s'::uuid, '{12}'),"
            " array_fill('%s'::uuid, '{12}'), '%s', array_fill(NULL::text, '{12}'))",
            customer, circuit, list);
    ck_assert_int_eq(PQntuples(rows), 12);
    for (int i = 0; i < 12; i++) {
        ck_assert_str_eq(field(rows, i, "outcome"), i == 5    ? "already_connected"
                                                    : i == 11 ? "circuit_vnet_limit_reached"
                                                              : "ok");
        ck_assert_str_eq(field(rows, i, "vnet_id"), i == 5 || i == 11 ? "" : vnets[i]);
    }
    ck_assert_str_eq(value(owner, "SELECT used FROM circuits WHERE id = '%s'", circuit), "10");
}
END_TEST

START_TEST(the_same_connection_in_one_statement_comes_and_goes_once)
{
    begin("Provisioned");
    PGresult *made =
        run(api,
            "SELECT count(*), count(*) FILTER (WHERE outcome = 'already_connected') AS already"
            " FROM onramp.connection_create_each(array_fill("
            " '(customer,Acme,,,,)'::onramp.caller, '{20}'), array_fill('%s'::uuid, '{20}'),"
            " array_fill('%s'::uuid, '{20}'), array_fill('%s'::uuid, '{20}'),"
            " array_fill(NULL::text, '{20}'))",
            customer, circuit, vnet);
    ck_assert_str_eq(field(made, 0, "count"), "20");
    ck_assert_str_eq(field(made, 0, "already"), "19");
    PGresult *gone = run(api,
                         "SELECT count(*), count(*) FILTER (WHERE outcome = 'not_found') AS before"
                         " FROM onramp.connection_delete_each(array_fill("
                         " '(customer,Acme,,,,)'::onramp.caller, '{20}'),"
                         " array_fill('%s'::uuid, '{20}'), array_fill('%s'::uuid, '{20}'))",
                         value(owner, "SELECT id FROM connections"), customer);
    ck_assert_str_eq(field(gone, 0, "count"), "20");
    ck_assert_str_eq(field(gone, 0, "before"), "19");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connection");
    TCase *tcase = scene_case(suite, "connections", 30);
    tcase_add_test(tcase, a_new_connection_is_as_promised_and_counts_on_both_sides);
    tcase_add_test(tcase, a_deleted_connection_gives_both_places_back);
    tcase_add_loop_test(tcase, only_a_provisioned_circuit_is_connected, 0, 3);
    tcase_add_test(tcase, a_disabled_circuit_is_not_connected_and_shows_its_connections_down);
    tcase_add_test(tcase, a_circuit_that_will_be_deleted_takes_no_new_connections);
    tcase_add_test(tcase, a_vnet_without_gateway_is_not_connected);
    tcase_add_test(tcase, a_vnet_is_not_connected_twice);
    tcase_add_test(tcase, an_eleventh_vnet_is_refused_with_limit_used_and_scope);
    tcase_add_test(tcase, a_fifth_circuit_is_refused_with_limit_used_and_scope);
    tcase_add_test(tcase, overlapping_address_spaces_are_refused_on_one_circuit_and_free_on_two);
    tcase_add_test(tcase, what_is_foreign_is_not_found_and_says_which_member);
    tcase_add_test(tcase, lists_go_by_circuit_by_vnet_and_by_both);
    tcase_add_test(tcase, on_a_shared_connection_neither_side_sees_the_others_id);
    tcase_add_test(tcase, several_are_connected_in_their_order_up_to_the_limit);
    tcase_add_test(tcase, the_same_connection_in_one_statement_comes_and_goes_once);
    return scene_run(suite);
}
