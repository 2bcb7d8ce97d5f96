/* SPDX-License-Identifier: Apache-2.0 */
/* The table of provider status, every cell a test, against a copy of the promise. */
#include "scene.h"

#include <stdio.h>
#include <string.h>

/* What each event comes to from NotProvisioned, Provisioning, Provisioned, Deprovisioning. */
static const struct {
    const char *event;
    const char *cells[4];
} table[6] = {
    {"circuit.provisioning", {"Provisioning", "already", "refused", "refused"}},
    {"circuit.provisioned", {"Provisioned", "Provisioned", "already", "refused"}},
    {"circuit.rejected", {"stays", "NotProvisioned", "refused", "refused"}},
    {"circuit.deprovisioning", {"refused", "refused", "Deprovisioning", "already"}},
    {"circuit.deprovisioned", {"already", "NotProvisioned", "NotProvisioned", "NotProvisioned"}},
    {"circuit.progress", {"stays", "stays", "stays", "stays"}},
};

static PGresult *row_of(const char *circuit)
{
    return run(owner, "SELECT * FROM circuits WHERE id = '%s'", circuit);
}

static void same_row(const PGresult *one, const PGresult *other, const char *but)
{
    for (int column = 0; column < PQnfields(one); column++)
        if (strcmp(PQfname(one, column), but) != 0)
            ck_assert_msg(strcmp(PQgetvalue(one, 0, column), PQgetvalue(other, 0, column)) == 0,
                          "%s changed", PQfname(one, column));
}

START_TEST(a_cell_of_the_table)
{
    const char *event = table[_i / 4].event, *from = statuses[_i % 4];
    const char *expected = table[_i / 4].cells[_i % 4];
    printf("  %s at %s: %s\n", event, from, expected);
    fflush(stdout);

    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer);
    run(api, "SELECT * FROM onramp.partner_circuit_quote('(partner,carrier,,,,)', 'carrier', '%s')",
        key_of(circuit));
    bring_to(circuit, from);
    PGresult *before = row_of(circuit);
    long events = events_of(circuit);

    const char *outcome = announce(circuit, event, "{\"reason\": \"because\", \"sTag\": 7}");
    PGresult *after = row_of(circuit);
    if (strcmp(expected, "refused") == 0) {
        ck_assert_str_eq(outcome, "illegal_transition");
        same_row(before, after, "");
        ck_assert_int_eq(events_of(circuit), events);
        ck_assert_int_eq(number(owner,
                                "SELECT count(*) FROM refused_callbacks WHERE circuit_id = '%s' "
                                "AND type = '%s' AND provider_status = '%s' "
                                "AND code = 'illegal_transition' AND actor_name = 'carrier'",
                                circuit, event, from),
                         1);
    } else if (strcmp(expected, "already") == 0) {
        ck_assert_str_eq(outcome, "already");
        same_row(before, after, "partner_timestamp");
        ck_assert_str_ne(field(before, 0, "partner_timestamp"),
                         field(after, 0, "partner_timestamp"));
        ck_assert_int_eq(events_of(circuit), events);
    } else {
        const char *to = strcmp(expected, "stays") == 0 ? from : expected;
        ck_assert_str_eq(outcome, "applied");
        ck_assert_str_eq(field(after, 0, "provider_status"), to);
        ck_assert_str_eq(field(after, 0, "s_tag"), "7");
        ck_assert_int_eq(events_of(circuit), events + 1);
        PGresult *last = run(api, "SELECT * FROM onramp.circuit_event_list('%s', '%s', %ld, 10)",
                             circuit, customer, events);
        ck_assert_int_eq(PQntuples(last), 1);
        ck_assert_str_eq(field(last, 0, "type"), event);
        ck_assert_str_eq(field(last, 0, "from_status"), from);
        ck_assert_str_eq(field(last, 0, "to_status"), to);
        ck_assert_str_eq(field(last, 0, "actor_role"), "partner");
        ck_assert_str_eq(field(last, 0, "actor_name"), "carrier");
        ck_assert_str_eq(field(last, 0, "reason"), "because");
        ck_assert_str_eq(field(after, 0, "last_sequence"), field(last, 0, "sequence"));
    }
}
END_TEST

START_TEST(the_table_in_the_database_is_the_promise)
{
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM provider_transition WHERE by_partner "
                                   "AND deprovision_requested IS NOT TRUE"),
                     24);
    for (int cell = 0; cell < 24; cell++) {
        const char *expected = table[cell / 4].cells[cell % 4];
        ck_assert_str_eq(value(owner,
                               "SELECT CASE effect WHEN 'moves' THEN to_status ELSE effect END "
                               "FROM provider_transition WHERE event = '%s' AND from_status = '%s' "
                               "AND deprovision_requested IS NOT TRUE",
                               table[cell / 4].event, statuses[cell % 4]),
                         expected);
    }
}
END_TEST

/* What lists read run by run leaves out no circuit. */
START_TEST(whom_a_circuit_of_a_status_may_wait_for_is_known)
{
    static const char difference[] =
        "SELECT count(*) FROM ((%s EXCEPT %s) UNION ALL (%s EXCEPT %s)) AS difference";
    static const char possible[] =
        "SELECT DISTINCT CASE WHEN deleted THEN 'Deleted' ELSE status END,"
        " onramp.waits_for(switch, status, asked, quoted, returned, deleted)"
        " FROM unnest('{NotProvisioned,Provisioning,Provisioned,Deprovisioning}'::text[]) status,"
        " unnest('{Enabled,Disabled}'::text[]) switch, unnest('{f,t}'::bool[]) asked,"
        " unnest('{f,t}'::bool[]) quoted, unnest('{f,t}'::bool[]) returned,"
        " unnest('{f,t}'::bool[]) deleted";
    static const char known[] = "SELECT * FROM onramp.status_waits()";
    ck_assert_int_eq(number(owner, difference, known, possible, possible, known), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM onramp.status_waits()"), 11);
}
END_TEST

START_TEST(a_refusal_names_the_status_and_every_legal_event)
{
    const char *from = statuses[_i];
    const char *circuit = circuit_new(customer_new("Acme"));
    bring_to(circuit, from);
    const char *illegal = _i < 2 ? "circuit.deprovisioning" : "circuit.rejected";
    const char *facts = value(api,
                              "SELECT facts FROM onramp.callback_apply('(partner,carrier,,,,)', "
                              "'carrier', '%s', '%s', clock_timestamp(), "
                              "'{}', 'm', "
                              "repeat('ab', 32), '%s') WHERE outcome = 'illegal_transition'",
                              key_of(circuit), illegal, secret_of("carrier"));
    char status[64];
    snprintf(status, sizeof status, "\"providerStatus\": \"%s\"", from);
    ck_assert_msg(strstr(facts, status) != NULL, "%s", facts);
    const char *list = strstr(facts, "are legal: ");
    ck_assert_msg(list != NULL, "%s", facts);
    for (int event = 0; event < 6; event++) {
        const char *cell = table[event].cells[_i];
        bool legal = strcmp(cell, "already") != 0 && strcmp(cell, "refused") != 0;
        char word[64];
        snprintf(word, sizeof word, "%s%s", table[event].event, "");
        /* circuit.provisioned is no prefix of another name, but the comma tells words apart. */
        bool named = false;
        for (const char *at = list; (at = strstr(at, word)); at++)
            named = named || strchr(",.", at[strlen(word)]) != NULL;
        ck_assert_msg(named == legal, "%s at %s: %s", word, from, facts);
    }
}
END_TEST

/* No function opens a request yet; the columns are there, and so is what callbacks do to them. */
static void request_deprovisioning(const char *circuit, bool delete_then)
{
    run(owner,
        "WITH c AS (UPDATE circuits SET deprovision_requested_at = clock_timestamp(), "
        "delete_when_deprovisioned = %s, last_sequence = last_sequence + 1, "
        "previous_status = provider_status, updated_at = now() WHERE id = '%s' RETURNING *) "
        "INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, "
        "actor_role, actor_name) SELECT id, last_sequence, updated_at, "
        "'circuit.deprovision_requested', provider_status, provider_status, 'customer', 'Acme' "
        "FROM c",
        delete_then ? "true" : "false", circuit);
}

START_TEST(a_rejected_deprovision_request_is_cleared_and_the_circuit_stays_provisioned)
{
    const char *circuit = circuit_new(customer_new("Acme"));
    bring_to(circuit, "Provisioned");
    request_deprovisioning(circuit, true);
    ck_assert_str_eq(value(owner, "SELECT waiting_on FROM circuits WHERE id = '%s'", circuit),
                     "partner");
    ck_assert_str_eq(announce(circuit, "circuit.rejected", "{\"reason\": \"in use\"}"), "applied");
    PGresult *row = row_of(circuit);
    ck_assert_str_eq(field(row, 0, "provider_status"), "Provisioned");
    ck_assert_str_eq(field(row, 0, "deprovision_requested_at"), "");
    ck_assert_str_eq(field(row, 0, "delete_when_deprovisioned"), "f");
    ck_assert_str_eq(field(row, 0, "waiting_on"), "nobody");
    ck_assert_str_eq(
        value(owner, "SELECT last_rejection ->> 'reason' FROM circuits WHERE id = '%s'", circuit),
        "in use");
    ck_assert_str_eq(announce(circuit, "circuit.rejected", "{\"reason\": \"again\"}"),
                     "illegal_transition");
}
END_TEST

START_TEST(an_open_deprovision_request_makes_a_rejection_a_legal_event)
{
    const char *circuit = circuit_new(customer_new("Acme"));
    bring_to(circuit, "Provisioned");
    request_deprovisioning(circuit, false);
    const char *detail = value(api,
                               "SELECT facts ->> 'detail' FROM "
                               "onramp.callback_apply('(partner,carrier,,,,)', 'carrier', '%s', "
                               "'circuit.provisioning', "
                               "clock_timestamp(), '{}', 'm', repeat('ab', 32), '%s')",
                               key_of(circuit), secret_of("carrier"));
    ck_assert_msg(strstr(detail, "circuit.rejected") != NULL, "%s", detail);
}
END_TEST

static const struct {
    const char *from, *event;
} ends[] = {
    {"Provisioned", "circuit.deprovisioned"},
    {"Deprovisioning", "circuit.deprovisioned"},
    {"Provisioning", "circuit.deprovisioned"},
    {"Provisioning", "circuit.rejected"},
};

START_TEST(whatever_brings_it_to_not_provisioned_deletes_a_circuit_that_waits_for_that)
{
    const char *customer = customer_new("Acme"), *circuit = circuit_new(customer);
    bring_to(circuit, strcmp(ends[_i].from, "Deprovisioning") == 0 ? "Provisioned" : ends[_i].from);
    request_deprovisioning(circuit, true);
    if (strcmp(ends[_i].from, "Deprovisioning") == 0)
        ck_assert_str_eq(announce(circuit, "circuit.deprovisioning", "{}"), "applied");
    ck_assert_str_eq(announce(circuit, ends[_i].event, "{\"reason\": \"over\"}"), "applied");
    PGresult *row = row_of(circuit);
    ck_assert_str_eq(field(row, 0, "provider_status"), "NotProvisioned");
    ck_assert_str_ne(field(row, 0, "deleted_at"), "");
    ck_assert_str_eq(field(row, 0, "waiting_on"), "nobody");
    ck_assert_str_eq(
        value(api, "SELECT outcome FROM onramp.circuit_get('%s', '%s')", circuit, customer),
        "not_found");
    ck_assert_str_eq(
        value(owner,
              "SELECT string_agg(type, ' ' ORDER BY sequence) FROM (SELECT * FROM "
              "circuit_events WHERE circuit_id = '%s' ORDER BY sequence DESC LIMIT 2) e",
              circuit),
        strcmp(ends[_i].event, "circuit.rejected") == 0 ? "circuit.rejected circuit.deleted"
                                                        : "circuit.deprovisioned circuit.deleted");
}
END_TEST

START_TEST(reaching_not_provisioned_closes_a_request_that_does_not_delete)
{
    const char *circuit = circuit_new(customer_new("Acme"));
    bring_to(circuit, "Provisioned");
    request_deprovisioning(circuit, false);
    ck_assert_str_eq(announce(circuit, "circuit.deprovisioning", "{}"), "applied");
    ck_assert_str_ne(
        value(owner, "SELECT deprovision_requested_at FROM circuits WHERE id = '%s'", circuit), "");
    ck_assert_str_eq(announce(circuit, "circuit.deprovisioned", "{}"), "applied");
    PGresult *row = row_of(circuit);
    ck_assert_str_eq(field(row, 0, "deprovision_requested_at"), "");
    ck_assert_str_eq(field(row, 0, "deleted_at"), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("provider_status");
    TCase *cells = scene_case(suite, "table", 30);
    tcase_add_loop_test(cells, a_cell_of_the_table, 0, 24);
    tcase_add_test(cells, the_table_in_the_database_is_the_promise);
    tcase_add_test(cells, whom_a_circuit_of_a_status_may_wait_for_is_known);
    tcase_add_loop_test(cells, a_refusal_names_the_status_and_every_legal_event, 0, 4);
    TCase *requests = scene_case(suite, "deprovision requests", 30);
    tcase_add_test(requests,
                   a_rejected_deprovision_request_is_cleared_and_the_circuit_stays_provisioned);
    tcase_add_test(requests, an_open_deprovision_request_makes_a_rejection_a_legal_event);
    tcase_add_loop_test(requests,
                        whatever_brings_it_to_not_provisioned_deletes_a_circuit_that_waits_for_that,
                        0, (int)(sizeof ends / sizeof *ends));
    tcase_add_test(requests, reaching_not_provisioned_closes_a_request_that_does_not_delete);
    return scene_run(suite);
}
