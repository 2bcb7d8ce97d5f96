/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_line.h"

#include "base/arena.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What getopt returns for the first row of a table; below are letters. */
enum { FIRST_VALUE = 256 };

static const char no_verb[] = "what to do? A verb is missing; see: onramp --help";

/* The options that every verb takes and that are no settings. */
static const struct option_row common[] = {
    {"help", OPTION_FLAG, offsetof(struct command_line, help)},
    {"version", OPTION_FLAG, offsetof(struct command_line, version)},
    {"dump-operations", OPTION_FLAG, offsetof(struct command_line, dump_operations)},
    {0},
};

/* What is valid at one time, for getopt and for us. */
struct table {
    struct option *options; /* the last one is {0} */
    struct entry {
        const struct option_row *row;
        const struct setting *setting; /* NULL: it is none */
        void *values;
    } * entries;
    int count, room;
};

static void table_grow(struct table *table)
{
    struct table grown = {.count = table->count, .room = 2 * table->room + 32};
    size_t room = (size_t)grown.room, count = (size_t)table->count;
    grown.options = arena_alloc(options_arena(), (room + 1) * sizeof *grown.options);
    grown.entries = arena_alloc(options_arena(), room * sizeof *grown.entries);
    memset(grown.options, 0, (room + 1) * sizeof *grown.options);
    if (count > 0) {
        memcpy(grown.options, table->options, count * sizeof *grown.options);
        memcpy(grown.entries, table->entries, count * sizeof *grown.entries);
    }
    *table = grown;
}

static void row_add(struct table *table, const struct option_row *row,
                    const struct setting *setting, void *values)
{
    if (row->form == OPTION_REST)
        return;
    if (table->count == table->room)
        table_grow(table);
    table->options[table->count] = (struct option){
        .name = row->name,
        .has_arg = row->form == OPTION_FLAG ? no_argument : required_argument,
        .val = FIRST_VALUE + table->count,
    };
    table->entries[table->count++] = (struct entry){row, setting, values};
}

static void rows_add(struct table *table, const struct option_row *rows, void *values)
{
    for (; rows != NULL && !option_row_ends(rows); rows++)
        row_add(table, rows, NULL, values);
}

static void settings_add(struct table *table, enum settings_scope scope, void *values)
{
    for (int i = 0; i < SETTINGS; i++)
        if (settings_table[i].scope <= scope)
            row_add(table, &settings_table[i].row, &settings_table[i], values);
}

static bool verb_takes(const struct verb *verb, const char *name)
{
    const struct option_row *row = verb->options;
    for (int i = 0; i < SETTINGS; i++)
        if (strcmp(settings_table[i].row.name, name) == 0)
            return settings_table[i].scope <= verb->scope;
    for (; row != NULL && !option_row_ends(row); row++)
        if (row->name != NULL && strcmp(row->name, name) == 0)
            return true;
    return false;
}

/* --- the verb --- */

/* The verb whose name begins with the word, or NULL. */
static const struct verb *verb_named(const struct verb *const verbs[], const char *word)
{
    for (; *verbs != NULL; verbs++) {
        size_t length = strcspn((*verbs)->name, " ");
        if (strlen(word) == length && strncmp((*verbs)->name, word, length) == 0)
            return *verbs;
    }
    return NULL;
}

/* Find the first word. Which options before it have a value, the options of all verbs say. */
static bool verb_find(const struct verb **out, const struct verb *const verbs[], int count,
                      char **arguments)
{
    struct table all = {0};
    int found;
    rows_add(&all, common, NULL);
    settings_add(&all, SCOPE_SERVER, NULL);
    for (int i = 0; verbs[i] != NULL; i++)
        rows_add(&all, verbs[i]->options, NULL);
    *out = NULL;
    opterr = 0;
    optind = 0;
    while ((found = getopt_long(count, arguments, "+:", all.options, NULL)) != -1)
        if (found == '?' && optopt == 0) {
            complain("there is no option %s; see: onramp --help", arguments[optind - 1]);
            return false;
        }
    if (optind >= count)
        return true;
    *out = verb_named(verbs, arguments[optind]);
    if (*out == NULL)
        complain("there is no '%s'; see: onramp --help", arguments[optind]);
    return *out != NULL;
}

/* --- its options --- */

/* The name in "--name" or "--name=value". */
static const char *name_in(const char *argument)
{
    const char *name = argument + strspn(argument, "-");
    return arena_copy(options_arena(), name, strcspn(name, "="));
}

static void misplaced_complain(const struct verb *verb, const struct verb *const verbs[],
                               const char *name)
{
    const char *owners = "";
    for (; *verbs != NULL; verbs++)
        if (verb_takes(*verbs, name))
            owners = arena_printf(options_arena(), "%s%s%s", owners,
                                  owners[0] != '\0' ? ", " : " but of ", (*verbs)->name);
    complain("--%s is not an option of %s%s; see: onramp %s --help", name, verb->name, owners,
             verb->name);
}

/* What getopt did not take: ':' an option without its value, '?' all else. */
static void fault_complain(const struct table *table, const struct verb *verb,
                           const struct verb *const verbs[], int found, const char *argument)
{
    if (verb == NULL)
        complain("%s", no_verb);
    else if (optopt >= FIRST_VALUE)
        complain("--%s %s; see: onramp %s --help", table->options[optopt - FIRST_VALUE].name,
                 found == ':' ? "needs a value" : "takes no value", verb->name);
    else if (optopt != 0)
        complain("-%c is not an option of %s; see: onramp %s --help", optopt, verb->name,
                 verb->name);
    else
        misplaced_complain(verb, verbs, name_in(argument));
}

static bool entry_take(const struct entry *entry)
{
    char where[64];
    snprintf(where, sizeof where, "--%s", entry->row->name);
    return entry->setting != NULL ? settings_take(entry->values, entry->setting, where, optarg)
                                  : option_take(entry->values, entry->row, where, optarg);
}

static bool options_take(struct command_line *out, const struct verb *const verbs[], int count,
                         char **arguments)
{
    struct table table = {0};
    int found;
    rows_add(&table, common, out);
    settings_add(&table, out->verb != NULL ? out->verb->scope : SCOPE_SERVER, &out->settings);
    if (out->verb != NULL)
        rows_add(&table, out->verb->options, out->options);
    optind = 0;
    while ((found = getopt_long(count, arguments, ":", table.options, NULL)) != -1) {
        if (found < FIRST_VALUE) {
            fault_complain(&table, out->verb, verbs, found, arguments[optind - 1]);
            return false;
        }
        const struct entry *entry = &table.entries[found - FIRST_VALUE];
        /* getopt takes abbreviations; what one means would change with the next option. */
        const char *given = name_in(arguments[optind - 1 - (arguments[optind - 1] == optarg)]);
        if (out->verb != NULL && strcmp(given, entry->row->name) != 0) {
            misplaced_complain(out->verb, verbs, given);
            return false;
        }
        if (!entry_take(entry))
            return false;
    }
    return true;
}

/* --- its words --- */

/* The words are those of the verb's name. */
static bool words_check(const struct verb *verb, char **words, int count)
{
    const char *name = verb->name;
    for (int i = 0; *name != '\0'; i++) {
        size_t length = strcspn(name, " ");
        if (i >= count || strlen(words[i]) != length || strncmp(words[i], name, length) != 0) {
            complain("'%s%s%s' is not a verb, but '%s' is; see: onramp %s --help", words[0],
                     i < count ? " " : "", i < count ? words[i] : "", verb->name, verb->name);
            return false;
        }
        name += length;
        name += strspn(name, " ");
        if (*name == '\0' && i + 1 < count) {
            complain("'%s' is one word too many for %s; see: onramp %s --help", words[i + 1],
                     verb->name, verb->name);
            return false;
        }
    }
    return true;
}

/* What stands behind "--" is for the program that the verb starts. */
static bool rest_take(struct command_line *line, char **rest)
{
    const struct verb *verb = line->verb;
    for (const struct option_row *row = verb->options; row != NULL && !option_row_ends(row); row++)
        if (row->form == OPTION_REST) {
            *(char ***)(void *)((char *)line->options + row->offset) = rest;
            return true;
        }
    if (rest[0] == NULL)
        return true;
    complain("'%s' is one word too many for %s; see: onramp %s --help", rest[0], verb->name,
             verb->name);
    return false;
}

bool command_line_read(struct command_line *out, const struct verb *const verbs[], int count,
                       char **arguments)
{
    char **rest = arguments + count;
    memset(out, 0, sizeof *out);
    settings_clear(&out->settings);
    for (int i = 1; i < count; i++)
        if (strcmp(arguments[i], "--") == 0) {
            rest = arguments + i + 1;
            count = i;
        }
    if (!verb_find(&out->verb, verbs, count, arguments))
        return false;
    if (out->verb != NULL && out->verb->size > 0) {
        out->options = arena_alloc(options_arena(), out->verb->size);
        memset(out->options, 0, out->verb->size);
    }
    if (!options_take(out, verbs, count, arguments))
        return false;
    if (out->help || out->version || out->dump_operations)
        return true;
    if (out->verb == NULL) {
        complain("%s", no_verb);
        return false;
    }
    return words_check(out->verb, arguments + optind, count - optind) && rest_take(out, rest);
}
