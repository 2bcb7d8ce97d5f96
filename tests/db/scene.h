/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - what the tests of the database stand on: a database of their own, and short words.
 *
 * Every test gets a fresh copy of a template database that holds all migrations. It talks to it as
 * the daemon (functions of the API only) and as the owner of everything (any DML by hand).
 * Results, and the texts in them, are borrowed until the test ends. */
#ifndef ONRAMP_TESTS_DB_SCENE_H
#define ONRAMP_TESTS_DB_SCENE_H

#include <check.h>
#include <libpq-fe.h>
#include <stdbool.h>

extern PGconn *api;   /* as onramp_daemon */
extern PGconn *owner; /* as onramp_owner */
extern PGconn *admin; /* as a superuser */

/* A test case whose tests each have a database. */
TCase *scene_case(Suite *suite, const char *name, int seconds);

/* Run the suites of a program; its exit status. Makes the template database first. */
int scene_run(Suite *suite);

/* Another connection to the test's database, as one of the three roles. Closed with the test. */
PGconn *session(const char *role);

/* Run a statement that must succeed. */
PGresult *run(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first column of the first row, "" when null or without a row. */
const char *value(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same as a number. */
long number(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Run a statement that must be refused by the constraint (or guard) of this name. */
void refused(PGconn *conn, const char *constraint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Run a statement that must fail with this SQLSTATE. */
void fails(PGconn *conn, const char *sqlstate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Send a statement without waiting for its answer. */
void start(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Wait until the started statement waits for a lock; fails when it ends first. */
void blocked(PGconn *conn);

/* Take the answer of the started statement; its SQLSTATE, "" for success. The first value, if there
 * is one, goes to *first (may be NULL). */
const char *finish(PGconn *conn, const char **first);

/* Run `together`, undone, and then `alone`, kept, each in a transaction of the owner's: after both,
 * outcome() must say the same, line by line. The words, as for printf, tell where that failed. */
void same_outcome(const char *outcome(void), void together(void), void alone(void),
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A column of a row by name, "" when null; fails when there is no such column. */
const char *field(const PGresult *rows, int row, const char *name);

/* A text of the form of a sealed secret; for the database it is one, as the key `test` is known. */
#define SEALED(name) "v1.test.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" name

/* The story that most tests begin with. The partners are `carrier` and `rival`, both with an offer
 * at Amsterdam (50, 100, 1000) and a secret; `carrier` also at London (50). */
const char *customer_new(const char *name);
const char *circuit_new(const char *customer);
const char *key_of(const char *circuit);
/* A VNet with the space 10.<number>.0.0/16 and a gateway. */
const char *vnet_new(const char *customer, int number);
const char *secret_of(const char *partner);
/* The outcome of connection_create, as the customer. */
const char *outcome_of_connecting(const char *customer, const char *circuit, const char *vnet);
/* The id of the connection; must succeed. */
const char *connected(const char *customer, const char *circuit, const char *vnet);
/* carrier announces an event with a webhook-id of its own, now; `outcome` or, when that is ok, the
 * reason: "applied", "already", "illegal_transition". data is JSON. */
const char *announce(const char *circuit, const char *type, const char *data);
/* Bring a new circuit to a provider status. */
void bring_to(const char *circuit, const char *status);
/* How many events the circuit has. */
long events_of(const char *circuit);

extern const char *const statuses[4];

#endif
