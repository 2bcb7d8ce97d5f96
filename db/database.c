/* SPDX-License-Identifier: Apache-2.0 */
#include "db/database.h"

#include "db/asked.h"
#include "db/conninfo.h"
#include "db/rows.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_MAX = 400, STATE_LENGTH = 5 };

struct database {
    PGconn *pg;
    char *error;
    char sqlstate[STATE_LENGTH + 1];
    size_t position;
};

static char *copy(const char *text)
{
    char *made = strdup(text != NULL ? text : "");
    if (made == NULL)
        abort();
    return made;
}

/* libpq ends its messages with a line break. */
static char *sentence(const char *message)
{
    char *made = copy(message);
    size_t length = strlen(made);
    while (length > 0 && (made[length - 1] == '\n' || made[length - 1] == ' '))
        made[--length] = '\0';
    return made;
}

static void notice_drop(void *of, const PGresult *notice)
{
    (void)of;
    (void)notice;
}

/* The next one is tried when one of several does not answer in its seconds. */
static bool several_hosts(const char *text)
{
    struct conninfo conninfo;
    bool several = conninfo_read(&conninfo, text) && conninfo_hosts(&conninfo) > 1;
    conninfo_free(&conninfo);
    return several;
}

/* Theirs, and one that is there to see whether options arrive. */
static char *options_of(const char *conninfo)
{
    char *made = NULL;
    const char *theirs = "";
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (strcmp(option->keyword, "options") == 0 && option->val != NULL)
            theirs = option->val;
    if (asprintf(&made, "%s -c onramp.asked=on", theirs) < 0)
        abort();
    PQconninfoFree(options);
    return made;
}

/* NULL, or why the session is not the one that was asked for. */
static char *asked_check(struct database *database, const char *options)
{
    struct asked asked;
    char *refusal = NULL;
    asked_read(&asked, options);
    const char *const values[] = {asked.names, asked.values};
    struct rows *rows = database_query(database, asked_sql, values, 2);
    if (rows == NULL)
        refusal = copy(database_error(database));
    else if (!rows_null(rows, 0, 0))
        refusal = asked_refusal(rows_text(rows, 0, 0));
    database_release(rows);
    asked_free(&asked);
    return refusal;
}

struct database *database_open(const char *conninfo, char **error)
{
    char *options = options_of(conninfo);
    /* With expand_dbname the last word on dbname is a whole connection string. */
    const char *const keywords[] = {"connect_timeout",
                                    "target_session_attrs",
                                    "application_name",
                                    "dbname",
                                    "client_encoding",
                                    "options",
                                    NULL};
    const char *const values[] = {several_hosts(conninfo) ? "2" : "10",
                                  "read-write",
                                  "onramp",
                                  conninfo,
                                  "UTF8",
                                  options,
                                  NULL};
    *error = NULL;
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL)
        abort();
    database->pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(database->pg) == CONNECTION_OK) {
        PQsetNoticeReceiver(database->pg, notice_drop, NULL);
        database->error = copy("");
        *error = asked_check(database, options);
    } else {
        *error = sentence(PQerrorMessage(database->pg));
    }
    free(options);
    if (*error == NULL)
        return database;
    database_close(database);
    return NULL;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    PQfinish(database->pg);
    free(database->error);
    free(database);
}

/* Whether the result is good; otherwise what it says is kept. */
static bool take(struct database *database, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    free(database->error);
    database->error = NULL;
    database->sqlstate[0] = '\0';
    database->position = 0;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
        database->error = copy("");
        return true;
    }
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    database->error = sentence(primary != NULL ? primary : PQerrorMessage(database->pg));
    snprintf(database->sqlstate, sizeof database->sqlstate, "%s", state != NULL ? state : "");
    database->position = position != NULL ? strtoul(position, NULL, 10) : 0;
    return false;
}

bool database_run(struct database *database, const char *sql)
{
    PGresult *result = PQexec(database->pg, sql);
    bool good = take(database, result);
    PQclear(result);
    return good;
}

struct rows *database_query(struct database *database, const char *sql, const char *const *values,
                            int count)
{
    PGresult *result = PQexecParams(database->pg, sql, count, NULL, values, NULL, NULL, 0);
    if (!take(database, result)) {
        PQclear(result);
        return NULL;
    }
    struct rows *rows = malloc(sizeof *rows);
    if (rows == NULL)
        abort();
    *rows = (struct rows){result, 0, PQntuples(result)};
    return rows;
}

struct rows *database_call(struct database *database, const char *function,
                           const char *const *values, int count)
{
    char sql[CALL_MAX];
    int length = snprintf(sql, sizeof sql, "SELECT * FROM onramp.%s(", function);
    for (int i = 1; i <= count && length < CALL_MAX; i++)
        length +=
            snprintf(sql + length, sizeof sql - (size_t)length, "%s$%d", i > 1 ? ", " : "", i);
    if (length >= CALL_MAX - 1)
        abort(); /* no function has that many parameters */
    snprintf(sql + length, sizeof sql - (size_t)length, ")");
    return database_query(database, sql, values, count);
}

void database_release(struct rows *rows)
{
    if (rows == NULL)
        return;
    PQclear((PGresult *)(uintptr_t)rows->result);
    free(rows);
}

const char *database_error(const struct database *database)
{
    return database->error;
}

const char *database_sqlstate(const struct database *database)
{
    return database->sqlstate;
}

size_t database_position(const struct database *database)
{
    return database->position;
}

bool database_in_transaction(const struct database *database)
{
    return PQtransactionStatus(database->pg) == PQTRANS_INTRANS;
}

enum answer database_ping(const char *conninfo)
{
    switch (PQping(conninfo)) {
    case PQPING_OK:
        return ANSWERS;
    case PQPING_REJECT:
        return ANSWERS_NOT_YET;
    case PQPING_NO_RESPONSE:
    case PQPING_NO_ATTEMPT:
    default:
        return ANSWERS_NOT;
    }
}

/* --- connection strings --- */

static PQconninfoOption *parse(const char *conninfo, char **error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    if (options == NULL)
        *error = sentence(message);
    PQfreemem(message);
    return options;
}

char *database_conninfo_as(const char *conninfo, const char *role, char **error)
{
    char *made = NULL;
    size_t length = 0;
    const char *theirs = NULL;
    bool already = false;
    *error = NULL;
    PQconninfoOption *options = parse(conninfo, error);
    if (options == NULL)
        return NULL;
    FILE *out = open_memstream(&made, &length);
    if (out == NULL)
        abort();
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (strcmp(option->keyword, "options") == 0) {
            theirs = option->val;
            continue;
        }
        if (strcmp(option->keyword, "user") == 0 && strcmp(option->val, role) == 0)
            already = true;
        conninfo_write(out, option->keyword, option->val);
    }
    char *both = NULL;
    if (asprintf(&both, "%s%s%s%s", theirs != NULL ? theirs : "",
                 theirs != NULL && !already ? " " : "",
                 already ? "" : "-c role=", already ? "" : role) < 0)
        abort();
    if (both[0] != '\0')
        conninfo_write(out, "options", both);
    free(both);
    PQconninfoFree(options);
    if (fclose(out) != 0)
        abort();
    return made;
}

char *database_place(const char *conninfo)
{
    const char *host = NULL, *port = NULL, *name = NULL;
    char *error = NULL, *made = NULL;
    PQconninfoOption *options = parse(conninfo, &error);
    free(error);
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "host") == 0)
            host = option->val;
        else if (strcmp(option->keyword, "port") == 0)
            port = option->val;
        else if (strcmp(option->keyword, "dbname") == 0)
            name = option->val;
    }
    if (asprintf(&made, "%s%s%s%s%s", name != NULL ? name : "the default database",
                 host != NULL ? " at " : "", host != NULL ? host : "", port != NULL ? ":" : "",
                 port != NULL ? port : "") < 0)
        abort();
    PQconninfoFree(options);
    return made;
}
