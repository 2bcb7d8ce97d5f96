/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that come together: circuit_create_each, also by conditional_call_each, does what each of
 * them would have done alone, in batches that are drawn at random; and what they wait for. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUSTOMERS = 5, ROUNDS = 90, MOST = 14, KEYS = 12 };

/* Nulls where a request has none. */
struct order {
    const char *customer, *partner, *location, *tier, *family, *tags, *role, *actor;
    const char *key, *digest, *trace;
    char name[32];
    int bandwidth;
    bool dry;
};

static const char *customers[CUSTOMERS];
static PGconn *one, *two;
static struct order batch[MOST];
static int count;

static int drawn(int below)
{
    return rand() % below;
}

/* --- SQL --- */

static void quote(FILE *out, const char *text)
{
    if (!text) {
        fputs("NULL", out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

enum column {
    CALLER,
    CUSTOMER,
    NAME,
    PARTNER,
    LOCATION,
    BANDWIDTH,
    TIER,
    FAMILY,
    TAGS,
    ARGUMENTS,
    SCOPE = ARGUMENTS,
    KEY,
    DIGEST,
    TRACE,
    DRY,
    COLUMNS
};

static const char *const types[COLUMNS] = {
    [CALLER] = "onramp.caller", [CUSTOMER] = "uuid", [NAME] = "text", [PARTNER] = "text",
    [LOCATION] = "text",        [BANDWIDTH] = "int", [TIER] = "text", [FAMILY] = "text",
    [TAGS] = "jsonb",           [SCOPE] = "text",    [KEY] = "text",  [DIGEST] = "text",
    [TRACE] = "text",           [DRY] = "boolean",
};

static void cell(FILE *out, const struct order *order, enum column column)
{
    char made[80];
    switch (column) {
    case CALLER:
        snprintf(made, sizeof made, "(%s,\"%s\",,,,)", order->role, order->actor);
        quote(out, made);
        return;
    case CUSTOMER:
        quote(out, order->customer);
        return;
    case NAME:
        quote(out, order->name);
        return;
    case PARTNER:
        quote(out, order->partner);
        return;
    case LOCATION:
        quote(out, order->location);
        return;
    case BANDWIDTH:
        fprintf(out, "'%d'", order->bandwidth);
        return;
    case TIER:
        quote(out, order->tier);
        return;
    case FAMILY:
        quote(out, order->family);
        return;
    case TAGS:
        quote(out, order->tags);
        return;
    case SCOPE:
        snprintf(made, sizeof made, "customer:%s", order->customer);
        quote(out, order->key ? made : NULL);
        return;
    case KEY:
        quote(out, order->key);
        return;
    case DIGEST:
        quote(out, order->digest);
        return;
    case TRACE:
        quote(out, order->trace);
        return;
    case DRY:
        quote(out, order->dry ? "t" : "f");
        return;
    case COLUMNS:
        break;
    }
    abort();
}

static void array(FILE *out, enum column column, const char *type)
{
    fputs("ARRAY[", out);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        cell(out, &batch[i], column);
    }
    fprintf(out, "]::%s[]", type);
}

static const char *closed(FILE *out, char **text)
{
    static char *last;
    fclose(out);
    free(last);
    return last = *text;
}

enum way { CONDITIONAL, DIRECT, BARE, WAYS };

/* The whole batch by one statement. BARE has no keys. */
static const char *together(enum way way)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (way == CONDITIONAL) {
        fputs("onramp.conditional_call_each(NULL::onramp.circuit_view, 'circuit_create', ARRAY[",
              out);
        for (int i = 0; i < ARGUMENTS; i++) {
            fputs(i > 0 ? ", " : "", out);
            array(out, (enum column)i, "text");
        }
        fputs("], NULL, NULL, ", out);
        array(out, CUSTOMER, "uuid");
        for (int i = SCOPE; i <= DIGEST; i++) {
            fputs(", ", out);
            array(out, (enum column)i, "text");
        }
        fputs(", NULL, ", out);
        array(out, TRACE, "text");
        fputs(", ", out);
        array(out, DRY, "boolean");
    } else {
        fputs("onramp.circuit_create_each(", out);
        for (int i = 0; i < (way == BARE ? ARGUMENTS : COLUMNS); i++) {
            fputs(i > 0 ? ", " : "", out);
            array(out, (enum column)i, types[i]);
        }
    }
    fputc(')', out);
    return closed(out, &text);
}

static const char *alone(const struct order *order)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("onramp.conditional_call(NULL::onramp.circuit_view, 'circuit_create', ARRAY[", out);
    for (int i = 0; i < ARGUMENTS; i++) {
        fputs(i > 0 ? ", " : "", out);
        cell(out, order, (enum column)i);
    }
    fputs("], NULL, NULL, ", out);
    cell(out, order, CUSTOMER);
    for (int i = SCOPE; i <= DIGEST; i++) {
        fputs(", ", out);
        cell(out, order, (enum column)i);
    }
    fputs(", NULL, ", out);
    cell(out, order, TRACE);
    fputs(", ", out);
    cell(out, order, DRY);
    fputc(')', out);
    return closed(out, &text);
}

/* --- batches --- */

#define HEX(digit)       digit digit digit digit digit digit digit digit
#define DIGEST_OF(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit)

static const char *const keys[KEYS] = {"k0", "k1", "k2", "k3", "k4",  "k5",
                                       "k6", "k7", "k8", "k9", "k10", "held"};
static const char *const digests[] = {DIGEST_OF("aa"), DIGEST_OF("bb")};
static const char *const tags[] = {"{}", "{\"site\": \"O'Brien\"}", "{\"a\": \"b\", \"a=b\": \"\"}",
                                   NULL};
static const char *const actors[] = {"Acme", "A: \"O'Brien\": \\ \u00e9", "x\ny", ""};
static const char *const roles[] = {"customer", "operator"};
static const char *const traces[] = {
    NULL, NULL, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace-\"b\""};

static void draw(int round, enum way way)
{
    /* Batches of plain orders alone, and of few keys and customers. */
    bool plain = drawn(4) == 0, crowded = drawn(3) == 0;
    count = 1 + drawn(MOST);
    for (int i = 0; i < count; i++) {
        struct order *order = &batch[i];
        *order = (struct order){
            .customer = customers[drawn(plain ? 3 : CUSTOMERS)],
            .partner = "carrier",
            .location = drawn(3) == 0 ? "London" : "Amsterdam",
            .bandwidth = 50,
            .tier = drawn(2) == 0 ? "Standard" : "Premium",
            .family = "MeteredData",
            .tags = tags[drawn(4)],
            .role = roles[drawn(2)],
            .actor = actors[drawn(4)],
            .trace = way == BARE ? NULL : traces[drawn(4)],
        };
        snprintf(order->name, sizeof order->name, "r%d-%d", round, i);
        if (way != BARE && drawn(3) > 0) {
            order->key = plain ? order->name : keys[drawn(crowded ? 3 : KEYS)];
            order->digest = digests[drawn(4) == 0];
        }
        if (plain)
            continue;
        if (crowded)
            order->customer = customers[i % 2 == 0 ? 0 : 3];
        order->dry = way != BARE && drawn(10) == 0;
        switch (drawn(14)) {
        case 0:
            order->partner = "nobody";
            break;
        case 1:
            order->location = "Atlantis";
            break;
        case 2:
            order->bandwidth = 7;
            break;
        case 3:
            order->partner = "rival";
            break;
        case 4:
        case 5:
            order->bandwidth = 100; /* in Amsterdam alone */
            break;
        }
    }
}

/* --- what came of it --- */

/* Keys of yesterday are free again, those of almost a day are not. */
static void keys_age(void)
{
    run(one,
        "UPDATE onramp.idempotency_keys SET answered_at = clock_timestamp()"
        " - CASE WHEN key IN ('k0', 'k4') THEN interval '25 hours' ELSE interval '23 hours' END"
        " WHERE key IN ('k0', 'k1', 'k4', 'k5')");
}

/* All that a batch writes and answers, but identifiers and times, which are compared with those of
 * the circuit. */
static const char *outcome(int round)
{
    return value(
        one,
        "WITH made AS (SELECT * FROM onramp.circuits WHERE name LIKE 'r%d-%%'),"
        " bare AS (SELECT '{id,service_key,created_at,updated_at,since,service_key_issued_at}'"
        "::text[] AS columns)"
        " SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
        " SELECT format('answer %%s: %%s of %%s', n, to_jsonb(a) - columns,"
        "  (SELECT c.name || ((c.id, c.service_key, c.created_at, c.updated_at, c.since,"
        "                      c.service_key_issued_at)"
        "   = ((a).id, (a).service_key, (a).created_at, (a).updated_at, (a).since,"
        "      (a).service_key_issued_at))::text"
        "   FROM onramp.circuits c WHERE c.id = (a).id)) AS line FROM answers, bare"
        " UNION ALL SELECT format('circuit %%s: %%s %%s', name, to_jsonb(made) - columns,"
        "  (created_at, created_at, created_at) = (updated_at, since, service_key_issued_at)"
        "  AND created_at BETWEEN clock_timestamp() - interval '9 s' AND clock_timestamp())"
        "  FROM made, bare"
        " UNION ALL SELECT format('event %%s: %%s %%s', name, to_jsonb(e)"
        "  - '{id,circuit_id,at}'::text[], e.at = created_at)"
        "  FROM made JOIN onramp.circuit_events e ON e.circuit_id = made.id"
        " UNION ALL SELECT format('change %%s: %%s %%s', name, h.deleted,"
        "  h.changed_in = onramp.minute_of(updated_at))"
        "  FROM made JOIN onramp.circuit_changes h ON h.circuit_id = made.id"
        " UNION ALL SELECT format('label %%s: %%s', name, to_jsonb(l) - 'circuit_id')"
        "  FROM made JOIN onramp.circuit_labels l ON l.circuit_id = made.id"
        " UNION ALL SELECT format('unpublished %%s: %%s %%s', name, to_jsonb(u)"
        "  - '{seq,circuit_id,at}'::text[], u.at = created_at)"
        "  FROM made JOIN onramp.events_unpublished u ON u.circuit_id = made.id"
        " UNION ALL SELECT format('key %%s %%s: %%s %%s of %%s %%s', scope, key, digest,"
        "  answer - columns, (SELECT c.name FROM onramp.circuits c"
        "                     WHERE c.id = (answer ->> 'id')::uuid"
        "                           AND c.service_key = (answer ->> 'service_key')::uuid"
        "                           AND c.created_at = (answer ->> 'created_at')::timestamptz),"
        "  answered_at > clock_timestamp() - interval '1 h') FROM onramp.idempotency_keys, bare"
        " UNION ALL SELECT format('quota %%s', to_jsonb(q)) FROM onramp.circuit_quotas q"
        " UNION ALL SELECT format('quota %%s', to_jsonb(q)) FROM onramp.circuit_location_quotas q"
        " UNION ALL SELECT format('settings: %%s%%s%%s', current_setting('onramp.traceparent', "
        "true),"
        "  current_setting('onramp.traceparents', true), current_setting('onramp.actors', true))"
        ") AS lines",
        round);
}

static void begin_story(void)
{
    srand(20261126U);
    for (int i = 0; i < CUSTOMERS; i++)
        customers[i] = customer_new("Acme");
    one = session("onramp_admin");
    two = session("onramp_daemon");
    run(one, "CREATE TEMPORARY TABLE answers (n bigint, a onramp.circuit_view)");
}

/* Of the last two customers, so that a batch reaches them in the middle. */
static void quotas_draw(void)
{
    for (int i = 3; i < CUSTOMERS; i++)
        run(one,
            "SELECT outcome FROM onramp.customer_limits_put('(operator,ops,,,,)', '%1$s', (SELECT "
            "count(*)::int + %2$d"
            " FROM onramp.circuits WHERE customer_id = '%1$s'), %3$s, 200)",
            customers[i], drawn(4),
            i == 3 ? "NULL"
                   : value(one,
                           "SELECT coalesce(max(n), 0) + %d FROM (SELECT count(*) AS n"
                           " FROM onramp.circuits WHERE customer_id = '%s'"
                           " GROUP BY peering_location) AS there",
                           drawn(3), customers[i]));
}

static const char *in_words(const char *lines)
{
    static char words[400];
    snprintf(words, sizeof words, "%.399s", lines);
    return words;
}

/* The first line that differs says more than two long texts. */
static void same(const char *found, const char *expected, const char *statement)
{
    size_t line = 0, i = 0;
    for (; found[i] && found[i] == expected[i]; i++)
        if (found[i] == '\n')
            line = i + 1;
    if (found[i] == expected[i])
        return;
    fprintf(stderr, "%s\n", statement);
    fprintf(stderr, "alone:    %s\n", in_words(expected + line));
    ck_abort_msg("together: %s", in_words(found + line));
}

/* Each round goes on from what the one before it left. */
START_TEST(orders_together_are_the_same_as_one_by_one)
{
    begin_story();
    /* One that is being worked on all the time, by somebody else. */
    run(two, "BEGIN");
    for (int i = 0; i < CUSTOMERS; i++)
        run(two,
            "SELECT * FROM onramp.conditional_call(NULL::onramp.verdict, 'schema_ready',"
            " ARRAY[]::text[], NULL, NULL, NULL, 'customer:%s', 'held', '%s', NULL, NULL, false)",
            customers[i], digests[0]);
    for (int round = 0; round < ROUNDS; round++) {
        enum way way = (enum way)(round % WAYS);
        keys_age();
        quotas_draw();
        draw(round, way);
        run(one, "BEGIN");
        char *statement = strdup(together(way));
        run(one, "INSERT INTO answers SELECT row_number() OVER (), a FROM %s AS a", statement);
        const char *found = outcome(round);
        run(one, "ROLLBACK");
        run(one, "BEGIN; DELETE FROM answers");
        for (int i = 0; i < count; i++)
            run(one, "INSERT INTO answers SELECT %d, a FROM %s AS a", i + 1, alone(&batch[i]));
        const char *expected = outcome(round);
        run(one, "DELETE FROM answers; COMMIT");
        same(found, expected, statement);
        free(statement);
    }
    /* Whatever is drawn, all of it has come up. */
    static const char *const met[] = {
        "SELECT count(*) FROM onramp.circuit_quotas WHERE used = circuits",
        "SELECT count(*) FROM onramp.circuit_location_quotas WHERE used = circuits_per_location",
        "SELECT count(*) FROM onramp.events_unpublished WHERE traceparent IS NOT NULL",
        "SELECT count(*) FROM onramp.circuit_labels",
        "SELECT count(*) FROM onramp.idempotency_keys",
    };
    for (size_t i = 0; i < sizeof met / sizeof *met; i++)
        ck_assert_int_gt(number(owner, "%s", met[i]), 0);
    ck_assert_int_eq(number(owner, "SELECT count(DISTINCT (actor_role, actor_name))"
                                   " FROM onramp.circuit_events"),
                     8);
}
END_TEST

/* --- two sessions --- */

/* Orders of one customer under these keys; all else is plain. */
static const char *keyed(const char *customer, int first, int last)
{
    count = 0;
    for (int i = first; i <= last; i++)
        batch[count++] = (struct order){
            .customer = customer,
            .partner = "carrier",
            .location = "Amsterdam",
            .bandwidth = 50,
            .tier = "Standard",
            .family = "MeteredData",
            .tags = "{}",
            .role = "customer",
            .actor = "Acme",
            .key = keys[i],
            .digest = digests[0],
            .name = "plain",
        };
    return together(CONDITIONAL);
}

static const char *outcomes(PGconn *conn, const char *customer, int first, int last)
{
    return value(conn, "SELECT string_agg(outcome, ' ') FROM %s AS a",
                 keyed(customer, first, last));
}

static void begin_two(void)
{
    begin_story();
    one = session("onramp_daemon");
    run(one, "SET statement_timeout = '5s'");
    run(two, "SET statement_timeout = '5s'");
}

/* Nobody waits for a key: two batches that share some would wait for each other. */
START_TEST(a_key_of_another_batch_is_told_at_once)
{
    begin_two();
    run(one, "BEGIN");
    run(two, "BEGIN");
    ck_assert_str_eq(outcomes(one, customers[0], 0, 1), "ok ok");
    ck_assert_str_eq(outcomes(two, customers[0], 1, 2), "idempotency_key_in_progress ok");
    ck_assert_str_eq(outcomes(one, customers[0], 2, 3), "idempotency_key_in_progress ok");
    run(two, "ROLLBACK");
    ck_assert_str_eq(outcomes(one, customers[0], 2, 3), "ok replayed");
    run(one, "COMMIT");
    ck_assert_str_eq(outcomes(two, customers[0], 0, 4), "replayed replayed replayed replayed ok");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM onramp.circuits"), 5);
}
END_TEST

#define QUOTA                                                                                      \
    "SELECT outcome FROM onramp.customer_limits_put('(operator,ops,,,,)', '%s', %d, NULL, 200)"

/* A quota that is set while orders look for one: they wait and are told of it, as values. */
START_TEST(orders_wait_for_a_quota_that_is_being_set)
{
    begin_two();
    run(one, "BEGIN");
    ck_assert_str_eq(value(one, QUOTA, customers[0], 1), "ok");
    start(two, "SELECT string_agg(outcome, ' ') FROM %s AS a", keyed(customers[0], 0, 2));
    blocked(two);
    run(one, "COMMIT");
    const char *told;
    ck_assert_str_eq(finish(two, &told), "");
    ck_assert_str_eq(told, "ok customer_circuit_limit_reached customer_circuit_limit_reached");
    ck_assert_int_eq(number(owner, "SELECT used FROM onramp.circuit_quotas"), 1);
}
END_TEST

START_TEST(a_quota_counts_orders_that_are_under_way)
{
    begin_two();
    run(one, "BEGIN");
    ck_assert_str_eq(outcomes(one, customers[0], 0, 2), "ok ok ok");
    start(two, QUOTA, customers[0], 3);
    blocked(two);
    run(one, "COMMIT");
    const char *told;
    ck_assert_str_eq(finish(two, &told), "");
    ck_assert_str_eq(told, "ok");
    ck_assert_int_eq(number(owner, "SELECT used FROM onramp.circuit_quotas"), 3);
    ck_assert_str_eq(outcomes(one, customers[0], 3, 3), "customer_circuit_limit_reached");
}
END_TEST

/* A limit that changes while orders look at it: theirs is the new one. */
START_TEST(orders_wait_for_a_limit_that_is_being_changed)
{
    begin_two();
    run(owner, "BEGIN; UPDATE onramp.vnet_limits SET vnets = 7 WHERE tier = 'Standard'");
    start(two, "SELECT string_agg(connections_limit::text, ' ') FROM %s AS a",
          keyed(customers[0], 0, 1));
    blocked(two);
    run(owner, "COMMIT");
    const char *told;
    ck_assert_str_eq(finish(two, &told), "");
    ck_assert_str_eq(told, "7 7");
}
END_TEST

/* --- by hand --- */

#define BY_HAND                                                                                    \
    "INSERT INTO onramp.circuits (customer_id, name, partner, peering_location, bandwidth_mbps,"   \
    " sku_tier, sku_family, vnet_limit, tags)"                                                     \
    " SELECT id, 'hand', 'carrier', CASE WHEN n %% 2 = 1 THEN 'Amsterdam' ELSE 'London' END, 50,"  \
    " 'Standard', 'MeteredData', 10, CASE WHEN n = 1 THEN '{\"a\": \"b\"}' ELSE '{}' END::jsonb"   \
    " FROM onramp.customers, generate_series(1, %d) AS n WHERE id IN ('%s', '%s')"

static const char *const levels[] = {"read committed", "repeatable read", "serializable"};

/* Rows by hand, several in a statement, also after orders that named who acts. */
START_TEST(rows_by_hand_begin_as_orders_do)
{
    begin_two();
    run(owner, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(owner, BY_HAND, 3, customers[0], customers[1]);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits c"
                                   " JOIN circuit_events e ON e.circuit_id = c.id"
                                   " JOIN circuit_changes h ON h.circuit_id = c.id"
                                   " JOIN events_unpublished u ON u.circuit_id = c.id"
                                   " WHERE e.sequence = 1 AND e.at = c.updated_at"
                                   " AND e.actor_role = 'operator' AND e.actor_name = session_user"
                                   " AND h.changed_in = minute_of(c.updated_at)"
                                   " AND u.traceparent IS NULL"),
                     6);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_labels"), 4);
    ck_assert_str_eq(value(owner,
                           "SELECT outcome FROM circuit_create_each("
                           " '{\"(customer,Acme,,,,)\"}', '{%1$s}', '{plain}',"
                           " '{carrier}', '{Amsterdam}', '{50}', '{Standard}', '{MeteredData}',"
                           " ARRAY['{}']::jsonb[], NULL, NULL, NULL,"
                           " '{trace}')",
                           customers[0]),
                     "ok");
    run(owner, BY_HAND, 1, customers[0], customers[1]);
    ck_assert_str_eq(value(owner, "SELECT string_agg(actor_role || coalesce(traceparent, '-'), ' '"
                                  " ORDER BY actor_role) FROM circuit_events e"
                                  " JOIN events_unpublished u ON u.circuit_id = e.circuit_id"
                                  " WHERE actor_role = 'customer'"),
                     "customertrace");
    run(owner, "COMMIT");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 9);
}
END_TEST

/* All rows of a statement count, and it is refused as a whole. */
START_TEST(rows_by_hand_are_counted_together)
{
    begin_two();
    static const char *const quota =
        "SELECT outcome FROM onramp.customer_limits_put('(operator,ops,,,,)', '%s', %d, %d, 200)";
    ck_assert_str_eq(value(api, quota, customers[0], 5, 5), "ok");
    run(owner, "SET default_transaction_isolation = '%s'", levels[_i]);
    run(owner, BY_HAND, 3, customers[0], customers[1]);
    static const char *const used = "SELECT concat_ws(' ', (SELECT used FROM circuit_quotas), used)"
                                    " FROM circuit_location_quotas WHERE peering_location = '%s'";
    ck_assert_str_eq(value(owner, used, "Amsterdam"), "3 2");
    ck_assert_str_eq(value(owner, used, "London"), "3 1");
    refused(owner, "a_customer_has_at_most_its_quota_of_circuits", BY_HAND, 3, customers[0],
            customers[1]);
    run(owner, BY_HAND, 1, customers[0], customers[1]);
    ck_assert_str_eq(value(api, quota, customers[0], 9, 3), "ok");
    refused(owner, "a_location_holds_at_most_its_quota_of_a_customer", BY_HAND, 1, customers[0],
            customers[1]);
    ck_assert_str_eq(value(owner, used, "Amsterdam"), "4 3");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 8);
    refused(owner, "circuits_are_counted_by_trigger", "SELECT quota_count('%s', 'London', -1)",
            customers[0]);
}
END_TEST

/* Its count would be that of a snapshot from before the order. */
START_TEST(a_first_quota_is_not_set_with_an_old_snapshot)
{
    begin_two();
    run(owner, "BEGIN ISOLATION LEVEL %s", levels[_i]);
    run(owner, "SELECT FROM customers");
    ck_assert_str_eq(outcomes(one, customers[0], 0, 1), "ok ok");
    refused(owner, "a_quota_begins_at_read_committed",
            "INSERT INTO circuit_quotas (customer_id, used, circuits) VALUES ('%s', 0, 1)",
            customers[0]);
    run(owner, "ROLLBACK");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_quotas"), 0);
}
END_TEST

/* A dead key among several. */
START_TEST(rows_by_hand_have_no_retired_key)
{
    begin_two();
    const char *circuit = circuit_new(customers[0]), *key = key_of(circuit);
    run(owner, "UPDATE circuits SET service_key = gen_random_uuid()");
    refused(owner, "a_service_key_is_never_used_again",
            "INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps,"
            " sku_tier, sku_family, vnet_limit, service_key)"
            " SELECT customer_id, name, partner, peering_location, bandwidth_mbps, sku_tier,"
            " sku_family, vnet_limit, CASE n WHEN 2 THEN '%s' ELSE gen_random_uuid() END"
            " FROM circuits, generate_series(1, 3) AS n",
            key);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("orders");
    TCase *same = scene_case(suite, "same", 90);
    tcase_add_test(same, orders_together_are_the_same_as_one_by_one);
    TCase *sessions = scene_case(suite, "sessions", 30);
    tcase_add_test(sessions, a_key_of_another_batch_is_told_at_once);
    tcase_add_test(sessions, orders_wait_for_a_quota_that_is_being_set);
    tcase_add_test(sessions, a_quota_counts_orders_that_are_under_way);
    tcase_add_test(sessions, orders_wait_for_a_limit_that_is_being_changed);
    TCase *hand = scene_case(suite, "hand", 30);
    tcase_add_loop_test(hand, rows_by_hand_begin_as_orders_do, 0, 3);
    tcase_add_loop_test(hand, rows_by_hand_are_counted_together, 0, 3);
    tcase_add_loop_test(hand, a_first_quota_is_not_set_with_an_old_snapshot, 1, 3);
    tcase_add_test(hand, rows_by_hand_have_no_retired_key);
    return scene_run(suite);
}
