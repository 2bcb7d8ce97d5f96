/* SPDX-License-Identifier: Apache-2.0 */
/* DML by hand, as the owner of every table: what no statement may do, whoever runs it. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *customer, *circuit, *vnet;

static void begin(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
    vnet = vnet_new(customer, 1);
}

static void connect_by_hand(const char *to, const char *of)
{
    run(owner,
        "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) "
        "VALUES ('%s', '%s', '%s', '%s')",
        to, of, customer, customer);
}

#define CONNECT                                                                                    \
    "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) "        \
    "VALUES ('%s', '%s', '%s', '%s')"

/* What has to be true of the whole database at any time. */
static void sound(void)
{
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits c WHERE used <> (SELECT count(*) "
                                   "FROM connections WHERE circuit_id = c.id) "
                                   "OR used > vnet_limit OR vnet_limit > 10"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnets v WHERE used <> (SELECT count(*) "
                                   "FROM connections WHERE vnet_id = v.id) OR used > 4"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits c WHERE (last_sequence, "
                                   "provider_status, updated_at) IS DISTINCT FROM "
                                   "(SELECT (sequence, to_status, at) FROM circuit_events WHERE "
                                   "circuit_id = c.id ORDER BY sequence DESC LIMIT 1)"),
                     0);
    /* Histories count 1, 2, 3 and each event begins where the one before it ended. */
    ck_assert_int_eq(
        number(owner,
               "SELECT count(*) FROM (SELECT sequence - row_number() OVER w AS gap, "
               "from_status IS DISTINCT FROM lag(to_status, 1, 'NotProvisioned') OVER w AS leap "
               "FROM circuit_events WINDOW w AS (PARTITION BY circuit_id ORDER BY sequence)) e "
               "WHERE gap <> 0 OR leap"),
        0);
}

/* --- limits
 * ---------------------------------------------------------------------------------------- */

START_TEST(an_eleventh_vnet_is_refused)
{
    begin();
    connect_by_hand(circuit, vnet);
    for (int i = 2; i <= 10; i++)
        connect_by_hand(circuit, vnet_new(customer, i));
    refused(owner, "a_circuit_connects_at_most_its_limit", CONNECT, circuit, vnet_new(customer, 11),
            customer, customer);
    ck_assert_int_eq(number(owner, "SELECT used FROM circuits WHERE id = '%s'", circuit), 10);
    sound();
    run(owner, "DELETE FROM connections WHERE vnet_id = '%s'", vnet);
    connect_by_hand(circuit, vnet_new(customer, 12));
    sound();
}
END_TEST

START_TEST(a_fifth_circuit_is_refused)
{
    begin();
    connect_by_hand(circuit, vnet);
    for (int i = 2; i <= 4; i++)
        connect_by_hand(circuit_new(customer), vnet);
    refused(owner, "a_vnet_joins_at_most_4_circuits", CONNECT, circuit_new(customer), vnet,
            customer, customer);
    sound();
}
END_TEST

START_TEST(eleven_vnets_in_one_statement_are_refused_together)
{
    begin();
    for (int i = 2; i <= 11; i++)
        vnet_new(customer, i);
    refused(owner, "a_circuit_connects_at_most_its_limit",
            "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) "
            "SELECT '%s', id, customer_id, customer_id FROM vnets",
            circuit);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
    sound();
}
END_TEST

START_TEST(an_insert_that_does_nothing_counts_nothing)
{
    begin();
    connect_by_hand(circuit, vnet);
    run(owner, CONNECT " ON CONFLICT DO NOTHING", circuit, vnet, customer, customer);
    sound();
}
END_TEST

START_TEST(used_is_never_set)
{
    begin();
    connect_by_hand(circuit, vnet);
    refused(owner, "a_circuits_connections_are_counted_by_trigger", "UPDATE circuits SET used = 0");
    refused(owner, "a_vnets_connections_are_counted_by_trigger", "UPDATE vnets SET used = 0");
    refused(owner, "a_vnets_connections_are_counted_by_trigger",
            "INSERT INTO vnets (id, customer_id, name, address_space) VALUES ('%s', '%s', 'x', "
            "'{10.9.0.0/16}') "
            "ON CONFLICT (id) DO UPDATE SET used = 0",
            vnet, customer);
    refused(owner, "a_circuits_connections_are_counted_by_trigger",
            "MERGE INTO circuits c USING (SELECT 1) s ON c.id = '%s' WHEN MATCHED THEN UPDATE SET "
            "used = 0",
            circuit);
    refused(owner, "a_vnet_begins_unconnected",
            "INSERT INTO vnets (customer_id, name, address_space, used) VALUES ('%s', 'x', "
            "'{10.9.0.0/16}', -3)",
            customer);
    sound();
}
END_TEST

START_TEST(the_limit_of_a_circuit_follows_the_limit_data_alone)
{
    begin();
    refused(owner, "a_circuits_limit_is_the_limit_datas", "UPDATE circuits SET vnet_limit = 11");
    refused(owner, "a_circuits_limit_is_the_limit_datas", "UPDATE circuits SET vnet_limit = 9");
    refused(owner, "only_premium_goes_above_10_vnets",
            "UPDATE vnet_limits SET vnets = 11 WHERE tier = 'Standard'");
    connect_by_hand(circuit, vnet);
    connect_by_hand(circuit, vnet_new(customer, 2));
    run(owner,
        "UPDATE vnet_limits SET vnets = 5 WHERE tier = 'Standard' AND bandwidth_mbps = 1000");
    ck_assert_int_eq(number(owner, "SELECT vnet_limit FROM circuits"), 5);
    refused(owner, "a_circuit_connects_at_most_its_limit",
            "UPDATE vnet_limits SET vnets = 1 WHERE tier = 'Standard' AND bandwidth_mbps = 1000");
    refused(owner, "a_circuits_limit_is_the_limit_datas", "DELETE FROM vnet_limits");
    sound();
}
END_TEST

START_TEST(connections_never_change_and_are_never_truncated)
{
    begin();
    connect_by_hand(circuit, vnet);
    static const char *const columns[] = {"id",
                                          "circuit_id",
                                          "vnet_id",
                                          "circuit_customer_id",
                                          "vnet_customer_id",
                                          "authorization_id",
                                          "created_at"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        refused(owner, "a_connection_never_changes", "UPDATE connections SET %s = DEFAULT",
                columns[i]);
    refused(owner, "connections_are_never_truncated", "TRUNCATE connections");
    refused(owner, "vnets_are_never_truncated", "TRUNCATE vnets CASCADE");
    fails(owner, "0A000", "TRUNCATE circuits");
    PGresult *cascade = PQexec(owner, "TRUNCATE circuits CASCADE");
    ck_assert_int_eq(PQresultStatus(cascade), PGRES_FATAL_ERROR);
    PQclear(cascade);
    refused(owner, "a_connection_is_of_a_vnet_and_its_owner", "DELETE FROM vnets");
    sound();
}
END_TEST

START_TEST(prefixes_are_never_written_by_hand)
{
    begin();
    connect_by_hand(circuit, vnet);
    refused(owner, "prefixes_follow_the_connections", "DELETE FROM circuit_prefixes");
    refused(owner, "prefixes_follow_the_connections",
            "INSERT INTO circuit_prefixes VALUES ('%s', '%s', '10.9.0.0/16')", circuit, vnet);
    refused(owner, "prefixes_follow_the_address_space",
            "UPDATE vnet_prefixes SET prefix = '10.9.0.0/16'");
    refused(owner, "prefixes_follow_the_address_space", "DELETE FROM vnet_prefixes");
    refused(owner, "prefixes_are_never_truncated", "TRUNCATE circuit_prefixes");
    refused(owner, "changes_are_never_truncated", "TRUNCATE circuit_changes");
    refused(owner, "changes_are_never_written", "DELETE FROM circuit_changes");
    refused(owner, "changes_are_never_written", "UPDATE circuit_changes SET deleted = true");
    refused(owner, "changes_are_never_written",
            "INSERT INTO circuit_changes SELECT id, now(), false FROM circuits");
    refused(owner, "labels_are_never_truncated", "TRUNCATE circuit_labels");
    refused(owner, "labels_are_never_written", "DELETE FROM circuit_labels");
    refused(owner, "labels_are_never_written", "UPDATE circuit_labels SET label = 'other'");
    refused(owner, "labels_are_never_written",
            "INSERT INTO circuit_labels SELECT id, customer_id, false, 'other' FROM circuits");
    refused(owner, "prefixes_are_never_truncated", "TRUNCATE vnet_prefixes");
}
END_TEST

START_TEST(overlapping_vnets_never_share_a_circuit)
{
    begin();
    connect_by_hand(circuit, vnet);
    const char *same = vnet_new(customer, 1);
    const char *wider = value(
        api,
        "SELECT id FROM onramp.vnet_create('(customer,Acme,,,,)', '%s', 'w', '{10.0.0.0/8}', '{}')",
        customer);
    const char *inner = value(api,
                              "SELECT id FROM onramp.vnet_create('(customer,Acme,,,,)', '%s', 'i', "
                              "'{172.16.0.0/12,10.1.2.0/24}', '{}')",
                              customer);
    refused(owner, "the_vnets_of_a_circuit_do_not_overlap", CONNECT, circuit, same, customer,
            customer);
    refused(owner, "the_vnets_of_a_circuit_do_not_overlap", CONNECT, circuit, wider, customer,
            customer);
    refused(owner, "the_vnets_of_a_circuit_do_not_overlap", CONNECT, circuit, inner, customer,
            customer);
    sound();
    run(owner, "DELETE FROM connections");
    connect_by_hand(circuit, wider);
    refused(owner, "the_vnets_of_a_circuit_do_not_overlap", CONNECT, circuit, vnet, customer,
            customer);
    sound();
}
END_TEST

START_TEST(a_connected_vnet_keeps_its_addresses_by_hand_too)
{
    begin();
    connect_by_hand(circuit, vnet);
    refused(owner, "a_connected_vnet_keeps_its_addresses",
            "UPDATE vnets SET address_space = '{10.1.0.0/16,10.2.0.0/16}'");
    refused(owner, "a_connected_vnet_keeps_its_addresses",
            "UPDATE vnets SET gateway_subnet = NULL");
    run(owner, "DELETE FROM connections");
    run(owner, "UPDATE vnets SET address_space = '{10.1.0.0/16,10.2.0.0/16}'");
    refused(owner, "a_gateway_lies_inside_the_address_space",
            "UPDATE vnets SET address_space = '{10.2.0.0/16}'");
}
END_TEST

START_TEST(an_address_space_has_its_shape_by_hand_too)
{
    begin();
    static const struct {
        const char *constraint, *space;
    } spaces[] = {
        {"the_prefixes_of_a_vnet_do_not_overlap", "{10.0.0.0/16,10.0.1.0/24}"},
        {"the_prefixes_of_a_vnet_do_not_overlap", "{10.0.0.0/16,10.0.0.0/16}"},
        {"a_prefix_is_ipv4_from_8_to_28", "{10.0.0.0/29}"},
        {"a_prefix_is_ipv4_from_8_to_28", "{8.0.0.0/7}"},
        {"a_prefix_is_ipv4_from_8_to_28", "{fd00::/16}"},
        {"an_address_space_has_1_to_16_prefixes", "{}"},
        {"an_address_space_has_1_to_16_prefixes", "{{10.0.0.0/16},{10.1.0.0/16}}"},
    };
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        refused(owner, spaces[i].constraint,
                "INSERT INTO vnets (customer_id, name, address_space) VALUES ('%s', 'x', '%s')",
                customer, spaces[i].space);
    fails(owner, "23502",
          "INSERT INTO vnets (customer_id, name, address_space) VALUES ('%s', 'x', '{NULL}')",
          customer);
    refused(owner, "a_gateway_subnet_is_28_or_larger",
            "UPDATE vnets SET gateway_subnet = '10.1.0.0/29'");
}
END_TEST

/* --- moves
 * ----------------------------------------------------------------------------------------- */

static const char *event_by_hand(int sequence, const char *type, const char *from, const char *to)
{
    static char text[512];
    snprintf(text, sizeof text,
             "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
             "actor_role, actor_name) "
             "VALUES ('%s', %d, '%s', '%s', '%s', 'operator', 'hand')",
             circuit, sequence, type, from, to);
    return text;
}

START_TEST(a_legal_event_by_hand_moves_the_circuit)
{
    begin();
    run(owner, "%s", event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioning"));
    ck_assert_str_eq(
        value(owner, "SELECT provider_status || last_sequence || waiting_on FROM circuits"),
        "Provisioning2partner");
    sound();
}
END_TEST

START_TEST(an_event_that_is_no_edge_is_refused)
{
    begin();
    refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
            event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioned"));
    refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
            event_by_hand(2, "circuit.deprovisioning", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
            event_by_hand(2, "circuit.invented", "NotProvisioned", "NotProvisioned"));
    sound();
}
END_TEST

START_TEST(every_move_that_is_no_edge_is_refused)
{
    begin();
    int tried = 0;
    static const char *const types[] = {"circuit.provisioning",  "circuit.provisioned",
                                        "circuit.rejected",      "circuit.deprovisioning",
                                        "circuit.deprovisioned", "circuit.progress"};
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++)
            for (size_t type = 0; type < 6; type++) {
                if (number(owner,
                           "SELECT count(*) FROM provider_transition WHERE from_status = '%s' AND "
                           "event = '%s' AND to_status = '%s'",
                           statuses[from], types[type], statuses[to]) > 0)
                    continue;
                refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
                        event_by_hand(2, types[type], statuses[from], statuses[to]));
                tried++;
            }
    ck_assert_int_eq(tried, 96 - 14);
}
END_TEST

START_TEST(an_event_from_another_status_or_number_is_refused)
{
    begin();
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(2, "circuit.deprovisioning", "Provisioned", "Deprovisioning"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(3, "circuit.provisioning", "NotProvisioned", "Provisioning"));
    refused(owner, "a_history_begins_with_the_order", "%s",
            event_by_hand(1, "circuit.provisioning", "NotProvisioned", "Provisioning"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(0, "circuit.provisioning", "NotProvisioned", "Provisioning"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(-1, "circuit.progress", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(1, "circuit.created", "NotProvisioned", "NotProvisioned"));
    refused(owner, value(owner, "SELECT tableoid::regclass || '_pkey' FROM circuit_events"),
            "INSERT INTO circuit_events SELECT * FROM circuit_events");
    refused(owner, "a_history_begins_with_the_order", "%s",
            event_by_hand(2, "circuit.created", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_of_a_connection_names_it", "%s",
            event_by_hand(2, "connection.created", "NotProvisioned", "NotProvisioned"));
    run(owner, "%s", event_by_hand(2, "circuit.provisioned", "NotProvisioned", "Provisioned"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioning"));
    sound();
}
END_TEST

START_TEST(an_event_of_no_circuit_is_refused)
{
    begin();
    const char *real = circuit;
    circuit = "00000000-0000-7000-8000-000000000000";
    refused(owner, "a_history_begins_with_the_order", "%s",
            event_by_hand(1, "circuit.progress", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(1, "circuit.created", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_moves_its_circuit", "%s",
            event_by_hand(2, "circuit.progress", "NotProvisioned", "NotProvisioned"));
    circuit = real;
}
END_TEST

START_TEST(a_status_is_never_set_without_its_event)
{
    begin();
    refused(owner, "a_circuit_moves_by_one_event",
            "UPDATE circuits SET provider_status = 'Provisioned'");
    refused(owner, "a_circuit_moves_by_one_event",
            "UPDATE circuits SET previous_status = 'Provisioned'");
    refused(owner, "a_circuit_moves_by_one_event",
            "UPDATE circuits SET last_sequence = last_sequence + 2");
    refused(owner, "a_circuit_moves_by_one_event", "UPDATE circuits SET last_sequence = 0");
    refused(owner, "a_circuit_stands_at_its_last_event",
            "UPDATE circuits SET last_sequence = last_sequence + 1");
    refused(
        owner, "a_circuit_stands_at_its_last_event",
        "UPDATE circuits SET last_sequence = last_sequence + 1, provider_status = 'Provisioned'");
    refused(owner, "a_circuit_stands_at_its_last_event", "UPDATE circuits SET updated_at = now()");
    sound();
}
END_TEST

/* The one way in which a status could be smuggled: an edge that exists, but from another status. */
START_TEST(event_and_status_in_one_statement_obey_the_graph_as_well)
{
    begin();
    refused(owner, "an_event_moves_its_circuit",
            "WITH e AS (%s RETURNING at) UPDATE circuits SET last_sequence = 2, provider_status = "
            "'Deprovisioning', updated_at = e.at FROM e WHERE id = '%s'",
            event_by_hand(2, "circuit.deprovisioning", "Provisioned", "Deprovisioning"), circuit);
    refused(owner, "a_circuit_moves_by_one_event",
            "WITH e AS (%s RETURNING at) UPDATE circuits SET last_sequence = 2, previous_status = "
            "'Provisioned', provider_status = 'Deprovisioning', updated_at = e.at "
            "FROM e WHERE id = '%s'",
            event_by_hand(2, "circuit.deprovisioning", "Provisioned", "Deprovisioning"), circuit);
    refused(owner, "an_event_moves_its_circuit",
            "WITH e AS (%s RETURNING at) UPDATE circuits SET last_sequence = 2, provider_status = "
            "'Provisioned', updated_at = e.at FROM e WHERE id = '%s'",
            event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioning"), circuit);
    sound();
    refused(owner, "a_circuit_stands_at_its_last_event",
            "WITH e AS (%s) UPDATE circuits SET last_sequence = 2, provider_status = "
            "'Provisioning' WHERE id = '%s'",
            event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioning"), circuit);
    run(owner,
        "WITH e AS (%s RETURNING at) UPDATE circuits SET last_sequence = 2, provider_status = "
        "'Provisioning', updated_at = e.at FROM e WHERE id = '%s'",
        event_by_hand(2, "circuit.provisioning", "NotProvisioned", "Provisioning"), circuit);
    sound();
}
END_TEST

START_TEST(several_events_in_one_statement_move_step_by_step)
{
    begin();
    run(owner,
        "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "actor_role, actor_name) VALUES "
        "('%1$s', 2, 'circuit.provisioning', 'NotProvisioned', 'Provisioning', 'operator', "
        "'hand'), "
        "('%1$s', 3, 'circuit.provisioned', 'Provisioning', 'Provisioned', 'operator', 'hand')",
        circuit);
    sound();
    refused(owner, "an_event_moves_its_circuit",
            "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
            "actor_role, actor_name) VALUES "
            "('%1$s', 4, 'circuit.deprovisioning', 'Provisioned', 'Deprovisioning', 'operator', "
            "'hand'), "
            "('%1$s', 5, 'circuit.deprovisioning', 'Provisioned', 'Deprovisioning', 'operator', "
            "'hand')",
            circuit);
    sound();
}
END_TEST

START_TEST(a_circuit_is_born_empty_and_not_provisioned)
{
    begin();
    static const struct {
        const char *columns, *values;
    } births[] = {
        {"provider_status", "'Provisioned'"},
        {"previous_status", "'Provisioned'"},
        {"used", "1"},
        {"used", "-1"},
        {"last_sequence", "2"},
        {"deleted_at", "now()"},
    };
    for (size_t i = 0; i < sizeof births / sizeof *births; i++)
        refused(
            owner, "a_circuit_begins_empty_and_not_provisioned",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
            "sku_tier, sku_family, vnet_limit, %s) "
            "VALUES ('%s', 'x', 'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', 10, %s)",
            births[i].columns, customer, births[i].values);
    refused(owner, "a_circuits_limit_is_the_limit_datas",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
            "sku_tier, sku_family, vnet_limit) "
            "VALUES ('%s', 'x', 'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', 11)",
            customer);
    refused(owner, "a_local_circuit_is_not_metered",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
            "sku_tier, sku_family, vnet_limit) "
            "VALUES ('%s', 'x', 'carrier', 'Amsterdam', 1000, 'Local', 'MeteredData', 10)",
            customer);
    run(owner,
        "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
        "sku_tier, sku_family, vnet_limit) "
        "VALUES ('%s', 'x', 'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', 10)",
        customer);
    ck_assert_str_eq(
        value(
            owner,
            "SELECT actor_role || ' ' || actor_name FROM circuit_events ORDER BY at DESC LIMIT 1"),
        "operator onramp_admin");
    sound();
}
END_TEST

START_TEST(what_a_circuit_is_never_changes)
{
    begin();
    static const char *const columns[] = {"id = gen_random_uuid()",
                                          "customer_id = gen_random_uuid()", "partner = 'rival'",
                                          "peering_location = 'London'", "created_at = now()"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        refused(owner, "a_circuit_keeps_what_it_is", "UPDATE circuits SET %s", columns[i]);
    refused(owner, "a_vnet_keeps_what_it_is", "UPDATE vnets SET customer_id = gen_random_uuid()");
    refused(owner, "a_circuits_row_is_never_deleted", "DELETE FROM circuits");
    refused(owner, "a_local_circuit_is_not_metered", "UPDATE circuits SET sku_tier = 'Local'");
}
END_TEST

START_TEST(what_follows_from_other_columns_is_not_set_by_hand)
{
    begin();
    const char *before =
        value(owner, "SELECT row(waiting_on, since, listed_as, shown_as) FROM circuits");
    run(owner, "UPDATE circuits SET waiting_on = 'nobody', since = 'epoch', listed_as = 'Deleted', "
               "shown_as = 'Provisioned'");
    ck_assert_str_eq(
        value(owner, "SELECT row(waiting_on, since, listed_as, shown_as) FROM circuits"), before);
}
END_TEST

START_TEST(a_deleted_circuit_is_empty_not_provisioned_and_stays_deleted)
{
    begin();
    connect_by_hand(circuit, vnet);
    refused(owner, "a_deleted_circuit_is_empty_and_not_provisioned",
            "UPDATE circuits SET deleted_at = now()");
    run(owner, "DELETE FROM connections");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s')",
              circuit, customer),
        "ok");
    refused(owner, "a_deleted_circuit_stays_deleted", "UPDATE circuits SET deleted_at = NULL");
    refused(owner, "a_deleted_circuit_is_empty_and_not_provisioned", CONNECT, circuit, vnet,
            customer, customer);
    long last = number(owner, "SELECT last_sequence FROM circuits");
    refused(owner, "a_deleted_circuit_is_empty_and_not_provisioned", "%s",
            event_by_hand((int)last + 1, "circuit.provisioned", "NotProvisioned", "Provisioned"));
    sound();
}
END_TEST

/* --- history and graph
 * ----------------------------------------------------------------------------- */

START_TEST(an_event_is_never_changed_or_deleted)
{
    begin();
    refused(owner, "an_event_is_never_changed", "UPDATE circuit_events SET reason = 'x'");
    refused(owner, "an_event_is_never_changed",
            "UPDATE circuit_events SET reason = reason WHERE false");
    refused(owner, "an_event_is_never_changed", "DELETE FROM circuit_events");
    refused(owner, "an_event_is_never_changed", "TRUNCATE circuit_events CASCADE");
    refused(owner, "an_event_is_never_changed",
            "%s ON CONFLICT (circuit_id, sequence, at) DO UPDATE SET reason = 'x'",
            event_by_hand(1, "circuit.created", "NotProvisioned", "NotProvisioned"));
    refused(owner, "an_event_is_never_changed",
            "MERGE INTO circuit_events e USING (SELECT 1) s ON e.sequence = 1 WHEN MATCHED THEN "
            "DELETE");
    refused(owner, "an_event_is_never_changed",
            "WITH gone AS (DELETE FROM circuit_events RETURNING 1) SELECT count(*) FROM gone");
    /* Nor by way of its month. */
    const char *month = value(owner, "SELECT tableoid::regclass FROM circuit_events");
    refused(owner, "an_event_is_never_changed", "UPDATE %s SET reason = 'x'", month);
    refused(owner, "an_event_is_never_changed", "DELETE FROM %s", month);
    refused(owner, "an_event_is_never_changed", "TRUNCATE %s", month);
    refused(owner, "an_event_moves_its_circuit",
            "INSERT INTO %s (circuit_id, sequence, type, "
            "from_status, to_status, actor_role, actor_name) SELECT circuit_id, sequence, type, "
            "from_status, to_status, actor_role, actor_name FROM circuit_events",
            month);
    announce(circuit, "circuit.deprovisioning", "{}");
    refused(owner, "a_refusal_is_never_changed", "UPDATE refused_callbacks SET code = 'x'");
    refused(owner, "a_refusal_is_never_changed", "DELETE FROM refused_callbacks");
    refused(owner, "a_refusal_is_never_changed", "TRUNCATE refused_callbacks");
    sound();
}
END_TEST

START_TEST(the_graph_changes_by_migration_alone)
{
    refused(owner, "the_graph_changes_by_migration_alone",
            "UPDATE provider_transition SET sentence = 'x'");
    refused(owner, "the_graph_changes_by_migration_alone", "DELETE FROM provider_transition");
    refused(owner, "the_graph_changes_by_migration_alone", "TRUNCATE provider_transition CASCADE");
    refused(owner, "the_graph_changes_by_migration_alone",
            "INSERT INTO provider_transition VALUES ('NotProvisioned', 'circuit.deprovisioning', "
            "true, NULL, 'moves', 'Deprovisioning', 'x')");
}
END_TEST

/* --- tenants
 * --------------------------------------------------------------------------------------- */

START_TEST(a_foreign_vnet_connects_with_an_authorization_of_that_circuit_alone)
{
    begin();
    const char *guest = customer_new("Guest"), *other = circuit_new(customer);
    const char *foreign = vnet_new(guest, 2), *second = vnet_new(guest, 3);
    refused(owner, "a_foreign_vnet_needs_an_authorization", CONNECT, circuit, foreign, customer,
            guest);
    /* Lying about the owners does not help. */
    refused(owner, "a_connection_is_of_a_vnet_and_its_owner", CONNECT, circuit, foreign, customer,
            customer);
    refused(owner, "a_connection_is_of_a_circuit_and_its_owner", CONNECT, circuit, foreign, guest,
            guest);
    const char *opening =
        value(owner,
              "INSERT INTO authorizations (customer_id, circuit_id, authorization_key, name) "
              "VALUES ('%s', '%s', 'k', 'n') RETURNING id",
              customer, circuit);
    static const char with[] =
        "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id, "
        "authorization_id) VALUES ('%s', '%s', '%s', '%s', '%s')";
    refused(owner, "an_authorization_opens_its_own_circuit", with, other, foreign, customer, guest,
            opening);
    run(owner, with, circuit, foreign, customer, guest, opening);
    refused(owner, "an_authorization_serves_one_connection", with, circuit, second, customer, guest,
            opening);
    refused(owner, "an_authorization_opens_its_own_circuit", "DELETE FROM authorizations");
    refused(owner, "an_authorization_keeps_what_it_opens",
            "UPDATE authorizations SET circuit_id = '%s'", other);
    run(owner, "DELETE FROM connections");
    run(owner, "DELETE FROM authorizations");
    refused(owner, "an_authorization_opens_its_own_circuit", with, circuit, foreign, customer,
            guest, opening);
    refused(owner, "an_authorization_is_of_its_owners_circuit",
            "INSERT INTO authorizations (customer_id, circuit_id, authorization_key, name) VALUES "
            "('%s', '%s', 'k', 'n')",
            guest, circuit);
    sound();
}
END_TEST

START_TEST(shapes_hold_in_the_tables_too)
{
    begin();
    refused(owner, "a_name_has_1_to_80_characters", "UPDATE circuits SET name = ''");
    refused(owner, "a_name_has_1_to_80_characters", "UPDATE vnets SET name = repeat('\u00e9', 81)");
    run(owner, "UPDATE vnets SET name = repeat('\u00e9', 80)");
    refused(owner, "a_vlan_is_1_to_4094", "UPDATE circuits SET s_tag = 4095");
    refused(owner, "a_label_has_120_characters_at_most",
            "UPDATE circuits SET primary_port = repeat('x', 121)");
    refused(owner, "a_remark_has_1000_characters_at_most",
            "UPDATE circuits SET partner_note = repeat('x', 1001)");
    refused(owner, "tags_are_an_object", "UPDATE circuits SET tags = '[]'");
    refused(owner, "a_circuit_is_enabled_or_disabled",
            "UPDATE circuits SET circuit_status = 'Broken'");
    refused(owner, "a_family_is_known", "UPDATE circuits SET sku_family = 'Free'");
    refused(owner, "a_circuits_limit_is_the_limit_datas", "UPDATE circuits SET sku_tier = 'Gold'");
    refused(owner, "a_circuits_limit_is_the_limit_datas", "UPDATE circuits SET bandwidth_mbps = 1");
    refused(owner, "a_service_key_means_one_circuit",
            "UPDATE circuits SET service_key = '%s' WHERE id = '%s'", key_of(circuit),
            circuit_new(customer));
    refused(owner, "a_digest_has_32_octets",
            "INSERT INTO tokens (key_id, sha256, role) VALUES ('k', '\\x00', 'operator')");
    refused(owner, "a_token_is_bound_as_its_role_says",
            "INSERT INTO tokens (key_id, sha256, role) VALUES ('k', sha256('x'), 'customer')");
    refused(owner, "a_partners_name_is_a_slug",
            "INSERT INTO partners (name, display_name) VALUES ('A', 'a')");
    refused(owner, "an_offer_has_known_bandwidths",
            "INSERT INTO offers VALUES ('rival', 'London', '{51}')");
    refused(owner, "a_location_lies_in_zone_1_to_4", "UPDATE peering_locations SET zone = 5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *limits = scene_case(suite, "limits", 30);
    tcase_add_test(limits, an_eleventh_vnet_is_refused);
    tcase_add_test(limits, a_fifth_circuit_is_refused);
    tcase_add_test(limits, eleven_vnets_in_one_statement_are_refused_together);
    tcase_add_test(limits, an_insert_that_does_nothing_counts_nothing);
    tcase_add_test(limits, used_is_never_set);
    tcase_add_test(limits, the_limit_of_a_circuit_follows_the_limit_data_alone);
    tcase_add_test(limits, connections_never_change_and_are_never_truncated);
    tcase_add_test(limits, prefixes_are_never_written_by_hand);
    tcase_add_test(limits, overlapping_vnets_never_share_a_circuit);
    tcase_add_test(limits, a_connected_vnet_keeps_its_addresses_by_hand_too);
    tcase_add_test(limits, an_address_space_has_its_shape_by_hand_too);
    TCase *moves = scene_case(suite, "moves", 30);
    tcase_add_test(moves, a_legal_event_by_hand_moves_the_circuit);
    tcase_add_test(moves, an_event_that_is_no_edge_is_refused);
    tcase_add_test(moves, every_move_that_is_no_edge_is_refused);
    tcase_add_test(moves, an_event_from_another_status_or_number_is_refused);
    tcase_add_test(moves, an_event_of_no_circuit_is_refused);
    tcase_add_test(moves, a_status_is_never_set_without_its_event);
    tcase_add_test(moves, event_and_status_in_one_statement_obey_the_graph_as_well);
    tcase_add_test(moves, several_events_in_one_statement_move_step_by_step);
    tcase_add_test(moves, a_circuit_is_born_empty_and_not_provisioned);
    tcase_add_test(moves, what_a_circuit_is_never_changes);
    tcase_add_test(moves, what_follows_from_other_columns_is_not_set_by_hand);
    tcase_add_test(moves, a_deleted_circuit_is_empty_not_provisioned_and_stays_deleted);
    TCase *history = scene_case(suite, "history", 30);
    tcase_add_test(history, an_event_is_never_changed_or_deleted);
    tcase_add_test(history, the_graph_changes_by_migration_alone);
    TCase *tenants = scene_case(suite, "tenants", 30);
    tcase_add_test(tenants, a_foreign_vnet_connects_with_an_authorization_of_that_circuit_alone);
    tcase_add_test(tenants, shapes_hold_in_the_tables_too);
    return scene_run(suite);
}
