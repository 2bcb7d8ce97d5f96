/* SPDX-License-Identifier: Apache-2.0 */
#include "db/asked.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those of conninfo.c and database.c; the operator's own may be such that the role of the session
 * cannot set them again, which is how they are compared. */
static const char *const ours[] = {
    "role",
    "statement_timeout",
    "lock_timeout",
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "bytea_output",
    "extra_float_digits",
    "default_transaction_isolation",
    "default_transaction_deferrable",
    "onramp.asked",
};

enum { OURS = sizeof ours / sizeof *ours };

/* The server writes values in its own way, so what is compared is what they come to. A role is not
 * set again: without it that may be denied. */
const char asked_sql[] =
    "SELECT string_agg(name, ', '), pg_backend_pid()"
    " FROM unnest($1::text[], $2::text[]) AS asked (name, value)"
    " WHERE CASE WHEN name = 'role' THEN current_setting(name) <> value"
    " ELSE current_setting(name, true) IS DISTINCT FROM set_config(name, value, true) END";

/* One word of options, which a space ends that no backslash stands before. Returns what follows. */
static const char *word_read(char *out, const char *text)
{
    text += strspn(text, " \t\n");
    for (; *text != '\0' && strchr(" \t\n", *text) == NULL; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        *out++ = *text;
    }
    *out = '\0';
    return text;
}

static void setting_keep(char *values[OURS], const char *setting)
{
    size_t length = strcspn(setting, "=");
    if (setting[length] == '\0')
        return;
    for (size_t i = 0; i < OURS; i++)
        if (strlen(ours[i]) == length && strncasecmp(ours[i], setting, length) == 0) {
            free(values[i]);
            values[i] = strdup(setting + length + 1);
            if (values[i] == NULL)
                abort();
        }
}

/* -c name=value, -cname=value, --name=value */
static void options_read(char *values[OURS], const char *options)
{
    char *word = malloc(strlen(options) + 1);
    if (word == NULL)
        abort();
    while (*(options = word_read(word, options)) != '\0' || word[0] != '\0') {
        bool apart = strcmp(word, "-c") == 0;
        if (apart)
            options = word_read(word, options);
        if (apart)
            setting_keep(values, word);
        else if (strncmp(word, "--", 2) == 0 || strncmp(word, "-c", 2) == 0)
            setting_keep(values, word + 2);
        word[0] = '\0';
    }
    free(word);
}

static void element_write(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* The array of those in names of which there is a value. */
static char *array_of(const char *const names[OURS], char *const values[OURS])
{
    char *text = NULL;
    size_t length = 0;
    const char *separator = "";
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort();
    fputc('{', out);
    for (size_t i = 0; i < OURS; i++) {
        if (values[i] == NULL)
            continue;
        fputs(separator, out);
        element_write(out, names[i]);
        separator = ",";
    }
    fputc('}', out);
    if (fclose(out) != 0)
        abort();
    return text;
}

void asked_read(struct asked *out, const char *options)
{
    char *values[OURS] = {NULL};
    options_read(values, options != NULL ? options : "");
    out->names = array_of(ours, values);
    out->values = array_of((const char *const *)values, values);
    for (size_t i = 0; i < OURS; i++)
        free(values[i]);
}

void asked_free(struct asked *asked)
{
    free(asked->names);
    free(asked->values);
    *asked = (struct asked){NULL, NULL};
}

char *asked_refusal(const char *missing)
{
    char *sentence = NULL;
    if (asprintf(&sentence,
                 "What this connection asks for in its options did not take effect (%s): something"
                 " in between drops them, as pgbouncer does with ignore_startup_parameters ="
                 " options. Connect to PostgreSQL itself, or through what passes them on.",
                 missing) < 0)
        abort();
    return sentence;
}
