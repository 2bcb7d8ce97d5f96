/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "api/rate_limit.h"
#include "api/server.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/network.h"
#include "cli/config.h"
#include "cli/listen_address.h"
#include "cli/variables.h"
#include "webhooks/destination.h"
#include "webhooks/schedule.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool log_level_valid(const char *name)
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

static bool patience_valid(const char *text)
{
    return time_within(text, 1000, INT64_MAX);
}

static bool cidr_valid(const char *text)
{
    struct block block;
    return block_read(&block, text);
}

static const char block_words[] = "an address block such as 10.0.0.0/8 or fd00::/8";

#define AT(member) offsetof(struct settings, member)
const struct setting settings_table[SETTINGS] = {
    {{"config", OPTION_PATH, AT(config)}, SCOPE_STATE},
    {{"state", OPTION_PATH, AT(state)}, SCOPE_STATE},
    {{"database", OPTION_TEXT, AT(database)}, SCOPE_DATABASE, "ONRAMP_DATABASE_URL"},
    {{"secrets-key", OPTION_PATH, AT(secrets_key)}, SCOPE_SECRETS},
    {{"listen", OPTION_TEXT, AT(listen), 0, listen_address_valid,
      "an IP address such as 127.0.0.1 or [::1], or localhost"},
     SCOPE_SERVER},
    {{"port", OPTION_NUMBER, AT(port), 65535}, SCOPE_SERVER},
    {{"log-level", OPTION_TEXT, AT(log_level), 0, log_level_valid,
      "error, warning, notice, info or debug"},
     SCOPE_SERVER},
    {{"rate-limit", OPTION_TEXT, AT(rate_limit), 0, rate_valid,
      "requests by time, such as 1000/10s, or off"},
     SCOPE_SERVER},
    {{"loops", OPTION_NUMBER, AT(loops), SERVER_LOOPS_MAX}, SCOPE_SERVER},
    {{"connections-per-address", OPTION_NUMBER, AT(connections_per_address),
      CONNECTIONS_PER_ADDRESS_MAX},
     SCOPE_SERVER},
    {{"trusted-proxy", OPTION_TEXTS, AT(trusted_proxy), 0, cidr_valid, block_words}, SCOPE_SERVER},
    {{"webhook-schedule", OPTION_TEXT, AT(webhook_schedule), 0, schedule_valid,
      "waits such as 0,5s,30s,5m,2h, the first of them 0"},
     SCOPE_SERVER},
    {{"webhook-timeout", OPTION_TEXT, AT(webhook_timeout), 0, timeout_valid,
      "a time from 100ms to 60s"},
     SCOPE_SERVER},
    {{"webhook-disable-after", OPTION_TEXT, AT(webhook_disable_after), 0, patience_valid,
      "a time from 1s to 365d"},
     SCOPE_SERVER},
    {{"webhook-ca", OPTION_PATH, AT(webhook_ca)}, SCOPE_SERVER},
    {{"webhook-allow-cidr", OPTION_TEXTS, AT(webhook_allow_cidr), 0, destination_cidr_valid,
      block_words},
     SCOPE_SERVER},
};
#undef AT

static int index_of(const struct setting *setting)
{
    return (int)(setting - settings_table);
}

/* The setting of that name, or NULL. */
static const struct setting *setting_named(const char *name)
{
    for (int i = 0; i < SETTINGS; i++)
        if (strcmp(settings_table[i].row.name, name) == 0)
            return &settings_table[i];
    return NULL;
}

const char *setting_variable(char out[SETTING_VARIABLE], const struct setting *setting)
{
    if (setting->variable)
        return setting->variable;
    snprintf(out, SETTING_VARIABLE, "ONRAMP_%s", setting->row.name);
    for (char *at = out; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return out;
}

void settings_clear(struct settings *out)
{
    memset(out, 0, sizeof *out);
    out->port = out->connections_per_address = -1;
}

bool settings_take(struct settings *out, const struct setting *setting, const char *where,
                   const char *value)
{
    out->given[index_of(setting)] = true;
    return option_take(out, &setting->row, where, value);
}

/* --- the environment --- */

static bool variable_take(struct settings *out, const struct setting *setting, const char *name,
                          const char *value)
{
    if (setting->row.form != OPTION_TEXTS)
        return settings_take(out, setting, name, value);
    static const char separators[] = ", \t";
    for (value += strspn(value, separators); *value; value += strspn(value, separators)) {
        size_t length = strcspn(value, separators);
        if (!settings_take(out, setting, name, arena_copy(options_arena(), value, length)))
            return false;
        value += length;
    }
    return true;
}

static bool environment_read(struct settings *out)
{
    for (int i = 0; i < SETTINGS; i++) {
        char buffer[SETTING_VARIABLE];
        const char *name = setting_variable(buffer, &settings_table[i]);
        const char *value = getenv(name);
        if (out->given[i] || !value || *value == '\0')
            continue;
        if (!variable_take(out, &settings_table[i], name, value))
            return false;
    }
    return true;
}

/* --- the file --- */

struct file {
    struct settings *out;
    const char *lines[SETTINGS]; /* where each setting stands in it, or NULL */
};

static bool line_take(void *context, const char *where, const char *name, const char *value)
{
    struct file *file = context;
    const struct setting *setting = setting_named(name);
    if (!setting || strcmp(name, "config") == 0) {
        complain("%s: there is no setting '%s'", where, name);
        return false;
    }
    const char **line = &file->lines[index_of(setting)];
    if (*line && setting->row.form != OPTION_TEXTS) {
        complain("%s: %s is set already, at %s", where, name, *line);
        return false;
    }
    *line = where;
    /* What is overruled has to be well-formed all the same. */
    static struct settings overruled;
    char named[PATH_MAX + 64];
    snprintf(named, sizeof named, "%s: %s", where, name);
    return option_take(file->out->given[index_of(setting)] ? &overruled : file->out, &setting->row,
                       named, value);
}

bool settings_complete(struct settings *settings)
{
    struct file file = {.out = settings};
    return variables_check() && environment_read(settings) &&
           (!settings->config || config_read(settings->config, line_take, &file));
}
