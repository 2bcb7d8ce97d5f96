/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_MAX = 8192, SESSIONS_MAX = 100 };

PGconn *api, *owner, *admin;

const char *const statuses[4] = {"NotProvisioned", "Provisioning", "Provisioned", "Deprovisioning"};

static PGresult *kept[KEPT_MAX];
static size_t kept_count;
static PGconn *sessions[SESSIONS_MAX];
static size_t session_count;
static char database[64];

/* The statement must be freed by the caller. */
static char *statement(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

static PGresult *keep(PGresult *result)
{
    ck_assert_uint_lt(kept_count, KEPT_MAX);
    kept[kept_count++] = result;
    return result;
}

static PGresult *execute(PGconn *conn, const char *text)
{
    PGresult *result = keep(PQexec(conn, text));
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        ck_abort_msg("%s\n%s", text, PQresultErrorMessage(result));
    return result;
}

PGresult *run(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    PGresult *result = execute(conn, text);
    free(text);
    return result;
}

static const char *first_value(const PGresult *result)
{
    return PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
}

const char *value(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    const char *first = first_value(execute(conn, text));
    free(text);
    return first;
}

long number(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    long first = strtol(first_value(execute(conn, text)), NULL, 10);
    free(text);
    return first;
}

void refused(PGconn *conn, const char *constraint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    PGresult *result = keep(PQexec(conn, text));
    const char *found = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (!found || strcmp(found, constraint) != 0)
        ck_abort_msg("%s\nexpected %s, found %s: %s", text, constraint, found ? found : "none",
                     PQresultErrorMessage(result));
    ck_assert_msg(strncmp(PQresultErrorField(result, PG_DIAG_SQLSTATE), "23", 2) == 0, "%s", text);
    free(text);
}

void fails(PGconn *conn, const char *sqlstate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    PGresult *result = keep(PQexec(conn, text));
    const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!found || strcmp(found, sqlstate) != 0)
        ck_abort_msg("%s\nexpected %s, found %s: %s", text, sqlstate, found ? found : "success",
                     PQresultErrorMessage(result));
    free(text);
}

void start(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = statement(format, arguments);
    va_end(arguments);
    ck_assert_msg(PQsendQuery(conn, text) == 1, "%s\n%s", text, PQerrorMessage(conn));
    free(text);
}

void blocked(PGconn *conn)
{
    for (int attempt = 0; attempt < 500; attempt++) {
        if (number(admin,
                   "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active' "
                   "AND wait_event_type = 'Lock'",
                   PQbackendPID(conn)) == 1)
            return;
        ck_assert_msg(PQconsumeInput(conn) == 1, "%s", PQerrorMessage(conn));
        ck_assert_msg(PQisBusy(conn), "the statement ended instead of waiting");
        poll(NULL, 0, 10);
    }
    ck_abort_msg("the statement does not wait for a lock");
}

const char *finish(PGconn *conn, const char **first)
{
    const char *sqlstate = "";
    if (first)
        *first = "";
    for (PGresult *result; (result = PQgetResult(conn));) {
        keep(result);
        const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (found)
            sqlstate = found;
        else if (first && PQntuples(result) > 0)
            *first = PQgetvalue(result, 0, 0);
    }
    return sqlstate;
}

/* The first line that is not the same in both, of each; at most so many octets, as check reports
 * no long texts. */
static const char *difference(const char *all, const char *each)
{
    static char text[1600];
    while (*all && *each && strcspn(all, "\n") == strcspn(each, "\n") &&
           strncmp(all, each, strcspn(all, "\n")) == 0) {
        all += strcspn(all, "\n");
        each += strcspn(each, "\n");
        all += *all != '\0';
        each += *each != '\0';
    }
    snprintf(text, sizeof text, "%.700s\none by one:\n%.700s", all, each);
    return text;
}

void same_outcome(const char *outcome(void), void together(void), void alone(void),
                  const char *format, ...)
{
    char where[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where, sizeof where, format, arguments);
    va_end(arguments);
    run(owner, "BEGIN");
    together();
    const char *of_all = outcome();
    run(owner, "ROLLBACK");
    run(owner, "BEGIN");
    alone();
    const char *of_each = outcome();
    run(owner, "COMMIT");
    ck_assert_msg(strcmp(of_all, of_each) == 0, "%s; together:\n%s", where,
                  difference(of_all, of_each));
}

const char *field(const PGresult *rows, int row, const char *name)
{
    int column = PQfnumber(rows, name);
    ck_assert_msg(column >= 0, "no column %s", name);
    ck_assert_msg(row < PQntuples(rows), "no row %d", row);
    return PQgetvalue(rows, row, column);
}

static PGconn *connect_to(const char *name, const char *user)
{
    const char *keywords[] = {"dbname", "user", "options", NULL};
    const char *values[] = {name, user,
                            "-c client_min_messages=warning -c search_path=onramp,public "
                            "-c TimeZone=UTC -c statement_timeout=60s",
                            NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 0);
    if (PQstatus(conn) != CONNECTION_OK)
        ck_abort_msg("%s", PQerrorMessage(conn));
    return conn;
}

PGconn *session(const char *role)
{
    bool owning = strcmp(role, "onramp_owner") == 0;
    PGconn *conn = connect_to(database, strcmp(role, "onramp_daemon") == 0 ? role : NULL);
    ck_assert_uint_lt(session_count, SESSIONS_MAX);
    sessions[session_count++] = conn;
    /* The owner can't log in; a superuser becomes it and is no superuser then. */
    if (owning)
        run(conn, "SET ROLE onramp_owner");
    return conn;
}

static void database_open(void)
{
    snprintf(database, sizeof database, "test_%d", (int)getpid());
    PGconn *postgres = connect_to("postgres", NULL);
    run(postgres, "CREATE DATABASE %s TEMPLATE onramp_template", database);
    PQfinish(postgres);
    admin = session("onramp_admin");
    owner = session("onramp_owner");
    api = session("onramp_daemon");
    run(admin, "SELECT catalogue_load('{\"locations\": ["
               "{\"name\": \"Amsterdam\", \"metro\": \"Amsterdam\", \"zone\": 1, \"site\": \"AM5\","
               " \"localRegions\": [\"West Europe\"], \"direct\": true},"
               "{\"name\": \"London\", \"metro\": \"London\", \"zone\": 1, \"site\": \"LD5\","
               " \"localRegions\": [], \"direct\": false}], \"partners\": []}')");
    run(owner, "INSERT INTO seal_keys (id, proof) VALUES ('test', 'none')");
    run(api,
        "SELECT outcome FROM onramp.partner_create('(operator,ops,,,,)', 'carrier', 'Carrier', "
        "'[{\"peeringLocation\": \"Amsterdam\", \"bandwidthsMbps\": [1000, 50, 100]},"
        "  {\"peeringLocation\": \"London\", \"bandwidthsMbps\": [50]}]', '" SEALED(
            "carrier") "')");
    run(api, "SELECT outcome FROM onramp.partner_create('(operator,ops,,,,)', 'rival', 'Rival', "
             "'[{\"peeringLocation\": \"Amsterdam\", \"bandwidthsMbps\": [50, 100, 1000]}]', "
             "'" SEALED("rival") "')");
}

static void database_close(void)
{
    for (size_t i = 0; i < session_count; i++)
        PQfinish(sessions[i]);
    session_count = 0;
    PGconn *postgres = connect_to("postgres", NULL);
    run(postgres, "DROP DATABASE %s WITH (FORCE)", database);
    PQfinish(postgres);
    for (size_t i = 0; i < kept_count; i++)
        PQclear(kept[i]);
    kept_count = 0;
}

TCase *scene_case(Suite *suite, const char *name, int seconds)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, database_open, database_close);
    tcase_set_timeout(tcase, seconds);
    suite_add_tcase(suite, tcase);
    return tcase;
}

/* Once per cluster, also when several programs share one. */
static bool template_made(void)
{
    bool made = false;
    PGconn *postgres = PQconnectdb("dbname=postgres");
    PGresult *found = NULL;
    if (PQstatus(postgres) != CONNECTION_OK) {
        fprintf(stderr, "%s(run me with tests/db/cluster.sh)\n", PQerrorMessage(postgres));
        goto done;
    }
    PQclear(PQexec(postgres, "SELECT pg_advisory_lock(20261122)"));
    found = PQexec(postgres, "SELECT FROM pg_database WHERE datname = 'onramp_template'");
    made = PQntuples(found) == 1;
    if (!made) {
        PQclear(PQexec(postgres, "CREATE DATABASE onramp_making"));
        made = system(DB_TESTS "/migrate.sh onramp_making") == 0;
        PGresult *renamed =
            PQexec(postgres, "ALTER DATABASE onramp_making RENAME TO onramp_template");
        made = made && PQresultStatus(renamed) == PGRES_COMMAND_OK;
        PQclear(renamed);
    }
done:
    PQclear(found);
    PQfinish(postgres);
    return made;
}

int scene_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed = 1;
    if (template_made()) {
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
    }
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *customer_new(const char *name)
{
    return value(api, "SELECT id FROM onramp.customer_create('(operator,ops,,,,)', '%s')", name);
}

const char *circuit_new(const char *customer)
{
    return value(api,
                 "SELECT id FROM onramp.circuit_create('(customer,Acme,,,,)', '%s', 'hq', "
                 "'carrier', 'Amsterdam', 1000, "
                 "'Standard', 'MeteredData', '{}')",
                 customer);
}

const char *key_of(const char *circuit)
{
    return value(owner, "SELECT service_key FROM circuits WHERE id = '%s'", circuit);
}

const char *vnet_new(const char *customer, int number)
{
    const char *vnet = value(api,
                             "SELECT id FROM onramp.vnet_create('(customer,Acme,,,,)', '%s', "
                             "'net', '{10.%d.0.0/16}', '{}')",
                             customer, number);
    run(api,
        "SELECT * FROM onramp.vnet_gateway_put('(customer,Acme,,,,)', '%s', '%s', "
        "'10.%d.255.0/27')",
        vnet, customer, number);
    return vnet;
}

const char *secret_of(const char *partner)
{
    return value(api, "SELECT id FROM onramp.callback_secret_list('%s') LIMIT 1", partner);
}

const char *outcome_of_connecting(const char *customer, const char *circuit, const char *vnet)
{
    return value(
        api,
        "SELECT outcome FROM onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
        customer, circuit, vnet);
}

const char *connected(const char *customer, const char *circuit, const char *vnet)
{
    PGresult *rows =
        run(api, "SELECT * FROM onramp.connection_create('(customer,Acme,,,,)', '%s', '%s', '%s')",
            customer, circuit, vnet);
    ck_assert_str_eq(field(rows, 0, "outcome"), "ok");
    return field(rows, 0, "id");
}

const char *announce(const char *circuit, const char *type, const char *data)
{
    return value(api,
                 "SELECT CASE outcome WHEN 'ok' THEN reason ELSE outcome END "
                 "FROM onramp.callback_apply('(partner,carrier,,,,)', 'carrier', '%s', '%s', "
                 "clock_timestamp(), '%s', "
                 "'msg_' || gen_random_uuid(), repeat('ab', 32), '%s')",
                 key_of(circuit), type, data, secret_of("carrier"));
}

void bring_to(const char *circuit, const char *status)
{
    if (strcmp(status, "Provisioning") == 0)
        ck_assert_str_eq(announce(circuit, "circuit.provisioning", "{}"), "applied");
    if (strcmp(status, "Provisioned") == 0 || strcmp(status, "Deprovisioning") == 0)
        ck_assert_str_eq(announce(circuit, "circuit.provisioned", "{}"), "applied");
    if (strcmp(status, "Deprovisioning") == 0)
        ck_assert_str_eq(announce(circuit, "circuit.deprovisioning", "{}"), "applied");
    ck_assert_str_eq(value(owner, "SELECT provider_status FROM circuits WHERE id = '%s'", circuit),
                     status);
}

long events_of(const char *circuit)
{
    return number(owner, "SELECT count(*) FROM circuit_events WHERE circuit_id = '%s'", circuit);
}
