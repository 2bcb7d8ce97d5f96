/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct rig rig;
PGconn *control;
char logged[16384];
int patience = 10000;
static char database[64];
static int answered;

/* --- the statements of schema.sql --- */

static const struct column note_columns[] = {
    {"word", COLUMN_TEXT},
    {"transaction", COLUMN_TEXT},
    {"backend", COLUMN_INTEGER},
};
static const enum lock_kind locking[] = {LOCK_NONE, LOCK_CIRCUIT, LOCK_SERVICE_KEY, LOCK_VNET,
                                         LOCK_CONNECTION};

#define CALL(called, kind, count, arguments)                                                       \
    .name = #called, .text = "SELECT * FROM onramp." #called "(" arguments ")", .lane = (kind),    \
    .parameter_count = (count)
#define NOTE .columns = note_columns, .column_count = sizeof note_columns / sizeof *note_columns

const struct statement note_read = {CALL(note_read, LANE_READ, 1, "$1"), NOTE};
static const struct statement note_look_each = {CALL(note_look_each, LANE_READ, 1, "$1"), NOTE};
const struct statement note_look = {CALL(note_look, LANE_READ, 1, "$1"), NOTE,
                                    .each = &note_look_each};
static const struct statement note_put_each = {CALL(note_put_each, LANE_WRITE, 2, "$1, $2"), NOTE};
const struct statement note_put = {CALL(note_put, LANE_WRITE, 2, "$1, $2"), NOTE, .locks = locking,
                                   .each = &note_put_each};
const struct statement note_wait = {CALL(note_wait, LANE_READ, 2, "$1, $2"), NOTE};
const struct statement note_add = {CALL(note_add, LANE_WRITE, 5, "$1, $2, $3, $4, $5"), NOTE,
                                   .locks = locking};
const struct statement note_lock = {CALL(note_lock, LANE_WRITE, 3, "$1, $2, $3"), NOTE};
const struct statement note_alone = {CALL(note_alone, LANE_ALONE, 1, "$1"), NOTE};
const struct statement note_commit = {CALL(note_commit, LANE_WRITE, 2, "$1, $2"), NOTE};
const struct statement note_count = {CALL(note_count, LANE_READ, 0, "")};
const struct statement note_fail = {CALL(note_fail, LANE_WRITE, 1, "$1"), NOTE};
const struct statement note_fail_read = {CALL(note_fail_read, LANE_READ, 1, "$1"), NOTE};
const struct statement note_sleep = {CALL(note_sleep, LANE_READ, 1, "$1"), NOTE};
/* The same function for another path: prepared once. */
static const struct statement note_read_too = {CALL(note_read, LANE_READ, 1, "$1"), NOTE};

static const struct statement *const statements[] = {
    &note_look, &note_look_each, &note_read,     &note_wait,      &note_add,
    &note_lock, &note_alone,     &note_read_too, &note_commit,    &note_count,
    &note_put,  &note_put_each,  &note_fail,     &note_fail_read, &note_sleep};

/* --- the database --- */

/* Outside of tests, where check cannot report. */
static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static PGconn *connect_to(const char *name)
{
    const char *const keywords[] = {"dbname", "application_name", NULL};
    const char *const values[] = {name, "lane-test", NULL};
    PGconn *pg = PQconnectdbParams(keywords, values, 0);
    if (PQstatus(pg) != CONNECTION_OK)
        give_up("no connection", PQerrorMessage(pg));
    return pg;
}

static void run(PGconn *pg, const char *text)
{
    PGresult *result = PQexec(pg, text);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up(text, PQresultErrorMessage(result));
    PQclear(result);
}

static char *schema_text(void)
{
    static char text[16384];
    FILE *in = fopen(LANE_SCHEMA, "r");
    if (in == NULL)
        give_up(LANE_SCHEMA, "cannot be read");
    size_t length = fread(text, 1, sizeof text - 1, in);
    text[length] = '\0';
    fclose(in);
    return text;
}

void database_create(void)
{
    char text[256];
    snprintf(database, sizeof database, "lane_%d", (int)getpid());
    PGconn *pg = connect_to(NULL);
    snprintf(text, sizeof text, "CREATE DATABASE %s", database);
    run(pg, text);
    snprintf(text, sizeof text, "ALTER DATABASE %s SET deadlock_timeout = '100ms'", database);
    run(pg, text);
    snprintf(text, sizeof text, "ALTER DATABASE %s SET search_path = onramp", database);
    run(pg, text);
    snprintf(text, sizeof text, "ALTER DATABASE %s SET synchronous_commit = on", database);
    run(pg, text);
    PQfinish(pg);
    pg = connect_to(database);
    run(pg, schema_text());
    PQfinish(pg);
}

void database_drop(void)
{
    char text[256];
    PGconn *pg = connect_to(NULL);
    snprintf(text, sizeof text, "DROP DATABASE %s WITH (FORCE)", database);
    run(pg, text);
    PQfinish(pg);
}

static PGresult *run_format(const char *format, va_list list)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, list);
    PGresult *result = PQexec(control, text);
    ExecStatusType status = PQresultStatus(result);
    ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
                  PQresultErrorMessage(result));
    return result;
}

void sql(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PQclear(run_format(format, list));
    va_end(list);
}

const char *sql_value(const char *format, ...)
{
    static char value[4096];
    va_list list;
    va_start(list, format);
    PGresult *result = run_format(format, list);
    va_end(list);
    ck_assert_int_gt(PQntuples(result), 0);
    snprintf(value, sizeof value, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

int sql_number(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PGresult *result = run_format(format, list);
    va_end(list);
    int number = atoi(PQgetvalue(result, 0, 0));
    PQclear(result);
    return number;
}

/* --- the loop --- */

int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3))) static void log_to_text(int level, const char *format, ...)
{
    size_t used = strlen(logged);
    va_list list;
    (void)level;
    va_start(list, format);
    int length = vsnprintf(logged + used, sizeof logged - used, format, list);
    va_end(list);
    used += (size_t)length;
    if (used + 2 < sizeof logged)
        memcpy(logged + used, "\n", 2);
}

void rig_start(void)
{
    control = connect_to(database);
    sql("TRUNCATE onramp.notes, onramp.batch_locks, onramp.commits, onramp.statements");
    logged[0] = '\0';
    answered = 0;
    patience = 10000;
    rig.lanes = NULL;
    rig.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
}

void rig_stop(void)
{
    if (rig.lanes != NULL)
        lanes_close(rig.lanes);
    close(rig.epoll_fd);
    PQfinish(control);
}

const char *conninfo_with(const char *more)
{
    static char text[512];
    snprintf(text, sizeof text, "dbname=%s %s", database, more);
    return text;
}

struct lanes_settings rig_settings(int reads, int writes, int alone)
{
    return (struct lanes_settings){.conninfo = conninfo_with(""),
                                   .statements = statements,
                                   .statement_count = sizeof statements / sizeof *statements,
                                   .reads = reads,
                                   .writes = writes,
                                   .alone = alone,
                                   .queue_limit = 1000,
                                   .batch_limit = 16,
                                   .log = log_to_text};
}

void rig_open_settings(const struct lanes_settings *settings)
{
    rig.lanes = lanes_open(settings, rig.epoll_fd);
    ck_assert_ptr_nonnull(rig.lanes);
}

void rig_open(int reads, int writes, int alone)
{
    struct lanes_settings settings = rig_settings(reads, writes, alone);
    rig_open_settings(&settings);
    int all = reads + writes + alone;
    TURN_UNTIL(lanes_ready(rig.lanes));
    TURN_UNTIL(sql_number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                          " AND application_name = 'onramp' AND state = 'idle'") == all);
    for (int i = 0; i < 10; i++) /* those that are not needed for ready take their last results */
        turn(1);
}

void turn(int milliseconds)
{
    struct epoll_event events[32];
    int wait = lanes_turn(rig.lanes, clock_now());
    if (wait < 0 || wait > milliseconds)
        wait = milliseconds;
    int count = epoll_wait(rig.epoll_fd, events, 32, wait);
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
}

static void take_rows(struct query *query, const struct rows *rows)
{
    struct answer *answer = (struct answer *)query;
    ck_assert_msg(!answer->done, "answered twice");
    answer->done = true;
    answer->order = ++answered;
    answer->rows = rows_count(rows);
    if (answer->rows == 0)
        return;
    ck_assert_str_eq(rows_text(rows, 0, COLUMN_OUTCOME), "ok");
    if (rows_columns(rows) > COLUMN_FIRST) {
        snprintf(answer->word, sizeof answer->word, "%s", rows_text(rows, 0, COLUMN_FIRST));
        snprintf(answer->transaction, sizeof answer->transaction, "%s",
                 rows_text(rows, 0, COLUMN_FIRST + 1));
        answer->backend = atoi(rows_text(rows, 0, COLUMN_FIRST + 2));
    } else {
        snprintf(answer->word, sizeof answer->word, "%s", rows_text(rows, 0, COLUMN_FACTS));
    }
}

static void take_failure(struct query *query, enum failure failure)
{
    struct answer *answer = (struct answer *)query;
    ck_assert_msg(!answer->done, "answered twice");
    answer->done = true;
    answer->order = ++answered;
    answer->failure = (int)failure;
}

void prepare(struct answer *answer, const struct statement *statement, const char *first,
             const char *second, const char *third, const char *fourth, const char *fifth)
{
    const char *values[ARGUMENTS] = {first, second, third, fourth, fifth};
    memset(answer, 0, sizeof *answer);
    memcpy(answer->values, values, sizeof values);
    answer->failure = -1;
    answer->query.statement = statement;
    answer->query.values = answer->values;
    answer->query.deadline = clock_now() + patience;
    answer->query.on_rows = take_rows;
    answer->query.on_failure = take_failure;
}

void submit(struct answer *answer)
{
    lanes_submit(rig.lanes, &answer->query);
    ck_assert_msg(!answer->done, "answered within lanes_submit");
}

void ask(struct answer *answer, const struct statement *statement, const char *first,
         const char *second, const char *third, const char *fourth, const char *fifth)
{
    prepare(answer, statement, first, second, third, fourth, fifth);
    submit(answer);
}

bool all_done(const struct answer *answers, int count)
{
    for (int i = 0; i < count; i++)
        if (!answers[i].done)
            return false;
    return true;
}
