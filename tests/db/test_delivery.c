/* SPDX-License-Identifier: Apache-2.0 */
/* What is claimed, by whom, and what is recorded of it: fences, order, four at a time, and sessions
 * stepped in a fixed order where two of them meet. What a test pins stands above it. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *customer, *circuit, *endpoint;

static const char *endpoint_new(const char *of)
{
    return value(api,
                 "SELECT id FROM onramp.webhook_create('(customer,Acme,,,,)', "
                 "'https://hooks.example.com/', '{*}', '', '" SEALED("hook") "', '%s', NULL)",
                 of);
}

static void publish(void)
{
    run(api, "SELECT * FROM onramp.feed_tail(0, 1000)");
}

/* An endpoint, and `count` circuits, each of which has one delivery to make. */
static void begin(int count)
{
    customer = customer_new("Acme");
    endpoint = endpoint_new(customer);
    for (int i = 0; i < count; i++)
        circuit = circuit_new(customer);
    publish();
}

static void rename_to(const char *of, const char *name)
{
    run(api,
        "SELECT * FROM onramp.circuit_update('(customer,Acme,,,,)', '%s', NULL, '%s', NULL, NULL, "
        "NULL, NULL)",
        of, name);
}

/* Only rows that are deliveries. */
static PGresult *claim(PGconn *conn, int limit, int lease_seconds)
{
    return run(conn, "SELECT * FROM onramp.delivery_claim(%d, %d) WHERE id IS NOT NULL", limit,
               lease_seconds);
}

#define RECORD                                                                                     \
    "SELECT outcome FROM onramp.delivery_record('%s', %s, clock_timestamp(), %s, 12, %s, "         \
    "'hello', "                                                                                    \
    "'%s', %s, 432000)"

static const char *record(PGconn *conn, const PGresult *claimed, int row, const char *verdict)
{
    bool good = strcmp(verdict, "delivered") == 0;
    return value(conn, RECORD, field(claimed, row, "id"), field(claimed, row, "fence"),
                 good ? "200" : "503", good ? "NULL" : "'It answered 503.'", verdict,
                 strcmp(verdict, "retry") == 0 ? "clock_timestamp() + interval '1 hour'" : "NULL");
}

static void record_started(PGconn *conn, const PGresult *claimed, int row, const char *verdict)
{
    start(conn, RECORD, field(claimed, row, "id"), field(claimed, row, "fence"), "200", "NULL",
          verdict, "NULL");
}

static void due_now(void)
{
    run(owner, "UPDATE delivery_queue SET due_at = clock_timestamp() WHERE NOT leased");
    run(owner, "UPDATE delivery_turns SET due_at = clock_timestamp(), next_due = '-infinity' "
               "WHERE open AND in_flight < 4");
}

/* What has to be true of queues and turns at any time. */
static void sound(void)
{
    ck_assert_int_eq(number(owner,
                            "SELECT count(*) FROM (SELECT endpoint_id, queue FROM delivery_queue "
                            "GROUP BY 1, 2 HAVING count(*) FILTER (WHERE head) <> 1) q"),
                     0);
    ck_assert_int_eq(number(owner,
                            "SELECT count(*) FROM delivery_queue q FULL JOIN "
                            "(SELECT * FROM deliveries WHERE status = 'pending') d "
                            "ON d.id = q.delivery_id WHERE q.delivery_id IS NULL OR d.id IS NULL"),
                     0);
    ck_assert_int_eq(number(owner,
                            "SELECT count(*) FROM delivery_turns t CROSS JOIN LATERAL ("
                            "SELECT count(*) FILTER (WHERE leased) AS leased, "
                            "coalesce(min(due_at) FILTER (WHERE head AND NOT leased), "
                            "'infinity') AS next, "
                            "coalesce(min(due_at) FILTER (WHERE leased), 'infinity') AS ends "
                            "FROM delivery_queue q WHERE q.endpoint_id = t.endpoint_id) q "
                            "WHERE in_flight <> leased OR next_due > next "
                            "OR lease_ends > ends OR open AND due_at > "
                            "greatest(clock_timestamp(), CASE WHEN in_flight < 4 THEN "
                            "least(next, ends) ELSE ends END)"),
                     0);
}

/* --- claiming ----------------------------------------------------------------------------------
 */

START_TEST(a_claim_has_all_that_sending_needs)
{
    begin(1);
    PGresult *rows = claim(api, 10, 30);
    ck_assert_int_eq(PQntuples(rows), 1);
    ck_assert_str_eq(field(rows, 0, "url"), "https://hooks.example.com/");
    ck_assert_str_eq(field(rows, 0, "secrets"), "[\"" SEALED("hook") "\"]");
    ck_assert_str_eq(field(rows, 0, "owner"), value(owner, "SELECT 'customer:%s'", customer));
    ck_assert_str_eq(field(rows, 0, "event_type"), "circuit.created");
    ck_assert_str_eq(field(rows, 0, "attempts"), "0");
    ck_assert_str_eq(
        value(owner, "SELECT '%s'::json #>> '{data,circuitId}'", field(rows, 0, "body")), circuit);
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 0);
    sound();
}
END_TEST

/* One row that says for how long there is nothing. */
START_TEST(nothing_to_claim_says_until_when)
{
    customer = customer_new("Acme");
    static const char due[] = "SELECT due_in_ms FROM onramp.delivery_claim(10, 30)";
    ck_assert_str_eq(value(api, "%s", due), "");
    begin(1);
    PGresult *rows = claim(api, 10, 30);
    long lease = number(api, "%s", due);
    ck_assert_msg(lease > 20000 && lease <= 30000, "%ld", lease);
    ck_assert_str_eq(record(api, rows, 0, "retry"), "ok");
    long hour = number(api, "%s", due);
    ck_assert_msg(hour > 3500000 && hour <= 3600000, "%ld", hour);
}
END_TEST

START_TEST(four_at_a_time_whoever_asks)
{
    begin(6);
    PGconn *two = session("onramp_daemon");
    PGresult *first = claim(api, 3, 30), *second = claim(two, 10, 30);
    ck_assert_int_eq(PQntuples(first), 3);
    ck_assert_int_eq(PQntuples(second), 1);
    ck_assert_int_eq(PQntuples(claim(two, 10, 30)), 0);
    ck_assert_str_eq(record(api, first, 0, "delivered"), "ok");
    ck_assert_str_eq(record(api, first, 1, "retry"), "ok");
    ck_assert_int_eq(PQntuples(claim(two, 10, 30)), 2);
    sound();
    refused(owner, "an_endpoint_is_sent_4_deliveries_at_a_time",
            "UPDATE delivery_turns SET in_flight = 5");
}
END_TEST

/* The second event of a circuit is not sent before the first has come to an end, whatever becomes
 * of other circuits. */
START_TEST(events_of_one_circuit_go_one_after_the_other)
{
    begin(1);
    const char *first = circuit, *second = circuit_new(customer);
    for (int i = 0; i < 3; i++) {
        rename_to(first, i % 2 ? "a" : "b");
        rename_to(second, i % 2 ? "a" : "b");
    }
    publish();
    PGresult *rows = claim(api, 10, 30);
    ck_assert_int_eq(PQntuples(rows), 2);
    int stuck = strcmp(value(owner, "SELECT circuit_id FROM deliveries WHERE id = '%s'",
                             field(rows, 0, "id")),
                       first) == 0
                    ? 0
                    : 1;
    ck_assert_str_eq(record(api, rows, stuck, "retry"), "ok");
    ck_assert_str_eq(record(api, rows, 1 - stuck, "delivered"), "ok");
    for (int sequence = 2; sequence <= 4; sequence++) {
        rows = claim(api, 10, 30);
        ck_assert_int_eq(PQntuples(rows), 1);
        ck_assert_str_eq(
            value(owner, "SELECT '%s'::json -> 'data' ->> 'circuitId'", field(rows, 0, "body")),
            second);
        ck_assert_int_eq(
            number(owner, "SELECT '%s'::json -> 'data' ->> 'sequence'", field(rows, 0, "body")),
            sequence);
        ck_assert_str_eq(record(api, rows, 0, sequence == 3 ? "exhausted" : "delivered"), "ok");
    }
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 0);
    sound();
}
END_TEST

/* Its four are on their way for as long as they like, and there is more behind them. */
START_TEST(a_dead_endpoint_delays_no_other)
{
    begin(20);
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 4);
    const char *other = customer_new("Other");
    endpoint_new(other);
    circuit_new(other);
    publish();
    PGresult *rows = claim(api, 1, 30);
    ck_assert_int_eq(PQntuples(rows), 1);
    ck_assert_str_ne(field(rows, 0, "endpoint_id"), endpoint);
}
END_TEST

/* Who was served goes behind those that wait, however old what it has to send is. */
START_TEST(endpoints_take_turns)
{
    begin(20);
    const char *other = customer_new("Other");
    endpoint_new(other);
    circuit_new(other);
    publish();
    PGresult *rows = claim(api, 2, 30);
    ck_assert_str_eq(field(rows, 0, "endpoint_id"), endpoint);
    ck_assert_str_eq(record(api, rows, 0, "delivered"), "ok");
    ck_assert_str_eq(record(api, rows, 1, "delivered"), "ok");
    rows = claim(api, 1, 30);
    ck_assert_str_ne(field(rows, 0, "endpoint_id"), endpoint);
}
END_TEST

/* Pages that a statement looked at, found or read. */
static long pages_of(PGconn *conn, const char *format, const char *id, const char *fence)
{
    char text[512];
    snprintf(text, sizeof text, format, id, fence);
    PGresult *rows = run(conn, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) %s", text);
    const char *plan = PQgetvalue(rows, 0, 0);
    const char *hit = strstr(plan, "\"Shared Hit Blocks\": ");
    const char *read = strstr(plan, "\"Shared Read Blocks\": ");
    ck_assert(hit && read);
    return strtol(strchr(hit, ':') + 1, NULL, 10) + strtol(strchr(read, ':') + 1, NULL, 10);
}

/* The most that a claim of one and its record look at, of some. */
static void cost(long *claiming, long *recording)
{
    *claiming = *recording = 0;
    for (int i = 0; i < 12; i++) {
        long pages = pages_of(api, "SELECT FROM onramp.delivery_claim(1, 30)", "", "");
        PGresult *rows = run(owner, "SELECT delivery_id, fence FROM delivery_queue WHERE leased");
        ck_assert_int_eq(PQntuples(rows), 1);
        long more = pages_of(api,
                             "SELECT FROM onramp.delivery_record('%s', %s, clock_timestamp(), 200, "
                             "1, NULL, NULL, 'delivered', NULL, 432000)",
                             field(rows, 0, "delivery_id"), field(rows, 0, "fence"));
        if (i < 4) /* the plans are made, and the catalogue is read */
            continue;
        *claiming = pages > *claiming ? pages : *claiming;
        *recording = more > *recording ? more : *recording;
    }
}

/* A page of two, of any status and of one. */
static long listing(void)
{
    char text[256];
    snprintf(text, sizeof text,
             "SELECT FROM onramp.delivery_list('%%s', 'customer', '%s', NULL, %%s, NULL, 2)",
             customer);
    long most = 0;
    for (int i = 0; i < 8; i++) {
        long pages = pages_of(api, text, endpoint, i % 2 ? "'delivered'" : "NULL");
        if (i >= 4 && pages > most)
            most = pages;
    }
    return most;
}

/* Also when the endpoint's own backlog is long, and when statistics say that the tables are empty.
 */
START_TEST(what_it_costs_does_not_grow_with_what_is_pending)
{
    begin(30);
    long claiming, recording, claiming_then, recording_then;
    cost(&claiming, &recording);
    long list = listing();
    run(owner,
        "WITH new AS (INSERT INTO deliveries (id, endpoint_id, queue, place, created_at, "
        "event_type, body) SELECT gen_random_uuid(), '%s', md5((n %% 5000)::text)::uuid, n, "
        "now(), 'ping', '{}' FROM generate_series(1, 20000) AS n RETURNING *) "
        "INSERT INTO delivery_queue (endpoint_id, queue, place, delivery_id, created_at, "
        "due_at, head) SELECT endpoint_id, queue, place, id, now(), now(), place <= 5000 "
        "FROM new",
        endpoint);
    run(owner, "UPDATE delivery_turns SET due_at = now(), next_due = now() - interval '1 hour'");
    cost(&claiming_then, &recording_then);
    ck_assert_msg(claiming_then <= 2 * claiming && recording_then <= 2 * recording,
                  "claiming %ld, then %ld; recording %ld, then %ld", claiming, claiming_then,
                  recording, recording_then);
    long list_then = listing();
    ck_assert_msg(list_then <= 2 * list, "a list of two: %ld, then %ld", list, list_then);
}
END_TEST

/* --- recording ---------------------------------------------------------------------------------
 */

/* A process that stops for longer than its lease, and wakes up. */
START_TEST(who_lost_the_lease_records_nothing)
{
    begin(1);
    PGconn *sleeper = session("onramp_daemon"), *successor = session("onramp_daemon");
    PGresult *old = claim(sleeper, 10, 0);
    PGresult *new = claim(successor, 10, 30);
    ck_assert_str_eq(field(old, 0, "id"), field(new, 0, "id"));
    ck_assert_str_eq(record(sleeper, old, 0, "delivered"), "lease_lost");
    ck_assert_str_eq(record(sleeper, old, 0, "gone"), "lease_lost");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_attempts"), 0);
    sound();
    ck_assert_str_eq(record(successor, new, 0, "retry"), "ok");
    ck_assert_str_eq(record(sleeper, old, 0, "delivered"), "lease_lost");
    ck_assert_str_eq(record(successor, new, 0, "delivered"), "lease_lost");
    ck_assert_str_eq(value(owner, "SELECT status FROM deliveries"), "pending");
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_attempts"), 1);
    sound();
}
END_TEST

/* Asked for again, it stands in the queue anew: a fence from its first stay opens nothing. */
START_TEST(a_fence_of_an_earlier_stay_in_the_queue_is_worth_nothing)
{
    begin(1);
    PGresult *old = claim(api, 10, 0), *new = claim(api, 10, 30);
    ck_assert_str_eq(record(api, new, 0, "exhausted"), "ok");
    run(api,
        "SELECT * FROM onramp.delivery_redeliver('(customer,Acme,,,,)', '%s', '%s', '%s', NULL)",
        endpoint, field(new, 0, "id"), customer);
    PGresult *again = claim(api, 10, 30);
    ck_assert_int_eq(PQntuples(again), 1);
    ck_assert_str_eq(record(api, old, 0, "delivered"), "lease_lost");
    ck_assert_str_eq(record(api, new, 0, "delivered"), "lease_lost");
    ck_assert_str_eq(record(api, again, 0, "delivered"), "ok");
    sound();
}
END_TEST

/* Late is not too late, as long as nobody else has claimed it. */
START_TEST(a_lease_that_ended_and_was_not_taken_still_counts)
{
    begin(1);
    PGresult *rows = claim(api, 10, 0);
    ck_assert_str_eq(record(api, rows, 0, "delivered"), "ok");
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 0);
    sound();
}
END_TEST

START_TEST(every_attempt_is_kept_and_never_changed)
{
    begin(1);
    for (int i = 0; i < 3; i++) {
        PGresult *rows = claim(api, 10, 30);
        char attempts[2] = {(char)('0' + i), '\0'};
        ck_assert_str_eq(field(rows, 0, "attempts"), attempts);
        ck_assert_str_eq(record(api, rows, 0, i == 2 ? "delivered" : "retry"), "ok");
        due_now();
    }
    ck_assert_str_eq(value(owner, "SELECT jsonb_path_query_array(attempts, '$[*].status') FROM "
                                  "delivery_view"),
                     "[503, 503, 200]");
    ck_assert_str_eq(value(owner, "SELECT attempts #>> '{0,error}' FROM delivery_view"),
                     "It answered 503.");
    refused(owner, "an_attempt_is_never_changed", "UPDATE delivery_attempts SET status = 200");
    refused(owner, "an_attempt_is_never_changed", "TRUNCATE delivery_attempts");
    refused(owner, "a_response_is_kept_up_to_4096_octets",
            "INSERT INTO delivery_attempts VALUES ('%s', 9, now(), 200, 1, NULL, repeat('x', "
            "4097))",
            endpoint);
    refused(owner, "a_delivery_keeps_what_it_says", "UPDATE deliveries SET body = '{}'");
    refused(owner, "a_delivery_keeps_what_it_says", "UPDATE deliveries SET endpoint_id = id");
    static const char *const tables[] = {"deliveries",     "delivery_attempts", "delivery_queue",
                                         "delivery_turns", "webhook_endpoints", "webhook_secrets"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        fails(api, "42501", "SELECT FROM onramp.%s", tables[i]);
        fails(api, "42501", "DELETE FROM onramp.%s", tables[i]);
    }
    fails(api, "42501", "SELECT onramp.delivery_fan_out(1, 1)");
}
END_TEST

/* --- two at once -------------------------------------------------------------------------------
 */

/* One adds to a queue, one takes its only entry away: were each to look only at what it sees, the
 * first would think that there is a head, and the second that nobody is left to become it. */
START_TEST(a_queue_that_is_emptied_while_it_is_filled_keeps_a_head)
{
    begin(1);
    PGresult *rows = claim(api, 10, 30);
    rename_to(circuit, "other");
    PGconn *recorder = session("onramp_daemon"), *publisher = session("onramp_daemon");
    run(recorder, "BEGIN");
    ck_assert_str_eq(record(recorder, rows, 0, "delivered"), "ok");
    start(publisher, "SELECT * FROM onramp.feed_tail(0, 1000)");
    blocked(publisher);
    run(recorder, "COMMIT");
    ck_assert_str_eq(finish(publisher, NULL), "");
    sound();
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 1);
}
END_TEST

START_TEST(a_queue_that_is_filled_while_it_is_emptied_keeps_a_head)
{
    begin(1);
    PGresult *rows = claim(api, 10, 30);
    rename_to(circuit, "other");
    PGconn *recorder = session("onramp_daemon"), *publisher = session("onramp_daemon");
    run(publisher, "BEGIN");
    run(publisher, "SELECT * FROM onramp.feed_tail(0, 1000)");
    record_started(recorder, rows, 0, "delivered");
    blocked(recorder);
    run(publisher, "COMMIT");
    const char *outcome;
    ck_assert_str_eq(finish(recorder, &outcome), "");
    ck_assert_str_eq(outcome, "ok");
    sound();
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 1);
}
END_TEST

/* Whoever claims waits for nobody: what is held is passed over. */
START_TEST(a_claim_passes_over_what_somebody_holds)
{
    begin(2);
    PGconn *holder = session("onramp_daemon");
    run(holder, "BEGIN");
    PGresult *rows = claim(holder, 1, 30);
    ck_assert_int_eq(PQntuples(rows), 1);
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 0);
    long soon = number(api, "SELECT due_in_ms FROM onramp.delivery_claim(10, 30)");
    ck_assert_msg(soon > 0 && soon < 1000, "%ld", soon);
    run(holder, "COMMIT");
    ck_assert_int_eq(PQntuples(claim(api, 10, 30)), 1);
}
END_TEST

/* Two endpoints of one owner answer 410 at once: each has to tell the other, and holds itself. */
START_TEST(two_endpoints_that_are_gone_at_once_do_not_deadlock)
{
    customer = customer_new("Acme");
    endpoint_new(customer);
    endpoint_new(customer);
    circuit_new(customer);
    publish();
    PGresult *rows = claim(api, 10, 30);
    ck_assert_int_eq(PQntuples(rows), 2);
    for (int first = 0; first < 2; first++) {
        PGconn *one = session("onramp_daemon"), *two = session("onramp_daemon");
        run(one, "BEGIN");
        ck_assert_str_eq(record(one, rows, first, "gone"), "ok");
        record_started(two, rows, 1 - first, "gone");
        blocked(two);
        const char *outcome;
        if (first == 0) {
            /* While it waits: afterwards it would be done too soon to be cancelled. */
            PQrequestCancel(two);
            ck_assert_str_eq(finish(two, &outcome), "57014");
            run(one, "ROLLBACK");
        } else {
            run(one, "COMMIT");
            ck_assert_str_eq(finish(two, &outcome), "");
            ck_assert_str_eq(outcome, "ok");
        }
    }
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM webhook_endpoints WHERE disabled_at IS NULL"), 0);
    sound();
}
END_TEST

/* Above READ COMMITTED an old snapshot must not decide: a serialization failure, or the rule. */
START_TEST(an_old_snapshot_records_nothing_wrong)
{
    begin(1);
    PGresult *rows = claim(api, 10, 0);
    PGconn *old = session("onramp_daemon");
    run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    run(old, "SELECT * FROM onramp.webhook_list(NULL, 10, 'customer', '%s', NULL)", customer);
    PGresult *again = claim(api, 10, 30);
    ck_assert_int_eq(PQntuples(again), 1);
    fails(old, "40001", RECORD, field(rows, 0, "id"), field(rows, 0, "fence"), "200", "NULL",
          "delivered", "NULL");
    run(old, "ROLLBACK");
    ck_assert_str_eq(record(api, again, 0, "delivered"), "ok");
    sound();
}
END_TEST

/* --- a storm -----------------------------------------------------------------------------------
 */

enum { SENDERS = 4, CIRCUITS = 12, ROUNDS = 25 };

/* Several senders, some of which forget what they claimed, while events are written and published:
 * everything arrives, once as far as is recorded, and in order. */
START_TEST(everything_arrives_in_order)
{
    const char *circuits[CIRCUITS];
    begin(0);
    endpoint_new(customer);
    for (int i = 0; i < CIRCUITS; i++)
        circuits[i] = circuit_new(customer);
    PGconn *senders[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        senders[i] = session("onramp_daemon");
    unsigned dice = 20261126;
    for (int round = 0, idle = 0; idle < 10; round++) {
        if (round < ROUNDS) {
            rename_to(circuits[round % CIRCUITS], round < CIRCUITS  ? "a"
                                                  : round % 24 < 12 ? "b"
                                                                    : "c");
            start(api, "SELECT * FROM onramp.feed_tail(0, 5)");
        }
        /* All claim and record at once; each takes what the others leave. */
        PGresult *claimed[SENDERS];
        int count = 0;
        for (int i = 0; i < SENDERS; i++) {
            /* Nobody waits for a lease here: some end at once. */
            claimed[i] = claim(senders[i], 3, (dice >> 9) % 4 == 0 ? 0 : 30);
            count += PQntuples(claimed[i]);
        }
        for (int row = 0; row < 3; row++) {
            bool busy[SENDERS] = {false};
            for (int i = 0; i < SENDERS; i++) {
                dice = dice * 1103515245 + 12345;
                unsigned side = dice >> 16 & 7;
                busy[i] = row < PQntuples(claimed[i]);
                if (busy[i])
                    start(senders[i], RECORD, field(claimed[i], row, "id"),
                          field(claimed[i], row, "fence"), "200", "NULL",
                          side == 0 ? "retry" : "delivered",
                          side == 0 ? "clock_timestamp()" : "NULL");
            }
            for (int i = 0; i < SENDERS; i++)
                if (busy[i])
                    ck_assert_str_eq(finish(senders[i], NULL), "");
        }
        if (round < ROUNDS)
            ck_assert_str_eq(finish(api, NULL), "");
        else if (round == ROUNDS)
            publish();
        idle = count == 0 && round > ROUNDS ? idle + 1 : 0;
        ck_assert_int_lt(round, 1000);
    }
    sound();
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM delivery_queue"), 0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM deliveries WHERE status = 'delivered'"),
                     2 * (CIRCUITS + ROUNDS));
    ck_assert_int_eq(
        number(owner,
               "SELECT count(*) FROM (SELECT finished_at < lag(finished_at) OVER (PARTITION BY "
               "endpoint_id, queue ORDER BY place) AS early FROM deliveries) d WHERE early"),
        0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM (SELECT delivery_id FROM "
                                   "delivery_attempts a JOIN deliveries d ON d.id = a.delivery_id "
                                   "GROUP BY 1 HAVING max(number) <> count(*)) a"),
                     0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("delivery");
    TCase *claims = scene_case(suite, "claims", 30);
    tcase_add_test(claims, a_claim_has_all_that_sending_needs);
    tcase_add_test(claims, nothing_to_claim_says_until_when);
    tcase_add_test(claims, four_at_a_time_whoever_asks);
    tcase_add_test(claims, events_of_one_circuit_go_one_after_the_other);
    tcase_add_test(claims, a_dead_endpoint_delays_no_other);
    tcase_add_test(claims, endpoints_take_turns);
    tcase_add_test(claims, what_it_costs_does_not_grow_with_what_is_pending);
    TCase *records = scene_case(suite, "records", 30);
    tcase_add_test(records, who_lost_the_lease_records_nothing);
    tcase_add_test(records, a_fence_of_an_earlier_stay_in_the_queue_is_worth_nothing);
    tcase_add_test(records, a_lease_that_ended_and_was_not_taken_still_counts);
    tcase_add_test(records, every_attempt_is_kept_and_never_changed);
    TCase *meetings = scene_case(suite, "meetings", 30);
    tcase_add_test(meetings, a_queue_that_is_emptied_while_it_is_filled_keeps_a_head);
    tcase_add_test(meetings, a_queue_that_is_filled_while_it_is_emptied_keeps_a_head);
    tcase_add_test(meetings, a_claim_passes_over_what_somebody_holds);
    tcase_add_test(meetings, two_endpoints_that_are_gone_at_once_do_not_deadlock);
    tcase_add_test(meetings, an_old_snapshot_records_nothing_wrong);
    TCase *storm = scene_case(suite, "storm", 60);
    tcase_add_test(storm, everything_arrives_in_order);
    return scene_run(suite);
}
