/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks that come together: callback_apply_each does what each of them would have done alone,
 * in batches that are drawn at random, on circuits that go where the callbacks lead. */
#include "scene.h"

#include <stdlib.h>

enum { CUSTOMERS = 2, CIRCUITS = 12, ROUNDS = 80 };

static unsigned long seed;

static void begin(void)
{
    const char *given = getenv("ONRAMP_TEST_SEED");
    seed = given ? strtoul(given, NULL, 10) : 20261126;
    for (int i = 0; i < CUSTOMERS; i++) {
        const char *customer = customer_new(i == 0 ? "Acme" : "Other");
        for (int j = 0; j < CIRCUITS / CUSTOMERS; j++)
            circuit_new(customer);
        for (int j = 0; j < 4; j++)
            vnet_new(customer, 10 * i + j);
    }
    run(owner, "SELECT setseed(%lu / 4294967296.0)", seed & 0xFFFFFFFF);
    run(owner, "CREATE TEMP TABLE batch (n bigint, partner text, service_key uuid, type text,"
               " at timestamptz, data jsonb, webhook_id text, body_sha256 text, secret_id uuid,"
               " role text, actor text)");
    run(owner, "CREATE TEMP TABLE answers (n bigint, answer callback_view)");
}

/* Ids that come twice, keys of nobody, times ahead and behind, dead secrets, operators. */
static void draw(void)
{
    run(owner, "TRUNCATE batch, answers");
    run(owner,
        "INSERT INTO batch"
        " SELECT n, CASE WHEN u[10] BETWEEN 0.08 AND 0.14 THEN 'rival' ELSE 'carrier' END,"
        "  CASE WHEN u[2] < 0.96 THEN (SELECT array_agg(service_key ORDER BY id) FROM circuits)"
        "                             [1 + floor(u[3] * %d)] ELSE gen_random_uuid() END,"
        "  (SELECT array_agg(DISTINCT event ORDER BY event) FROM provider_transition"
        "   WHERE by_partner)[1 + floor(u[4] * 5)],"
        "  clock_timestamp() + CASE WHEN u[5] < 0.04 THEN interval '400 s'"
        "                           WHEN u[5] < 0.2 THEN interval '-60 s'"
        "                           ELSE interval '1 ms' * n END,"
        "  (ARRAY['{}', '{\"note\": \"n, {\\\"x\\\"}\"}', '{\"reason\": \"full\", \"sTag\": 7}',"
        "         '{\"expectedBy\": null, \"primaryPort\": \"p\", \"secondaryPort\": \"s\"}',"
        "         '{\"expectedBy\": \"2030-01-01T00:00:00Z\", \"note\": null}',"
        "         '{\"partnerReference\": \"r\"}']::jsonb[])[1 + floor(u[6] * 6)],"
        "  CASE WHEN u[7] < 0.4 THEN 'm' || floor(u[8] * 30) ELSE gen_random_uuid()::text END,"
        "  repeat(CASE WHEN u[9] < 0.7 THEN 'ab' ELSE 'cd' END, 32),"
        "  CASE WHEN u[10] < 0.04 THEN NULL"
        "       ELSE (SELECT id FROM callback_secrets"
        "             WHERE partner = CASE WHEN u[10] < 0.14 THEN 'rival' ELSE 'carrier' END) END,"
        "  CASE WHEN u[10] < 0.04 THEN 'operator' ELSE 'partner' END,"
        "  CASE WHEN u[10] < 0.04 THEN 'Olga' ELSE 'carrier' END"
        " FROM (SELECT n, ARRAY(SELECT random() FROM generate_series(1, 10) WHERE n > 0) AS u"
        "       FROM generate_series(1, 1 + floor(random() * 20)::int) AS n) AS drawn",
        CIRCUITS);
}

static void together(void)
{
    run(owner,
        "INSERT INTO answers SELECT n, answer FROM callback_apply_each("
        " (SELECT array_agg((role, actor, NULL, NULL, NULL, NULL)::caller ORDER BY n) FROM batch),"
        " (SELECT array_agg(partner ORDER BY n) FROM batch),"
        " (SELECT array_agg(service_key ORDER BY n) FROM batch),"
        " (SELECT array_agg(type ORDER BY n) FROM batch),"
        " (SELECT array_agg(at ORDER BY n) FROM batch),"
        " (SELECT array_agg(data ORDER BY n) FROM batch),"
        " (SELECT array_agg(webhook_id ORDER BY n) FROM batch),"
        " (SELECT array_agg(body_sha256 ORDER BY n) FROM batch),"
        " (SELECT array_agg(secret_id ORDER BY n) FROM batch)) WITH ORDINALITY"
        " AS a (outcome, facts, applied, reason, newest_timestamp, id, service_key,"
        "       peering_location, bandwidth_mbps, sku_tier, sku_family, circuit_status,"
        "       provider_status, waiting_on, since, stalled, deprovision_requested_at,"
        "       last_rejection, partner_note, partner_reference, expected_by, primary_port,"
        "       secondary_port, s_tag, key_quoted_at, version, n),"
        " LATERAL (SELECT ROW(outcome, facts, applied, reason, newest_timestamp, id, service_key,"
        "       peering_location, bandwidth_mbps, sku_tier, sku_family, circuit_status,"
        "       provider_status, waiting_on, since, stalled, deprovision_requested_at,"
        "       last_rejection, partner_note, partner_reference, expected_by, primary_port,"
        "       secondary_port, s_tag, key_quoted_at, version)::callback_view AS answer) b");
}

static void alone(void)
{
    long count = number(owner, "SELECT count(*) FROM batch");
    for (long i = 1; i <= count; i++)
        run(owner,
            "INSERT INTO answers SELECT n, a FROM batch, LATERAL callback_apply((role, actor,"
            " NULL, NULL, NULL, NULL)::caller, partner, service_key, type, at, data, webhook_id,"
            " body_sha256, secret_id) a"
            " WHERE n = %ld",
            i);
}

/* All that a batch answers and writes; of times only whether they are there, and whether they are
 * those of the circuit's last event. */
static const char *outcome(void)
{
    return value(
        owner,
        "WITH times AS (SELECT '{id,seq,at,answered_at,updated_at,since,due_at,provisioned_at,"
        "deprovisioned_at,key_quoted_at,deprovision_requested_at,deleted_at,created_at,"
        "last_rejection,facts,changed_in}'::text[] AS times)"
        " SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("
        " SELECT format('answer %%s: %%s %%s %%s', n, to_jsonb(answer) - times,"
        "  regexp_replace((answer).facts::text, '20[^ ]*Z', 'T'),"
        "  (answer).id || ((answer).last_rejection ->> 'reason')) AS line FROM answers, times"
        " UNION ALL SELECT format('circuit %%s: %%s %%s', id, to_jsonb(c) - times,"
        "  jsonb_build_array(provisioned_at IS NULL, deprovisioned_at IS NULL,"
        "   key_quoted_at IS NULL, deprovision_requested_at IS NULL, deleted_at IS NULL,"
        "   due_at = 'infinity', due_at = expected_by, last_rejection ->> 'reason',"
        "   provisioned_at = updated_at, deprovisioned_at = updated_at, key_quoted_at = updated_at,"
        "   deleted_at = updated_at)) FROM circuits c, times"
        " UNION ALL SELECT format('event %%s: %%s', circuit_id, to_jsonb(e) - times)"
        "  FROM circuit_events e, times"
        " UNION ALL SELECT format('remembered %%s: %%s', webhook_id, to_jsonb(m) - times)"
        "  FROM remembered_callbacks m, times"
        " UNION ALL SELECT format('refused %%s: %%s', circuit_id, to_jsonb(f) - times)"
        "  FROM refused_callbacks f, times"
        " UNION ALL SELECT format('unpublished %%s: %%s', circuit_id, to_jsonb(u) - times)"
        "  FROM events_unpublished u, times) AS lines");
}

/* What customers and operators do between two batches. */
static void live_on(void)
{
    run(owner, "SELECT k.outcome FROM (SELECT c.id, c.customer_id FROM circuits c"
               " WHERE deleted_at IS NULL AND random() < 0.1) c,"
               " LATERAL connection_create('(customer,Acme,,,,)', c.customer_id, c.id, (SELECT "
               "v.id FROM vnets v"
               "  WHERE v.customer_id = c.customer_id ORDER BY random() LIMIT 1)) k");
    run(owner, "SELECT k.outcome FROM (SELECT id, customer_id FROM circuits"
               " WHERE random() < 0.1) c, LATERAL "
               "circuit_deprovision_request('(customer,Acme,,,,)', c.id, c.customer_id,"
               "  random() < 0.3) k");
    run(owner, "SELECT k.outcome FROM (SELECT id FROM circuits WHERE random() < 0.05) c,"
               " LATERAL circuit_status_set('(operator,Olga,,,,)', c.id, CASE WHEN random() < 0.4 "
               "THEN 'Disabled'"
               "  ELSE 'Enabled' END, 'because') k");
    run(owner, "SELECT k.outcome FROM (SELECT id, circuit_customer_id FROM connections"
               " WHERE random() < 0.2) c,"
               " LATERAL connection_delete('(customer,Acme,,,,)', c.id, c.circuit_customer_id) k");
    /* Deleted ones are followed by new ones, of which there are few enough to meet. */
    run(owner,
        "SELECT k.id FROM generate_series(1, (SELECT count(*) FROM circuits"
        "  WHERE deleted_at IS NOT NULL) - (SELECT count(*) - %d FROM circuits)) n,"
        " LATERAL circuit_create('(customer,Acme,,,,)', (SELECT id FROM customers ORDER BY "
        "random(), n LIMIT 1),"
        "  'hq', 'carrier', 'Amsterdam', 1000, 'Standard', 'MeteredData', '{}') k",
        CIRCUITS);
}

START_TEST(a_batch_does_what_its_callbacks_do_one_by_one)
{
    long met = 0;
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        draw();
        same_outcome(outcome, together, alone, "seed %lu, round %d", seed, round);
        live_on();
    }
    /* Otherwise this has shown less than it says. */
    met = number(owner, "SELECT count(DISTINCT code) FROM refused_callbacks");
    ck_assert_int_eq(met, 2);
    ck_assert_int_gt(number(owner, "SELECT count(*) FROM circuits WHERE deleted_at IS NOT NULL"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT count(DISTINCT to_status) FROM circuit_events"), 4);
    ck_assert_int_gt(
        number(owner, "SELECT count(*) FROM circuit_events WHERE type = 'connection.down'"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callback_each");
    TCase *tcase = scene_case(suite, "batches", 120);
    tcase_add_test(tcase, a_batch_does_what_its_callbacks_do_one_by_one);
    return scene_run(suite);
}
