/* SPDX-License-Identifier: Apache-2.0 */
/* What one statement could do by hiding in another, or by what no guard looked at: rows that keep
 * what they are, counters that follow their rows, histories that say what happened. As the owner of
 * every table. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *customer, *stranger, *circuit, *other, *vnet;

static void begin(void)
{
    customer = customer_new("Acme");
    stranger = customer_new("Strange");
    circuit = circuit_new(customer);
    other = circuit_new(customer);
    vnet = vnet_new(customer, 1);
}

#define CONNECT                                                                                    \
    "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) "        \
    "VALUES ('%s', '%s', '%s', '%s')"

/* An event by hand, in a statement of its own or as a part of one. */
static const char *event_of(const char *of, const char *type, const char *from, const char *to)
{
    static char text[640];
    snprintf(text, sizeof text,
             "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
             "actor_role, actor_name) SELECT id, last_sequence + 1, '%s', '%s', '%s', 'operator', "
             "'hand' FROM circuits WHERE id = '%s'",
             type, from, to, of);
    return text;
}

/* Refused alone, and as the first and as the second part of a statement that changes another column
 * of the table; the condition has to hold of the row and the assignment be untrue of it. */
static void refused_in_every_place(const char *constraint, const char *table,
                                   const char *assignment, const char *where, const char *harmless)
{
    refused(owner, constraint, "UPDATE %s SET %s WHERE %s", table, assignment, where);
    refused(owner, constraint,
            "WITH first AS (UPDATE %s SET %s WHERE %s RETURNING 1) UPDATE %s SET %s WHERE NOT (%s)",
            table, assignment, where, table, harmless, where);
    refused(owner, constraint,
            "WITH first AS (UPDATE %s SET %s WHERE NOT (%s) RETURNING 1) UPDATE %s SET %s WHERE %s",
            table, harmless, where, table, assignment, where);
    refused(owner, constraint,
            "MERGE INTO %s USING (SELECT 1) AS one ON %s WHEN MATCHED THEN UPDATE SET %s", table,
            where, assignment);
}

static const char *is(const char *column, const char *text)
{
    static char texts[4][128];
    static unsigned next;
    char *made = texts[next++ % 4];
    snprintf(made, sizeof texts[0], "%s = '%s'", column, text);
    return made;
}

START_TEST(what_a_row_is_never_changes_in_any_part_of_a_statement)
{
    begin();
    const char *here = is("circuits.id", circuit);
    refused_in_every_place("a_circuit_keeps_what_it_is", "circuits", is("customer_id", stranger),
                           here, "name = name");
    refused_in_every_place("a_circuit_keeps_what_it_is", "circuits", "id = gen_random_uuid()", here,
                           "name = name");
    refused_in_every_place("a_circuit_keeps_what_it_is", "circuits", "partner = 'rival'", here,
                           "tags = tags");
    refused_in_every_place("a_circuit_keeps_what_it_is", "circuits", "peering_location = 'London'",
                           here, "name = name");
    refused_in_every_place("a_circuit_keeps_what_it_is", "circuits", "created_at = 'epoch'", here,
                           "name = name");
    vnet_new(customer, 2);
    here = is("vnets.id", vnet);
    refused_in_every_place("a_vnet_keeps_what_it_is", "vnets", is("customer_id", stranger), here,
                           "name = name");
    refused_in_every_place("a_vnet_keeps_what_it_is", "vnets", "created_at = 'epoch'", here,
                           "name = name");
    refused_in_every_place("a_vnet_keeps_what_it_is", "vnets", "version = 0", here, "name = name");
    const char *opening = value(
        api,
        "SELECT id FROM onramp.authorization_create('(customer,Acme,,,,)', '%s', '%s', 'one', "
        "'onra_1')",
        circuit, customer);
    run(api,
        "SELECT onramp.authorization_create('(customer,Acme,,,,)', '%s', '%s', 'two', 'onra_2')",
        circuit, customer);
    here = is("authorizations.id", opening);
    refused_in_every_place("an_authorization_keeps_what_it_opens", "authorizations",
                           is("circuit_id", other), here, "name = name");
    refused_in_every_place("an_authorization_keeps_what_it_opens", "authorizations",
                           "authorization_key = 'onra_3'", here, "name = name");
    refused_in_every_place("a_customer_keeps_its_identity", "customers", "id = gen_random_uuid()",
                           is("customers.id", stranger), "name = name");
    refused_in_every_place("a_partner_keeps_its_name", "partners", "name = 'other'",
                           "partners.name = 'rival'", "display_name = display_name");
    refused_in_every_place("a_location_keeps_its_name", "peering_locations", "name = 'Paris'",
                           "peering_locations.name = 'London'", "metro = metro");
    refused_in_every_place("a_limit_stays_with_its_tier_and_bandwidth", "vnet_limits",
                           "tier = 'Local', bandwidth_mbps = 5000",
                           "vnet_limits.tier = 'Premium' AND vnet_limits.bandwidth_mbps = 1000",
                           "vnets = vnets");
}
END_TEST

START_TEST(what_opens_a_door_stays_with_whom_it_was_given_to)
{
    begin();
    refused_in_every_place("a_callback_secret_keeps_its_partner", "callback_secrets",
                           "partner = 'rival', expires_at = 'infinity'",
                           "callback_secrets.partner = 'carrier'", "secret = secret");
    run(owner,
        "INSERT INTO tokens (key_id, sha256, role, customer_id) SELECT i, sha256('x'), 'customer', "
        "'%s' FROM unnest('{one,two}'::text[]) AS i",
        customer);
    refused_in_every_place("a_token_keeps_its_holder", "tokens", is("customer_id", stranger),
                           "tokens.key_id = 'one'", "description = description");
    refused_in_every_place("a_token_keeps_its_holder", "tokens", "sha256 = sha256('y')",
                           "tokens.key_id = 'one'", "description = description");
    run(owner, "UPDATE tokens SET revoked_at = clock_timestamp() WHERE key_id = 'one'");
    refused_in_every_place("a_revoked_token_stays_revoked", "tokens", "revoked_at = NULL",
                           "tokens.key_id = 'one'", "description = description");
}
END_TEST

START_TEST(counters_are_never_set_in_any_part_of_a_statement)
{
    begin();
    run(owner, CONNECT, circuit, vnet, customer, customer);
    refused_in_every_place("a_circuits_connections_are_counted_by_trigger", "circuits", "used = 0",
                           is("circuits.id", circuit), "name = name");
    vnet_new(customer, 2);
    refused_in_every_place("a_vnets_connections_are_counted_by_trigger", "vnets", "used = 0",
                           is("vnets.id", vnet), "name = name");
    refused(
        owner, "a_vnets_connections_are_counted_by_trigger",
        "WITH first AS (INSERT INTO vnets (id, customer_id, name, address_space) VALUES "
        "('%s', '%s', 'x', '{10.9.0.0/16}') ON CONFLICT (id) DO UPDATE SET used = 0 RETURNING 1) "
        "UPDATE vnets SET name = name WHERE id <> '%s'",
        vnet, customer, vnet);
    for (int i = 0; i < 2; i++)
        run(owner, "INSERT INTO circuit_quotas (customer_id, used, circuits) VALUES ('%s', 0, 9)",
            i == 0 ? customer : stranger);
    const char *here = is("circuit_quotas.customer_id", customer);
    refused_in_every_place("circuits_are_counted_by_trigger", "circuit_quotas", "used = 0", here,
                           "circuits = circuits");
    run(api,
        "SELECT onramp.circuit_create('(customer,Acme,,,,)', '%s', 'x', 'carrier', 'London', 50, "
        "'Standard', "
        "'MeteredData', '{}')",
        customer);
    refused_in_every_place("circuits_are_counted_by_trigger", "circuit_location_quotas", "used = 0",
                           "circuit_location_quotas.peering_location = 'Amsterdam'",
                           "circuits_per_location = circuits_per_location");
}
END_TEST

START_TEST(a_quota_stays_with_its_customer_and_location)
{
    begin();
    run(owner, "INSERT INTO circuit_quotas (customer_id, used, circuits) VALUES ('%s', 0, 9)",
        stranger);
    refused(owner, "a_quota_stays_with_its_customer",
            "UPDATE circuit_quotas SET customer_id = '%s'", customer);
    run(owner, "INSERT INTO circuit_quotas (customer_id, used, circuits) VALUES ('%s', 0, 9)",
        customer);
    refused(owner, "a_location_quota_stays_where_it_is",
            "UPDATE circuit_location_quotas SET peering_location = 'London'");
    refused(owner, "a_location_quota_stays_where_it_is",
            "UPDATE circuit_location_quotas SET customer_id = '%s'", stranger);
}
END_TEST

START_TEST(a_delivery_and_its_endpoint_stay_what_they_are)
{
    begin();
    const char *endpoint =
        value(api,
              "SELECT id FROM onramp.webhook_create('(customer,Acme,,,,)', 'https://a.example/', "
              "'{*}', '', '" SEALED("hook") "', '%s', NULL)",
              customer);
    run(api,
        "SELECT onramp.webhook_create('(customer,Acme,,,,)', 'https://b.example/', '{*}', '', "
        "'" SEALED("hook") "', '%s', NULL)",
        customer);
    run(owner,
        "INSERT INTO deliveries (id, endpoint_id, queue, place, created_at, event_type, body) "
        "SELECT gen_random_uuid(), '%s', gen_random_uuid(), n, now(), 'ping', '{}' "
        "FROM generate_series(1, 2) AS n",
        endpoint);
    refused_in_every_place("a_delivery_keeps_what_it_says", "deliveries", "body = '{\"forged\":1}'",
                           "deliveries.place = 1", "status = status");
    refused_in_every_place("a_delivery_keeps_what_it_says", "deliveries",
                           "endpoint_id = gen_random_uuid()", "deliveries.place = 1",
                           "status = status");
    const char *here = is("webhook_endpoints.id", endpoint);
    refused_in_every_place("an_endpoint_keeps_its_owner", "webhook_endpoints",
                           is("customer_id", stranger), here, "description = description");
    refused_in_every_place(
        "a_webhook_secret_keeps_its_endpoint", "webhook_secrets",
        "endpoint_id = (SELECT id FROM webhook_endpoints WHERE url LIKE '%b.%'), "
        "expires_at = 'infinity'",
        is("webhook_secrets.endpoint_id", endpoint), "secret = secret");
    run(api, "SELECT onramp.webhook_delete('(customer,Acme,,,,)', '%s', '%s', NULL)", endpoint,
        customer);
    refused_in_every_place("a_deleted_endpoint_stays_deleted", "webhook_endpoints",
                           "deleted_at = NULL", here, "description = description");
}
END_TEST

/* --- histories
 * ------------------------------------------------------------------------------------- */

START_TEST(two_events_never_have_one_number)
{
    begin();
    refused(owner, "a_circuit_stands_at_its_last_event",
            "WITH u AS (UPDATE circuits SET updated_at = clock_timestamp() WHERE id = '%s' "
            "RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events (circuit_id, "
            "sequence, at, type, from_status, to_status, actor_role, actor_name) "
            "SELECT id, last_sequence, updated_at, 'circuit.created', 'NotProvisioned', "
            "'NotProvisioned', 'operator', 'hand' FROM u",
            circuit);
    run(owner, "%s", event_of(circuit, "circuit.updated", "NotProvisioned", "NotProvisioned"));
    refused(owner, "a_circuit_stands_at_its_last_event",
            "WITH u AS (UPDATE circuits SET updated_at = clock_timestamp() WHERE id = '%s' "
            "RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events (circuit_id, "
            "sequence, at, type, from_status, to_status, actor_role, actor_name) "
            "SELECT id, last_sequence, updated_at, 'circuit.updated', 'NotProvisioned', "
            "'NotProvisioned', 'operator', 'hand' FROM u",
            circuit);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM (SELECT FROM circuit_events GROUP BY "
                                   "circuit_id, sequence HAVING count(*) > 1) AS twice"),
                     0);
}
END_TEST

START_TEST(a_rejection_at_provisioned_answers_an_open_request)
{
    begin();
    bring_to(circuit, "Provisioned");
    refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
            event_of(circuit, "circuit.rejected", "Provisioned", "Provisioned"));
    refused(owner, "a_request_to_deprovision_follows_its_events",
            "WITH u AS (UPDATE circuits SET deprovision_requested_at = now() WHERE id = '%s' "
            "RETURNING id) %s",
            circuit, event_of(circuit, "circuit.rejected", "Provisioned", "Provisioned"));
    refused(owner, "a_request_to_deprovision_follows_its_events",
            "WITH u AS (UPDATE circuits SET last_sequence = last_sequence + 1, previous_status = "
            "provider_status, updated_at = clock_timestamp(), deprovision_requested_at = now() "
            "WHERE id = '%s' RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events "
            "(circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name) "
            "SELECT id, last_sequence, updated_at, 'circuit.rejected', 'Provisioned', "
            "'Provisioned', 'operator', 'hand' FROM u",
            circuit);
    run(api, "SELECT onramp.circuit_deprovision_request('(customer,Acme,,,,)', '%s', '%s', false)",
        circuit, customer);
    run(owner, "%s", event_of(circuit, "circuit.rejected", "Provisioned", "Provisioned"));
    ck_assert_int_eq(number(owner,
                            "SELECT count(*) FROM circuits WHERE id = '%s' AND "
                            "deprovision_requested_at IS NULL",
                            circuit),
                     1);
    refused(owner, "an_event_follows_an_edge_of_the_graph", "%s",
            event_of(circuit, "circuit.rejected", "Provisioned", "Provisioned"));
}
END_TEST

START_TEST(no_request_to_deprovision_is_open_at_not_provisioned)
{
    begin();
    bring_to(circuit, "Provisioned");
    run(api, "SELECT onramp.circuit_deprovision_request('(customer,Acme,,,,)', '%s', '%s', true)",
        circuit, customer);
    run(owner, "%s", event_of(circuit, "circuit.deprovisioned", "Provisioned", "NotProvisioned"));
    ck_assert_str_eq(value(owner,
                           "SELECT row(provider_status, deprovision_requested_at, "
                           "delete_when_deprovisioned) FROM circuits WHERE id = '%s'",
                           circuit),
                     "(NotProvisioned,,f)");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM "
                           "onramp.circuit_deprovision_withdraw('(customer,Acme,,,,)', '%s', '%s')",
                           circuit, customer),
                     "not_found");
    refused(owner, "a_circuit_that_is_not_provisioned_has_no_request_open",
            "UPDATE circuits SET deprovision_requested_at = now() WHERE id = '%s'", circuit);
    refused(owner, "a_circuit_that_is_not_provisioned_has_no_request_open",
            "UPDATE circuits SET delete_when_deprovisioned = true WHERE id = '%s'", circuit);
    refused(owner, "a_circuit_that_is_not_provisioned_has_no_request_open",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
            "sku_tier, sku_family, vnet_limit, deprovision_requested_at) VALUES ('%s', 'x', "
            "'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', 10, now())",
            customer);
    bring_to(other, "Provisioned");
    refused(owner, "a_circuit_is_deleted_later_on_request_alone",
            "UPDATE circuits SET delete_when_deprovisioned = true WHERE id = '%s'", other);
}
END_TEST

START_TEST(a_request_is_opened_and_closed_by_its_events_alone)
{
    begin();
    bring_to(circuit, "Provisioned");
    refused(owner, "a_request_to_deprovision_follows_its_events",
            "UPDATE circuits SET deprovision_requested_at = now() WHERE id = '%s'", circuit);
    static const char together[] =
        "WITH u AS (UPDATE circuits SET deprovision_requested_at = %s, last_sequence = "
        "last_sequence + 1, previous_status = provider_status, updated_at = clock_timestamp() "
        "WHERE id = '%s' RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events "
        "(circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name) "
        "SELECT id, last_sequence, updated_at, '%s', 'Provisioned', 'Provisioned', 'operator', "
        "'hand' FROM u";
    refused(owner, "a_request_to_deprovision_follows_its_events", together, "now()", circuit,
            "circuit.updated");
    refused(owner, "a_request_to_deprovision_follows_its_events", together, "NULL", circuit,
            "circuit.deprovision_requested");
    run(owner, "%s",
        event_of(circuit, "circuit.deprovision_requested", "Provisioned", "Provisioned"));
    refused(owner, "a_request_to_deprovision_follows_its_events", together, "NULL", circuit,
            "circuit.updated");
    refused(owner, "a_request_to_deprovision_follows_its_events", together, "now()", circuit,
            "circuit.deprovision_withdrawn");
    run(owner, "%s",
        event_of(circuit, "circuit.deprovision_withdrawn", "Provisioned", "Provisioned"));
    ck_assert_int_eq(number(owner, "SELECT count(deprovision_requested_at) FROM circuits"), 0);
}
END_TEST

START_TEST(a_circuit_is_deleted_by_its_event_alone)
{
    begin();
    refused(owner, "a_circuit_is_deleted_by_its_event",
            "UPDATE circuits SET deleted_at = now() WHERE id = '%s'", circuit);
    refused(owner, "a_circuit_is_deleted_by_its_event",
            "WITH u AS (UPDATE circuits SET deleted_at = now(), last_sequence = last_sequence + 1, "
            "previous_status = provider_status, updated_at = clock_timestamp() WHERE id = '%s' "
            "RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events (circuit_id, "
            "sequence, at, type, from_status, to_status, actor_role, actor_name) SELECT id, "
            "last_sequence, updated_at, 'circuit.updated', 'NotProvisioned', 'NotProvisioned', "
            "'operator', 'hand' FROM u",
            circuit);
    refused(owner, "a_circuit_is_deleted_by_its_event",
            "WITH u AS (UPDATE circuits SET last_sequence = last_sequence + 1, "
            "previous_status = provider_status, updated_at = clock_timestamp() WHERE id = '%s' "
            "RETURNING id, last_sequence, updated_at) INSERT INTO circuit_events (circuit_id, "
            "sequence, at, type, from_status, to_status, actor_role, actor_name) SELECT id, "
            "last_sequence, updated_at, 'circuit.deleted', 'NotProvisioned', 'NotProvisioned', "
            "'operator', 'hand' FROM u",
            circuit);
    run(owner, "%s", event_of(circuit, "circuit.deleted", "NotProvisioned", "NotProvisioned"));
    ck_assert_str_eq(
        value(owner, "SELECT deleted_at = updated_at FROM circuits WHERE id = '%s'", circuit), "t");
}
END_TEST

START_TEST(a_history_ends_with_the_deletion)
{
    begin();
    run(api, "SELECT onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s')", circuit, customer);
    refused(owner, "a_deleted_circuit_stays_deleted", "%s",
            event_of(circuit, "circuit.updated", "NotProvisioned", "NotProvisioned"));
    refused(owner, "a_deleted_circuit_stays_deleted", "%s",
            event_of(circuit, "circuit.deleted", "NotProvisioned", "NotProvisioned"));
}
END_TEST

START_TEST(an_event_of_a_connection_is_of_one_that_there_is)
{
    begin();
    run(owner, CONNECT, circuit, vnet, customer, customer);
    static const char event[] =
        "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "connection_id, vnet_customer_id, actor_role, actor_name) SELECT c.id, c.last_sequence + "
        "1, "
        "'%s', provider_status, provider_status, %s, %s, 'operator', 'hand' FROM circuits c, "
        "connections k WHERE c.id = '%s'";
    refused(owner, "an_event_of_a_connection_comes_with_it", event, "connection.created", "k.id",
            "NULL", circuit);
    refused(owner, "an_event_of_a_connection_comes_with_it", event, "connection.deleted", "k.id",
            "NULL", circuit);
    refused(owner, "an_event_of_a_connection_comes_with_it", event, "connection.down",
            "gen_random_uuid()", "NULL", circuit);
    refused(owner, "an_event_of_a_connection_comes_with_it", event, "connection.down", "k.id",
            "NULL", other);
    run(owner, event, "connection.down", "k.id", "NULL", circuit);
}
END_TEST

/* Who is named in an event hears it. */
START_TEST(a_stranger_is_never_named_in_an_event)
{
    begin();
    run(owner, CONNECT, circuit, vnet, customer, customer);
    static const char event[] =
        "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "connection_id, vnet_customer_id, actor_role, actor_name) SELECT c.id, c.last_sequence + "
        "1, "
        "'%s', provider_status, provider_status, %s, '%s', 'operator', 'hand' FROM circuits c, "
        "connections k WHERE c.id = k.circuit_id";
    refused(owner, "an_event_of_a_connection_comes_with_it", event, "connection.down", "k.id",
            stranger);
    refused(owner, "an_event_of_a_connection_names_it", event, "circuit.updated", "NULL", stranger);
    refused(owner, "an_act_is_of_the_vnets_owner",
            "INSERT INTO acts_of_vnet_owners VALUES ('%s', 2, '%s')", circuit, stranger);
    refused(owner, "an_act_is_of_the_vnets_owner",
            "INSERT INTO acts_of_vnet_owners VALUES ('%s', 99, '%s')", circuit, customer);
}
END_TEST

/* It would have been published again. */
START_TEST(what_is_published_by_hand_is_published_once)
{
    begin();
    static const char publishing[] =
        "INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id) SELECT "
        "(SELECT coalesce(max(position), 0) FROM feed) + row_number() OVER (ORDER BY seq), seq, "
        "circuit_id, sequence, at, customer_id FROM events_unpublished";
    run(owner, publishing);
    run(owner, publishing);
    run(api, "SELECT FROM onramp.feed_tail(0, 1000)");
    ck_assert_str_eq(value(owner, "SELECT row(count(*), count(DISTINCT (circuit_id, sequence)), "
                                  "(SELECT count(*) FROM circuit_events)) FROM feed"),
                     "(2,2,2)");
}
END_TEST

/* --- service keys
 * ---------------------------------------------------------------------------------- */

START_TEST(keys_are_retired_by_trigger_alone)
{
    begin();
    refused(owner, "keys_are_retired_by_trigger",
            "INSERT INTO retired_service_keys (service_key, circuit_id) VALUES ('%s', '%s')",
            key_of(circuit), circuit);
    refused(owner, "keys_are_retired_by_trigger",
            "INSERT INTO retired_service_keys (service_key, circuit_id) VALUES "
            "(gen_random_uuid(), '%s')",
            circuit);
}
END_TEST

START_TEST(a_key_is_replaced_before_building_begins_and_is_not_quoted_then)
{
    begin();
    ck_assert_str_eq(announce(circuit, "circuit.progress", "{}"), "applied");
    refused(owner, "a_new_service_key_has_been_quoted_by_nobody",
            "UPDATE circuits SET service_key = gen_random_uuid() WHERE id = '%s'", circuit);
    run(owner,
        "UPDATE circuits SET service_key = gen_random_uuid(), key_quoted_at = NULL WHERE id = '%s'",
        circuit);
    bring_to(circuit, "Provisioned");
    refused(owner, "a_service_key_is_replaced_before_building_begins",
            "UPDATE circuits SET service_key = gen_random_uuid(), key_quoted_at = NULL "
            "WHERE id = '%s'",
            circuit);
}
END_TEST

static const char *const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

/* A snapshot from before the key was retired does not see that it was. */
START_TEST(a_key_that_was_retired_after_the_snapshot_is_never_used_again)
{
    begin();
    const char *key = key_of(circuit);
    PGconn *late = session("onramp_owner");
    run(late, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(late, "SELECT count(*) FROM circuits");
    run(api, "SELECT onramp.circuit_service_key_rotate('(customer,Acme,,,,)', '%s', '%s')", circuit,
        customer);
    refused(late, "a_service_key_is_never_used_again",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
            "sku_tier, sku_family, vnet_limit, service_key) VALUES ('%s', 'x', 'carrier', "
            "'Amsterdam', 1000, 'Standard', 'MeteredData', 10, '%s')",
            customer, key);
    run(late, "ROLLBACK");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits WHERE service_key = '%s'", key),
                     0);
}
END_TEST

START_TEST(nor_by_a_rotation_with_an_old_snapshot)
{
    begin();
    const char *key = key_of(circuit);
    PGconn *late = session("onramp_owner");
    run(late, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(late, "SELECT count(*) FROM circuits");
    run(api, "SELECT onramp.circuit_service_key_rotate('(customer,Acme,,,,)', '%s', '%s')", circuit,
        customer);
    refused(late, "a_service_key_is_never_used_again",
            "UPDATE circuits SET service_key = '%s' WHERE id = '%s'", key, other);
    run(late, "ROLLBACK");
    run(late, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(late, "UPDATE circuits SET service_key = gen_random_uuid() WHERE id = '%s'", other);
    run(late, "COMMIT");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM retired_service_keys"), 2);
}
END_TEST

/* --- what others are decided by
 * -------------------------------------------------------------------- */

/* Without them nothing that asks how long would be refused any more. */
START_TEST(the_settings_are_never_deleted)
{
    refused(owner, "the_settings_are_never_deleted", "DELETE FROM settings");
    refused(owner, "the_settings_are_never_deleted", "TRUNCATE settings");
}
END_TEST

START_TEST(a_callback_is_remembered_as_it_was_for_8_days)
{
    begin();
    ck_assert_str_eq(announce(circuit, "circuit.progress", "{}"), "applied");
    refused(owner, "what_is_remembered_of_a_callback_never_changes",
            "UPDATE remembered_callbacks SET webhook_id = 'other'");
    refused(owner, "what_is_remembered_of_a_callback_never_changes",
            "TRUNCATE remembered_callbacks");
    refused(owner, "a_callback_is_remembered_for_8_days", "DELETE FROM remembered_callbacks");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row_guard");
    TCase *rows = scene_case(suite, "rows", 30);
    tcase_add_test(rows, what_a_row_is_never_changes_in_any_part_of_a_statement);
    tcase_add_test(rows, what_opens_a_door_stays_with_whom_it_was_given_to);
    tcase_add_test(rows, counters_are_never_set_in_any_part_of_a_statement);
    tcase_add_test(rows, a_quota_stays_with_its_customer_and_location);
    tcase_add_test(rows, a_delivery_and_its_endpoint_stay_what_they_are);
    TCase *histories = scene_case(suite, "histories", 30);
    tcase_add_test(histories, two_events_never_have_one_number);
    tcase_add_test(histories, a_rejection_at_provisioned_answers_an_open_request);
    tcase_add_test(histories, no_request_to_deprovision_is_open_at_not_provisioned);
    tcase_add_test(histories, a_request_is_opened_and_closed_by_its_events_alone);
    tcase_add_test(histories, a_circuit_is_deleted_by_its_event_alone);
    tcase_add_test(histories, a_history_ends_with_the_deletion);
    tcase_add_test(histories, an_event_of_a_connection_is_of_one_that_there_is);
    tcase_add_test(histories, a_stranger_is_never_named_in_an_event);
    tcase_add_test(histories, what_is_published_by_hand_is_published_once);
    TCase *keys = scene_case(suite, "keys", 30);
    tcase_add_test(keys, keys_are_retired_by_trigger_alone);
    tcase_add_test(keys, a_key_is_replaced_before_building_begins_and_is_not_quoted_then);
    tcase_add_loop_test(keys, a_key_that_was_retired_after_the_snapshot_is_never_used_again, 0, 3);
    tcase_add_loop_test(keys, nor_by_a_rotation_with_an_old_snapshot, 0, 3);
    TCase *others = scene_case(suite, "others", 30);
    tcase_add_test(others, the_settings_are_never_deleted);
    tcase_add_test(others, a_callback_is_remembered_as_it_was_for_8_days);
    return scene_run(suite);
}
