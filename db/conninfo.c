/* SPDX-License-Identifier: Apache-2.0 */
#include "db/conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Given only where the operator's string says nothing. Milliseconds for tcp_user_timeout. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"application_name", "onramp"}, {"target_session_attrs", "read-write"},
    {"keepalives_idle", "5"},       {"keepalives_interval", "2"},
    {"keepalives_count", "3"},      {"tcp_user_timeout", "3000"},
};

/* Around the operator's own `options`: the later one wins. The lock time-out is below the
 * statement's, and both are below the deadline of a request. */
static const char limits[] = "-c statement_timeout=8000 -c lock_timeout=3000"
                             " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
                             " -c tcp_keepalives_count=3 -c tcp_user_timeout=3000";
static const char formats[] = "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601"
                              " -c bytea_output=hex -c extra_float_digits=1"
                              " -c default_transaction_isolation=read\\ committed"
                              " -c default_transaction_deferrable=off";

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL)
        abort();
    return made;
}

static int find(const struct conninfo *conninfo, const char *keyword)
{
    int i = 0;
    while (conninfo->keywords[i] != NULL && strcmp(conninfo->keywords[i], keyword) != 0)
        i++;
    return i;
}

static void set(struct conninfo *conninfo, const char *keyword, char *value)
{
    int i = find(conninfo, keyword);
    if (i >= CONNINFO_KEYWORDS)
        abort(); /* libpq knows fewer keywords than we have room for */
    if (conninfo->keywords[i] == NULL)
        conninfo->keywords[i] = copy(keyword);
    free(conninfo->values[i]);
    conninfo->values[i] = value;
}

bool conninfo_read(struct conninfo *out, const char *text)
{
    memset(out, 0, sizeof *out);
    PQconninfoOption *options = PQconninfoParse(text, NULL);
    if (options == NULL)
        return false;
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL)
            set(out, option->keyword, copy(option->val));
    PQconninfoFree(options);

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (out->keywords[find(out, defaults[i].keyword)] == NULL)
            set(out, defaults[i].keyword, copy(defaults[i].value));
    const char *theirs = out->values[find(out, "options")];
    char *all = NULL;
    if (asprintf(&all, "%s %s %s", limits, theirs != NULL ? theirs : "", formats) < 0)
        abort();
    set(out, "options", all);
    set(out, "client_encoding", copy("UTF8"));
    return true;
}

const char *conninfo_options(const struct conninfo *conninfo)
{
    return conninfo->values[find(conninfo, "options")];
}

unsigned conninfo_hosts(const struct conninfo *conninfo)
{
    static const char *const lists[] = {"hostaddr", "host"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const char *list = conninfo->values[find(conninfo, lists[i])];
        unsigned count = 1;
        for (; list != NULL && (list = strchr(list, ',')) != NULL; list++)
            count++;
        if (count > 1)
            return count;
    }
    return 1;
}

void conninfo_rotate(struct conninfo *conninfo)
{
    static const char *const lists[] = {"host", "hostaddr", "port"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char *list = conninfo->values[find(conninfo, lists[i])];
        const char *comma = list != NULL ? strchr(list, ',') : NULL;
        if (comma == NULL)
            continue;
        char *rotated = NULL;
        if (asprintf(&rotated, "%s,%.*s", comma + 1, (int)(comma - list), list) < 0)
            abort();
        set(conninfo, lists[i], rotated);
    }
}

void conninfo_free(struct conninfo *conninfo)
{
    for (int i = 0; conninfo->keywords[i] != NULL; i++) {
        free(conninfo->keywords[i]);
        free(conninfo->values[i]);
    }
    memset(conninfo, 0, sizeof *conninfo);
}

void conninfo_write(FILE *out, const char *keyword, const char *value)
{
    fprintf(out, "%s='", keyword);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            fputc('\\', out);
        fputc(*c, out);
    }
    fputs("' ", out);
}
