/* SPDX-License-Identifier: Apache-2.0 */
/* Customers, partners, offers, callback secrets, peering locations, the catalogue. */
#include "scene.h"

#include <string.h>

START_TEST(customers_are_created_and_listed_in_order)
{
    const char *first = customer_new("O''Brien"), *second = customer_new("O''Brien");
    PGresult *rows = run(api, "SELECT * FROM onramp.customer_list(NULL, 10)");
    ck_assert_int_eq(PQntuples(rows), 2);
    ck_assert_str_eq(field(rows, 0, "id"), first);
    ck_assert_str_eq(field(rows, 0, "name"), "O'Brien");
    ck_assert_str_eq(field(rows, 1, "id"), second);
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.customer_list('%s', 10)", first)), 1);
    ck_assert_int_eq(PQntuples(run(api, "SELECT * FROM onramp.customer_list(NULL, 0)")), 1);
}
END_TEST

START_TEST(a_partner_is_shown_with_its_offers_in_order)
{
    PGresult *p = run(api, "SELECT * FROM onramp.partner_get('carrier')");
    ck_assert_str_eq(field(p, 0, "display_name"), "Carrier");
    ck_assert_str_eq(value(api, "SELECT offers = '[{\"peeringLocation\": \"Amsterdam\", "
                                "\"bandwidthsMbps\": [50, 100, 1000]}, "
                                "{\"peeringLocation\": \"London\", \"bandwidthsMbps\": [50]}]' "
                                "FROM onramp.partner_get('carrier')"),
                     "t");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.partner_get('nobody')"), "not_found");
    ck_assert_str_eq(value(api, "SELECT string_agg(name, ' ') FROM onramp.partner_list(NULL, 10)"),
                     "carrier rival");
    ck_assert_str_eq(
        value(api, "SELECT string_agg(name, ' ') FROM onramp.partner_list('carrier', 10)"),
        "rival");
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.partner_list(NULL, 0)"), 1);
}
END_TEST

START_TEST(a_taken_name_is_refused)
{
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.partner_create('(operator,ops,,,,)', "
                                "'carrier', 'x', '[]', '" SEALED("s") "')"),
                     "partner_exists");
    ck_assert_str_eq(value(api, "SELECT display_name FROM onramp.partner_get('carrier')"),
                     "Carrier");
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.callback_secret_list('carrier')"), 1);
}
END_TEST

START_TEST(unknown_locations_are_pointed_at_and_nothing_is_kept)
{
    static const char offers[] = "[{\"peeringLocation\": \"Atlantis\", \"bandwidthsMbps\": [50]}, "
                                 "{\"peeringLocation\": \"London\", \"bandwidthsMbps\": [50]}, "
                                 "{\"peeringLocation\": \"Avalon\", \"bandwidthsMbps\": [50]}]";
    PGresult *p = run(api,
                      "SELECT outcome, e ->> 'pointer' AS pointer FROM "
                      "onramp.partner_create('(operator,ops,,,,)', 'new', 'New', "
                      "'%s', '" SEALED("s") "'), jsonb_array_elements(facts -> 'errors') e",
                      offers);
    ck_assert_int_eq(PQntuples(p), 2);
    ck_assert_str_eq(field(p, 0, "outcome"), "invalid_request");
    ck_assert_str_eq(field(p, 0, "pointer"), "/offers/0/peeringLocation");
    ck_assert_str_eq(field(p, 1, "pointer"), "/offers/2/peeringLocation");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.partner_get('new')"), "not_found");
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.callback_secret_list('new')"), 0);
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.partner_replace('(operator,ops,,,,)', "
                           "'rival', 'X', '%s', NULL)",
                           offers),
                     "invalid_request");
    ck_assert_str_eq(
        value(api,
              "SELECT display_name || jsonb_array_length(offers) FROM onramp.partner_get('rival')"),
        "Rival1");
}
END_TEST

START_TEST(replacing_a_partner_replaces_its_offers)
{
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.partner_replace('(operator,ops,,,,)', "
                                "'nobody', 'x', '[]', NULL)"),
                     "not_found");
    PGresult *p =
        run(api, "SELECT *, updated_at > created_at AS later FROM "
                 "onramp.partner_replace('(operator,ops,,,,)', 'carrier', 'New', "
                 "'[{\"peeringLocation\": \"London\", \"bandwidthsMbps\": [100, 50]}]', NULL)");
    ck_assert_str_eq(field(p, 0, "display_name"), "New");
    ck_assert_str_eq(field(p, 0, "offers"),
                     "[{\"bandwidthsMbps\": [50, 100], \"peeringLocation\": \"London\"}]");
    ck_assert_str_eq(field(p, 0, "later"), "t");
    ck_assert_str_eq(value(api, "SELECT string_agg(name || partners::text, ' ') FROM "
                                "onramp.peering_location_list(NULL, 10)"),
                     "Amsterdam[\"rival\"] London[\"carrier\"]");
}
END_TEST

START_TEST(peering_locations_are_listed_with_their_partners)
{
    PGresult *l = run(api, "SELECT * FROM onramp.peering_location_list(NULL, 10)");
    ck_assert_int_eq(PQntuples(l), 2);
    ck_assert_str_eq(field(l, 0, "name"), "Amsterdam");
    ck_assert_str_eq(field(l, 0, "zone"), "1");
    ck_assert_str_eq(field(l, 0, "site"), "AM5");
    ck_assert_str_eq(field(l, 0, "local_regions"), "[\"West Europe\"]");
    ck_assert_str_eq(field(l, 0, "direct"), "t");
    ck_assert_str_eq(field(l, 0, "partners"), "[\"carrier\", \"rival\"]");
    ck_assert_str_eq(field(l, 1, "local_regions"), "[]");
    ck_assert_str_eq(value(api, "SELECT name FROM onramp.peering_location_list('Amsterdam', 10)"),
                     "London");
}
END_TEST

START_TEST(a_catalogue_adds_what_is_missing_and_leaves_what_is_there)
{
    static const char catalogue[] =
        "{\"locations\": [{\"name\": \"London\", \"metro\": \"x\", \"zone\": 4, \"site\": \"x\", "
        "\"localRegions\": [], \"direct\": false}, "
        "{\"name\": \"G\u00e9n\u00e8ve\", \"metro\": \"G\", \"zone\": 1, \"site\": \"GE1\", "
        "\"localRegions\": [\"a\", \"b\"], \"direct\": true}], "
        "\"partners\": [{\"name\": \"carrier\", \"displayName\": \"x\", \"offers\": "
        "[{\"peeringLocation\": \"London\", \"bandwidthsMbps\": [10000]}, "
        "{\"peeringLocation\": \"G\u00e9n\u00e8ve\", \"bandwidthsMbps\": [100, 50]}]}, {\"name\": "
        "\"new\", \"displayName\": \"New\", \"offers\": []}]}";
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.catalogue_load('%s')", catalogue),
                         "ok");
        ck_assert_str_eq(value(owner, "SELECT site FROM peering_locations WHERE name = 'London'"),
                         "LD5");
        ck_assert_str_eq(value(owner, "SELECT display_name FROM partners WHERE name = 'carrier'"),
                         "Carrier");
        ck_assert_str_eq(
            value(owner, "SELECT string_agg(peering_location || bandwidths_mbps::text, ' ' ORDER "
                         "BY peering_location) FROM offers WHERE partner = 'carrier'"),
            "Amsterdam{50,100,1000} G\u00e9n\u00e8ve{50,100} London{50}");
        ck_assert_int_eq(number(owner, "SELECT count(*) FROM partners"), 3);
    }
}
END_TEST

START_TEST(a_rotation_makes_a_new_secret_and_lets_the_old_one_live_as_asked)
{
    const char *old = secret_of("carrier");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                   "'carrier', NULL, '" SEALED("2") "', 3600)"),
        "ok");
    PGresult *live =
        run(api, "SELECT *, expires_at - clock_timestamp() BETWEEN interval '3590 s' AND interval "
                 "'3600 s' AS soon FROM onramp.callback_secret_list('carrier')");
    ck_assert_int_eq(PQntuples(live), 2);
    ck_assert_str_eq(field(live, 0, "secret"), SEALED("2"));
    ck_assert_str_eq(field(live, 0, "expires_at"), "");
    ck_assert_str_eq(field(live, 1, "id"), old);
    ck_assert_str_eq(field(live, 1, "soon"), "t");
    /* A later rotation never lets it live longer. */
    run(api, "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'carrier', "
             "'carrier', '" SEALED("3") "', 86400)");
    ck_assert_str_eq(
        value(api, "SELECT expires_at FROM onramp.callback_secret_list('carrier') WHERE id = '%s'",
              old),
        field(live, 1, "expires_at"));
    run(api, "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'carrier', "
             "'carrier', '" SEALED("4") "', 0)");
    ck_assert_str_eq(
        value(api, "SELECT string_agg(secret, ' ') FROM onramp.callback_secret_list('carrier')"),
        SEALED("4"));
    ck_assert_str_eq(value(api, "SELECT secret FROM onramp.callback_secret_list('rival')"),
                     SEALED("rival"));
}
END_TEST

START_TEST(another_partner_does_not_rotate_a_secret)
{
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                   "'carrier', 'rival', '" SEALED("s") "', 0)"),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                   "'nobody', NULL, '" SEALED("s") "', 0)"),
        "not_found");
    ck_assert_str_eq(value(api, "SELECT secret FROM onramp.callback_secret_list('carrier')"),
                     SEALED("carrier"));
}
END_TEST

static const char *catalogue_name(PGconn *conn)
{
    return value(conn, "SELECT DISTINCT catalogue_version FROM onramp.partner_list(NULL, 10)");
}

/* Servers answer from memory for as long as the name is the same. */
START_TEST(a_change_gives_the_catalogue_another_name)
{
    static const char *const changes[] = {
        "UPDATE partners SET display_name = 'Other' WHERE name = 'rival'",
        "INSERT INTO offers VALUES ('rival', 'London', '{100}') ON CONFLICT DO NOTHING",
        "DELETE FROM offers WHERE partner = 'rival'",
        "UPDATE peering_locations SET site = 'Elsewhere' WHERE name = 'London'",
        "WITH gone AS (DELETE FROM offers RETURNING *) UPDATE partners SET display_name = 'More' "
        "WHERE name = 'carrier'",
    };
    const char *before = catalogue_name(api);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        run(owner, "BEGIN");
        run(owner, "%s", changes[i]);
        ck_assert_str_eq(catalogue_name(api), before);
        run(owner, "COMMIT");
        const char *after = catalogue_name(api);
        ck_assert_str_ne(after, before);
        ck_assert_str_eq(value(api, "SELECT catalogue_version FROM onramp.feed_tail(0, 10)"),
                         after);
        ck_assert_str_eq(value(api, "SELECT DISTINCT catalogue_version "
                                    "FROM onramp.peering_location_list(NULL, 10)"),
                         after);
        before = after;
    }
    run(owner, "TRUNCATE offers");
    ck_assert_str_ne(catalogue_name(api), before);
}
END_TEST

/* They wait for each other where they change one row, and not for the name. */
START_TEST(changes_do_not_wait_for_the_name_of_the_catalogue)
{
    PGconn *one = session("onramp_owner"), *two = session("onramp_owner");
    const char *before = catalogue_name(api);
    run(two, "SET lock_timeout = '2s'");
    run(one, "BEGIN");
    run(two, "BEGIN");
    run(one, "UPDATE partners SET display_name = 'One' WHERE name = 'carrier'");
    run(two, "UPDATE partners SET display_name = 'Two' WHERE name = 'rival'");
    run(two, "COMMIT");
    const char *between = catalogue_name(api);
    ck_assert_str_ne(between, before);
    run(one, "COMMIT");
    const char *after = catalogue_name(api);
    ck_assert_str_ne(after, between);
    ck_assert_str_ne(after, before);
    for (int i = 0; i < 5; i++)
        run(one, "UPDATE partners SET display_name = '%d' WHERE name = 'carrier'", i);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM catalogue_changes"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("partner");
    TCase *tcase = scene_case(suite, "partners", 30);
    tcase_add_test(tcase, customers_are_created_and_listed_in_order);
    tcase_add_test(tcase, a_partner_is_shown_with_its_offers_in_order);
    tcase_add_test(tcase, a_taken_name_is_refused);
    tcase_add_test(tcase, unknown_locations_are_pointed_at_and_nothing_is_kept);
    tcase_add_test(tcase, replacing_a_partner_replaces_its_offers);
    tcase_add_test(tcase, peering_locations_are_listed_with_their_partners);
    tcase_add_test(tcase, a_catalogue_adds_what_is_missing_and_leaves_what_is_there);
    tcase_add_test(tcase, a_rotation_makes_a_new_secret_and_lets_the_old_one_live_as_asked);
    tcase_add_test(tcase, another_partner_does_not_rotate_a_secret);
    tcase_add_test(tcase, a_change_gives_the_catalogue_another_name);
    tcase_add_test(tcase, changes_do_not_wait_for_the_name_of_the_catalogue);
    return scene_run(suite);
}
