/* SPDX-License-Identifier: Apache-2.0 */
/* Webhook endpoints: who hears what, when one is switched off, what is sent again, and what is
 * forgotten. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An endpoint of a role; whose is a customer's id or a partner's name, "" for operators. */
static const char *endpoint_new(const char *role, const char *whose, const char *types)
{
    bool customer = strcmp(role, "customer") == 0;
    return value(
        api,
        "SELECT id FROM onramp.webhook_create('(%s,somebody,,,,)', 'https://hooks.example.com/', "
        "'%s', '', '" SEALED("hook") "', nullif('%s', '')::uuid, nullif('%s', ''))",
        role, types, customer ? whose : "", customer ? "" : whose);
}

static void publish(void)
{
    run(api, "SELECT * FROM onramp.feed_tail(0, 1000)");
}

/* What an endpoint hears, in order: "circuit.created connection.up". */
static const char *heard(const char *endpoint)
{
    return value(owner,
                 "SELECT string_agg(event_type, ' ' ORDER BY place, id) FROM deliveries WHERE "
                 "endpoint_id = '%s'",
                 endpoint);
}

static const char *state_of(const char *endpoint)
{
    return value(owner,
                 "SELECT coalesce(string_agg(status, ' ' ORDER BY place), '') FROM deliveries "
                 "WHERE endpoint_id = '%s'",
                 endpoint);
}

/* Claim whatever is due and record the same of all; how many. */
static int attempt(const char *verdict, const char *at)
{
    PGresult *rows = run(api, "SELECT * FROM onramp.delivery_claim(100, 30) WHERE id IS NOT NULL");
    for (int i = 0; i < PQntuples(rows); i++)
        ck_assert_str_eq(
            value(api,
                  "SELECT outcome FROM onramp.delivery_record('%s', %s, %s, %s, 5, NULL, NULL, "
                  "'%s', clock_timestamp(), 432000)",
                  field(rows, i, "id"), field(rows, i, "fence"), at,
                  strcmp(verdict, "gone") == 0 ? "410" : "500", verdict),
            "ok");
    return PQntuples(rows);
}

static const char *disabled_reason(const char *endpoint)
{
    return value(owner, "SELECT disabled_reason FROM webhook_endpoints WHERE id = '%s'", endpoint);
}

/* --- who hears what ----------------------------------------------------------------------------
 */

enum { OWNER, GUEST, STRANGER, CARRIER, RIVAL, OPERATOR, AUDIENCES };

static const char *endpoints[AUDIENCES];

/* How many of the bodies that an audience is sent hold a text. */
static long told(int audience, const char *text)
{
    return number(owner,
                  "SELECT count(*) FROM deliveries WHERE endpoint_id = '%s' AND position('%s' IN "
                  "body) > 0",
                  endpoints[audience], text);
}

/* A circuit's life with everybody in it. Each name, address, tag, key and reason is a canary: it
 * may be sung to those alone who are named beside it. */
START_TEST(each_role_hears_what_is_its_own)
{
    const char *acme = customer_new("canary-acme"), *guest = customer_new("canary-guest");
    endpoints[OWNER] = endpoint_new("customer", acme, "{*}");
    endpoints[GUEST] = endpoint_new("customer", guest, "{*}");
    endpoints[STRANGER] = endpoint_new("customer", customer_new("canary-stranger"), "{*}");
    endpoints[CARRIER] = endpoint_new("partner", "carrier", "{*}");
    endpoints[RIVAL] = endpoint_new("partner", "rival", "{*}");
    endpoints[OPERATOR] = endpoint_new("operator", "", "{*}");

    const char *circuit = value(
        api,
        "SELECT id FROM onramp.circuit_create('(customer,canary-acme,,,,)', '%s', 'canary-name', "
        "'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', "
        "'{\"canary-tag\": \"canary-value\"}')",
        acme);
    const char *key = key_of(circuit);
    publish();
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key);
    ck_assert_str_eq(announce(circuit, "circuit.provisioned", "{\"note\": \"canary-note\"}"),
                     "applied");
    run(api,
        "SELECT * FROM onramp.authorization_create('(customer,Acme,,,,)', '%s', '%s', "
        "'canary-authorization', "
        "'onra_canary')",
        circuit, acme);
    const char *own = vnet_new(acme, 1), *theirs = vnet_new(guest, 2);
    connected(acme, circuit, own);
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.connection_create('(customer,canary-guest,,,,)', "
              "'%s', NULL, '%s', 'onra_canary')",
              guest, theirs),
        "ok");
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,canary-acme,,,,)', '%s', '%s', "
        "'canary-renamed', NULL, NULL, NULL, NULL)",
        circuit, acme);
    run(api,
        "SELECT * FROM onramp.circuit_status_set('(operator,canary-operator,,,,)', '%s', "
        "'Disabled', 'Told by phone.')",
        circuit);
    run(api,
        "SELECT * FROM onramp.connection_delete('(customer,canary-guest,,,,)', (SELECT id FROM "
        "onramp.connection_list('%s', NULL, 10, NULL, NULL) LIMIT 1), '%s')",
        guest, guest);
    publish();

    ck_assert_str_eq(heard(endpoints[OWNER]),
                     "circuit.created circuit.updated circuit.provisioned connection.created "
                     "connection.created circuit.updated circuit.disabled connection.down "
                     "connection.down connection.deleted");
    ck_assert_str_eq(heard(endpoints[OPERATOR]), heard(endpoints[OWNER]));
    ck_assert_str_eq(heard(endpoints[GUEST]),
                     "connection.created connection.down connection.deleted");
    ck_assert_str_eq(heard(endpoints[CARRIER]),
                     "circuit.updated circuit.provisioned circuit.disabled");
    ck_assert_str_eq(heard(endpoints[STRANGER]), "");
    ck_assert_str_eq(heard(endpoints[RIVAL]), "");

    const struct {
        const char *text;
        unsigned audiences;
    } canaries[] = {
        {"canary-acme", 1u << OWNER | 1u << OPERATOR},
        {"canary-guest", 1u << GUEST | 1u << OPERATOR},
        {"canary-note", 1u << OWNER | 1u << CARRIER | 1u << OPERATOR},
        {"canary-operator", 1u << OWNER | 1u << GUEST | 1u << CARRIER | 1u << OPERATOR},
        {key, 1u << CARRIER},
        {circuit, 1u << OWNER | 1u << CARRIER | 1u << OPERATOR},
        {"Provisioned", 1u << OWNER | 1u << CARRIER | 1u << OPERATOR},
        {"canary-name", 0},
        {"canary-renamed", 0},
        {"canary-tag", 0},
        {"canary-value", 0},
        {"canary-stranger", 0},
        {"canary-authorization", 0},
        {"onra_canary", 0},
        {"10.1.0.0", 0},
        {"10.2.0.0", 0},
        {own, 0},
        {theirs, 0},
        {acme, 0},
        {guest, 0},
    };
    for (size_t i = 0; i < sizeof canaries / sizeof *canaries; i++)
        for (int audience = 0; audience < AUDIENCES; audience++)
            ck_assert_msg((told(audience, canaries[i].text) > 0) ==
                              ((canaries[i].audiences >> audience & 1) != 0),
                          "audience %d, %s", audience, canaries[i].text);
    /* The feed tells each of them the same. */
    const char *const readers[AUDIENCES] = {[OWNER] = acme, [GUEST] = guest, [CARRIER] = "carrier"};
    for (int audience = 0; audience < AUDIENCES; audience++) {
        const char *reader = readers[audience];
        if (audience != OPERATOR && !reader)
            continue;
        ck_assert_int_eq(
            number(owner,
                   "SELECT count(*) FROM event_list(nullif('%s', '')::uuid, nullif('%s', ''), "
                   "NULL, 200, NULL) e FULL JOIN (SELECT event_type, body::json -> 'data' AS data, "
                   "body::json ->> 'timestamp' AS at FROM deliveries WHERE endpoint_id = '%s') d "
                   "ON (d.data ->> 'eventId')::uuid = e.id "
                   "WHERE (e.id IS NOT NULL OR d.data IS NOT NULL) AND NOT (e.id IS NULL AND "
                   "e.position IS NOT NULL) AND "
                   "(e.type, time_shown(e.at), e.circuit_id::text, e.sequence::text, "
                   "time_shown(e.occurred_at), e.actor_role::text, e.actor_name, e.from_status, "
                   "e.to_status, e.reason, e.service_key::text) IS DISTINCT FROM "
                   "(d.event_type, d.at, d.data ->> 'circuitId', d.data ->> 'sequence', "
                   "d.data ->> 'occurredAt', d.data #>> '{actor,role}', d.data #>> '{actor,name}', "
                   "d.data ->> 'from', d.data ->> 'to', d.data ->> 'reason', "
                   "d.data ->> 'serviceKey')",
                   audience == OWNER || audience == GUEST ? reader : "",
                   audience == CARRIER ? reader : "", endpoints[audience]),
            0);
    }
    /* Nor does the list of deliveries say more than the bodies. */
    ck_assert_int_eq(number(owner,
                            "SELECT count(*) FROM deliveries WHERE endpoint_id = '%s' AND "
                            "circuit_id IS NOT NULL",
                            endpoints[GUEST]),
                     0);
    ck_assert_int_eq(told(OWNER, "owner of the VNet"), 2);
    ck_assert_int_eq(told(CARRIER, "owner of the circuit"), 0);
}
END_TEST

/* A key that is replaced before anything is published: decided when it happened. */
START_TEST(a_partner_that_lost_the_key_hears_nothing_until_it_quotes_the_new_one)
{
    const char *acme = customer_new("Acme"), *circuit = circuit_new(acme);
    const char *endpoint = endpoint_new("partner", "carrier", "{*}");
    static const char quote[] =
        "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')";
    run(api, quote, key_of(circuit));
    const char *old = key_of(circuit);
    run(api, "SELECT * FROM onramp.circuit_service_key_rotate('(customer,Acme,,,,)', '%s', '%s')",
        circuit, acme);
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, "
        "'Premium', NULL, NULL)",
        circuit, acme);
    publish();
    ck_assert_str_eq(heard(endpoint), "circuit.updated");
    ck_assert_str_eq(value(owner, "SELECT body::json #>> '{data,serviceKey}' FROM deliveries"),
                     old);
    run(api, quote, key_of(circuit));
    publish();
    ck_assert_str_eq(heard(endpoint), "circuit.updated circuit.updated");
}
END_TEST

START_TEST(an_endpoint_hears_what_it_wants_from_its_beginning_on)
{
    const char *acme = customer_new("Acme"), *circuit = circuit_new(acme);
    const char *all = endpoint_new("customer", acme, "{*}");
    const char *some = endpoint_new("customer", acme, "{connection.*,circuit.provisioned}");
    const char *one = endpoint_new("customer", acme, "{circuit.provisioned}");
    const char *off = endpoint_new("customer", acme, "{*}");
    run(api,
        "SELECT * FROM onramp.webhook_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, NULL, "
        "NULL, "
        "false)",
        off, acme);
    bring_to(circuit, "Provisioned");
    connected(acme, circuit, vnet_new(acme, 1));
    publish();
    ck_assert_str_eq(heard(all), "circuit.provisioned connection.created");
    ck_assert_str_eq(heard(some), "circuit.provisioned connection.created");
    ck_assert_str_eq(heard(one), "circuit.provisioned");
    ck_assert_str_eq(heard(off), "");
}
END_TEST

START_TEST(an_event_has_one_delivery_an_endpoint_with_an_id_of_its_time)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_write('{1}', '%s')", endpoint),
                     0);
    ck_assert_str_eq(value(owner, "SELECT substr(id::text, 15, 1) || (substr(id::text, 20, 1) IN "
                                  "('8', '9', 'a', 'b')) FROM deliveries"),
                     "7true");
    ck_assert_str_eq(value(owner, "SELECT id > uuid_v7_least(created_at - interval '1 ms') AND "
                                  "id < uuid_v7_least(created_at + interval '1 ms') FROM "
                                  "deliveries"),
                     "t");
}
END_TEST

START_TEST(a_trace_is_carried_on)
{
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const char *acme = customer_new("Acme");
    endpoint_new("customer", acme, "{*}");
    run(api, "BEGIN");
    run(api, "SELECT set_config('onramp.traceparent', '%s', true)", trace);
    circuit_new(acme);
    run(api, "COMMIT");
    publish();
    ck_assert_str_eq(value(api, "SELECT traceparent FROM onramp.delivery_claim(1, 30)"), trace);
}
END_TEST

/* --- switched off ------------------------------------------------------------------------------
 */

START_TEST(gone_switches_off_at_once_and_tells_the_others)
{
    const char *acme = customer_new("Acme"), *circuit = circuit_new(acme);
    const char *gone = endpoint_new("customer", acme, "{circuit.provisioned}");
    const char *told_of_it = endpoint_new("customer", acme, "{endpoint.*}");
    const char *not_asked = endpoint_new("customer", acme, "{connection.*}");
    const char *foreign = endpoint_new("customer", customer_new("Other"), "{*}");
    endpoint_new("operator", "", "{endpoint.*}");
    bring_to(circuit, "Provisioned");
    publish();
    ck_assert_int_eq(attempt("gone", "clock_timestamp()"), 1);
    ck_assert_str_eq(disabled_reason(gone), "The endpoint answered 410 Gone.");
    ck_assert_str_eq(heard(told_of_it), "endpoint.disabled");
    ck_assert_str_eq(heard(not_asked), "");
    ck_assert_str_eq(heard(foreign), "");
    ck_assert_str_eq(value(owner, "SELECT body::json #>> '{data,endpointId}' FROM deliveries WHERE "
                                  "event_type = 'endpoint.disabled'"),
                     gone);
    /* Only that is left to be sent; what it did not take waits. */
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
    ck_assert_str_eq(state_of(gone), "pending");
    run(api,
        "SELECT * FROM onramp.webhook_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, NULL, "
        "NULL, "
        "true)",
        gone, acme);
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
    ck_assert_str_eq(state_of(gone), "delivered");
}
END_TEST

START_TEST(five_days_of_nothing_but_failures_switch_off)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    attempt("retry", "clock_timestamp()");
    attempt("retry", "clock_timestamp() + interval '4 days 23 hours'");
    ck_assert_str_eq(disabled_reason(endpoint), "");
    /* One success, and it begins anew. */
    attempt("delivered", "clock_timestamp() + interval '4 days 23 hours'");
    circuit_new(acme);
    publish();
    attempt("retry", "clock_timestamp() + interval '5 days 1 hour'");
    ck_assert_str_eq(disabled_reason(endpoint), "");
    attempt("exhausted", "clock_timestamp() + interval '11 days'");
    ck_assert_str_ne(disabled_reason(endpoint), "");
    circuit_new(acme);
    publish();
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 0);
    ck_assert_str_eq(state_of(endpoint), "delivered exhausted");
}
END_TEST

static void switched(const char *endpoint, const char *acme, const char *on)
{
    run(api,
        "SELECT * FROM onramp.webhook_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, NULL, "
        "NULL, %s)",
        endpoint, acme, on);
}

/* Claim one and record that it is to be tried again in 20 hours. */
static void postpone(void)
{
    PGresult *claimed = run(api, "SELECT * FROM onramp.delivery_claim(100, 30)");
    run(api,
        "SELECT * FROM onramp.delivery_record('%s', %s, clock_timestamp(), 500, 5, NULL, NULL, "
        "'retry', clock_timestamp() + interval '20 hours', 432000)",
        field(claimed, 0, "id"), field(claimed, 0, "fence"));
}

START_TEST(what_waits_to_be_tried_again_goes_on_when_the_endpoint_is_on_again)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    postpone();
    switched(endpoint, acme, "true"); /* it is on */
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 0);
    switched(endpoint, acme, "false");
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 0);
    switched(endpoint, acme, "true");
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
}
END_TEST

/* Claimed before it was switched off or deleted: what came of it is recorded all the same. */
START_TEST(what_is_on_its_way_when_it_ends_is_recorded)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    circuit_new(acme);
    publish();
    PGresult *rows = run(api, "SELECT * FROM onramp.delivery_claim(10, 30)");
    ck_assert_int_eq(PQntuples(rows), 2);
    static const char record[] = "SELECT outcome FROM onramp.delivery_record('%s', %s, now(), 200, "
                                 "5, NULL, NULL, 'delivered', NULL, 432000)";
    run(api,
        "SELECT * FROM onramp.webhook_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, NULL, "
        "NULL, "
        "false)",
        endpoint, acme);
    ck_assert_str_eq(value(api, record, field(rows, 0, "id"), field(rows, 0, "fence")), "ok");
    run(api, "SELECT * FROM onramp.webhook_delete('(customer,Acme,,,,)', '%s', '%s', NULL)",
        endpoint, acme);
    ck_assert_str_eq(value(api, record, field(rows, 1, "id"), field(rows, 1, "fence")), "ok");
    ck_assert_str_eq(value(api, "SELECT due_in_ms FROM onramp.delivery_claim(10, 30)"), "");
}
END_TEST

/* --- secrets and places ------------------------------------------------------------------------
 */

static const char *signing(const char *circuits_owner)
{
    circuit_new(circuits_owner);
    publish();
    return value(api, "SELECT secrets FROM onramp.delivery_claim(10, 30)");
}

START_TEST(a_rotated_secret_signs_along_for_a_day)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    static const char rotate[] =
        "SELECT outcome FROM onramp.webhook_secret_rotate('(customer,Acme,,,,)', '%s', '%s', NULL, "
        "'" SEALED("next") "%d')";
    ck_assert_str_eq(signing(acme), "[\"" SEALED("hook") "\"]");
    ck_assert_str_eq(value(api, rotate, endpoint, acme, 0), "ok");
    ck_assert_str_eq(signing(acme), "[\"" SEALED("next") "0\", \"" SEALED("hook") "\"]");
    ck_assert_str_eq(
        value(owner, "SELECT expires_at - clock_timestamp() BETWEEN interval '23:59' AND interval "
                     "'24:00' FROM webhook_secrets WHERE expires_at IS NOT NULL"),
        "t");
    run(owner, "UPDATE webhook_secrets SET expires_at = clock_timestamp() WHERE expires_at IS NOT "
               "NULL");
    ck_assert_str_eq(signing(acme), "[\"" SEALED("next") "0\"]");
    for (int i = 1; i < 9; i++)
        run(api, rotate, endpoint, acme, i);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM webhook_secrets"), 5);
    ck_assert_str_eq(value(api, rotate, endpoint, customer_new("Other"), 9), "not_found");
    refused(owner, "an_endpoint_has_one_secret_without_end",
            "UPDATE webhook_secrets SET expires_at = NULL");
}
END_TEST

/* --- again -------------------------------------------------------------------------------------
 */

/* What was given up goes again at its old place: before what comes later and is not on its way. */
START_TEST(what_is_sent_again_keeps_its_place)
{
    const char *acme = customer_new("Acme"), *circuit;
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit = circuit_new(acme);
    publish();
    attempt("exhausted", "clock_timestamp()");
    bring_to(circuit, "Provisioned");
    publish();
    run(api,
        "SELECT * FROM onramp.delivery_redeliver('(customer,Acme,,,,)', '%s', (SELECT d.id FROM "
        "onramp.delivery_list('%s', 'customer', '%s', NULL, 'exhausted', NULL, 1) d), '%s', NULL)",
        endpoint, endpoint, acme, acme);
    ck_assert_str_eq(state_of(endpoint), "pending pending");
    static const char *const order[] = {"circuit.created", "circuit.provisioned"};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(value(owner, "SELECT event_type FROM delivery_queue q JOIN deliveries d "
                                      "ON d.id = q.delivery_id WHERE head"),
                         order[i]);
        ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
    }
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_attempts"), 3);
}
END_TEST

/* Delivered, pending, or on its way: each can be asked for, and nothing is sent twice at once. */
START_TEST(anything_can_be_asked_for_again)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    const char *id = value(owner, "SELECT id FROM deliveries");
    static const char again[] =
        "SELECT outcome || ' ' || status || ' ' || (next_attempt_at <= "
        "clock_timestamp())::text FROM onramp.delivery_redeliver('(customer,Acme,,,,)', '%s', "
        "'%s', '%s', NULL)";
    attempt("delivered", "clock_timestamp()");
    ck_assert_str_eq(value(api, again, endpoint, id, acme), "ok pending true");
    PGresult *rows = run(api, "SELECT * FROM onramp.delivery_claim(10, 30)");
    run(api, again, endpoint, id, acme);
    ck_assert_str_eq(value(api, "SELECT id FROM onramp.delivery_claim(10, 30)"), "");
    ck_assert_str_eq(value(api,
                           "SELECT outcome FROM onramp.delivery_record('%s', %s, now(), 500, 5, "
                           "'x', NULL, 'retry', now() + interval '1 day', 432000)",
                           id, field(rows, 0, "fence")),
                     "ok");
    ck_assert_str_eq(value(api, "SELECT id FROM onramp.delivery_claim(10, 30)"), "");
    ck_assert_str_eq(value(api, again, endpoint, id, acme), "ok pending true");
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
}
END_TEST

START_TEST(a_period_is_recovered_for_those_who_may_hear_it)
{
    const char *acme = customer_new("Acme"), *circuit = circuit_new(acme);
    publish();
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key_of(circuit));
    bring_to(circuit, "Provisioned");
    publish();
    static const char recover[] =
        "SELECT recovered FROM onramp.webhook_recover('(%s,somebody,,,,)', '%s', "
        "nullif('%s', '')::uuid, nullif('%s', ''), clock_timestamp() - interval '1 day', %s)";
    const char *mine = endpoint_new("customer", acme, "{*}");
    const char *partners = endpoint_new("partner", "carrier", "{*}");
    const char *rivals = endpoint_new("partner", "rival", "{*}");
    const char *operators = endpoint_new("operator", "", "{circuit.created}");
    ck_assert_int_eq(
        number(api, recover, "customer", mine, acme, "", "clock_timestamp() - interval '1 hour'"),
        0);
    ck_assert_int_eq(number(api, recover, "customer", mine, acme, "", "NULL"), 3);
    ck_assert_int_eq(number(api, recover, "partner", partners, "", "carrier", "NULL"), 2);
    ck_assert_int_eq(number(api, recover, "partner", rivals, "", "rival", "NULL"), 0);
    ck_assert_int_eq(number(api, recover, "operator", operators, "", "", "NULL"), 1);
    ck_assert_int_eq(attempt("exhausted", "clock_timestamp()"), 3);
    /* What was given up, and not what is pending. */
    ck_assert_int_eq(number(api, recover, "customer", mine, acme, "", "NULL"), 1);
    while (attempt("delivered", "clock_timestamp()") > 0)
        continue;
    ck_assert_int_eq(number(api, recover, "customer", mine, acme, "", "NULL"), 0);
    ck_assert_str_eq(state_of(mine), "delivered delivered delivered");
}
END_TEST

/* More than one call takes: each says where the next one goes on. */
START_TEST(a_long_period_is_recovered_step_by_step)
{
    const char *acme = customer_new("Acme"), *circuit = circuit_new(acme);
    publish();
    run(owner,
        "DO $$ BEGIN FOR n IN 1..5200 LOOP PERFORM onramp.circuit_update('(customer,Acme,,,,)', "
        "'%s', '%s', 'n' || "
        "n, NULL, NULL, NULL, NULL); END LOOP; END $$",
        circuit, acme);
    while (number(owner, "SELECT count(*) FROM events_unpublished") > 0)
        publish();
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    const char *since = "2026-01-01";
    run(owner, "UPDATE webhook_endpoints SET description = 'x'");
    since = value(owner, "SELECT min(published_at)::text FROM feed");
    long recovered = 0;
    int calls = 0;
    while (*since) {
        PGresult *rows =
            run(api,
                "SELECT * FROM onramp.webhook_recover('(customer,Acme,,,,)', '%s', '%s', NULL, "
                "'%s', NULL)",
                endpoint, acme, since);
        ck_assert_str_eq(field(rows, 0, "outcome"), "ok");
        recovered += strtol(field(rows, 0, "recovered"), NULL, 10);
        since = field(rows, 0, "resume_since");
        ck_assert_int_lt(++calls, 5);
    }
    ck_assert_int_eq(recovered, 5201);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_queue WHERE head"), 1);
}
END_TEST

START_TEST(what_was_delivered_is_not_even_written_again)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    attempt("delivered", "clock_timestamp()");
    run(owner, "CREATE FUNCTION pg_temp.forbid() RETURNS trigger LANGUAGE plpgsql AS "
               "'BEGIN RAISE ''written''; END'");
    run(owner, "CREATE TRIGGER forbidden BEFORE INSERT ON deliveries FOR EACH ROW "
               "EXECUTE FUNCTION pg_temp.forbid()");
    ck_assert_int_eq(
        number(api,
               "SELECT recovered FROM onramp.webhook_recover('(customer,Acme,,,,)', '%s', '%s', "
               "NULL, clock_timestamp() - interval '1 hour', NULL)",
               endpoint, acme),
        0);
}
END_TEST

/* --- forgotten ---------------------------------------------------------------------------------
 */

static void age(const char *days)
{
    run(admin, "SET session_replication_role = replica");
    run(admin,
        "WITH old AS (SELECT id, overlay(uuid_v7_least(created_at - interval '%s days')::text "
        "PLACING substr(id::text, 15) FROM 15) ::uuid AS older FROM onramp.deliveries), "
        "q AS (UPDATE onramp.delivery_queue SET delivery_id = older FROM old WHERE delivery_id = "
        "id), a AS (UPDATE onramp.delivery_attempts SET delivery_id = older FROM old WHERE "
        "delivery_id = id) "
        "UPDATE onramp.deliveries d SET id = older, created_at = created_at - interval '%s days' "
        "FROM old WHERE d.id = old.id",
        days, days);
    run(admin, "SET session_replication_role = origin");
}

static long swept(void)
{
    return number(api, "SELECT done FROM onramp.delivery_sweep(1000)");
}

START_TEST(what_is_done_is_forgotten_after_30_days)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    const char *circuit = circuit_new(acme);
    circuit_new(acme);
    publish();
    attempt("delivered", "clock_timestamp()");
    age("29");
    ck_assert_int_eq(swept(), 0);
    bring_to(circuit, "Provisioned");
    publish();
    age("2");
    ck_assert_int_eq(swept(), 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_attempts"), 0);
    ck_assert_str_eq(state_of(endpoint), "pending");
    /* What waits for an endpoint that is on is sent first; that of one that is off is forgotten. */
    age("31");
    ck_assert_int_eq(swept(), 0);
    run(api,
        "SELECT * FROM onramp.webhook_update('(customer,Acme,,,,)', '%s', '%s', NULL, NULL, NULL, "
        "NULL, "
        "false)",
        endpoint, acme);
    ck_assert_int_eq(swept(), 1);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_queue"), 0);
}
END_TEST

START_TEST(what_stood_behind_the_forgotten_is_sent_when_the_endpoint_is_on_again)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    const char *circuit = circuit_new(acme);
    publish();
    postpone();
    age("29");
    bring_to(circuit, "Provisioned");
    publish();
    switched(endpoint, acme, "false");
    age("2");
    ck_assert_int_eq(swept(), 1);
    switched(endpoint, acme, "true");
    ck_assert_int_eq(attempt("delivered", "clock_timestamp()"), 1);
}
END_TEST

START_TEST(a_deleted_endpoint_goes_with_its_deliveries)
{
    const char *acme = customer_new("Acme");
    const char *endpoint = endpoint_new("customer", acme, "{*}");
    const char *other = endpoint_new("customer", acme, "{*}");
    circuit_new(acme);
    publish();
    run(api, "SELECT * FROM onramp.webhook_delete('(customer,Acme,,,,)', '%s', '%s', NULL)",
        endpoint, acme);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM webhook_secrets"), 1);
    ck_assert_int_eq(swept(), 1);
    ck_assert_int_eq(swept(), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM webhook_endpoints"), 2);
    run(owner, "UPDATE webhook_endpoints SET deleted_at = deleted_at - interval '2 hours' WHERE "
               "deleted_at IS NOT NULL");
    swept();
    ck_assert_str_eq(value(owner, "SELECT id FROM webhook_endpoints"), other);
    ck_assert_str_eq(state_of(other), "pending");
    ck_assert_str_eq(state_of(endpoint), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("webhook");
    TCase *audience = scene_case(suite, "audience", 30);
    tcase_add_test(audience, each_role_hears_what_is_its_own);
    tcase_add_test(audience, a_partner_that_lost_the_key_hears_nothing_until_it_quotes_the_new_one);
    tcase_add_test(audience, an_endpoint_hears_what_it_wants_from_its_beginning_on);
    tcase_add_test(audience, an_event_has_one_delivery_an_endpoint_with_an_id_of_its_time);
    tcase_add_test(audience, a_trace_is_carried_on);
    TCase *off = scene_case(suite, "off", 30);
    tcase_add_test(off, gone_switches_off_at_once_and_tells_the_others);
    tcase_add_test(off, five_days_of_nothing_but_failures_switch_off);
    tcase_add_test(off, what_waits_to_be_tried_again_goes_on_when_the_endpoint_is_on_again);
    tcase_add_test(off, what_is_on_its_way_when_it_ends_is_recorded);
    TCase *keeping = scene_case(suite, "keeping", 30);
    tcase_add_test(keeping, a_rotated_secret_signs_along_for_a_day);
    TCase *again = scene_case(suite, "again", 60);
    tcase_add_test(again, what_is_sent_again_keeps_its_place);
    tcase_add_test(again, anything_can_be_asked_for_again);
    tcase_add_test(again, a_period_is_recovered_for_those_who_may_hear_it);
    tcase_add_test(again, a_long_period_is_recovered_step_by_step);
    tcase_add_test(again, what_was_delivered_is_not_even_written_again);
    TCase *forgotten = scene_case(suite, "forgotten", 30);
    tcase_add_test(forgotten, what_is_done_is_forgotten_after_30_days);
    tcase_add_test(forgotten,
                   what_stood_behind_the_forgotten_is_sent_when_the_endpoint_is_on_again);
    tcase_add_test(forgotten, a_deleted_endpoint_goes_with_its_deliveries);
    return scene_run(suite);
}
