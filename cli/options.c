/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "api/rate_limit.h"
#include "api/server.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/network.h"
#include "cli/config.h"
#include "webhooks/destination.h"
#include "webhooks/schedule.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum form { TEXT, TEXTS, PATH, FLAG, NUMBER };

/* Every option, for every verb. An empty value is a mistake: a shell variable that is not set. */
static const struct known {
    const char *name;
    enum form form;
    size_t place; /* in struct options */
} known[] = {
    {"config", PATH, offsetof(struct options, config)},
    {"state", PATH, offsetof(struct options, state)},
    {"database", TEXT, offsetof(struct options, database)},
    {"secrets-key", PATH, offsetof(struct options, secrets_key)},
    {"listen", TEXT, offsetof(struct options, listen)},
    {"port", NUMBER, offsetof(struct options, port)},
    {"log-level", TEXT, offsetof(struct options, log_level)},
    {"rate-limit", TEXT, offsetof(struct options, rate_limit)},
    {"loops", NUMBER, offsetof(struct options, loops)},
    {"connections-per-address", NUMBER, offsetof(struct options, connections_per_address)},
    {"trusted-proxy", TEXTS, offsetof(struct options, trusted_proxy)},
    {"webhook-schedule", TEXT, offsetof(struct options, webhook_schedule)},
    {"webhook-timeout", TEXT, offsetof(struct options, webhook_timeout)},
    {"webhook-disable-after", TEXT, offsetof(struct options, webhook_disable_after)},
    {"webhook-ca", PATH, offsetof(struct options, webhook_ca)},
    {"webhook-allow-cidr", TEXTS, offsetof(struct options, webhook_allow_cidr)},
    {"detach", FLAG, offsetof(struct options, detach)},
    {"json", FLAG, offsetof(struct options, json)},
    {"yes", FLAG, offsetof(struct options, yes)},
    {"print-curl", FLAG, offsetof(struct options, print_curl)},
    {"help", FLAG, offsetof(struct options, help)},
    {"version", FLAG, offsetof(struct options, version)},
    {"dump-operations", FLAG, offsetof(struct options, dump_operations)},
    {"role", TEXT, offsetof(struct options, role)},
    {"customer", TEXT, offsetof(struct options, customer)},
    {"partner", TEXT, offsetof(struct options, partner)},
    {"description", TEXT, offsetof(struct options, description)},
    {"expires-at", TEXT, offsetof(struct options, expires_at)},
    {"events", TEXT, offsetof(struct options, events)},
    {"secret", TEXT, offsetof(struct options, secret)},
    {"type", TEXT, offsetof(struct options, type)},
    {"service-key", TEXT, offsetof(struct options, service_key)},
    {"note", TEXT, offsetof(struct options, note)},
    {"reason", TEXT, offsetof(struct options, reason)},
    {"primary-port", TEXT, offsetof(struct options, primary_port)},
    {"secondary-port", TEXT, offsetof(struct options, secondary_port)},
    {"s-tag", TEXT, offsetof(struct options, s_tag)},
    {"partner-reference", TEXT, offsetof(struct options, partner_reference)},
    {"expected-by", TEXT, offsetof(struct options, expected_by)},
    {"timestamp", TEXT, offsetof(struct options, timestamp)},
    {"webhook-id", TEXT, offsetof(struct options, webhook_id)},
    {"url", TEXT, offsetof(struct options, url)},
    {"token", TEXT, offsetof(struct options, token)},
    {"keys", TEXT, offsetof(struct options, keys)},
    {"delay", TEXT, offsetof(struct options, delay)},
    {"duplicates", TEXT, offsetof(struct options, duplicates)},
    {"reorder", TEXT, offsetof(struct options, reorder)},
    {"silence", TEXT, offsetof(struct options, silence)},
    {"reject", TEXT, offsetof(struct options, reject)},
    {"wrong-signatures", TEXT, offsetof(struct options, wrong_signatures)},
    {"clock-skew", TEXT, offsetof(struct options, clock_skew)},
    {"rate", TEXT, offsetof(struct options, rate)},
    {"parallel", TEXT, offsetof(struct options, parallel)},
    {"for", TEXT, offsetof(struct options, lasts)},
    {"patience", TEXT, offsetof(struct options, patience)},
    {"seed", TEXT, offsetof(struct options, seed)},
    {"receive", TEXT, offsetof(struct options, receive)},
    {"receive-url", TEXT, offsetof(struct options, receive_url)},
    {"deaf", TEXT, offsetof(struct options, deaf)},
    {"until-idle", FLAG, offsetof(struct options, until_idle)},
    {"plan", FLAG, offsetof(struct options, plan)},
};
enum { KNOWN = sizeof known / sizeof *known };

static bool log_level_known(const char *name)
{
    return log_level_named(name) >= 0;
}

static bool time_within(const char *text, int64_t least, int64_t most)
{
    int64_t milliseconds;
    return duration_read(&milliseconds, text) && milliseconds >= least && milliseconds <= most;
}

static bool timeout_valid(const char *text)
{
    return time_within(text, 100, 60 * 1000);
}

static bool cidr_valid(const char *text)
{
    struct block block;
    return block_read(&block, text);
}

static bool patience_valid(const char *text)
{
    return time_within(text, 1000, INT64_MAX);
}

/* Those that are settings of the daemon, with what is asked of their values. */
static const struct setting {
    const char *name;
    const char *variable; /* where it is not ONRAMP_ and the name in capitals */
    int most;             /* of a NUMBER */
    bool (*valid)(const char *value);
    const char *takes; /* what is valid, in words */
} settings[] = {
    {"config", NULL, 0, NULL, NULL},
    {"state", NULL, 0, NULL, NULL},
    {"database", "ONRAMP_DATABASE_URL", 0, NULL, NULL},
    {"secrets-key", NULL, 0, NULL, NULL},
    {"listen", NULL, 0, NULL, NULL},
    {"port", NULL, 65535, NULL, NULL},
    {"log-level", NULL, 0, log_level_known, "error, warning, notice, info or debug"},
    {"rate-limit", NULL, 0, rate_valid, "requests by time, such as 1000/10s, or off"},
    {"loops", NULL, SERVER_LOOPS_MAX, NULL, NULL},
    {"connections-per-address", NULL, CONNECTIONS_PER_ADDRESS_MAX, NULL, NULL},
    {"trusted-proxy", NULL, 0, cidr_valid, "an address block such as 10.0.0.0/8 or fd00::/8"},
    {"webhook-schedule", NULL, 0, schedule_valid,
     "waits such as 0,5s,30s,5m,2h, the first of them 0"},
    {"webhook-timeout", NULL, 0, timeout_valid, "a time from 100ms to 60s"},
    {"webhook-disable-after", NULL, 0, patience_valid, "a time from 1s to 365d"},
    {"webhook-ca", NULL, 0, NULL, NULL},
    {"webhook-allow-cidr", NULL, 0, destination_cidr_valid,
     "an address block such as 10.0.0.0/8 or fd00::/8"},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* The setting of that name, or NULL. */
static const struct setting *setting_named(const char *name)
{
    for (int i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

/* options.given has a bit for each. */
_Static_assert(KNOWN <= 64, "too many options");

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("onramp: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static bool number_take(int *out, int most, const char *where, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > most) {
        complain("%s takes a number from 0 to %d, not '%s'", where, most, text);
        return false;
    }
    *out = (int)number;
    return true;
}

/* For texts that are kept for good. */
static struct arena *kept(void)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new();
    return arena;
}

/* The daemon works in another directory than the one that it is started from. */
static const char *absolute(const char *path)
{
    char directory[PATH_MAX];
    if (path[0] == '/' || !getcwd(directory, sizeof directory))
        return path;
    return arena_printf(kept(), "%s/%s", directory, path);
}

static bool text_add(struct option_texts *out, const char *where, const char *text)
{
    if (out->count == OPTION_TEXTS) {
        complain("%s: that is more than %d of them", where, OPTION_TEXTS);
        return false;
    }
    out->items[out->count++] = text;
    return true;
}

/* One value for an option; where says who gave it: "--port", "ONRAMP_PORT", "FILE:3: port". */
static bool option_take(struct options *out, const struct known *option, const char *where,
                        const char *value)
{
    char *place = (char *)out + option->place;
    const struct setting *setting = setting_named(option->name);
    if (option->form == FLAG) {
        *(bool *)place = true;
        return true;
    }
    if (option->form == NUMBER)
        return number_take((int *)place, setting ? setting->most : INT_MAX, where, value);
    if (value[0] == '\0') {
        complain("%s needs a value", where);
        return false;
    }
    if (setting && setting->valid && !setting->valid(value)) {
        complain("%s takes %s, not '%s'", where, setting->takes, value);
        return false;
    }
    if (option->form == TEXTS)
        return text_add((struct option_texts *)place, where, value);
    *(const char **)place = option->form == PATH ? absolute(value) : value;
    return true;
}

static bool command_line_read(struct options *out, int count, char **arguments)
{
    struct option table[KNOWN + 1] = {0};
    for (int i = 0; i < KNOWN; i++) {
        table[i].name = known[i].name;
        table[i].has_arg = known[i].form == FLAG ? no_argument : required_argument;
    }
    for (;;) {
        int index = -1;
        char where[64];
        /* getopt says what is wrong itself, after the name in arguments[0]. */
        int found = getopt_long(count, arguments, "", table, &index);
        if (found == -1)
            break;
        if (found != 0)
            return false;
        snprintf(where, sizeof where, "--%s", known[index].name);
        out->given |= UINT64_C(1) << index;
        if (!option_take(out, &known[index], where, optarg))
            return false;
    }
    for (int i = optind; i < count; i++) {
        if (out->word_count == OPTIONS_WORDS) {
            complain("'%s' is one word too many", arguments[i]);
            return false;
        }
        out->words[out->word_count++] = arguments[i];
    }
    return true;
}

static void variable_name(char *out, size_t size, const struct setting *setting)
{
    snprintf(out, size, "ONRAMP_%s", setting->name);
    for (char *at = out; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    if (setting->variable)
        snprintf(out, size, "%s", setting->variable);
}

static bool variable_take(struct options *out, const struct known *option, const char *name,
                          const char *value)
{
    if (option->form != TEXTS)
        return option_take(out, option, name, value);
    static const char separators[] = ", \t";
    for (value += strspn(value, separators); *value; value += strspn(value, separators)) {
        size_t length = strcspn(value, separators);
        if (!option_take(out, option, name, arena_copy(kept(), value, length)))
            return false;
        value += length;
    }
    return true;
}

static bool given(const struct options *options, int index)
{
    return (options->given >> index & 1) != 0;
}

static bool environment_read(struct options *out)
{
    for (int i = 0; i < KNOWN; i++) {
        const struct setting *setting = setting_named(known[i].name);
        char name[64];
        if (!setting || given(out, i))
            continue;
        variable_name(name, sizeof name, setting);
        const char *value = getenv(name);
        if (!value || *value == '\0')
            continue;
        out->given |= UINT64_C(1) << i;
        if (!variable_take(out, &known[i], name, value))
            return false;
    }
    return true;
}

struct file {
    struct options *out;
    const char *lines[KNOWN]; /* where each option stands in it, or NULL */
};

static bool line_take(void *context, const char *where, const char *name, const char *value)
{
    struct file *file = context;
    int i = 0;
    while (i < KNOWN && strcmp(known[i].name, name) != 0)
        i++;
    if (!setting_named(name) || strcmp(name, "config") == 0) {
        complain("%s: there is no setting '%s'", where, name);
        return false;
    }
    if (file->lines[i] && known[i].form != TEXTS) {
        complain("%s: %s is set already, at %s", where, name, file->lines[i]);
        return false;
    }
    file->lines[i] = where;
    /* What is overruled has to be well-formed all the same. */
    static struct options overruled;
    char named[PATH_MAX + 64];
    snprintf(named, sizeof named, "%s: %s", where, name);
    return option_take(given(file->out, i) ? &overruled : file->out, &known[i], named, value);
}

bool options_read(struct options *out, int count, char **arguments)
{
    memset(out, 0, sizeof *out);
    out->port = out->connections_per_address = -1;
    /* What stands behind "--" is for the program that the verb starts. */
    out->rest = arguments + count;
    for (int i = 1; i < count; i++)
        if (strcmp(arguments[i], "--") == 0) {
            out->rest = arguments + i + 1;
            count = i;
        }
    return command_line_read(out, count, arguments);
}

bool options_complete(struct options *options)
{
    struct file file = {.out = options};
    return environment_read(options) &&
           (!options->config || config_read(options->config, line_take, &file));
}
