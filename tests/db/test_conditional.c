/* SPDX-License-Identifier: Apache-2.0 */
/* conditional_call: one effect a key, decisions under the row's lock, dry runs without effect. Two
 * sessions of the daemon's, stepped in a fixed order. */
#include "scene.h"

#include <string.h>

/* A VNet by a key, its name being the body; the customer is the only argument. */
#define CREATE(key, body)                                                                          \
    "SELECT outcome, facts, id FROM onramp.conditional_call(NULL::onramp.vnet_view, 'vnet_create'" \
    ", ARRAY['%1$s', '" body "', '{10.0.0.0/16}', '{}'], NULL, NULL, '%1$s', 'customer:%1$s', "    \
    "'" key "', encode(sha256('" body "'), 'hex'), NULL, NULL, false)"

/* The same of another customer's: those of one wait for each other at its cap. */
#define CREATE_FOR(key, body)                                                                      \
    "SELECT outcome FROM onramp.conditional_call(NULL::onramp.vnet_view, 'vnet_create', "          \
    "ARRAY['%2$s', '" body "', '{10.0.0.0/16}', '{}'], NULL, NULL, '%1$s', 'customer:%1$s', "      \
    "'" key "', encode(sha256('" body "'), 'hex'), NULL, NULL, false)"

/* A rename by VNet and customer, at certain versions, dry or not. */
#define RENAME                                                                                     \
    "SELECT outcome FROM onramp.conditional_call(NULL::onramp.vnet_view, 'vnet_update',"           \
    " ARRAY['%1$s', '%2$s', 'renamed', NULL, NULL], 'vnet', '%1$s', '%2$s', NULL, NULL, NULL,"     \
    " %3$s, NULL, %4$s)"

static const char *customer;
static PGconn *one, *two;

static void begin_story(void)
{
    customer = customer_new("Acme");
    one = session("onramp_daemon");
    two = session("onramp_daemon");
}

static bool replayed(const PGresult *rows)
{
    return strcmp(field(rows, 0, "facts"), "{\"replayed\": true}") == 0;
}

static long vnets(void)
{
    return number(owner, "SELECT count(*) FROM onramp.vnets");
}

START_TEST(a_key_has_one_effect_and_one_answer)
{
    begin_story();
    PGresult *first = run(one, CREATE("k", "a"), customer);
    PGresult *again = run(two, CREATE("k", "a"), customer);
    ck_assert_str_eq(field(first, 0, "outcome"), "ok");
    ck_assert_str_eq(field(again, 0, "outcome"), "ok");
    ck_assert_str_eq(field(again, 0, "id"), field(first, 0, "id"));
    ck_assert(!replayed(first) && replayed(again));
    ck_assert_str_eq(value(one, CREATE("k", "b"), customer), "idempotency_key_reused");
    ck_assert_int_eq(vnets(), 1);
}
END_TEST

/* The second session is told at once: were it to wait, the shared transactions of two sessions
 * would wait for each other. */
START_TEST(a_key_that_is_being_worked_on_is_told_at_once)
{
    begin_story();
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, CREATE("k", "a"), customer), "ok");
    run(two, "SET statement_timeout = '2s'");
    ck_assert_str_eq(value(two, CREATE("k", "a"), customer), "idempotency_key_in_progress");
    ck_assert_str_eq(value(two, CREATE_FOR("other", "a"), customer, customer_new("Other")), "ok");
    run(one, "COMMIT");
    ck_assert(replayed(run(two, CREATE("k", "a"), customer)));
    ck_assert_int_eq(vnets(), 2);
}
END_TEST

START_TEST(two_of_one_key_in_one_transaction_are_one_effect)
{
    begin_story();
    run(one, "BEGIN");
    ck_assert(!replayed(run(one, CREATE("k", "a"), customer)));
    ck_assert(replayed(run(one, CREATE("k", "a"), customer)));
    run(one, "COMMIT");
    ck_assert_int_eq(vnets(), 1);
}
END_TEST

START_TEST(what_was_rolled_back_is_not_remembered)
{
    begin_story();
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, CREATE("k", "a"), customer), "ok");
    run(one, "ROLLBACK");
    ck_assert(!replayed(run(two, CREATE("k", "a"), customer)));
    ck_assert_int_eq(vnets(), 1);
}
END_TEST

START_TEST(a_key_is_forgotten_after_a_day)
{
    begin_story();
    ck_assert_str_eq(value(one, CREATE("k", "a"), customer), "ok");
    run(owner, "UPDATE onramp.idempotency_keys SET answered_at = answered_at - interval"
               " '23 hours 59 minutes'");
    ck_assert_str_eq(value(one, "SELECT facts FROM onramp.idempotency_sweep(10)"),
                     "{\"forgotten\": 0}");
    ck_assert_str_eq(value(one, CREATE("k", "b"), customer), "idempotency_key_reused");
    run(owner, "UPDATE onramp.idempotency_keys SET answered_at = answered_at - interval"
               " '2 minutes'");
    /* Also before the sweep comes by. */
    ck_assert_str_eq(value(one, CREATE("k", "b"), customer), "ok");
    ck_assert_int_eq(vnets(), 2);
    run(owner, "INSERT INTO onramp.idempotency_keys SELECT 'operator', n::text, sha256('a'), '{}',"
               " clock_timestamp() - interval '25 hours' FROM generate_series(1, 25) n");
    ck_assert_str_eq(value(one, "SELECT facts FROM onramp.idempotency_sweep(10)"),
                     "{\"forgotten\": 10}");
    ck_assert_str_eq(value(one, "SELECT facts FROM onramp.idempotency_sweep(100)"),
                     "{\"forgotten\": 15}");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM onramp.idempotency_keys"), 1);
}
END_TEST

/* A writer that is under way decides first; the condition is looked at when it is done. */
START_TEST(a_version_is_compared_under_the_rows_lock)
{
    begin_story();
    const char *stranger = customer_new("Stranger"), *first;
    const char *vnet = vnet_new(customer, 1);
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, RENAME, vnet, customer, "'{2}'", "false"), "ok");
    start(two, RENAME, vnet, customer, "'{2}'", "false");
    blocked(two);
    run(one, "COMMIT");
    ck_assert_str_eq(finish(two, &first), "");
    ck_assert_str_eq(first, "version_mismatch");
    ck_assert_str_eq(value(one, RENAME, vnet, customer, "'{7,3}'", "false"), "ok");
    ck_assert_str_eq(value(one, RENAME, vnet, customer, "'{}'", "false"), "version_mismatch");
    ck_assert_str_eq(value(one, RENAME, vnet, stranger, "'{7}'", "false"), "not_found");
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
    begin_story();
    const char *stranger = customer_new("Stranger"), *vnet = vnet_new(customer, 1);
    const char *before = value(owner, "SELECT v::text FROM onramp.vnets v");
    ck_assert_str_eq(value(one, RENAME, vnet, customer, "NULL", "true"), "ok");
    ck_assert_str_eq(value(one, RENAME, vnet, customer, "'{99}'", "true"), "version_mismatch");
    ck_assert_str_eq(value(one, RENAME, vnet, stranger, "NULL", "true"), "not_found");
    ck_assert_str_eq(value(owner, "SELECT v::text FROM onramp.vnets v"), before);
}
END_TEST

/* Nobody gets further by this function than without it. */
START_TEST(nothing_is_run_that_the_daemon_may_not_run_itself)
{
    static const char *const forbidden[] = {
        "'circuit_remove', ARRAY['01900000-0000-7000-8000-00000000000a', 'operator', 'x']",
        "'pg_sleep', ARRAY['1']",
        "'schema_ready(); DROP TABLE vnets; --', ARRAY[]::text[]",
        /* answers another type */
        "'vnet_get', ARRAY['01900000-0000-7000-8000-00000000000a', NULL]",
    };
    begin_story();
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        fails(one, "P0002",
              "SELECT * FROM onramp.conditional_call(NULL::onramp.verdict, %s, NULL, NULL, NULL,"
              " NULL, NULL, NULL, NULL, NULL, false)",
              forbidden[i]);
    ck_assert_str_eq(
        value(one, "SELECT outcome FROM onramp.conditional_call(NULL::onramp.verdict,"
                   " 'schema_ready', ARRAY[]::text[], NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
                   " NULL, false)"),
        "ok");
    fails(one, "42501", "SELECT * FROM onramp.idempotency_keys");
}
END_TEST

/* A rename of a circuit by circuit and customer, for a trace or not. */
#define RENAME_CIRCUIT                                                                             \
    "SELECT outcome FROM onramp.conditional_call(NULL::onramp.circuit_view, 'circuit_update',"     \
    " ARRAY['%1$s', '%2$s', '%3$s', NULL, NULL, NULL, NULL, 'customer', 'x'], 'circuit', '%1$s',"  \
    " '%2$s', NULL, NULL, NULL, NULL, %4$s, false)"

/* Of the renames, in their order; those without one are empty. */
static const char *traces(void)
{
    return value(owner, "SELECT string_agg(coalesce(traceparent, ''), ',' ORDER BY seq)"
                        " FROM onramp.events_unpublished WHERE sequence > 1");
}

START_TEST(a_trace_is_of_one_call_and_not_of_its_neighbours)
{
    begin_story();
    const char *circuit = circuit_new(customer), *other = circuit_new(customer);
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, circuit, customer, "a", "'trace-a'"), "ok");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, other, customer, "b", "NULL"), "ok");
    ck_assert_str_eq(value(one,
                           "SELECT outcome FROM onramp.circuit_update('%s', '%s', 'c', NULL, NULL,"
                           " NULL, NULL, 'customer', 'x')",
                           circuit, customer),
                     "ok");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, other, customer, "d", "'trace-d'"), "ok");
    run(one, "COMMIT");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, circuit, customer, "e", "NULL"), "ok");
    ck_assert_str_eq(traces(), "trace-a,,,trace-d,");
    ck_assert_str_eq(value(one, "SELECT current_setting('onramp.traceparent', true)"), "");
}
END_TEST

START_TEST(a_trace_ends_with_a_transaction_that_fails)
{
    begin_story();
    const char *circuit = circuit_new(customer);
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, circuit, customer, "a", "'trace-a'"), "ok");
    fails(one, "22P02", RENAME_CIRCUIT, "none", customer, "a", "'trace-b'");
    run(one, "ROLLBACK");
    ck_assert_str_eq(value(one, RENAME_CIRCUIT, circuit, customer, "c", "NULL"), "ok");
    ck_assert_str_eq(traces(), "");
    ck_assert_int_eq(events_of(circuit), 2);
}
END_TEST

/* Creates of VNets by one statement: names, keys, digests and dry runs, as array literals. */
#define CREATE_EACH                                                                                \
    "SELECT outcome, name, facts, id FROM onramp.conditional_call_each(NULL::onramp.vnet_view,"    \
    " 'vnet_create', ARRAY[array_fill('%1$s'::text, ARRAY[5]), '%2$s',"                            \
    " array_fill('{10.0.0.0/16}'::text, ARRAY[5]), array_fill('{}'::text, ARRAY[5])], NULL, NULL," \
    " array_fill('%1$s'::uuid, ARRAY[5]), array_fill('customer:%1$s'::text, ARRAY[5]), '%3$s',"    \
    " '%4$s', NULL, NULL, '%5$s')"

#define HEX(digit) #digit #digit #digit #digit #digit #digit #digit #digit
#define DIGEST(digit)                                                                              \
    HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit)

START_TEST(several_calls_are_answered_as_if_each_had_come_alone)
{
    begin_story();
    PGresult *rows = run(one, CREATE_EACH, customer, "{a,a,b,c,c}", "{k,k,k,NULL,NULL}",
                         "{" DIGEST(a) "," DIGEST(a) "," DIGEST(b) ",NULL,NULL}", "{f,f,f,t,f}");
    ck_assert_int_eq(PQntuples(rows), 5);
    ck_assert_str_eq(field(rows, 0, "outcome"), "ok");
    ck_assert_str_eq(field(rows, 1, "outcome"), "ok");
    ck_assert_str_eq(field(rows, 1, "facts"), "{\"replayed\": true}");
    ck_assert_str_eq(field(rows, 1, "id"), field(rows, 0, "id"));
    ck_assert_str_eq(field(rows, 2, "outcome"), "idempotency_key_reused");
    ck_assert_str_eq(field(rows, 3, "outcome"), "ok");
    ck_assert_str_eq(field(rows, 3, "id"), "");
    ck_assert_str_eq(field(rows, 4, "outcome"), "ok");
    ck_assert_str_eq(value(owner, "SELECT string_agg(name, '' ORDER BY id) FROM onramp.vnets"),
                     "ac");
    ck_assert_str_eq(
        value(one, CREATE_EACH, customer, "{a,a,b,c,c}", "{other,k,k,k,k}",
              "{" DIGEST(a) "," DIGEST(a) "," DIGEST(a) "," DIGEST(a) "," DIGEST(a) "}",
              "{f,f,f,f,f}"),
        "ok");
    ck_assert_int_eq(vnets(), 3);
}
END_TEST

/* Versions, ids and customers of several renames, one of them a stranger's. */
START_TEST(several_calls_have_a_version_and_a_trace_each)
{
    begin_story();
    const char *stranger = customer_new("Stranger");
    const char *circuit = circuit_new(customer), *other = circuit_new(customer);
    PGresult *rows =
        run(one,
            "SELECT outcome FROM onramp.conditional_call_each(NULL::onramp.circuit_view,"
            " 'circuit_update', ARRAY[ARRAY['%1$s', '%2$s', '%2$s', '%1$s', '%1$s'],"
            " ARRAY['%3$s', '%3$s', '%4$s', '%3$s', '%3$s'], ARRAY['a', 'b', 'c', 'd', 'e'],"
            " array_fill(NULL::text, ARRAY[5]), array_fill(NULL::text, ARRAY[5]),"
            " array_fill(NULL::text, ARRAY[5]), array_fill(NULL::text, ARRAY[5]),"
            " array_fill('customer'::text, ARRAY[5]), array_fill('x'::text, ARRAY[5])], 'circuit',"
            " '{%1$s,%2$s,%2$s,%1$s,%1$s}', '{%3$s,%3$s,%4$s,%3$s,%3$s}', NULL, NULL, NULL,"
            " ARRAY['{1,7}', NULL, '{1}', '{1}', '{2}'], '{trace-a,NULL,trace-c,trace-d,trace-e}',"
            " '{f,f,f,f,f}')",
            circuit, other, customer, stranger);
    static const char *const outcomes[] = {"ok", "ok", "not_found", "version_mismatch", "ok"};
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(field(rows, i, "outcome"), outcomes[i]);
    ck_assert_str_eq(traces(), "trace-a,,trace-e");
    ck_assert_str_eq(value(one, "SELECT current_setting('onramp.traceparent', true)"), "");
}
END_TEST

START_TEST(several_calls_run_nothing_that_one_may_not)
{
    begin_story();
    fails(one, "P0002",
          "SELECT * FROM onramp.conditional_call_each(NULL::onramp.verdict, 'circuit_remove',"
          " ARRAY[ARRAY['01900000-0000-7000-8000-00000000000a'], ARRAY['operator'], ARRAY['x']],"
          " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{f}')");
    PGresult *rows =
        run(one, "SELECT outcome FROM onramp.conditional_call_each(NULL::onramp.verdict,"
                 " 'schema_ready', ARRAY[]::text[], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
                 " '{f,f,f}')");
    ck_assert_int_eq(PQntuples(rows), 3);
    ck_assert_str_eq(field(rows, 2, "outcome"), "ok");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conditional");
    TCase *test = scene_case(suite, "conditional", 60);
    tcase_add_test(test, a_key_has_one_effect_and_one_answer);
    tcase_add_test(test, a_key_that_is_being_worked_on_is_told_at_once);
    tcase_add_test(test, two_of_one_key_in_one_transaction_are_one_effect);
    tcase_add_test(test, what_was_rolled_back_is_not_remembered);
    tcase_add_test(test, a_key_is_forgotten_after_a_day);
    tcase_add_test(test, a_version_is_compared_under_the_rows_lock);
    tcase_add_test(test, a_dry_run_leaves_nothing);
    tcase_add_test(test, a_trace_is_of_one_call_and_not_of_its_neighbours);
    tcase_add_test(test, a_trace_ends_with_a_transaction_that_fails);
    tcase_add_test(test, several_calls_are_answered_as_if_each_had_come_alone);
    tcase_add_test(test, several_calls_have_a_version_and_a_trace_each);
    tcase_add_test(test, several_calls_run_nothing_that_one_may_not);
    tcase_add_test(test, nothing_is_run_that_the_daemon_may_not_run_itself);
    return scene_run(suite);
}
