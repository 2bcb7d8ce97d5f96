/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's role may do (call the functions of the API, nothing else), and that no function
 * tells one tenant anything of another. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

START_TEST(the_daemon_reads_and_writes_no_table)
{
    PGresult *tables = run(owner, "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = "
                                  "'onramp'::regnamespace AND relkind IN ('r', 'v', 'S')");
    ck_assert_int_ge(PQntuples(tables), 25);
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        ck_assert_str_eq(value(owner,
                               "SELECT has_table_privilege('onramp_daemon', '%s', 'SELECT, INSERT, "
                               "UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
                               table),
                         "f");
        fails(api, "42501", "TABLE %s", table);
    }
}
END_TEST

START_TEST(the_daemon_calls_the_functions_of_the_api_and_no_other)
{
    PGresult *callable =
        run(owner, "SELECT proname, prosecdef, proconfig @> '{\"search_path=onramp, pg_temp\"}' AS "
                   "pinned, proretset, "
                   "proowner = 'onramp_owner'::regrole AS owned FROM pg_proc WHERE pronamespace = "
                   "'onramp'::regnamespace "
                   "AND has_function_privilege('onramp_daemon', oid, 'EXECUTE') ORDER BY proname");
    /* Which ones, tests/house knows. */
    ck_assert_int_ge(PQntuples(callable), 51);
    for (int i = 0; i < PQntuples(callable); i++)
        for (int j = 1; j < 5; j++)
            ck_assert_msg(strcmp(PQgetvalue(callable, i, j), "t") == 0, "%s: %s",
                          PQgetvalue(callable, i, 0), PQfname(callable, j));
    static const char *const internal[] = {"offers_set('carrier', '[]')",
                                           "circuit_remove(NULL, 'x', 'x')",
                                           "circuit_quoted(NULL, 'x', 'x')",
                                           "connections_follow(NULL, true, 'x', 'x')",
                                           "vnet_faults('{}')",
                                           "uuid_v7()",
                                           "actor_name()"};
    for (size_t i = 0; i < sizeof internal / sizeof *internal; i++)
        fails(api, "42501", "SELECT onramp.%s", internal[i]);
}
END_TEST

START_TEST(nobody_else_may_enter_the_schema)
{
    run(admin, "CREATE ROLE passer_by_%d LOGIN", PQbackendPID(admin));
    run(admin, "SET ROLE passer_by_%d", PQbackendPID(admin));
    fails(admin, "42501", "SELECT * FROM onramp.schema_ready()");
    fails(admin, "42501", "SELECT * FROM onramp.circuits");
    run(admin, "RESET ROLE");
    run(admin, "DROP ROLE passer_by_%d", PQbackendPID(admin));
}
END_TEST

START_TEST(a_new_function_is_closed_to_everybody_until_it_is_granted)
{
    run(owner, "CREATE FUNCTION onramp.open_door() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    fails(api, "42501", "SELECT onramp.open_door()");
}
END_TEST

START_TEST(the_daemon_can_not_make_objects_nor_shadow_tables)
{
    /* Privileges of databases are not copied from a template: here the migration's own statement.
     */
    run(admin, "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %%I FROM PUBLIC', "
               "current_database()); END $$");
    fails(api, "42501", "CREATE TEMP TABLE circuits (id uuid)");
    fails(api, "42501", "CREATE TABLE onramp.x (id uuid)");
    fails(api, "42501", "CREATE TABLE public.x (id uuid)");
    fails(api, "42501", "SET session_replication_role = replica");
    fails(api, "42501", "SET ROLE onramp_owner");
}
END_TEST

START_TEST(a_temporary_table_does_not_shadow_ours)
{
    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer);
    PGconn *other = session("onramp_owner");
    run(other, "CREATE TEMP TABLE circuits (LIKE onramp.circuits)");
    run(other, "CREATE TEMP TABLE connections (LIKE onramp.connections)");
    run(other, "SET search_path = pg_temp, onramp");
    ck_assert_str_eq(
        value(other, "SELECT outcome FROM onramp.circuit_get('%s', '%s')", circuit, customer),
        "ok");
    ck_assert_str_eq(
        value(other, "SELECT outcome FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')",
              circuit, customer),
        "ok");
    /* Triggers of our tables look at our tables, whatever the search path of who writes. */
    run(other, "SET search_path = pg_temp");
    fails(
        other, "23000",
        "INSERT INTO onramp.circuit_events (circuit_id, sequence, type, from_status, to_status, "
        "actor_role, actor_name) "
        "VALUES ('%s', 9, 'circuit.progress', 'NotProvisioned', 'NotProvisioned', 'operator', 'x')",
        circuit);
    run(other,
        "INSERT INTO onramp.circuits (customer_id, name, partner, peering_location, "
        "bandwidth_mbps, sku_tier, sku_family, vnet_limit) "
        "VALUES ('%s', 'x', 'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', 10)",
        customer);
    run(other, "RESET search_path");
}
END_TEST

/* Every function that takes a customer and an id: what is another's answers exactly as what is not.
 */
START_TEST(each_of_several_circuits_is_read_for_its_own_customer)
{
    const char *customer = customer_new("one"), *other = customer_new("other");
    const char *circuit = circuit_new(customer), *foreign = circuit_new(other);
    const char *deleted = circuit_new(customer);
    run(api, "SELECT * FROM onramp.circuit_delete('(customer,one,,,,)', '%s', '%s')", deleted,
        customer);
    PGresult *rows = run(api,
                         "SELECT * FROM onramp.circuit_get_each("
                         "'{%s, %s, %s, %s, %s, %s}', '{%s, %s, %s, %s, NULL, %s}')",
                         foreign, circuit, foreign, deleted, deleted, circuit, customer, customer,
                         other, customer, customer);
    const char *const expected[] = {"", circuit, foreign, "", deleted, circuit};
    ck_assert_int_eq(PQntuples(rows), 6);
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(field(rows, i, "id"), expected[i]);
        ck_assert_str_eq(field(rows, i, "outcome"), *expected[i] != '\0' ? "ok" : "not_found");
    }
}
END_TEST

START_TEST(what_is_anothers_answers_as_what_does_not_exist)
{
    static const char *const calls[] = {
        "circuit_get('%s', '%s')",
        "circuit_delete('(customer,x,,,,)', '%s', '%s')",
        "circuit_event_list('%s', '%s', NULL, 10)",
        "vnet_get('%s', '%s')",
        "vnet_update('(customer,Acme,,,,)', '%s', '%s', 'stolen', NULL, NULL)",
        "vnet_update('(customer,Acme,,,,)', '%s', '%s', NULL, '{10.1.0.0/16}', NULL)",
        "vnet_gateway_put('(customer,Acme,,,,)', '%s', '%s', '10.1.0.0/27')",
        "vnet_gateway_delete('(customer,Acme,,,,)', '%s', '%s')",
        "vnet_delete('(customer,Acme,,,,)', '%s', '%s')",
        "connection_get('%s', '%s')",
        "connection_delete('(customer,x,,,,)', '%s', '%s')",
    };
    const char *acme = customer_new("Acme"), *other = customer_new("Other");
    const char *circuit = circuit_new(acme), *vnet = vnet_new(acme, 1);
    bring_to(circuit, "Provisioned");
    const char *connection = connected(acme, circuit, vnet);
    const char *before =
        value(owner, "SELECT jsonb_agg(to_jsonb(c)) || (SELECT jsonb_agg(to_jsonb(v)) FROM vnets "
                     "v) || (SELECT jsonb_agg(to_jsonb(k)) FROM connections k) FROM circuits c");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const char *id = strncmp(calls[i], "vnet", 4) == 0   ? vnet
                         : strncmp(calls[i], "conn", 4) == 0 ? connection
                                                             : circuit;
        char query[256] = "SELECT * FROM onramp.";
        strncat(query, calls[i], sizeof query - strlen(query) - 1);
        PGresult *foreign = run(api, query, id, other),
                 *unknown = run(api, query, "00000000-0000-7000-8000-000000000000", other);
        ck_assert_msg(strcmp(field(foreign, 0, "outcome"), "not_found") == 0, "%s", calls[i]);
        ck_assert_int_eq(PQntuples(foreign), 1);
        for (int column = 0; column < PQnfields(foreign); column++)
            ck_assert_msg(strcmp(PQgetvalue(foreign, 0, column), PQgetvalue(unknown, 0, column)) ==
                              0,
                          "%s", calls[i]);
    }
    ck_assert_str_eq(
        value(owner, "SELECT jsonb_agg(to_jsonb(c)) || (SELECT jsonb_agg(to_jsonb(v)) FROM vnets "
                     "v) || (SELECT jsonb_agg(to_jsonb(k)) FROM connections k) FROM circuits c"),
        before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tenant");
    TCase *tcase = scene_case(suite, "tenants", 30);
    tcase_add_test(tcase, the_daemon_reads_and_writes_no_table);
    tcase_add_test(tcase, the_daemon_calls_the_functions_of_the_api_and_no_other);
    tcase_add_test(tcase, nobody_else_may_enter_the_schema);
    tcase_add_test(tcase, a_new_function_is_closed_to_everybody_until_it_is_granted);
    tcase_add_test(tcase, the_daemon_can_not_make_objects_nor_shadow_tables);
    tcase_add_test(tcase, a_temporary_table_does_not_shadow_ours);
    tcase_add_test(tcase, each_of_several_circuits_is_read_for_its_own_customer);
    tcase_add_test(tcase, what_is_anothers_answers_as_what_does_not_exist);
    return scene_run(suite);
}
