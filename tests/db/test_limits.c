/* SPDX-License-Identifier: Apache-2.0 */
/* 64 sessions of raw SQL against the limits: 40 circuits x 60 VNets, at each isolation level, while
 * an observer looks. At any moment at most 10 VNets a circuit and 4 circuits a VNet; in the end 240
 * connections, the most that is possible: a VNet short of 4 would need all the circuits that it is
 * not on to be full, 36 of them at least, and 60 VNets can't fill 36 circuits. */
#include "scene.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CIRCUITS = 40,
    VNETS = 60,
    PAIRS = CIRCUITS * VNETS,
    WORKERS = 64,
    PER_CIRCUIT = 10,
    PER_VNET = 4,
    ROUNDS = 3
};

static const char *const levels[] = {"read committed", "repeatable read", "serializable"};

struct worker {
    PGconn *conn;
    int pair;      /* what it is inserting or deleting; -1: idle */
    bool deleting; /* gives its place back, and others press on */
};

struct figures {
    long inserted, deleted, circuit_full, vnet_full, already, serialization, deadlock, looks;
    long most_of_circuit, most_of_vnet, most_used_of_circuit, most_used_of_vnet;
    double seconds;
};

static const char *circuits[CIRCUITS], *vnets[VNETS];
static const char *customer;
static struct worker workers[WORKERS];
static PGconn *observer;
static int queue[PAIRS * ROUNDS];
static int queue_next, queue_end;
static struct figures figures;

static void shuffle(void)
{
    for (int i = queue_end - 1; i > 0; i--) {
        int j = rand() % (i + 1), swapped = queue[i];
        queue[i] = queue[j];
        queue[j] = swapped;
    }
}

static void work(struct worker *worker)
{
    if (worker->deleting) {
        start(worker->conn,
              "DELETE FROM onramp.connections WHERE circuit_id = '%s' AND vnet_id = '%s'",
              circuits[worker->pair / VNETS], vnets[worker->pair % VNETS]);
        return;
    }
    start(worker->conn,
          "INSERT INTO onramp.connections (circuit_id, vnet_id, circuit_customer_id, "
          "vnet_customer_id) VALUES ('%s', '%s', '%s', '%s')",
          circuits[worker->pair / VNETS], vnets[worker->pair % VNETS], customer, customer);
}

static void next(struct worker *worker)
{
    worker->deleting = false;
    worker->pair = queue_next < queue_end ? queue[queue_next++] : -1;
    if (worker->pair >= 0)
        work(worker);
}

/* Takes the answer and goes on: the same again after a serialization failure or a deadlock, which
 * are the session's to repeat. Any other failure but the two limits and the repeated pair ends the
 * test. */
static void answered(struct worker *worker, bool deletes)
{
    PGresult *result = PQgetResult(worker->conn);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    bool again = false, give_back = false;
    if (!sqlstate) {
        long *count = worker->deleting ? &figures.deleted : &figures.inserted;
        *count += strtol(PQcmdTuples(result), NULL, 10);
        give_back = deletes && !worker->deleting && rand() % 4 == 0;
    } else if (strcmp(sqlstate, "40001") == 0) {
        figures.serialization++;
        again = true;
    } else if (strcmp(sqlstate, "40P01") == 0) {
        figures.deadlock++;
        again = true;
    } else if (constraint && strcmp(constraint, "a_circuit_connects_at_most_its_limit") == 0) {
        figures.circuit_full++;
    } else if (constraint && strcmp(constraint, "a_vnet_joins_at_most_4_circuits") == 0) {
        figures.vnet_full++;
    } else if (constraint && strcmp(constraint, "a_vnet_connects_to_a_circuit_once") == 0) {
        figures.already++;
    } else {
        ck_abort_msg("%s", PQresultErrorMessage(result));
    }
    PQclear(result);
    ck_assert_ptr_null(PQgetResult(worker->conn));
    if (again) {
        work(worker);
    } else if (give_back) {
        worker->deleting = true;
        work(worker);
    } else {
        next(worker);
    }
}

static void look(void)
{
    start(observer,
          "SELECT coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM onramp.connections GROUP "
          "BY circuit_id) c), 0), "
          "coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM onramp.connections GROUP BY "
          "vnet_id) v), 0), "
          "(SELECT max(used) FROM onramp.circuits), (SELECT max(used) FROM onramp.vnets)");
}

static void seen(void)
{
    PGresult *result = PQgetResult(observer);
    ck_assert_int_eq(PQntuples(result), 1);
    long *most[] = {&figures.most_of_circuit, &figures.most_of_vnet, &figures.most_used_of_circuit,
                    &figures.most_used_of_vnet};
    for (int i = 0; i < 4; i++) {
        long found = strtol(PQgetvalue(result, 0, i), NULL, 10);
        if (found > *most[i])
            *most[i] = found;
    }
    figures.looks++;
    PQclear(result);
    ck_assert_ptr_null(PQgetResult(observer));
}

static bool readable(PGconn *conn)
{
    ck_assert_msg(PQconsumeInput(conn) == 1, "%s", PQerrorMessage(conn));
    return !PQisBusy(conn);
}

/* Until the queue is empty and everybody is idle. */
static void press(bool deletes)
{
    struct pollfd descriptors[WORKERS + 1];
    for (int i = 0; i < WORKERS; i++)
        next(&workers[i]);
    look();
    for (bool busy = true; busy;) {
        for (int i = 0; i < WORKERS; i++)
            descriptors[i] =
                (struct pollfd){workers[i].pair >= 0 ? PQsocket(workers[i].conn) : -1, POLLIN, 0};
        descriptors[WORKERS] = (struct pollfd){PQsocket(observer), POLLIN, 0};
        ck_assert_msg(poll(descriptors, WORKERS + 1, 30000) > 0, "nobody answers for 30 s");
        busy = false;
        for (int i = 0; i < WORKERS; i++) {
            if (workers[i].pair >= 0 && descriptors[i].revents && readable(workers[i].conn))
                answered(&workers[i], deletes);
            busy = busy || workers[i].pair >= 0;
        }
        if (descriptors[WORKERS].revents && readable(observer)) {
            seen();
            if (busy)
                look();
        }
    }
    /* The last look may still be on its way. */
    while (PQisBusy(observer))
        PQconsumeInput(observer);
    if (PQtransactionStatus(observer) == PQTRANS_ACTIVE)
        seen();
}

static void scene(int level)
{
    srand(20261122U + (unsigned)level);
    customer = customer_new("Acme");
    for (int i = 0; i < CIRCUITS; i++)
        circuits[i] = circuit_new(customer);
    for (int i = 0; i < VNETS; i++)
        vnets[i] = vnet_new(customer, i);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].conn = session("onramp_owner");
        run(workers[i].conn, "SET default_transaction_isolation = '%s'", levels[level]);
    }
    observer = session("onramp_owner");
    memset(&figures, 0, sizeof figures);
}

static void fill_queue(int rounds)
{
    queue_next = 0;
    queue_end = PAIRS * rounds;
    for (int i = 0; i < queue_end; i++)
        queue[i] = i % PAIRS;
    shuffle();
}

static void report(const char *what, int level)
{
    printf("  %s, %s: %ld inserted, %ld deleted, %ld refused by the circuit's limit, %ld by the "
           "VNet's, %ld connected already, "
           "%ld serialization failures, %ld deadlocks, %.1f s; %ld looks, most %ld (used %ld) a "
           "circuit, %ld (used %ld) a VNet\n",
           what, levels[level], figures.inserted, figures.deleted, figures.circuit_full,
           figures.vnet_full, figures.already, figures.serialization, figures.deadlock,
           figures.seconds, figures.looks, figures.most_of_circuit, figures.most_used_of_circuit,
           figures.most_of_vnet, figures.most_used_of_vnet);
    fflush(stdout);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void full_and_sound(void)
{
    ck_assert_int_ge(figures.looks, 3);
    ck_assert_int_le(figures.most_of_circuit, PER_CIRCUIT);
    ck_assert_int_le(figures.most_of_vnet, PER_VNET);
    ck_assert_int_le(figures.most_used_of_circuit, PER_CIRCUIT);
    ck_assert_int_le(figures.most_used_of_vnet, PER_VNET);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM connections"), VNETS * PER_VNET);
    ck_assert_int_eq(figures.inserted - figures.deleted, VNETS * PER_VNET);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits c WHERE used <> (SELECT count(*) "
                                   "FROM connections WHERE circuit_id = c.id)"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM vnets v WHERE used <> (SELECT count(*) "
                                   "FROM connections WHERE vnet_id = v.id)"),
                     0);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuit_prefixes"), VNETS * PER_VNET);
    ck_assert_int_eq(number(owner, "SELECT count(*) FROM circuits c WHERE last_sequence <> (SELECT "
                                   "count(*) FROM circuit_events WHERE circuit_id = c.id)"),
                     0);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM circuit_events WHERE type = 'connection.created'"),
        figures.inserted);
    ck_assert_int_eq(
        number(owner, "SELECT count(*) FROM circuit_events WHERE type = 'connection.deleted'"),
        figures.deleted);
}

START_TEST(sessions_at_once_never_pass_the_limits_and_fill_them)
{
    scene(_i);
    fill_queue(ROUNDS);
    double began = now();
    press(false);
    figures.seconds = now() - began;
    report("inserts", _i);
    full_and_sound();
}
END_TEST

START_TEST(places_that_are_given_back_under_pressure_are_taken_once)
{
    scene(_i);
    fill_queue(2);
    double began = now();
    press(true);
    /* For the places that were given back after their last suitor had gone. */
    fill_queue(1);
    press(false);
    figures.seconds = now() - began;
    report("inserts and deletes", _i);
    full_and_sound();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = scene_case(suite, "limits", 120);
    tcase_add_loop_test(tcase, sessions_at_once_never_pass_the_limits_and_fill_them, 0, 3);
    tcase_add_loop_test(tcase, places_that_are_given_back_under_pressure_are_taken_once, 0, 3);
    return scene_run(suite);
}
