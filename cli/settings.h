/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - the settings of the daemon: from the command line, from the environment (ONRAMP_ and
 * the name in capitals), and from the file that --config or ONRAMP_CONFIG names.
 *
 * The command line goes before the environment, the environment before the file. A setting that may
 * be given several times gathers all that its best source gives, in the environment between commas
 * or blanks. An empty variable counts as none. */
#ifndef ONRAMP_CLI_SETTINGS_H
#define ONRAMP_CLI_SETTINGS_H

#include "cli/options.h"

enum { SETTINGS = 16 };

/* Texts are NULL where nothing was given, and kept until the process ends. */
struct settings {
    /* where */
    const char *config, *state, *database, *secrets_key, *listen;
    int port; /* -1: not given */
    /* how */
    const char *log_level, *rate_limit;
    int loops;                   /* 0: not given, or as many as fit */
    int connections_per_address; /* -1: not given */
    struct option_texts trusted_proxy;
    const char *webhook_schedule, *webhook_timeout, *webhook_disable_after, *webhook_ca;
    struct option_texts webhook_allow_cidr;
    bool given[SETTINGS]; /* which have their value, in the order of the table */
};

/* Which settings a verb takes on its command line; each level includes those before it. From the
 * environment and the file every verb reads all of them. */
enum settings_scope {
    SCOPE_STATE,    /* --config, --state */
    SCOPE_DATABASE, /* --database */
    SCOPE_SECRETS,  /* --secrets-key */
    SCOPE_SERVER,   /* all */
};

struct setting {
    struct option_row row;
    enum settings_scope scope;
    const char *variable; /* where it is not ONRAMP_ and the name in capitals */
};

extern const struct setting settings_table[SETTINGS];

enum { SETTING_VARIABLE = 64 };

/* The name of its environment variable, in a buffer of SETTING_VARIABLE. */
const char *setting_variable(char out[SETTING_VARIABLE], const struct setting *setting);

/* Before anything is given. */
void settings_clear(struct settings *out);

/* Take a value from the command line. False after complaining. */
bool settings_take(struct settings *out, const struct setting *setting, const char *where,
                   const char *value);

/* Read what the command line left open from the environment and the file. False after complaining,
 * also of a variable or a name in the file that is not known. */
bool settings_complete(struct settings *settings);

#endif
