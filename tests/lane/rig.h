/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - what the lane tests stand on: a database of their own, a small event loop, and a second
 * session by which a test holds locks, looks at rows and kills backends. */
#ifndef ONRAMP_TESTS_LANE_RIG_H
#define ONRAMP_TESTS_LANE_RIG_H

#include "db/lane.h"
#include "db/rows.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdbool.h>

enum { ARGUMENTS = 5 };

/* One query and what became of it. */
struct answer {
    struct query query; /* first */
    const char *values[ARGUMENTS];
    bool done;
    int order;   /* counts the answers of a test from 1 */
    int failure; /* an enum failure, or -1 */
    int rows;
    char word[64]; /* of the first row, cut */
    char transaction[64];
    int backend;
};

struct rig {
    struct lanes *lanes;
    int epoll_fd;
    struct lanes_settings settings;
};

extern struct rig rig;
extern PGconn *control;

/* What the lanes have logged in this test, in one text. */
extern char logged[16384];

extern const struct statement note_read, note_look, note_wait, note_add, note_lock, note_alone,
    note_commit, note_count, note_put, note_fail, note_fail_read, note_sleep;

/* Unchecked fixture: make the database and drop it. */
void database_create(void);
void database_drop(void);

/* Checked fixture: empty tables, a control session; lanes are opened by the test. */
void rig_start(void);
void rig_stop(void);

/* The connection string of the test's database with more keywords behind it. */
const char *conninfo_with(const char *more);

/* Open lanes; those of rig_open are waited for until they are ready. */
void rig_open(int reads, int writes, int alone);
void rig_open_settings(const struct lanes_settings *settings);
struct lanes_settings rig_settings(int reads, int writes, int alone);

/* The two halves of ask. */
void prepare(struct answer *answer, const struct statement *statement, const char *first,
             const char *second, const char *third, const char *fourth, const char *fifth);
void submit(struct answer *answer);

/* Fill and submit: the arguments follow in the order of the operation's parameters. */
void ask(struct answer *answer, const struct statement *statement, const char *first,
         const char *second, const char *third, const char *fourth, const char *fifth);
#define ASK(answer, operation, ...)                                                                \
    ASK_(answer, operation, __VA_ARGS__, NULL, NULL, NULL, NULL, NULL)
#define ASK_(answer, operation, a, b, c, d, e, ...) ask(answer, operation, a, b, c, d, e)

/* Deadline of the queries that follow, milliseconds from now. */
extern int patience;

/* One turn of the loop, which waits for events at most this long. */
void turn(int milliseconds);

/* Turn until the condition holds; the test fails when that takes more than 15 seconds. */
#define TURN_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t end_ = clock_now() + 15000;                                                        \
        while (!(condition)) {                                                                     \
            ck_assert_msg(clock_now() < end_, "%s did not come about; log:\n%s", #condition,       \
                          logged);                                                                 \
            turn(20);                                                                              \
        }                                                                                          \
    } while (0)

bool all_done(const struct answer *answers, int count);
int64_t clock_now(void);

/* Run SQL in the control session; the last form gives the first value, kept in a static buffer. */
void sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *sql_value(const char *format, ...) __attribute__((format(printf, 1, 2)));
int sql_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
