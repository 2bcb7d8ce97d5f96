/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that come together: connection_create_each, by conditional_call_each, and
 * connection_delete_each do what each request would have done alone, in batches that are drawn at
 * random, on circuits and VNets that go on living in between. And what is typed by hand. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

enum { CIRCUITS = 12, VNETS = 4, PER_CIRCUIT = 2, ROUNDS = 100 };

static unsigned long seed;
static const char *customers[2], *circuits[2][CIRCUITS], *vnets[2][VNETS];

/* The same spaces for both, and two VNets of each that overlap. */
static void begin(void)
{
    run(admin, "UPDATE onramp.vnet_limits SET vnets = %d", PER_CIRCUIT);
    for (int i = 0; i < 2; i++) {
        customers[i] = customer_new(i == 0 ? "Acme" : "Other");
        for (int j = 0; j < CIRCUITS; j++) {
            circuits[i][j] = circuit_new(customers[i]);
            if (j > 0)
                bring_to(circuits[i][j], "Provisioned");
        }
        for (int j = 0; j < VNETS; j++)
            vnets[i][j] = vnet_new(customers[i], j == 0 ? 1 : j);
    }
    run(owner, "SELECT * FROM circuit_deprovision_request('(customer,Acme,,,,)', '%s', '%s', true)",
        circuits[0][1], customers[0]);
}

/* What is drawn from: by numbers, since the order of ids is another each time. */
static void begin_to_draw(void)
{
    const char *given = getenv("ONRAMP_TEST_SEED");
    seed = given ? strtoul(given, NULL, 10) : 20261126;
    /* To compile these statements takes longer than to run them. */
    run(owner, "SET jit = off");
    run(owner, "SELECT setseed(%lu / 4294967296.0)", seed & 0xFFFFFFFF);
    run(owner, "CREATE TEMP TABLE c (n serial, id uuid, customer uuid)");
    run(owner, "CREATE TEMP TABLE v (n serial, id uuid, customer uuid)");
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < CIRCUITS; j++)
            run(owner, "INSERT INTO c (id, customer) VALUES ('%s', '%s')", circuits[i][j],
                customers[i]);
        for (int j = 0; j < VNETS; j++)
            run(owner, "INSERT INTO v (id, customer) VALUES ('%s', '%s')", vnets[i][j],
                customers[i]);
    }
    run(owner, "CREATE TEMP TABLE batch (n bigint, customer uuid, circuit uuid, vnet uuid,"
               " role text, actor text, authorization_key text, scope text, key text, digest text,"
               " trace text, dry boolean)");
    run(owner, "CREATE TEMP TABLE gone (n bigint, id uuid, customer uuid, role text, actor text)");
    run(owner, "CREATE TEMP TABLE answers (n bigint, answer jsonb)");
    run(owner, "CREATE TEMP TABLE met (outcome text PRIMARY KEY)");
}

#define DRAWN(most, numbers)                                                                       \
    "(SELECT n, ARRAY(SELECT random() FROM generate_series(1, " #numbers ") WHERE n > 0) AS u"     \
    "  FROM generate_series(1, 1 + floor(random() * " #most ")::int) AS n)"

static void draw(void)
{
    run(owner, "TRUNCATE batch, gone, answers");
    run(owner,
        "INSERT INTO batch"
        " SELECT drawn.n, caller, c.id,"
        "  (SELECT id FROM v WHERE (v.customer = caller) = (u[4] > 0.05) AND v.n %% %d = "
        "floor(u[3] * %d)),"
        "  'customer', 'A:' || floor(u[9] * 3),"
        "  CASE WHEN u[2] < 0.06 THEN 'authk_none'"
        "       WHEN u[2] < 0.3 THEN (SELECT authorization_key FROM authorizations"
        "        ORDER BY created_at OFFSET floor(u[4] * (SELECT count(*) FROM authorizations))"
        "        LIMIT 1) END,"
        "  'customer:' || caller, key,"
        "  CASE WHEN key IS NOT NULL THEN repeat(CASE WHEN u[6] < 0.9 THEN 'ab' ELSE 'cd' END, 32)"
        "  END,"
        "  CASE WHEN u[7] < 0.3 THEN '00-' || repeat(drawn.n::text, 32) END,"
        "  u[8] < 0.08"
        " FROM " DRAWN(20, 10) " AS drawn"
                               " JOIN c ON c.n = 1 + floor(u[1] * %d),"
                               " LATERAL (SELECT CASE WHEN u[10] < 0.9 THEN c.customer ELSE "
                               "'%s'::uuid END AS caller,"
                               "                 CASE WHEN u[5] < 0.5 THEN 'k' || floor(u[5] * 40) "
                               "END AS key) AS who",
        VNETS, VNETS, 2 * CIRCUITS, customers[0]);
    run(owner,
        "INSERT INTO gone"
        " SELECT drawn.n, coalesce(k.id, gen_random_uuid()),"
        "  CASE WHEN u[3] < 0.5 THEN k.circuit_customer_id WHEN u[3] < 0.9 THEN k.vnet_customer_id"
        "       WHEN u[3] < 0.95 THEN '%s'::uuid END,"
        "  CASE WHEN u[3] < 0.95 THEN 'customer' ELSE 'operator' END, 'B:' || floor(u[4] * 3)"
        " FROM " DRAWN(
            7,
            4) " AS drawn"
               " LEFT JOIN LATERAL (SELECT k.* FROM connections k JOIN c ON c.id = circuit_id"
               "   JOIN v ON v.id = vnet_id WHERE u[1] < 0.9 ORDER BY c.n, v.n"
               "   OFFSET floor(u[2] * (SELECT count(*) FROM connections)) LIMIT 1) AS k ON true",
        customers[1]);
}

static void connect_together(void)
{
    run(owner,
        "INSERT INTO answers SELECT row_number() OVER (), to_jsonb(answer)"
        " FROM (SELECT ARRAY[array_agg((role, actor, NULL, NULL, NULL, NULL)::caller::text ORDER "
        "BY n),"
        "   array_agg(customer::text ORDER BY n), array_agg(circuit::text ORDER BY n),"
        "   array_agg(vnet::text ORDER BY n),"
        "   array_agg(authorization_key ORDER BY n)] AS arguments,"
        "  array_agg(customer ORDER BY n) AS customers, array_agg(scope ORDER BY n) AS scopes,"
        "  array_agg(key ORDER BY n) AS keys, array_agg(digest ORDER BY n) AS digests,"
        "  array_agg(trace ORDER BY n) AS traces, array_agg(dry ORDER BY n) AS dries FROM batch) "
        "AS b,"
        " LATERAL conditional_call_each(NULL::connection_view, 'connection_create', arguments, "
        "NULL,"
        "  NULL, customers, scopes, keys, digests, NULL, traces, dries) AS answer");
}

static void connect_alone(void)
{
    long count = number(owner, "SELECT count(*) FROM batch");
    for (long i = 1; i <= count; i++)
        run(owner,
            "INSERT INTO answers SELECT n, to_jsonb(answer) FROM batch, LATERAL conditional_call("
            " NULL::connection_view, 'connection_create', ARRAY[(role, actor, NULL, NULL, NULL,"
            " NULL)::caller::text, customer::text, circuit::text, vnet::text, authorization_key], "
            "NULL, NULL, customer, scope, key,"
            " digest, NULL, trace, dry) AS answer WHERE n = %ld",
            i);
}

static void delete_together(void)
{
    run(owner, "INSERT INTO answers SELECT row_number() OVER (), to_jsonb(answer)"
               " FROM (SELECT array_agg(id ORDER BY n) AS ids, array_agg(customer ORDER BY n) AS "
               "customers,"
               "  array_agg((role, actor, NULL, NULL, NULL, NULL)::caller ORDER BY n) AS callers"
               " FROM gone) AS g,"
               " LATERAL connection_delete_each(callers, ids, customers) AS answer");
}

static void delete_alone(void)
{
    long count = number(owner, "SELECT count(*) FROM gone");
    for (long i = 1; i <= count; i++)
        run(owner,
            "INSERT INTO answers SELECT n, to_jsonb(answer) FROM gone,"
            " LATERAL connection_delete((role, actor, NULL, NULL, NULL, NULL)::caller, id,"
            " customer) AS answer WHERE n = %ld",
            i);
}

/* All that a batch answers and writes. A connection is named by its two sides, as ids are drawn
 * anew; of times only those that have to be the same. */
static const char *outcome(void)
{
    return value(
        owner,
        "WITH t AS (SELECT '{id,seq,at,answered_at,updated_at,since,created_at,changed_in,answer,"
        "connection_id,connectionId}'::text[] AS omitted),"
        " k AS (SELECT id, circuit_id || '/' || vnet_id AS sides FROM connections)"
        " SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("
        " SELECT format('answer %%s: %%s %%s', n, answer - omitted,"
        "  coalesce((SELECT sides FROM k WHERE id::text = answer ->> 'id'), answer ->> 'id')) AS "
        "line"
        "  FROM answers, t"
        " UNION ALL SELECT format('circuit %%s: %%s', id, to_jsonb(c) - omitted) FROM circuits c, t"
        " UNION ALL SELECT format('vnet %%s: %%s', id, to_jsonb(v) - omitted) FROM vnets v, t"
        " UNION ALL SELECT format('connection %%s', to_jsonb(x) - omitted) FROM connections x, t"
        " UNION ALL SELECT format('prefix %%s', to_jsonb(p)) FROM circuit_prefixes p"
        " UNION ALL SELECT format('event %%s: %%s %%s', circuit_id, to_jsonb(e) - omitted,"
        "  coalesce((SELECT sides FROM k WHERE k.id = e.connection_id), e.connection_id::text))"
        "  FROM circuit_events e, t"
        " UNION ALL SELECT format('time %%s: %%s', c.id, e.at = c.updated_at) FROM circuits c"
        "  JOIN circuit_events e ON e.circuit_id = c.id AND e.sequence = c.last_sequence"
        " UNION ALL SELECT format('key %%s %%s: %%s %%s %%s %%s', scope, key, to_jsonb(i) - "
        "omitted,"
        "  answered_at > now() - interval '24 hours',"
        "  (SELECT sides FROM k WHERE id::text = answer ->> 'id'),"
        "  answer - omitted) FROM idempotency_keys i, t"
        " UNION ALL SELECT format('act %%s', to_jsonb(a)) FROM acts_of_vnet_owners a"
        " UNION ALL SELECT format('unpublished %%s: %%s', circuit_id, to_jsonb(u) - omitted)"
        "  FROM events_unpublished u, t"
        " UNION ALL SELECT format('setting %%s', coalesce(current_setting(name, true), ''))"
        "  FROM unnest('{onramp.actors,onramp.traceparent,onramp.traceparents}'::text[]) AS name"
        ") AS lines");
}

#define SOME(share, columns, of)                                                                   \
    "(SELECT " columns " FROM (SELECT *, random() AS drawn FROM (" of                              \
    " ORDER BY n) AS all_of_them) AS numbered WHERE drawn < " #share ")"

/* What else happens to circuits, VNets, authorizations and keys. */
static void live_on(void)
{
    run(owner, "SELECT k.outcome FROM " SOME(
                   0.1, "id, drawn",
                   "SELECT * FROM c") " AS s,"
                                      " LATERAL circuit_status_set('(operator,Olga,,,,)', s.id, "
                                      "CASE WHEN drawn < 0.03 "
                                      "THEN 'Disabled'"
                                      "  ELSE 'Enabled' END, 'because') AS k");
    run(owner,
        "SELECT k.outcome FROM " SOME(
            0.1, "*", "SELECT * FROM v") " AS s,"
                                         " LATERAL vnet_gateway_delete('(customer,Acme,,,,)', "
                                         "s.id, s.customer) AS k");
    run(owner,
        "SELECT k.outcome FROM " SOME(
            0.5, "*",
            "SELECT v.*, address_space FROM v"
            "  JOIN vnets USING (id) WHERE gateway_subnet IS NULL") " AS s,"
                                                                    " LATERAL "
                                                                    "vnet_gateway_put('(customer,"
                                                                    "Acme,,,,)', s.id, "
                                                                    "s.customer, "
                                                                    "(host(broadcast(s."
                                                                    "address_space[1])"
                                                                    "  - 255) || "
                                                                    "'/27')::cidr) AS k");
    run(owner,
        "SELECT k.outcome FROM " SOME(
            0.1, "*", "SELECT * FROM c") " AS s,"
                                         " LATERAL authorization_create('(customer,Acme,,,,)', "
                                         "s.id, s.customer, "
                                         "'guest', 'authk_' || md5(drawn::text))"
                                         " AS k");
    run(owner,
        "SELECT k.outcome FROM " SOME(
            0.1, "*", "SELECT *, created_at AS n FROM authorizations") " AS s, LATERAL "
                                                                       "authorization_delete('("
                                                                       "customer,Acme,,,,)', s."
                                                                       "circuit_id, s.customer_id, "
                                                                       "s.id)"
                                                                       " AS k");
    run(owner, "UPDATE idempotency_keys k SET answered_at = answered_at - interval '25 hours'"
               " FROM " SOME(
                   0.2, "scope, key",
                   "SELECT *, answered_at AS n FROM idempotency_keys") " AS s WHERE k.scope = "
                                                                       "s.scope AND k.key = s.key");
}

static void compare(int round, const char *what, void together(void), void alone(void))
{
    same_outcome(outcome, together, alone, "seed %lu, round %d, %s", seed, round, what);
    run(owner, "INSERT INTO met SELECT DISTINCT answer ->> 'outcome' FROM answers ON CONFLICT DO"
               " NOTHING");
}

START_TEST(a_batch_does_what_its_requests_do_one_by_one)
{
    begin();
    begin_to_draw();
    for (int round = 0; round < ROUNDS; round++) {
        draw();
        compare(round, "connecting", connect_together, connect_alone);
        run(owner, "TRUNCATE answers");
        compare(round, "disconnecting", delete_together, delete_alone);
        live_on();
    }
    /* Otherwise this has shown less than it says. */
    ck_assert_str_eq(
        value(owner, "SELECT string_agg(outcome, ' ' ORDER BY outcome COLLATE \"C\") FROM met"),
        "address_space_overlap already_connected authorization_in_use circuit_deprovision_requested"
        " circuit_disabled circuit_not_provisioned circuit_vnet_limit_reached"
        " idempotency_key_reused not_found ok replayed vnet_circuit_limit_reached"
        " vnet_has_no_gateway");
    ck_assert_int_gt(number(owner, "SELECT count(*) FROM acts_of_vnet_owners"), 0);
}
END_TEST

/* Where nobody has set who acts: row by row, in one statement or several. */
START_TEST(connections_by_hand_are_counted_one_by_one)
{
    begin();
    run(owner,
        "INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id)"
        " SELECT c::uuid, v::uuid, '%s', '%s'"
        " FROM unnest('{%s,%s}'::text[]) c, unnest('{%s,%s}'::text[]) v",
        customers[1], customers[1], circuits[1][2], circuits[1][3], vnets[1][2], vnets[1][3]);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_events WHERE actor_role ="
                                   " 'operator' AND type = 'connection.created'"),
                     4);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits WHERE used = 2"), 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnets WHERE used = 2"), 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 4);
    run(owner, "DELETE FROM connections");
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 0);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 0);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM circuit_events WHERE type = 'connection.deleted'"), 4);
}
END_TEST

#define SET_BY_HAND                                                                                \
    "INSERT INTO connections (id, circuit_id, vnet_id, circuit_customer_id, vnet_customer_id)"     \
    " SELECT id::uuid, c::uuid, v::uuid, '%s', '%s'"                                               \
    " FROM unnest('{%s,%s}'::text[], '{%s,%s}'::text[], '{%s,%s}'::text[]) AS one (id, c, v)"

static const char *const ids[2] = {"00000000-0000-7000-8000-000000000001",
                                   "00000000-0000-7000-8000-000000000002"};

/* Where somebody has: then all are counted by one statement, or none is written. */
START_TEST(a_set_of_connections_counts_each_or_is_refused)
{
    begin();
    const char *owns = customers[1], **c = circuits[1], **v = vnets[1];
    run(owner, "SET onramp.actors = '{\"%s\": \"customer:Ann\", \"%s\": \"customer:Bob\"}'", ids[0],
        ids[1]);
    refused(owner, "a_set_of_connections_has_each_circuit_and_vnet_once", SET_BY_HAND, owns, owns,
            ids[0], ids[1], c[2], c[2], v[2], v[3]);
    refused(owner, "a_set_of_connections_has_each_circuit_and_vnet_once", SET_BY_HAND, owns, owns,
            ids[0], ids[1], c[2], c[3], v[2], v[2]);
    fails(owner, "23502", SET_BY_HAND, owns, owns, ids[0], vnets[0][0], c[2], c[3], v[2], v[3]);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), 0);
    run(owner, SET_BY_HAND, owns, owns, ids[0], ids[1], c[2], c[3], v[2], v[3]);
    ck_assert_str_eq(value(owner, "SELECT string_agg(actor_name, ' ' ORDER BY connection_id)"
                                  " FROM circuit_events WHERE connection_id IS NOT NULL"),
                     "Ann Bob");
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 2);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 2);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 2);
    run(owner, "DELETE FROM connections");
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 0);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 0);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM circuit_events WHERE type = 'connection.deleted'"), 2);
}
END_TEST

/* Whatever a query sets while it writes: one of both triggers counts, by what is set at its end. */
START_TEST(a_query_that_sets_who_acts_is_counted_once)
{
    begin();
    const char *owns = customers[1], **c = circuits[1], **v = vnets[1];
    static const char *const sets[2][2] = {
        {"", "{\"%s\": \"customer:Ann\"}"},
        {"{\"00000000-0000-7000-8000-000000000001\": \"customer:Ann\"}", ""}};
    for (int i = 0; i < 2; i++) {
        char after[80];
        snprintf(after, sizeof after, sets[i][1], ids[0]);
        run(owner, "SET onramp.actors = '%s'", sets[i][0]);
        run(owner,
            "WITH made AS (INSERT INTO connections (id, circuit_id, vnet_id, circuit_customer_id,"
            " vnet_customer_id) VALUES ('%s', '%s', '%s', '%s', '%s') RETURNING id)"
            " SELECT set_config('onramp.actors', '%s', false) WHERE (SELECT count(*) FROM made) = "
            "1",
            ids[0], c[2], v[2], owns, owns, after);
        ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 1);
        ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 1);
        ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 1);
        run(owner, "SET onramp.actors = '%s'", sets[i][0]);
        run(owner,
            "WITH gone AS (DELETE FROM connections RETURNING id)"
            " SELECT set_config('onramp.actors', '%s', false) WHERE (SELECT count(*) FROM gone) = "
            "1",
            after);
        ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 0);
        ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 0);
        ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), 0);
    }
    /* Two of them in one query, and more of one circuit than its limit. */
    run(owner, "SET onramp.actors = ''");
    run(owner,
        "WITH a AS (INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id,"
        " vnet_customer_id) VALUES ('%1$s', '%2$s', '%5$s', '%5$s')), b AS (INSERT INTO connections"
        " (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id)"
        " VALUES ('%3$s', '%4$s', '%5$s', '%5$s')) SELECT",
        c[2], v[2], c[3], v[3], owns);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 2);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM vnets"), 2);
    refused(
        owner, "a_set_of_connections_has_each_circuit_and_vnet_once",
        "WITH made AS (INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id,"
        " vnet_customer_id) SELECT '%s', id, customer_id, customer_id FROM vnets"
        " WHERE customer_id = '%s' AND id <> '%s' RETURNING id) SELECT set_config('onramp.actors',"
        " json_object_agg(id, 'customer:Ann')::text, false) FROM made",
        c[4], owns, v[0]);
    ck_assert_int_eq(number(owner, "SELECT sum(used) FROM circuits"), 2);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM circuit_events WHERE connection_id IS NOT NULL"), 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connections_each");
    TCase *tcase = scene_case(suite, "batches", 120);
    tcase_add_test(tcase, a_batch_does_what_its_requests_do_one_by_one);
    tcase_add_test(tcase, connections_by_hand_are_counted_one_by_one);
    tcase_add_test(tcase, a_set_of_connections_counts_each_or_is_refused);
    tcase_add_test(tcase, a_query_that_sets_who_acts_is_counted_once);
    return scene_run(suite);
}
