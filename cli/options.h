/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - tables of options: what each is called, what it takes, and where its value goes.
 *
 * Each verb has a table and a struct of its own beside it, in its command_*.c; the settings of the
 * daemon are one table more, in settings.c. */
#ifndef ONRAMP_CLI_OPTIONS_H
#define ONRAMP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Exit statuses, those of sysexits(3) where it has one. */
enum { EXIT_USAGE = 64, EXIT_NOT_THERE = 69, EXIT_STOPPED = 3 };

enum { OPTION_TEXTS_MAX = 64 };

/* The values of an option that may be given several times. */
struct option_texts {
    const char *items[OPTION_TEXTS_MAX];
    int count;
};

enum option_form {
    OPTION_TEXT,   /* const char *, NULL: not given */
    OPTION_TEXTS,  /* struct option_texts */
    OPTION_PATH,   /* const char *, made absolute */
    OPTION_FLAG,   /* bool; takes no value */
    OPTION_NUMBER, /* int, from 0 to most */
    OPTION_REST,   /* char **: the arguments behind "--", NULL-terminated; has no name */
};

/* A row of a table; the last one is {0}. */
struct option_row {
    const char *name; /* without the hyphens */
    enum option_form form;
    size_t offset;                    /* of its member in the struct of the values */
    int most;                         /* of a NUMBER */
    bool (*valid)(const char *value); /* NULL: any value that is not empty */
    const char *takes;                /* what is valid, in words */
};

static inline bool option_row_ends(const struct option_row *row)
{
    return row->name == NULL && row->form != OPTION_REST;
}

/* Take one value into the struct; where says who gave it: "--port", "ONRAMP_PORT", "FILE:3: port".
 * False after complaining. An empty value is a mistake: a shell variable that is not set. */
bool option_take(void *values, const struct option_row *row, const char *where, const char *value);

/* For texts that are kept until the process ends. */
struct arena *options_arena(void);

/* One line to standard error, "onramp: ..." with a line break behind it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
