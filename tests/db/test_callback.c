/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks: the order in which they are judged, what is remembered, what quoting does, whom a
 * circuit waits for and until when. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *customer, *circuit, *key, *secret;

static void begin(void)
{
    customer = customer_new("Acme");
    circuit = circuit_new(customer);
    key = key_of(circuit);
    secret = secret_of("carrier");
}

/* One callback, all of it said: at is SQL for the timestamp, body one octet of its digest. */
static PGresult *call(const char *partner, const char *service_key, const char *type,
                      const char *at, const char *data, const char *webhook_id, const char *body,
                      const char *secret_id)
{
    const char *mark = secret_id ? "'" : "";
    return run(
        api,
        "SELECT outcome, facts, applied, reason, newest_timestamp, id, provider_status, version, "
        "facts ->> 'detail' AS detail "
        "FROM onramp.callback_apply('(%s,%s,,,,)', '%s', '%s', '%s', %s, '%s', '%s', "
        "repeat('%s', 32), %s%s%s)",
        secret_id ? "partner" : "operator", secret_id ? partner : "Olga", partner, service_key,
        type, at, data, webhook_id, body, mark, secret_id ? secret_id : "NULL", mark);
}

static const char *outcome(PGresult *rows)
{
    const char *code = field(rows, 0, "outcome");
    return strcmp(code, "ok") == 0 ? field(rows, 0, "reason") : code;
}

static const char *column(const char *name)
{
    return value(owner, "SELECT %s FROM circuits WHERE id = '%s'", name, circuit);
}

static const char *shown(void)
{
    return value(owner, "SELECT to_jsonb(v) FROM circuit_view v WHERE id = '%s'", circuit);
}

#define NOW          "clock_timestamp()"
#define AGO(seconds) "clock_timestamp() - interval '" #seconds " s'"

START_TEST(a_dead_secret_comes_before_everything)
{
    begin();
    run(api, "SELECT * FROM onramp.callback_secret_rotate('(operator,ops,,,,)', 'carrier', NULL, "
             "'" SEALED("new") "', 0)");
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned",
                                  "clock_timestamp() + interval '1 h'", "{}", "m", "ab", secret)),
                     "unauthenticated");
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab",
                                  secret_of("carrier"))),
                     "applied");
}
END_TEST

START_TEST(another_partners_secret_does_not_authenticate)
{
    begin();
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab",
                                  secret_of("rival"))),
                     "unauthenticated");
}
END_TEST

START_TEST(a_timestamp_ahead_comes_before_an_unknown_key)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", "00000000-0000-4000-8000-000000000000", "circuit.provisioned",
                     "clock_timestamp() + interval '301 s'", "{}", "m", "ab", secret)),
        "timestamp_in_future");
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned",
                                  "clock_timestamp() + interval '299 s'", "{}", "m", "ab", secret)),
                     "applied");
}
END_TEST

START_TEST(another_partners_key_is_not_found_just_as_no_key)
{
    begin();
    PGresult *foreign =
        call("rival", key, "circuit.provisioned", NOW, "{}", "m", "ab", secret_of("rival"));
    PGresult *unknown = call("rival", "00000000-0000-4000-8000-000000000000", "circuit.provisioned",
                             NOW, "{}", "m", "ab", secret_of("rival"));
    ck_assert_str_eq(outcome(foreign), "not_found");
    ck_assert_str_eq(field(foreign, 0, "facts"), field(unknown, 0, "facts"));
    ck_assert_str_eq(column("key_quoted_at"), "");
    ck_assert_str_eq(
        value(api,
              "SELECT outcome FROM onramp.partner_circuit_quote('(partner,r,,,,)', 'rival', '%s')",
              key),
        "not_found");
}
END_TEST

START_TEST(the_same_id_and_body_again_is_a_duplicate)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab", secret)),
        "applied");
    const char *before = shown();
    PGresult *again = call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab", secret);
    ck_assert_str_eq(outcome(again), "duplicate");
    ck_assert_str_eq(field(again, 0, "applied"), "f");
    ck_assert_str_eq(field(again, 0, "provider_status"), "Provisioned");
    ck_assert_str_eq(shown(), before);
    ck_assert_int_eq(events_of(circuit), 2);
}
END_TEST

START_TEST(a_duplicate_comes_before_stale_and_before_the_table)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", AGO(9), "{}", "m", "ab", secret)),
        "applied");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", AGO(5), "{}", "n", "ab", secret)),
        "applied");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", AGO(9), "{}", "m", "ab", secret)),
        "duplicate");
}
END_TEST

START_TEST(the_same_id_with_another_body_is_refused_and_audited)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab", secret)),
        "applied");
    const char *before = shown();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.deprovisioned", NOW, "{}", "m", "cd", secret)),
        "webhook_id_reused");
    ck_assert_str_eq(shown(), before);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM refused_callbacks WHERE code = 'webhook_id_reused'"),
        1);
}
END_TEST

START_TEST(an_id_used_for_another_circuit_is_refused_and_still_quotes)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "m", "ab", secret)),
        "applied");
    const char *other = circuit_new(customer);
    ck_assert_str_eq(outcome(call("carrier", key_of(other), "circuit.provisioned", NOW, "{}", "m",
                                  "cd", secret)),
                     "webhook_id_reused");
    PGresult *row = run(owner, "SELECT * FROM circuits WHERE id = '%s'", other);
    ck_assert_str_eq(field(row, 0, "provider_status"), "NotProvisioned");
    ck_assert_str_ne(field(row, 0, "key_quoted_at"), "");
}
END_TEST

START_TEST(a_refusal_is_never_remembered)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.deprovisioning", AGO(5), "{}", "m", "ab", secret)),
        "illegal_transition");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.deprovisioning", AGO(5), "{}", "m", "ab", secret)),
        "illegal_transition");
    /* It moved no ordering mark either: an older one is applied, then the same id is decided
     * afresh. */
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", AGO(9), "{}", "n", "ab", secret)),
        "applied");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.deprovisioning", AGO(5), "{}", "m", "ab", secret)),
        "applied");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM refused_callbacks WHERE webhook_id = 'm'"),
                     2);
}
END_TEST

START_TEST(already_and_stale_answers_are_remembered)
{
    begin();
    call("carrier", key, "circuit.provisioning", AGO(20), "{}", "m", "ab", secret);
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", AGO(10), "{}", "a", "ab", secret)),
        "already");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(15), "{}", "s", "ab", secret)),
        "stale");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", AGO(10), "{}", "a", "ab", secret)),
        "duplicate");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(15), "{}", "s", "ab", secret)),
        "duplicate");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(15), "{}", "s", "cd", secret)),
        "webhook_id_reused");
}
END_TEST

START_TEST(partners_and_operators_have_webhook_ids_of_their_own)
{
    begin();
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", NOW, "{}", "m", "ab", secret)),
        "applied");
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned", NOW,
                                  "{\"reason\": \"phone\"}", "m", "cd", NULL)),
                     "applied");
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned", NOW,
                                  "{\"reason\": \"phone\"}", "m", "cd", NULL)),
                     "duplicate");
    const char *other = value(api,
                              "SELECT id FROM onramp.circuit_create('(customer,Acme,,,,)', '%s', "
                              "'x', 'rival', 'Amsterdam', 50, "
                              "'Standard', 'MeteredData', '{}')",
                              customer);
    ck_assert_str_eq(outcome(call("rival", key_of(other), "circuit.provisioned", NOW, "{}", "m",
                                  "ef", secret_of("rival"))),
                     "applied");
}
END_TEST

START_TEST(a_strictly_older_timestamp_is_stale_at_full_precision)
{
    begin();
    call("carrier", key, "circuit.provisioning", "'2026-01-01T00:00:00.000002Z'", "{}", "m", "ab",
         secret);
    const char *before = shown();
    PGresult *stale = call("carrier", key, "circuit.provisioned", "'2026-01-01T00:00:00.000001Z'",
                           "{}", "n", "ab", secret);
    ck_assert_str_eq(outcome(stale), "stale");
    ck_assert_str_eq(field(stale, 0, "newest_timestamp"), "2026-01-01 00:00:00.000002+00");
    ck_assert_str_eq(shown(), before);
    /* Equal goes by the table, in whatever zone it is written. */
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned",
                                  "'2026-01-01T01:00:00.000002+01:00'", "{}", "o", "ab", secret)),
                     "applied");
}
END_TEST

START_TEST(stale_comes_before_the_table_and_moves_no_mark)
{
    begin();
    call("carrier", key, "circuit.provisioned", AGO(10), "{}", "m", "ab", secret);
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioning", AGO(20), "{}", "n", "ab", secret)),
        "stale");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(15), "{}", "o", "ab", secret)),
        "stale");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(9), "{}", "p", "ab", secret)),
        "applied");
}
END_TEST

START_TEST(the_event_keeps_the_partners_time_and_the_circuit_ours)
{
    begin();
    call("carrier", key, "circuit.provisioned", "'2020-01-01T00:00:00.123456Z'", "{}", "m", "ab",
         secret);
    ck_assert_str_eq(
        value(owner,
              "SELECT occurred_at FROM circuit_events WHERE circuit_id = '%s' AND sequence = 2",
              circuit),
        "2020-01-01 00:00:00.123456+00");
    ck_assert_str_eq(column("provisioned_at > created_at AND since = (SELECT max(since) FROM "
                            "circuits) AND updated_at >= provisioned_at"),
                     "t");
}
END_TEST

/* --- quoting
 * --------------------------------------------------------------------------------------- */

START_TEST(an_applied_callback_quotes_with_its_own_event)
{
    begin();
    ck_assert_str_eq(announce(circuit, "circuit.progress", "{}"), "applied");
    ck_assert_str_ne(column("key_quoted_at"), "");
    ck_assert_int_eq(events_of(circuit), 2);
    ck_assert_str_eq(column("waiting_on"), "partner");
}
END_TEST

static const struct {
    const char *type, *expected;
} quoting[] = {
    {"circuit.deprovisioned", "already"},
    {"circuit.deprovisioning", "illegal_transition"},
};

START_TEST(a_callback_that_changes_nothing_quotes_with_one_event)
{
    begin();
    ck_assert_str_eq(announce(circuit, quoting[_i].type, "{}"), quoting[_i].expected);
    ck_assert_str_ne(column("key_quoted_at"), "");
    ck_assert_int_eq(events_of(circuit), 2);
    ck_assert_str_eq(value(owner,
                           "SELECT type || ': ' || reason FROM circuit_events WHERE circuit_id = "
                           "'%s' AND sequence = 2",
                           circuit),
                     "circuit.updated: The partner quoted the service key.");
    ck_assert_str_eq(announce(circuit, quoting[_i].type, "{}"), quoting[_i].expected);
    ck_assert_int_eq(events_of(circuit), 2);
}
END_TEST

START_TEST(quoting_a_key_shows_the_circuit_once_and_repeating_it_writes_nothing)
{
    begin();
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.partner_circuit_get('carrier', '%s')", circuit),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT id FROM onramp.partner_circuit_list('carrier', NULL, 10, NULL)"), "");
    PGresult *quoted = run(
        api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key);
    ck_assert_str_eq(field(quoted, 0, "outcome"), "ok");
    ck_assert_str_eq(field(quoted, 0, "version"), "2");
    const char *before = value(owner,
                               "SELECT to_jsonb(c) || jsonb_build_object('xmin', c.xmin::text) "
                               "FROM circuits c WHERE id = '%s'",
                               circuit);
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key);
    ck_assert_str_eq(value(owner,
                           "SELECT to_jsonb(c) || jsonb_build_object('xmin', c.xmin::text) FROM "
                           "circuits c WHERE id = '%s'",
                           circuit),
                     before);
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.partner_circuit_get('carrier', '%s')", circuit),
        "ok");
    ck_assert_str_eq(
        value(api,
              "SELECT id FROM onramp.partner_circuit_list('carrier', NULL, 10, 'NotProvisioned')"),
        circuit);
    ck_assert_str_eq(
        value(api,
              "SELECT id FROM onramp.partner_circuit_list('carrier', NULL, 10, 'Provisioned')"),
        "");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.partner_circuit_get('rival', '%s')", circuit),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT id FROM onramp.partner_circuit_list('rival', NULL, 10, NULL)"), "");
}
END_TEST

START_TEST(an_operator_acting_for_a_partner_does_not_quote_for_it)
{
    begin();
    ck_assert_str_eq(outcome(call("carrier", key, "circuit.provisioned", NOW,
                                  "{\"reason\": \"phone\"}", "m", "ab", NULL)),
                     "applied");
    ck_assert_str_eq(column("key_quoted_at"), "");
    PGresult *last = run(
        owner, "SELECT * FROM circuit_events WHERE circuit_id = '%s' AND sequence = 2", circuit);
    ck_assert_str_eq(field(last, 0, "actor_role"), "operator");
    ck_assert_str_eq(field(last, 0, "actor_name"), "Olga");
    ck_assert_str_eq(field(last, 0, "reason"), "phone");
}
END_TEST

START_TEST(a_deleted_circuit_answers_duplicate_and_already_and_nothing_else)
{
    begin();
    call("carrier", key, "circuit.progress", AGO(5), "{}", "m", "ab", secret);
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.circuit_delete('(customer,Acme,,,,)', '%s', '%s')",
              circuit, customer),
        "ok");
    long events = events_of(circuit);
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", AGO(5), "{}", "m", "ab", secret)),
        "duplicate");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.progress", NOW, "{}", "n", "ab", secret)),
        "not_found");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.provisioned", NOW, "{}", "o", "ab", secret)),
        "not_found");
    ck_assert_str_eq(
        outcome(call("carrier", key, "circuit.deprovisioned", NOW, "{}", "p", "ab", secret)),
        "already");
    ck_assert_str_eq(outcome(call("rival", key, "circuit.deprovisioned", NOW, "{}", "p", "ab",
                                  secret_of("rival"))),
                     "not_found");
    ck_assert_str_eq(
        value(
            api,
            "SELECT outcome FROM onramp.partner_circuit_quote('(partner,c,,,,)', 'carrier', '%s')",
            key),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.partner_circuit_get('carrier', '%s')", circuit),
        "not_found");
    ck_assert_str_eq(
        value(api, "SELECT id FROM onramp.partner_circuit_list('carrier', NULL, 10, NULL)"), "");
    ck_assert_int_eq(events_of(circuit), events);
}
END_TEST

/* --- data
 * ------------------------------------------------------------------------------------------ */

START_TEST(an_absent_member_stays_and_a_null_clears)
{
    begin();
    static const char all[] =
        "{\"note\": \"n\", \"expectedBy\": \"2031-01-02T03:04:05.123456Z\", \"primaryPort\": "
        "\"p\", "
        "\"secondaryPort\": \"s\", \"sTag\": 4094, \"partnerReference\": \"r\"}";
    static const char columns[] = "concat_ws('|', partner_note, expected_by, primary_port, "
                                  "secondary_port, s_tag, partner_reference)";
    announce(circuit, "circuit.progress", all);
    ck_assert_str_eq(column(columns), "n|2031-01-02 03:04:05.123456+00|p|s|4094|r");
    announce(circuit, "circuit.progress", "{\"note\": \"m\"}");
    ck_assert_str_eq(column(columns), "m|2031-01-02 03:04:05.123456+00|p|s|4094|r");
    announce(circuit, "circuit.progress",
             "{\"note\": null, \"expectedBy\": null, \"primaryPort\": null, \"secondaryPort\": "
             "null, \"sTag\": null, \"partnerReference\": null}");
    ck_assert_str_eq(column(columns), "");
}
END_TEST

START_TEST(quotes_and_other_marks_in_texts_arrive_as_they_are)
{
    begin();
    announce(circuit, "circuit.progress",
             "{\"note\": \"O''Brien; DROP TABLE circuits; -- \\\\ \\\" $$ \\u00e9\"}");
    ck_assert_str_eq(column("partner_note"), "O'Brien; DROP TABLE circuits; -- \\ \" $$ \u00e9");
}
END_TEST

START_TEST(a_rejection_is_shown_with_reason_and_time)
{
    begin();
    announce(circuit, "circuit.rejected", "{\"reason\": \"No fibre.\"}");
    PGresult *row = run(api,
                        "SELECT last_rejection ->> 'reason' AS reason, last_rejection ->> 'at' ~ "
                        "'^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' AS at FROM "
                        "onramp.circuit_get('%s', '%s')",
                        circuit, customer);
    ck_assert_str_eq(field(row, 0, "reason"), "No fibre.");
    ck_assert_str_eq(field(row, 0, "at"), "t");
}
END_TEST

START_TEST(connections_go_down_and_come_up_with_one_event_each)
{
    begin();
    bring_to(circuit, "Provisioned");
    const char *first = connected(customer, circuit, vnet_new(customer, 1));
    connected(customer, circuit, vnet_new(customer, 2));
    announce(circuit, "circuit.deprovisioning", "{}");
    announce(circuit, "circuit.deprovisioned", "{}");
    ck_assert_str_eq(
        value(api, "SELECT status FROM onramp.connection_get('%s', '%s')", first, customer),
        "Down");
    announce(circuit, "circuit.provisioning", "{}");
    announce(circuit, "circuit.provisioned", "{}");
    ck_assert_str_eq(
        value(api, "SELECT status FROM onramp.connection_get('%s', '%s')", first, customer),
        "Connected");
    ck_assert_str_eq(value(owner,
                           "SELECT string_agg(type || '=' || n, ' ' ORDER BY type) FROM (SELECT "
                           "type, count(DISTINCT connection_id) AS n "
                           "FROM circuit_events WHERE circuit_id = '%s' AND type LIKE "
                           "'connection.%%' GROUP BY type) e",
                           circuit),
                     "connection.created=2 connection.down=2 connection.up=2");
    ck_assert_str_eq(column("last_sequence = (SELECT count(*) FROM circuit_events) AND used = 2"),
                     "t");
}
END_TEST

/* --- waiting
 * --------------------------------------------------------------------------------------- */

START_TEST(waiting_follows_the_story)
{
    static const struct {
        const char *type, *waiting;
        bool since_moves;
    } story[] = {
        {"circuit.rejected", "customer", false},     {"circuit.progress", "partner", true},
        {"circuit.progress", "partner", false},      {"circuit.provisioning", "partner", true},
        {"circuit.provisioned", "nobody", true},     {"circuit.progress", "nobody", false},
        {"circuit.deprovisioning", "partner", true}, {"circuit.deprovisioned", "customer", true},
        {"circuit.provisioning", "partner", true},   {"circuit.rejected", "customer", true},
        {"circuit.provisioned", "nobody", true},
    };
    begin();
    ck_assert_str_eq(column("waiting_on"), "customer");
    ck_assert_str_eq(column("since = created_at"), "t");
    for (size_t i = 0; i < sizeof story / sizeof *story; i++) {
        const char *since = column("since");
        ck_assert_str_eq(announce(circuit, story[i].type, "{}"), "applied");
        ck_assert_msg(strcmp(column("waiting_on"), story[i].waiting) == 0, "step %zu: %s", i,
                      column("waiting_on"));
        ck_assert_msg((strcmp(column("since"), since) != 0) == story[i].since_moves, "step %zu", i);
    }
}
END_TEST

START_TEST(disabled_waits_on_the_operator_over_all)
{
    begin();
    bring_to(circuit, "Provisioning");
    run(owner, "UPDATE circuits SET circuit_status = 'Disabled' WHERE id = '%s'", circuit);
    ck_assert_str_eq(column("waiting_on"), "operator");
    ck_assert_str_eq(announce(circuit, "circuit.provisioned", "{}"), "applied");
    ck_assert_str_eq(column("waiting_on"), "operator");
    run(owner, "UPDATE circuits SET circuit_status = 'Enabled' WHERE id = '%s'", circuit);
    ck_assert_str_eq(column("waiting_on"), "nobody");
}
END_TEST

static long stall(void)
{
    return number(api, "SELECT done FROM onramp.circuit_stall(100)");
}

START_TEST(a_circuit_stalls_once_when_its_partner_is_silent_too_long)
{
    begin();
    run(owner, "UPDATE settings SET partner_patience = '100 ms'");
    bring_to(circuit, "Provisioning");
    circuit_new(customer); /* waits on its customer: never stalled */
    run(admin, "SELECT pg_sleep(0.15)");
    ck_assert_int_eq(stall(), 1);
    ck_assert_int_eq(stall(), 0);
    ck_assert_str_eq(column("stalled"), "t");
    PGresult *last =
        run(owner,
            "SELECT * FROM circuit_events WHERE circuit_id = '%s' ORDER BY sequence DESC LIMIT 1",
            circuit);
    ck_assert_str_eq(field(last, 0, "type"), "circuit.stalled");
    ck_assert_str_eq(field(last, 0, "actor_role"), "system");
    ck_assert_str_eq(announce(circuit, "circuit.progress", "{}"), "applied");
    ck_assert_str_eq(column("stalled"), "t");
    ck_assert_str_eq(announce(circuit, "circuit.provisioned", "{}"), "applied");
    ck_assert_str_eq(column("stalled"), "f");
    ck_assert_int_eq(stall(), 0);
}
END_TEST

START_TEST(a_named_date_takes_the_place_of_patience_and_rearms_the_deadline)
{
    begin();
    announce(circuit, "circuit.provisioning", "{\"expectedBy\": \"2020-01-01T00:00:00Z\"}");
    ck_assert_int_eq(stall(), 1);
    announce(circuit, "circuit.progress", "{\"expectedBy\": \"2099-01-01T00:00:00Z\"}");
    ck_assert_str_eq(column("stalled"), "f");
    ck_assert_int_eq(stall(), 0);
    announce(circuit, "circuit.progress", "{\"expectedBy\": \"2021-01-01T00:00:00Z\"}");
    ck_assert_int_eq(stall(), 1);
}
END_TEST

START_TEST(a_date_named_in_an_earlier_wait_does_not_count)
{
    begin();
    announce(circuit, "circuit.provisioned", "{\"expectedBy\": \"2020-01-01T00:00:00Z\"}");
    ck_assert_int_eq(stall(), 0);
    announce(circuit, "circuit.deprovisioning", "{}");
    ck_assert_int_eq(stall(), 0);
    ck_assert_str_eq(column("due_at = since + interval '72 hours'"), "t");
}
END_TEST

START_TEST(only_callbacks_older_than_8_days_are_forgotten_and_not_more_than_asked)
{
    begin();
    run(owner,
        "INSERT INTO remembered_callbacks SELECT 'carrier', false, 'old' || i, sha256('x'), '%s', "
        "clock_timestamp() - interval '8 days 1 s' "
        "FROM generate_series(1, 5) i",
        circuit);
    run(owner,
        "INSERT INTO remembered_callbacks VALUES ('carrier', false, 'young', sha256('x'), '%s', "
        "clock_timestamp() - interval '7 days 23 h')",
        circuit);
    ck_assert_int_eq(number(api, "SELECT done FROM onramp.callback_memory_sweep(3)"), 3);
    ck_assert_int_eq(number(api, "SELECT done FROM onramp.callback_memory_sweep(3)"), 2);
    ck_assert_int_eq(number(api, "SELECT done FROM onramp.callback_memory_sweep(3)"), 0);
    ck_assert_str_eq(value(owner, "SELECT webhook_id FROM remembered_callbacks"), "young");
}
END_TEST

START_TEST(an_answer_shows_the_circuit_as_its_partner_sees_it_afterwards)
{
    static const struct {
        const char *type, *at, *data, *id, *reason;
    } calls[] = {
        {"circuit.provisioning", NOW, "{\"note\": \"n\", \"sTag\": 7, \"primaryPort\": \"p\"}",
         "m1", "applied"},
        {"circuit.provisioning", NOW, "{}", "m2", "already"},
        {"circuit.provisioned", AGO(60), "{}", "m3", "stale"},
        {"circuit.provisioning", NOW, "{}", "m2", "duplicate"},
        {"circuit.rejected", NOW, "{\"reason\": \"full\", \"partnerReference\": \"r\"}", "m4",
         "applied"},
    };
    begin();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        PGresult *rows =
            run(api,
                "SELECT reason, applied, to_jsonb(a) - ARRAY['applied', 'reason', "
                "'newest_timestamp'] AS shown FROM onramp.callback_apply('(partner,carrier,,,,)', "
                "'carrier', '%s', '%s', %s, "
                "'%s', '%s', repeat('ab', 32), '%s') a",
                key, calls[i].type, calls[i].at, calls[i].data, calls[i].id, secret);
        ck_assert_str_eq(field(rows, 0, "reason"), calls[i].reason);
        ck_assert_str_eq(field(rows, 0, "applied"),
                         strcmp(calls[i].reason, "applied") == 0 ? "t" : "f");
        ck_assert_str_eq(field(rows, 0, "shown"),
                         value(owner,
                               "SELECT to_jsonb(v) FROM partner_circuit_view v WHERE id = '%s'",
                               circuit));
    }
}
END_TEST

START_TEST(several_callbacks_are_judged_in_their_order_as_each_by_itself)
{
    begin();
    const char *other = circuit_new(customer_new("Other"));
    PGresult *rows =
        run(api,
            "SELECT coalesce(reason, outcome) AS came_to, id, provider_status, version"
            " FROM onramp.callback_apply_each(array_fill("
            " '(partner,carrier,,,,)'::onramp.caller, '{6}'), array_fill('carrier'::text, '{6}'),"
            " ARRAY['%s', '%s', '%s', '%s', '%s', gen_random_uuid()]::uuid[],"
            " ARRAY['circuit.provisioned', 'circuit.provisioned', 'circuit.provisioned',"
            "       'circuit.deprovisioned', 'circuit.deprovisioned', 'circuit.provisioned'],"
            " array_fill(clock_timestamp(), '{6}'),"
            " ARRAY['{\"note\": \"first\"}', '{}', '{}', '{\"note\": \"a, {b} \\\"c\\\"\"}',"
            "       '{}', '{}']::jsonb[],"
            " ARRAY['m1', 'm1', 'm2', 'm3', 'm3', 'm4'],"
            " ARRAY[repeat('ab', 32), repeat('ab', 32), repeat('ab', 32), repeat('ab', 32),"
            "       repeat('cd', 32), repeat('ab', 32)],"
            " array_fill('%s'::uuid, '{6}'))",
            key, key, key_of(other), key, key, secret);
    static const char *const came_to[] = {"applied", "duplicate",         "applied",
                                          "applied", "webhook_id_reused", "not_found"};
    static const char *const statuses_shown[] = {
        "Provisioned", "Provisioned", "Provisioned", "NotProvisioned", "", ""};
    ck_assert_int_eq(PQntuples(rows), 6);
    for (int i = 0; i < 6; i++) {
        ck_assert_str_eq(field(rows, i, "came_to"), came_to[i]);
        ck_assert_str_eq(field(rows, i, "provider_status"), statuses_shown[i]);
    }
    ck_assert_str_eq(field(rows, 2, "id"), other);
    ck_assert_str_eq(column("partner_note"), "a, {b} \"c\"");
}
END_TEST

START_TEST(the_same_callback_in_one_statement_is_applied_once)
{
    begin();
    PGresult *rows =
        run(api,
            "SELECT count(*), count(*) FILTER (WHERE reason = 'duplicate') AS duplicates"
            " FROM onramp.callback_apply_each(array_fill("
            " '(partner,carrier,,,,)'::onramp.caller, '{20}'), array_fill('carrier'::text, '{20}'),"
            " array_fill('%s'::uuid, '{20}'), array_fill('circuit.provisioned'::text, '{20}'),"
            " array_fill(clock_timestamp(), '{20}'), array_fill('{}'::jsonb, '{20}'),"
            " array_fill('m'::text, '{20}'), array_fill(repeat('ab', 32), '{20}'),"
            " array_fill('%s'::uuid, '{20}'))",
            key, secret);
    ck_assert_str_eq(field(rows, 0, "count"), "20");
    ck_assert_str_eq(field(rows, 0, "duplicates"), "19");
    ck_assert_int_eq(events_of(circuit), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callback");
    TCase *order = scene_case(suite, "order", 30);
    tcase_add_test(order, a_dead_secret_comes_before_everything);
    tcase_add_test(order, another_partners_secret_does_not_authenticate);
    tcase_add_test(order, a_timestamp_ahead_comes_before_an_unknown_key);
    tcase_add_test(order, another_partners_key_is_not_found_just_as_no_key);
    tcase_add_test(order, the_same_id_and_body_again_is_a_duplicate);
    tcase_add_test(order, a_duplicate_comes_before_stale_and_before_the_table);
    tcase_add_test(order, the_same_id_with_another_body_is_refused_and_audited);
    tcase_add_test(order, an_id_used_for_another_circuit_is_refused_and_still_quotes);
    tcase_add_test(order, a_refusal_is_never_remembered);
    tcase_add_test(order, already_and_stale_answers_are_remembered);
    tcase_add_test(order, partners_and_operators_have_webhook_ids_of_their_own);
    tcase_add_test(order, a_strictly_older_timestamp_is_stale_at_full_precision);
    tcase_add_test(order, stale_comes_before_the_table_and_moves_no_mark);
    tcase_add_test(order, the_event_keeps_the_partners_time_and_the_circuit_ours);
    TCase *quotes = scene_case(suite, "quoting", 30);
    tcase_add_test(quotes, an_applied_callback_quotes_with_its_own_event);
    tcase_add_loop_test(quotes, a_callback_that_changes_nothing_quotes_with_one_event, 0, 2);
    tcase_add_test(quotes, quoting_a_key_shows_the_circuit_once_and_repeating_it_writes_nothing);
    tcase_add_test(quotes, an_operator_acting_for_a_partner_does_not_quote_for_it);
    tcase_add_test(quotes, a_deleted_circuit_answers_duplicate_and_already_and_nothing_else);
    TCase *data = scene_case(suite, "data", 30);
    tcase_add_test(data, an_absent_member_stays_and_a_null_clears);
    tcase_add_test(data, quotes_and_other_marks_in_texts_arrive_as_they_are);
    tcase_add_test(data, a_rejection_is_shown_with_reason_and_time);
    tcase_add_test(data, connections_go_down_and_come_up_with_one_event_each);
    tcase_add_test(data, an_answer_shows_the_circuit_as_its_partner_sees_it_afterwards);
    TCase *several = scene_case(suite, "several", 30);
    tcase_add_test(several, several_callbacks_are_judged_in_their_order_as_each_by_itself);
    tcase_add_test(several, the_same_callback_in_one_statement_is_applied_once);
    TCase *waiting = scene_case(suite, "waiting", 30);
    tcase_add_test(waiting, waiting_follows_the_story);
    tcase_add_test(waiting, disabled_waits_on_the_operator_over_all);
    tcase_add_test(waiting, a_circuit_stalls_once_when_its_partner_is_silent_too_long);
    tcase_add_test(waiting, a_named_date_takes_the_place_of_patience_and_rearms_the_deadline);
    tcase_add_test(waiting, a_date_named_in_an_earlier_wait_does_not_count);
    tcase_add_test(waiting, only_callbacks_older_than_8_days_are_forgotten_and_not_more_than_asked);
    return scene_run(suite);
}
