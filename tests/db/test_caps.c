/* SPDX-License-Identifier: Apache-2.0 */
/* Caps: how much of a kind one owner may have. Each kind by the API and by hand, two sessions at
 * the cap at each isolation level, what has expired and gives way, caps that are changed, and what
 * stands in the counters. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
enum { LEVELS = 3 };

/* SQL that names the owner by settings: test.customer, test.circuit. The partner is carrier. */
#define CUSTOMER "current_setting('test.customer')::uuid"
#define CIRCUIT  "current_setting('test.circuit')::uuid"

static const struct kind {
    const char *name, *code, *scope;
    int cap, had;       /* had: of what the story begins with */
    const char *create; /* by the API, one */
    const char *insert; /* by hand, as many as generate_series makes */
    const char *remove; /* by the API or, where it has no such call, by hand: one */
} kinds[] = {
    {"authorizations", "authorization_limit_reached", "circuit", 20, 0,
     "SELECT outcome FROM onramp.authorization_create('(customer,Acme,,,,)', " CIRCUIT ", " CUSTOMER
     ", 'x', 'onra_' || gen_random_uuid())",
     "INSERT INTO onramp.authorizations (customer_id, circuit_id, authorization_key, name) "
     "SELECT " CUSTOMER ", " CIRCUIT ", 'onra_' || gen_random_uuid(), 'x' FROM ",
     "SELECT outcome FROM onramp.authorization_delete('(customer,x,,,,)', " CIRCUIT ", " CUSTOMER
     ", (SELECT id FROM onramp.authorizations LIMIT 1))"},
    {"vnets", "vnet_limit_reached", "customer", 1000, 0,
     "SELECT outcome FROM onramp.vnet_create('(customer,Acme,,,,)', " CUSTOMER
     ", 'x', '{10.0.0.0/16}', NULL)",
     "INSERT INTO onramp.vnets (customer_id, name, address_space) "
     "SELECT " CUSTOMER ", 'x', '{10.0.0.0/16}' FROM ",
     "SELECT outcome FROM onramp.vnet_delete('(customer,Acme,,,,)', (SELECT id FROM onramp.vnets "
     "LIMIT 1), " CUSTOMER ")"},
    {"tokens", "token_limit_reached", "customer", 100, 0,
     "SELECT outcome FROM onramp.token_create('(operator,ops,,,,)', gen_random_uuid()::text, "
     "repeat('ab', 32), "
     "'customer', " CUSTOMER ", NULL, NULL, NULL, NULL, NULL)",
     "INSERT INTO onramp.tokens (key_id, sha256, role, customer_id) "
     "SELECT gen_random_uuid(), sha256('x'), 'customer', " CUSTOMER " FROM ",
     "SELECT outcome FROM onramp.token_delete('(operator,ops,,,,)', (SELECT id FROM onramp.tokens "
     "WHERE revoked_at IS "
     "NULL "
     "LIMIT 1), NULL, NULL)"},
    {"webhook_endpoints", "webhook_limit_reached", "customer", 20, 0,
     "SELECT outcome FROM onramp.webhook_create('(customer,Acme,,,,)', 'https://x/', '{*}', '', "
     "'" SEALED("x") "', " CUSTOMER ", NULL)",
     "INSERT INTO onramp.webhook_endpoints (role, customer_id, url, event_types) "
     "SELECT 'customer', " CUSTOMER ", 'https://x/', '{*}' FROM ",
     "UPDATE onramp.webhook_endpoints SET deleted_at = clock_timestamp() WHERE id = (SELECT id "
     "FROM "
     "onramp.webhook_endpoints WHERE deleted_at IS NULL LIMIT 1) RETURNING 'ok'"},
    {"callback_secrets", "callback_secret_limit_reached", "partner", 5, 1,
     "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'carrier', NULL, "
     "'" SEALED("x") "', 60)",
     "INSERT INTO onramp.callback_secrets (partner, secret, expires_at) "
     "SELECT 'carrier', '" SEALED("x") "', 'infinity' FROM ",
     "DELETE FROM onramp.callback_secrets WHERE id = (SELECT id FROM onramp.callback_secrets WHERE "
     "partner = 'carrier' ORDER BY id LIMIT 1) RETURNING 'ok'"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *customer, *circuit;

/* A session that knows the owner. */
static PGconn *knowing(PGconn *conn)
{
    run(conn, "SET test.customer = '%s'; SET test.circuit = '%s'", customer, circuit);
    return conn;
}

static void begin_story(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
    knowing(api);
    knowing(owner);
}

/* How many the owner has, by the counter and by its rows. */
static long used(const struct kind *kind)
{
    static const char live[] =
        "SELECT count(*) FROM %s r WHERE onramp.cap_owner('%s', to_jsonb(r)) LIKE '%s:%s'";
    bool of_partner = strcmp(kind->scope, "partner") == 0;
    long rows =
        number(owner, live, kind->name, kind->name, kind->scope, of_partner ? "carrier" : "%");
    long counted = number(owner,
                          "SELECT coalesce(sum(used), 0) FROM cap_counters WHERE kind = '%s' "
                          "AND owner LIKE '%s:%s'",
                          kind->name, kind->scope, of_partner ? "carrier" : "%");
    ck_assert_int_eq(rows, counted);
    return counted;
}

static void fill(const struct kind *kind, int left)
{
    run(owner, "%s generate_series(1, %d)", kind->insert, kind->cap - kind->had - left);
    ck_assert_int_eq(used(kind), kind->cap - left);
}

/* Two sessions that have taken their snapshots before either writes. */
static void begin_two(PGconn *pair[2], const char *role, int level)
{
    for (int i = 0; i < 2; i++) {
        pair[i] = knowing(session(role));
        run(pair[i], "BEGIN ISOLATION LEVEL %s", levels[level]);
        run(pair[i], "SELECT 1");
    }
}

/* The first one has written and the second one waits for it; then the first commits. The second is
 * refused, or its snapshot is too old. */
static void second_loses(PGconn *pair[2], int level, const char *sqlstate, const char *outcome)
{
    blocked(pair[1]);
    run(pair[0], "COMMIT");
    const char *first = "", *state = finish(pair[1], &first);
    if (level > 0)
        ck_assert_str_eq(state, "40001");
    else if (outcome)
        ck_assert_str_eq(first, outcome);
    ck_assert_str_eq(state, level > 0 ? "40001" : sqlstate);
    PQclear(PQexec(pair[1], "COMMIT"));
}

START_TEST(at_the_cap_one_more_is_refused_until_one_goes)
{
    const struct kind *kind = &kinds[_i];
    begin_story();
    ck_assert_int_eq(number(owner, "SELECT most FROM caps WHERE kind = '%s'", kind->name),
                     kind->cap);
    fill(kind, 1);
    ck_assert_str_eq(value(api, "%s", kind->create), "ok");
    char text[1024];
    snprintf(text, sizeof text, "SELECT * %s", strstr(kind->create, "FROM"));
    PGresult *refusal = run(api, "%s", text);
    ck_assert_str_eq(field(refusal, 0, "outcome"), kind->code);
    const char *facts =
        value(owner,
              "SELECT '%s'::jsonb - 'detail' = jsonb_build_object("
              "'limit', %d, 'used', %d, 'scope', '%s')",
              strchr(field(refusal, 0, "facts"), '{'), kind->cap, kind->cap, kind->scope);
    ck_assert_str_eq(facts, "t");
    refused(owner, "an_owner_has_at_most_the_cap", "%s generate_series(1, 1)", kind->insert);
    ck_assert_int_eq(used(kind), kind->cap);
    ck_assert_str_eq(value(owner, "%s", kind->remove), "ok");
    ck_assert_int_eq(used(kind), kind->cap - 1);
    ck_assert_str_eq(value(api, "%s", kind->create), "ok");
    ck_assert_str_eq(value(api, "%s", kind->create), kind->code);
}
END_TEST

START_TEST(the_last_one_goes_to_one_of_two_calls)
{
    const struct kind *kind = &kinds[_i / LEVELS];
    PGconn *pair[2];
    begin_story();
    fill(kind, 1);
    begin_two(pair, "onramp_daemon", _i % LEVELS);
    ck_assert_str_eq(value(pair[0], "%s", kind->create), "ok");
    start(pair[1], "%s", kind->create);
    second_loses(pair, _i % LEVELS, "", kind->code);
    ck_assert_int_eq(used(kind), kind->cap);
}
END_TEST

START_TEST(the_last_one_goes_to_one_of_two_by_hand)
{
    const struct kind *kind = &kinds[_i / LEVELS];
    PGconn *pair[2];
    begin_story();
    fill(kind, 1);
    begin_two(pair, "onramp_owner", _i % LEVELS);
    run(pair[0], "%s generate_series(1, 1)", kind->insert);
    start(pair[1], "%s generate_series(1, 1)", kind->insert);
    second_loses(pair, _i % LEVELS, "23514", NULL);
    ck_assert_int_eq(used(kind), kind->cap);
}
END_TEST

/* There is no counter yet that either could lock. */
START_TEST(the_first_one_goes_to_one_of_two_where_the_cap_is_1)
{
    const struct kind *kind = &kinds[_i / LEVELS];
    PGconn *pair[2];
    begin_story();
    run(owner, "DELETE FROM callback_secrets");
    run(owner, "UPDATE caps SET most = 1");
    begin_two(pair, "onramp_daemon", _i % LEVELS);
    ck_assert_str_eq(value(pair[0], "%s", kind->create), "ok");
    start(pair[1], "%s", kind->create);
    second_loses(pair, _i % LEVELS, "", kind->code);
    ck_assert_int_eq(used(kind), 1);
}
END_TEST

START_TEST(one_that_was_rolled_back_is_free)
{
    const struct kind *kind = &kinds[_i / LEVELS];
    PGconn *pair[2];
    begin_story();
    fill(kind, 1);
    begin_two(pair, "onramp_daemon", _i % LEVELS);
    ck_assert_str_eq(value(pair[0], "%s", kind->create), "ok");
    start(pair[1], "%s", kind->create);
    blocked(pair[1]);
    run(pair[0], "ROLLBACK");
    const char *outcome;
    ck_assert_str_eq(finish(pair[1], &outcome), "");
    ck_assert_str_eq(outcome, "ok");
    run(pair[1], "COMMIT");
    ck_assert_int_eq(used(kind), kind->cap);
}
END_TEST

/* --- time --- */

START_TEST(expired_tokens_give_way_at_the_cap_and_live_ones_do_not)
{
    const struct kind *tokens = &kinds[2];
    begin_story();
    fill(tokens, 0);
    run(owner, "UPDATE tokens SET expires_at = clock_timestamp() + interval '1 hour'");
    ck_assert_str_eq(value(api, "%s", tokens->create), tokens->code);
    run(owner, "UPDATE tokens SET expires_at = clock_timestamp() - interval '1 s' "
               "WHERE id IN (SELECT id FROM tokens ORDER BY id LIMIT 3)");
    ck_assert_str_eq(value(api, "%s", tokens->create), "ok");
    ck_assert_int_eq(used(tokens), tokens->cap - 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM tokens WHERE revoked_at IS NOT NULL "
                                   "AND expires_at < clock_timestamp()"),
                     3);
    /* Of operators too, who are one tenant. */
    run(owner, "INSERT INTO tokens (key_id, sha256, role, expires_at) SELECT n, sha256('x'), "
               "'operator', clock_timestamp() FROM generate_series(1, 100) AS n");
    ck_assert_str_eq(value(api, "SELECT outcome FROM onramp.token_create('(operator,ops,,,,)', "
                                "'one', repeat('ab', 32), 'operator', "
                                "NULL, NULL, NULL, NULL, NULL, NULL)"),
                     "ok");
    ck_assert_int_eq(number(owner, "SELECT used FROM cap_counters WHERE owner = 'operator:'"), 1);
}
END_TEST

/* Who deletes a token holds it and wants the counter; who makes one has the counter. */
START_TEST(an_expired_token_that_somebody_holds_is_not_waited_for)
{
    const struct kind *tokens = &kinds[2];
    begin_story();
    fill(tokens, 0);
    run(owner, "UPDATE tokens SET expires_at = clock_timestamp() WHERE id = (SELECT id FROM tokens "
               "LIMIT 1)");
    PGconn *other = session("onramp_owner");
    run(other, "BEGIN");
    run(other, "UPDATE onramp.tokens SET description = 'x' WHERE expires_at IS NOT NULL");
    ck_assert_str_eq(value(api, "%s", tokens->create), tokens->code);
    run(other, "COMMIT");
    ck_assert_str_eq(value(api, "%s", tokens->create), "ok");
}
END_TEST

START_TEST(a_sixth_rotation_changes_nothing_until_a_secret_has_expired)
{
    const struct kind *secrets = &kinds[4];
    begin_story();
    for (int i = 1; i < 5; i++)
        ck_assert_str_eq(value(api, "%s", secrets->create), "ok");
    static const char all[] = "SELECT string_agg(s::text, ' ' ORDER BY id) FROM callback_secrets s";
    const char *before = value(owner, all);
    ck_assert_str_eq(value(api, "%s", secrets->create), secrets->code);
    ck_assert_str_eq(value(owner, all), before);
    ck_assert_int_eq(number(api, "SELECT count(*) FROM onramp.callback_secret_list('carrier')"), 5);
    run(owner, "UPDATE callback_secrets SET expires_at = clock_timestamp() WHERE id = (SELECT id "
               "FROM callback_secrets WHERE partner = 'carrier' ORDER BY id LIMIT 1)");
    ck_assert_str_eq(value(api, "%s", secrets->create), "ok");
    ck_assert_str_eq(value(api, "%s", secrets->create), secrets->code);
    /* Who has to end the older ones at once is never kept from it. */
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.callback_secret_rotate('(operator,ops,,,,)', "
                   "'carrier', NULL, '" SEALED("new") "', 0)"),
        "ok");
    ck_assert_str_eq(value(api, "SELECT string_agg(secret, ' ') FROM "
                                "onramp.callback_secret_list('carrier')"),
                     SEALED("new"));
    ck_assert_int_eq(used(secrets), 1);
}
END_TEST

/* --- the caps themselves --- */

START_TEST(a_cap_that_is_lowered_takes_nothing_away_and_gives_nothing_more)
{
    const struct kind *authorizations = &kinds[0];
    begin_story();
    fill(authorizations, 0);
    run(owner, "UPDATE caps SET most = 18 WHERE kind = 'authorizations'");
    ck_assert_int_eq(used(authorizations), 20);
    PGresult *refusal = run(api, "SELECT facts ->> 'limit' AS most, facts ->> 'used' AS used FROM "
                                 "onramp.authorization_create('(customer,Acme,,,,)', " CIRCUIT
                                 ", " CUSTOMER ", 'x', 'y')");
    ck_assert_str_eq(field(refusal, 0, "most"), "18");
    ck_assert_str_eq(field(refusal, 0, "used"), "20");
    for (int left = 20; left > 17; left--) {
        refused(owner, "an_owner_has_at_most_the_cap", "%s generate_series(1, 1)",
                authorizations->insert);
        ck_assert_str_eq(value(api, "%s", authorizations->create), authorizations->code);
        ck_assert_str_eq(value(owner, "%s", authorizations->remove), "ok");
    }
    ck_assert_str_eq(value(api, "%s", authorizations->create), "ok");
    ck_assert_str_eq(value(api, "%s", authorizations->create), authorizations->code);
    run(owner, "UPDATE caps SET most = 19 WHERE kind = 'authorizations'");
    ck_assert_str_eq(value(api, "%s", authorizations->create), "ok");
    ck_assert_str_eq(value(api, "%s", authorizations->create), authorizations->code);
}
END_TEST

/* Who makes one holds the counter; the lower cap arrives there behind it, and sees it. */
START_TEST(a_lower_cap_and_one_more_do_not_pass_each_other)
{
    const struct kind *authorizations = &kinds[0];
    PGconn *pair[2];
    begin_story();
    fill(authorizations, 1);
    begin_two(pair, "onramp_owner", _i);
    run(pair[0], "%s generate_series(1, 1)", authorizations->insert);
    start(pair[1], "UPDATE onramp.caps SET most = 19 WHERE kind = 'authorizations'");
    blocked(pair[1]);
    run(pair[0], "COMMIT");
    ck_assert_str_eq(finish(pair[1], NULL), _i == 0 ? "" : "40001");
    PQclear(PQexec(pair[1], "COMMIT"));
    ck_assert_int_eq(used(authorizations), 20);
    ck_assert_int_eq(number(owner, "SELECT most + excess FROM cap_counters WHERE kind = "
                                   "'authorizations'"),
                     20);
    ck_assert_str_eq(value(api, "%s", authorizations->create), authorizations->code);
}
END_TEST

START_TEST(counters_and_caps_are_guarded_against_DML_by_hand)
{
    begin_story();
    for (int i = 0; i < KINDS; i++)
        run(owner, "%s generate_series(1, 2)", kinds[i].insert);
    refused(owner, "what_is_capped_is_counted_by_trigger",
            "UPDATE cap_counters SET used = used - 1");
    refused(owner, "a_counter_stays_with_its_owner",
            "UPDATE cap_counters SET owner = owner || 'x'");
    refused(owner, "a_counter_has_the_cap_of_its_kind", "UPDATE cap_counters SET most = most + 1");
    refused(owner, "a_counter_begins_at_0",
            "INSERT INTO cap_counters (kind, owner, used, most) SELECT kind, 'circuit:x', -5, most "
            "FROM caps");
    refused(owner, "counters_are_never_deleted", "DELETE FROM cap_counters");
    refused(owner, "counters_are_never_deleted", "TRUNCATE cap_counters");
    refused(owner, "caps_are_never_deleted", "DELETE FROM caps");
    refused(owner, "a_cap_is_1_or_more", "UPDATE caps SET most = 0");
    refused(owner, "a_cap_stays_with_its_kind", "UPDATE caps SET kind = kind || 's'");
    run(owner, "UPDATE cap_counters SET excess = 1000000");
    ck_assert_int_eq(number(owner, "SELECT max(excess) FROM cap_counters"), 0);
    fails(api, "42501", "UPDATE onramp.caps SET most = most + 1");
    fails(api, "42501", "UPDATE onramp.cap_counters SET used = 0");
    for (int i = 0; i < KINDS; i++)
        ck_assert_int_eq(used(&kinds[i]), 2 + kinds[i].had);
}
END_TEST

/* --- what a refusal lists --- */

START_TEST(blockers_are_the_first_20_of_a_kind_and_a_count_of_the_rest)
{
    begin_story();
    run(owner, "UPDATE caps SET most = 3000 WHERE kind = 'authorizations'");
    run(owner, "%s generate_series(1, 2500)", kinds[0].insert);
    PGresult *r =
        run(api,
            "SELECT outcome, jsonb_array_length(facts -> 'blockers') AS named, "
            "facts -> 'more' AS more FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')",
            circuit, customer);
    ck_assert_str_eq(field(r, 0, "outcome"), "circuit_in_use");
    ck_assert_str_eq(field(r, 0, "named"), "20");
    ck_assert_str_eq(field(r, 0, "more"), "{\"authorization\": 2480}");
    run(owner,
        "DELETE FROM authorizations WHERE id NOT IN (SELECT id FROM authorizations LIMIT 20)");
    r = run(api,
            "SELECT jsonb_array_length(facts -> 'blockers') AS named, facts -> 'more' AS more "
            "FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')",
            circuit, customer);
    ck_assert_str_eq(field(r, 0, "named"), "20");
    ck_assert_str_eq(field(r, 0, "more"), "");
}
END_TEST

/* A circuit of the tier Premium may have 100 VNets. */
START_TEST(connections_and_authorizations_are_counted_apart)
{
    begin_story();
    run(owner, "SELECT onramp.vnet_limits_put('(operator,x,,,,)', '[{\"tier\": \"Premium\", "
               "\"bandwidthMbps\": 1000, "
               "\"limit\": 100}]', 10)");
    run(owner,
        "SELECT onramp.circuit_update('(customer,x,,,,)', '%s', '%s', NULL, NULL, 'Premium', NULL, "
        "NULL)",
        circuit, customer);
    bring_to(circuit, "Provisioned");
    for (int i = 1; i <= 23; i++)
        connected(customer, circuit, vnet_new(customer, i));
    fill(&kinds[0], 0);
    PGresult *r = run(api,
                      "SELECT jsonb_array_length(facts -> 'blockers') AS named, "
                      "facts #>> '{blockers,0,type}' AS first, facts -> 'more' AS more "
                      "FROM onramp.circuit_delete('(customer,x,,,,)', '%s', '%s')",
                      circuit, customer);
    ck_assert_str_eq(field(r, 0, "named"), "41");
    ck_assert_str_eq(field(r, 0, "first"), "provider_status");
    ck_assert_str_eq(field(r, 0, "more"), "{\"connection\": 3}");
    r = run(api,
            "SELECT jsonb_array_length(facts -> 'blockers') AS named, facts -> 'more' AS more, "
            "facts ->> 'providerStatus' AS status "
            "FROM onramp.circuit_deprovision_request('(customer,x,,,,)', '%s', '%s', true)",
            circuit, customer);
    ck_assert_str_eq(field(r, 0, "named"), "40");
    ck_assert_str_eq(field(r, 0, "more"), "{\"connection\": 3}");
    ck_assert_str_eq(field(r, 0, "status"), "Provisioned");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("caps");
    TCase *each = scene_case(suite, "each kind", 60);
    tcase_add_loop_test(each, at_the_cap_one_more_is_refused_until_one_goes, 0, KINDS);
    tcase_add_loop_test(each, the_last_one_goes_to_one_of_two_calls, 0, KINDS * LEVELS);
    tcase_add_loop_test(each, the_last_one_goes_to_one_of_two_by_hand, 0, KINDS * LEVELS);
    tcase_add_loop_test(each, the_first_one_goes_to_one_of_two_where_the_cap_is_1, 0,
                        (KINDS - 1) * LEVELS);
    tcase_add_loop_test(each, one_that_was_rolled_back_is_free, 0, KINDS * LEVELS);
    TCase *time = scene_case(suite, "time", 60);
    tcase_add_test(time, expired_tokens_give_way_at_the_cap_and_live_ones_do_not);
    tcase_add_test(time, an_expired_token_that_somebody_holds_is_not_waited_for);
    tcase_add_test(time, a_sixth_rotation_changes_nothing_until_a_secret_has_expired);
    TCase *caps = scene_case(suite, "caps", 60);
    tcase_add_test(caps, a_cap_that_is_lowered_takes_nothing_away_and_gives_nothing_more);
    tcase_add_loop_test(caps, a_lower_cap_and_one_more_do_not_pass_each_other, 0, LEVELS);
    tcase_add_test(caps, counters_and_caps_are_guarded_against_DML_by_hand);
    TCase *blockers = scene_case(suite, "blockers", 60);
    tcase_add_test(blockers, blockers_are_the_first_20_of_a_kind_and_a_count_of_the_rest);
    tcase_add_test(blockers, connections_and_authorizations_are_counted_apart);
    return scene_run(suite);
}
