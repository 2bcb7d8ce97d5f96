/* SPDX-License-Identifier: Apache-2.0 */
/* retention: what there is of histories, month by month, and for how long it is kept. */
#include "circuits/event.h"
#include "cli/command.h"
#include "cli/quantity.h"
#include "cli/storage.h"
#include "db/database.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct retention_options {
    const char *events;
    bool yes, json;
};

static const struct option_row retention_options[] = {
    {"events", OPTION_TEXT, offsetof(struct retention_options, events)},
    {"yes", OPTION_FLAG, offsetof(struct retention_options, yes)},
    {"json", OPTION_FLAG, offsetof(struct retention_options, json)},
    {0},
};

enum { DAYS_LEAST = 1, DAYS_MOST = 36500 };

/* The columns of retention_list. */
enum { KEPT_DAYS = COLUMN_FIRST, MONTH, EVENTS, BYTES, EXPIRES_AT, EXPIRED };

/* Call a function that answers 'ok' or says why not. NULL after complaining. */
static struct rows *call(struct database *database, const char *function, const char *value)
{
    struct rows *rows = database_call(database, function, &value, 1);
    if (rows == NULL) {
        complain("%s", database_error(database));
    } else if (rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0) {
        json_t *facts = json_loads(rows_text(rows, 0, COLUMN_FACTS), 0, NULL);
        const char *detail = json_string_value(json_object_get(facts, "detail"));
        complain("%s", detail != NULL ? detail : rows_text(rows, 0, COLUMN_OUTCOME));
        json_decref(facts);
        database_release(rows);
        rows = NULL;
    }
    return rows;
}

/* "400d" as "400", "forever" as NULL. */
static bool days_read(char out[24], const char **days, const char *text)
{
    int64_t number;
    size_t length = strlen(text);
    *days = NULL;
    if (strcmp(text, "forever") == 0)
        return true;
    if (length < 2 || length > 8 || text[length - 1] != 'd')
        return false;
    memcpy(out, text, length - 1);
    out[length - 1] = '\0';
    *days = out;
    return number_read(&number, out, DAYS_LEAST, DAYS_MOST);
}

/* How many months would go at once. */
static int expired(const struct rows *rows)
{
    int count = 0;
    for (int row = 0; row < rows_count(rows); row++)
        count += strcmp(rows_text(rows, row, EXPIRED), "t") == 0;
    return count;
}

static bool confirmed(const struct rows *rows, const char *days, bool yes)
{
    char answer[8] = "";
    int count = expired(rows);
    if (count == 0 || yes)
        return true;
    /* The oldest come first. */
    const char *last = rows_text(rows, count - 1, MONTH);
    if (!isatty(STDIN_FILENO)) {
        complain("with %s days the histories up to %.7s go at once, for good; say --yes to mean it",
                 days, last);
        return false;
    }
    printf("With %s days the histories up to %.7s go at once, for good. Type yes: ", days, last);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* Forget what has expired; servers would within a minute. */
static bool sweep(struct database *database, int months)
{
    for (int i = 0; i < months; i++) {
        struct rows *rows = call(database, event_month_sweep.name, "1");
        if (rows == NULL)
            return false;
        database_release(rows);
    }
    return true;
}

static bool set(struct database *database, const char *days, bool yes)
{
    struct rows *rows = call(database, "retention_list", days);
    bool good = rows != NULL && (days == NULL || confirmed(rows, days, yes));
    int months = good && days != NULL ? expired(rows) : 0;
    database_release(rows);
    if (!good)
        return false;
    rows = call(database, "retention_set", days);
    good = rows != NULL;
    database_release(rows);
    return good && sweep(database, months);
}

static double megabytes(const struct rows *rows, int row)
{
    return strtod(rows_text(rows, row, BYTES), NULL) / 1e6;
}

static void print(const struct rows *rows)
{
    if (rows_null(rows, 0, KEPT_DAYS))
        puts("histories are kept for ever");
    else
        printf("histories are kept for %s days\n", rows_text(rows, 0, KEPT_DAYS));
    printf("%-8s %12s %12s  %s\n", "month", "events", "MB", "until");
    for (int row = 0; row < rows_count(rows); row++)
        printf("%-8.7s %12s %12.1f  %.10s\n", rows_text(rows, row, MONTH),
               rows_text(rows, row, EVENTS), megabytes(rows, row),
               rows_null(rows, row, EXPIRES_AT) ? "-" : rows_text(rows, row, EXPIRES_AT));
}

static void print_json(const struct rows *rows)
{
    json_t *months = json_array();
    for (int row = 0; row < rows_count(rows); row++)
        json_array_append_new(
            months, json_pack("{ss#sIsIso}", "month", rows_text(rows, row, MONTH), 7, "events",
                              (json_int_t)strtoll(rows_text(rows, row, EVENTS), NULL, 10), "bytes",
                              (json_int_t)strtoll(rows_text(rows, row, BYTES), NULL, 10), "until",
                              rows_null(rows, row, EXPIRES_AT)
                                  ? json_null()
                                  : json_stringn(rows_text(rows, row, EXPIRES_AT), 10)));
    json_t *told =
        json_pack("{soso}", "keptDays",
                  rows_null(rows, 0, KEPT_DAYS)
                      ? json_null()
                      : json_integer((json_int_t)strtoll(rows_text(rows, 0, KEPT_DAYS), NULL, 10)),
                  "months", months);
    json_dumpf(told, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(told);
}

static bool retain(const struct storage *storage, const struct retention_options *options,
                   const char *days)
{
    char *error = NULL;
    struct database *database = database_open(storage->daemon, &error);
    struct rows *rows = NULL;
    if (database == NULL)
        complain("cannot connect to the database: %s", error);
    else if (options->events == NULL || set(database, days, options->yes))
        rows = call(database, "retention_list", NULL);
    if (rows != NULL && options->json)
        print_json(rows);
    else if (rows != NULL)
        print(rows);
    bool good = rows != NULL;
    free(error);
    database_release(rows);
    database_close(database);
    return good;
}

static int run(const struct settings *settings, const void *given)
{
    const struct retention_options *options = given;
    char digits[24];
    const char *days = NULL;
    struct state state;
    struct storage storage = {0};
    bool good = false;
    if (options->events != NULL && !days_read(digits, &days, options->events)) {
        complain("--events takes days such as 400d, from %dd to %dd, or forever; not '%s'",
                 DAYS_LEAST, DAYS_MOST, options->events);
        return EXIT_USAGE;
    }
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    if (storage_reach_started(&storage, &state, settings))
        good = retain(&storage, options, days);
    storage_stop(&storage);
    state_release(&state);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct verb verb_retention = {
    .name = "retention",
    .scope = SCOPE_DATABASE,
    .options = retention_options,
    .size = sizeof(struct retention_options),
    .run = run,
};
