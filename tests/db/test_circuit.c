/* SPDX-License-Identifier: Apache-2.0 */
/* Circuits: ordering, reading, listing, deleting, history. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *customer;

static void begin(void)
{
    customer = customer_new("Acme");
}

static PGresult *order(const char *partner, const char *location, int bandwidth, const char *tier,
                       const char *family)
{
    return run(api,
               "SELECT *, facts #>> '{errors,0,pointer}' AS pointer FROM "
               "onramp.circuit_create('(customer,Acme,,,,)', '%s', 'hq', '%s', '%s', %d, "
               "'%s', '%s', '{\"a\": \"b\"}')",
               customer, partner, location, bandwidth, tier, family);
}

START_TEST(a_new_circuit_is_as_promised)
{
    begin();
    PGresult *c = order("carrier", "Amsterdam", 1000, "Standard", "MeteredData");
    static const struct {
        const char *column, *expected;
    } columns[] = {
        {"outcome", "ok"},
        {"facts", ""},
        {"name", "hq"},
        {"partner", "carrier"},
        {"peering_location", "Amsterdam"},
        {"bandwidth_mbps", "1000"},
        {"sku_tier", "Standard"},
        {"sku_family", "MeteredData"},
        {"key_quoted_at", ""},
        {"circuit_status", "Enabled"},
        {"provider_status", "NotProvisioned"},
        {"waiting_on", "customer"},
        {"stalled", "f"},
        {"last_rejection", ""},
        {"partner_note", ""},
        {"expected_by", ""},
        {"s_tag", ""},
        {"deprovision_requested_at", ""},
        {"delete_when_deprovisioned", "f"},
        {"connections_used", "0"},
        {"connections_limit", "10"},
        {"provisioned_at", ""},
        {"deprovisioned_at", ""},
        {"deleted_at", ""},
        {"tags", "{\"a\": \"b\"}"},
        {"version", "1"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        ck_assert_msg(strcmp(field(c, 0, columns[i].column), columns[i].expected) == 0, "%s: %s",
                      columns[i].column, field(c, 0, columns[i].column));
    ck_assert_str_eq(field(c, 0, "customer_id"), customer);
    ck_assert_str_eq(field(c, 0, "since"), field(c, 0, "created_at"));
    ck_assert_str_eq(field(c, 0, "service_key_issued_at"), field(c, 0, "created_at"));
    ck_assert_int_eq(field(c, 0, "id")[14], '7');          /* UUID v7 */
    ck_assert_int_eq(field(c, 0, "service_key")[14], '4'); /* UUID v4 */
    PGresult *e = run(api, "SELECT * FROM onramp.circuit_event_list('%s', '%s', NULL, 10)",
                      field(c, 0, "id"), customer);
    ck_assert_int_eq(PQntuples(e), 1);
    ck_assert_str_eq(field(e, 0, "type"), "circuit.created");
    ck_assert_str_eq(field(e, 0, "from_status"), "");
    ck_assert_str_eq(field(e, 0, "to_status"), "NotProvisioned");
    ck_assert_str_eq(field(e, 0, "actor_role"), "customer");
    ck_assert_str_eq(field(e, 0, "actor_name"), "Acme");
    ck_assert_str_eq(field(e, 0, "at"), field(c, 0, "created_at"));
}
END_TEST

START_TEST(an_actor_with_a_colon_or_a_quote_in_its_name_is_kept)
{
    begin();
    const char *circuit = value(
        api,
        "SELECT id FROM onramp.circuit_create('(customer,\"A: O''Brien: \u00e9\",,,,)', '%s', 'x', "
        "'carrier', 'London', 50, 'Standard', 'MeteredData', '{}')",
        customer);
    ck_assert_str_eq(
        value(owner, "SELECT actor_name FROM circuit_events WHERE circuit_id = '%s'", circuit),
        "A: O'Brien: \u00e9");
}
END_TEST

static const struct {
    const char *partner, *location;
    int bandwidth;
    const char *pointer;
} not_offered[] = {
    {"nobody", "Amsterdam", 50, "/partner"},     {"carrier", "Atlantis", 50, "/peeringLocation"},
    {"rival", "London", 50, "/peeringLocation"}, {"carrier", "London", 100, "/bandwidthMbps"},
    {"carrier", "London", 7, "/bandwidthMbps"},
};

START_TEST(what_is_not_offered_is_refused_with_a_pointer)
{
    begin();
    PGresult *c = order(not_offered[_i].partner, not_offered[_i].location,
                        not_offered[_i].bandwidth, "Standard", "MeteredData");
    ck_assert_str_eq(field(c, 0, "outcome"), "not_offered");
    ck_assert_str_eq(field(c, 0, "pointer"), not_offered[_i].pointer);
    ck_assert_str_eq(field(c, 0, "id"), "");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 0);
}
END_TEST

START_TEST(the_limit_comes_from_the_limit_data)
{
    begin();
    run(owner,
        "UPDATE vnet_limits SET vnets = 50 WHERE tier = 'Premium' AND bandwidth_mbps = 1000");
    ck_assert_str_eq(field(order("carrier", "Amsterdam", 1000, "Premium", "MeteredData"), 0,
                           "connections_limit"),
                     "50");
    ck_assert_str_eq(field(order("carrier", "Amsterdam", 1000, "Local", "UnlimitedData"), 0,
                           "connections_limit"),
                     "10");
}
END_TEST

START_TEST(an_offer_that_is_withdrawn_stays_with_the_circuits_that_have_it)
{
    begin();
    const char *circuit = field(order("carrier", "London", 50, "Standard", "MeteredData"), 0, "id");
    run(api, "SELECT * FROM onramp.partner_replace('(operator,ops,,,,)', 'carrier', 'Carrier', "
             "'[]', NULL)");
    ck_assert_str_eq(value(api, "SELECT peering_location FROM onramp.circuit_get('%s', '%s')",
                           circuit, customer),
                     "London");
    ck_assert_str_eq(field(order("carrier", "London", 50, "Standard", "MeteredData"), 0, "outcome"),
                     "not_offered");
}
END_TEST

START_TEST(a_circuit_is_read_by_its_customer_and_by_operators)
{
    begin();
    const char *circuit = circuit_new(customer), *stranger = customer_new("Other");
    ck_assert_str_eq(
        value(api, "SELECT name FROM onramp.circuit_get('%s', '%s')", circuit, customer), "hq");
    ck_assert_str_eq(value(api, "SELECT name FROM onramp.circuit_get('%s', NULL)", circuit), "hq");
    PGresult *foreign = run(api, "SELECT * FROM onramp.circuit_get('%s', '%s')", circuit, stranger);
    PGresult *unknown =
        run(api, "SELECT * FROM onramp.circuit_get('%s', '%s')", stranger, stranger);
    ck_assert_str_eq(field(foreign, 0, "outcome"), "not_found");
    for (int i = 0; i < PQnfields(foreign); i++)
        ck_assert_str_eq(PQgetvalue(foreign, 0, i), PQgetvalue(unknown, 0, i));
}
END_TEST

/* --- deleting
 * -------------------------------------------------------------------------------------- */

static const char *delete_of(const char *circuit, const char *by)
{
    return value(api,
                 "SELECT outcome FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s')",
                 circuit, by);
}

START_TEST(a_deleted_circuit_is_gone_for_its_customer_and_kept_for_operators)
{
    begin();
    const char *circuit = circuit_new(customer);
    ck_assert_str_eq(delete_of(circuit, customer_new("Other")), "not_found");
    ck_assert_str_eq(delete_of(circuit, customer), "ok");
    ck_assert_str_eq(delete_of(circuit, customer), "not_found");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.circuit_get('%s', '%s')", circuit, customer),
        "not_found");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.circuit_event_list('%s', '%s', NULL, 10)",
                           circuit, customer),
                     "not_found");
    ck_assert_str_eq(
        value(api, "SELECT deleted_at > created_at FROM onramp.circuit_get('%s', NULL)", circuit),
        "t");
    ck_assert_str_eq(
        value(api, "SELECT type FROM onramp.circuit_event_list('%s', NULL, 1, 10)", circuit),
        "circuit.deleted");
}
END_TEST

START_TEST(every_blocker_of_a_delete_is_named_at_once)
{
    begin();
    const char *circuit = circuit_new(customer);
    bring_to(circuit, "Provisioned");
    const char *one = connected(customer, circuit, vnet_new(customer, 1));
    const char *two = connected(customer, circuit, vnet_new(customer, 2));
    run(owner,
        "INSERT INTO authorizations (customer_id, circuit_id, authorization_key, name) VALUES "
        "('%s', '%s', 'k', 'n')",
        customer, circuit);
    PGresult *blockers = run(api,
                             "SELECT outcome, facts ->> 'providerStatus' AS status, b ->> 'type' "
                             "AS type, b ->> 'id' AS id, b ->> 'detail' AS detail "
                             "FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s'), "
                             "jsonb_array_elements(facts -> 'blockers') b",
                             circuit, customer);
    ck_assert_int_eq(PQntuples(blockers), 4);
    ck_assert_str_eq(field(blockers, 0, "outcome"), "circuit_in_use");
    ck_assert_str_eq(field(blockers, 0, "status"), "Provisioned");
    ck_assert_str_eq(field(blockers, 0, "type"), "provider_status");
    ck_assert_str_eq(field(blockers, 0, "id"), "");
    ck_assert_str_eq(field(blockers, 1, "id"), one);
    ck_assert_str_eq(field(blockers, 2, "id"), two);
    ck_assert_str_eq(field(blockers, 3, "type"), "authorization");
    ck_assert_str_eq(value(owner, "SELECT deleted_at FROM circuits"), "");
}
END_TEST

/* --- lists
 * ----------------------------------------------------------------------------------------- */

/* Names in a list, as one word: "abc". All parameters after the limit are SQL. */
static const char *listed(const char *by, const char *after, int limit, const char *filters)
{
    return value(
        api,
        "SELECT string_agg(name, '') FROM (SELECT * FROM onramp.circuit_list(%s, %s, %d, %s)) l",
        by, after, limit, filters);
}

static const char *named(const char *of, const char *name, const char *partner,
                         const char *location)
{
    return value(api,
                 "SELECT id FROM onramp.circuit_create('(customer,x,,,,)', '%s', '%s', '%s', '%s', "
                 "50, 'Standard', "
                 "'MeteredData', '{}')",
                 of, name, partner, location);
}

START_TEST(lists_show_what_the_filters_say_and_the_caller_may_see)
{
    begin();
    const char *other = customer_new("Other");
    const char *a = named(customer, "a", "carrier", "Amsterdam"),
               *b = named(customer, "b", "carrier", "London");
    const char *c = named(customer, "c", "rival", "Amsterdam"),
               *d = named(other, "d", "carrier", "Amsterdam");
    const char *e = named(customer, "e", "carrier", "Amsterdam");
    bring_to(b, "Provisioning");
    bring_to(d, "Provisioned");
    run(owner, "UPDATE circuits SET circuit_status = 'Disabled' WHERE id = '%s'", a);
    delete_of(e, customer);
    char me[64], them[64], key[128];
    snprintf(me, sizeof me, "'%s'", customer);
    snprintf(them, sizeof them, "'%s'", other);
    (void)c;

    /* provider status, circuit status, partner, location, customer, key, deleted */
    ck_assert_str_eq(listed(me, "NULL", 50, "NULL, NULL, NULL, NULL, NULL, NULL, NULL"), "abc");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, NULL, NULL, NULL, NULL, NULL, NULL"),
                     "abcd");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, NULL, NULL, NULL, NULL, NULL, true"), "e");
    ck_assert_str_eq(
        listed("NULL", "NULL", 50, "'NotProvisioned', NULL, NULL, NULL, NULL, NULL, true"), "e");
    ck_assert_str_eq(
        listed("NULL", "NULL", 50, "'Provisioned', NULL, NULL, NULL, NULL, NULL, true"), "");
    ck_assert_str_eq(listed(me, "NULL", 50, "NULL, NULL, NULL, NULL, NULL, NULL, true"), "");
    ck_assert_str_eq(
        listed("NULL", "NULL", 50, "'NotProvisioned', NULL, NULL, NULL, NULL, NULL, false"), "ac");
    ck_assert_str_eq(listed(me, "NULL", 50, "'Provisioned', NULL, NULL, NULL, NULL, NULL, NULL"),
                     "");
    ck_assert_str_eq(
        listed("NULL", "NULL", 50, "'Provisioned', NULL, NULL, NULL, NULL, NULL, NULL"), "d");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, 'Disabled', NULL, NULL, NULL, NULL, NULL"),
                     "a");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, 'Enabled', NULL, NULL, NULL, NULL, NULL"),
                     "bcd");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, NULL, 'carrier', NULL, NULL, NULL, NULL"),
                     "abd");
    ck_assert_str_eq(listed("NULL", "NULL", 1, "NULL, NULL, 'carrier', NULL, NULL, NULL, NULL"),
                     "ab");
    ck_assert_str_eq(listed(me, "NULL", 50, "NULL, NULL, 'carrier', 'Amsterdam', NULL, NULL, NULL"),
                     "a");
    ck_assert_str_eq(listed("NULL", "NULL", 50, "NULL, NULL, NULL, 'London', NULL, NULL, NULL"),
                     "b");
    char filter[128];
    snprintf(filter, sizeof filter, "NULL, NULL, NULL, NULL, %s, NULL, NULL", them);
    ck_assert_str_eq(listed("NULL", "NULL", 50, filter), "d");
    ck_assert_str_eq(listed(me, "NULL", 50, filter), "");
    snprintf(key, sizeof key, "NULL, NULL, NULL, NULL, NULL, '%s', NULL", key_of(d));
    ck_assert_str_eq(listed("NULL", "NULL", 50, key), "d");
    ck_assert_str_eq(listed(me, "NULL", 50, key), "");
    ck_assert_str_eq(listed(them, "NULL", 50, key), "d");
    ck_assert_str_eq(listed("NULL", "NULL", 50,
                            "NULL, NULL, '''; DROP TABLE circuits; --', NULL, NULL, NULL, NULL"),
                     "");
}
END_TEST

START_TEST(pages_join_up_without_gap_or_repetition)
{
    begin();
    for (int i = 0; i < 7; i++)
        circuit_new(customer);
    char me[64], after[64] = "NULL", seen[8][40];
    snprintf(me, sizeof me, "'%s'", customer);
    int count = 0;
    for (int page = 0; page < 4; page++) {
        PGresult *rows = run(api,
                             "SELECT id FROM onramp.circuit_list(%s, %s, 2, NULL, NULL, NULL, "
                             "NULL, NULL, NULL, NULL)",
                             page % 2 ? me : "NULL", after);
        int shown = PQntuples(rows) > 2 ? 2 : PQntuples(rows);
        ck_assert_int_eq(PQntuples(rows), page < 3 ? 3 : 1);
        for (int i = 0; i < shown; i++) {
            snprintf(seen[count], sizeof *seen, "%s", PQgetvalue(rows, i, 0));
            ck_assert(count == 0 || strcmp(seen[count - 1], seen[count]) < 0);
            snprintf(after, sizeof after, "'(,%s)'", seen[count++]);
        }
    }
    ck_assert_int_eq(count, 7);
}
END_TEST

START_TEST(a_history_is_read_page_by_page)
{
    begin();
    const char *circuit = circuit_new(customer);
    for (int i = 0; i < 4; i++)
        announce(circuit, "circuit.progress", "{}");
    PGresult *rows =
        run(api, "SELECT * FROM onramp.circuit_event_list('%s', '%s', 2, 2)", circuit, customer);
    ck_assert_int_eq(PQntuples(rows), 3);
    ck_assert_str_eq(field(rows, 0, "sequence"), "3");
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.circuit_event_list('%s', '%s', 5, 2)",
                                   circuit, customer)),
                     0);
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.circuit_event_list('%s', '%s', NULL, 2)",
                           circuit, customer_new("Other")),
                     "not_found");
}
END_TEST

/* Plans at a size where a wrong one would show: no list reads more than it shows, whatever the
 * filter. */
START_TEST(every_list_is_read_by_an_index)
{
    begin();
    run(admin, "SET session_replication_role = replica");
    run(admin, "INSERT INTO customers (id, name) SELECT md5('c' || i)::uuid, 'c' || i FROM "
               "generate_series(1, 50) i");
    /* Old ones are deleted, then come those NotProvisioned, then those Provisioned: rows of one
     * value lie together, so a scan in the order of ids reads past thousands of another. */
    run(admin,
        "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, "
        "sku_tier, sku_family, vnet_limit, provider_status, listed_as, shown_as, waiting_on, "
        "deleted_at) "
        "SELECT md5('c' || 1 + i %% 50)::uuid, 'n', 'carrier', 'Amsterdam', 1000, 'Standard', "
        "'MeteredData', 10, status, CASE WHEN i <= 15000 THEN 'Deleted' ELSE status END, "
        "CASE WHEN i <= 25000 THEN '' ELSE status END, "
        "CASE WHEN i BETWEEN 15001 AND 30000 THEN 'customer' ELSE 'nobody' END, "
        "CASE WHEN i <= 15000 THEN now() END "
        "FROM (SELECT i, CASE WHEN i <= 30000 THEN 'NotProvisioned' ELSE 'Provisioned' END "
        "AS status FROM generate_series(1, 40000) i) rows");
    run(admin, "SET session_replication_role = origin");
    run(admin, "VACUUM ANALYZE circuits");
    static const char *const lists[] = {
        "circuit_list(NULL, NULL, 20, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, 'Enabled', NULL, NULL, NULL, NULL, NULL)",
        "partner_circuit_list('carrier', NULL, 20, NULL)",
        "partner_circuit_list('carrier', NULL, 20, 'Provisioned')",
        "partner_circuit_list('carrier', NULL, 20, 'Deprovisioning')",
        "partner_circuit_list('rival', NULL, 20, NULL)",
        "circuit_list(NULL, NULL, 20, 'Provisioned', NULL, NULL, NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, 'NotProvisioned', NULL, NULL, NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, 'Disabled', NULL, NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, 'carrier', NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, 'rival', NULL, NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, NULL, 'London', NULL, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, NULL, NULL, md5('c7')::uuid, NULL, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, NULL, NULL, NULL, md5('key')::uuid, NULL)",
        "circuit_list(NULL, NULL, 20, NULL, NULL, NULL, NULL, NULL, NULL, true)",
    };
    static const char counts[] = "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables "
                                 "WHERE relid = 'circuits'::regclass";
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        /* What the statistics have not been told yet: counts of this session only. */
        run(owner, "BEGIN");
        PGresult *before = run(owner, "%s", counts);
        run(owner, "SELECT * FROM %s", lists[i]);
        PGresult *after = run(owner, "%s", counts);
        long scans =
            strtol(PQgetvalue(after, 0, 0), NULL, 10) - strtol(PQgetvalue(before, 0, 0), NULL, 10);
        long fetched =
            strtol(PQgetvalue(after, 0, 1), NULL, 10) - strtol(PQgetvalue(before, 0, 1), NULL, 10);
        ck_assert_msg(scans == 0, "sequential scan: %s", lists[i]);
        run(owner, "COMMIT");
        ck_assert_msg(fetched <= 5 * 21 + 21, "%ld rows fetched: %s", fetched, lists[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("circuit");
    TCase *orders = scene_case(suite, "ordering", 30);
    tcase_add_test(orders, a_new_circuit_is_as_promised);
    tcase_add_test(orders, an_actor_with_a_colon_or_a_quote_in_its_name_is_kept);
    tcase_add_loop_test(orders, what_is_not_offered_is_refused_with_a_pointer, 0,
                        (int)(sizeof not_offered / sizeof *not_offered));
    tcase_add_test(orders, the_limit_comes_from_the_limit_data);
    tcase_add_test(orders, an_offer_that_is_withdrawn_stays_with_the_circuits_that_have_it);
    tcase_add_test(orders, a_circuit_is_read_by_its_customer_and_by_operators);
    TCase *deletes = scene_case(suite, "deleting", 30);
    tcase_add_test(deletes, a_deleted_circuit_is_gone_for_its_customer_and_kept_for_operators);
    tcase_add_test(deletes, every_blocker_of_a_delete_is_named_at_once);
    TCase *lists = scene_case(suite, "lists", 60);
    tcase_add_test(lists, lists_show_what_the_filters_say_and_the_caller_may_see);
    tcase_add_test(lists, pages_join_up_without_gap_or_repetition);
    tcase_add_test(lists, a_history_is_read_page_by_page);
    tcase_add_test(lists, every_list_is_read_by_an_index);
    return scene_run(suite);
}
