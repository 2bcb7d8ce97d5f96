/* SPDX-License-Identifier: Apache-2.0 */
#include "api/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum form { TEXT, FLAG, PORT };

/* Every option, for every verb. An empty value is a mistake: a shell variable that is not set. */
static const struct {
    const char *name;
    enum form form;
    size_t place; /* in struct options */
} known[] = {
    {"state",             TEXT, offsetof(struct options, state)            },
    {"database",          TEXT, offsetof(struct options, database)         },
    {"listen",            TEXT, offsetof(struct options, listen)           },
    {"port",              PORT, offsetof(struct options, port)             },
    {"detach",            FLAG, offsetof(struct options, detach)           },
    {"json",              FLAG, offsetof(struct options, json)             },
    {"yes",               FLAG, offsetof(struct options, yes)              },
    {"print-curl",        FLAG, offsetof(struct options, print_curl)       },
    {"help",              FLAG, offsetof(struct options, help)             },
    {"version",           FLAG, offsetof(struct options, version)          },
    {"role",              TEXT, offsetof(struct options, role)             },
    {"customer",          TEXT, offsetof(struct options, customer)         },
    {"partner",           TEXT, offsetof(struct options, partner)          },
    {"description",       TEXT, offsetof(struct options, description)      },
    {"expires-at",        TEXT, offsetof(struct options, expires_at)       },
    {"secret",            TEXT, offsetof(struct options, secret)           },
    {"type",              TEXT, offsetof(struct options, type)             },
    {"service-key",       TEXT, offsetof(struct options, service_key)      },
    {"note",              TEXT, offsetof(struct options, note)             },
    {"reason",            TEXT, offsetof(struct options, reason)           },
    {"primary-port",      TEXT, offsetof(struct options, primary_port)     },
    {"secondary-port",    TEXT, offsetof(struct options, secondary_port)   },
    {"s-tag",             TEXT, offsetof(struct options, s_tag)            },
    {"partner-reference", TEXT, offsetof(struct options, partner_reference)},
    {"expected-by",       TEXT, offsetof(struct options, expected_by)      },
    {"timestamp",         TEXT, offsetof(struct options, timestamp)        },
    {"webhook-id",        TEXT, offsetof(struct options, webhook_id)       },
    {"url",               TEXT, offsetof(struct options, url)              },
};
enum { KNOWN = sizeof known / sizeof *known };

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("onramp: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static bool port_read(int *out, const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > 65535) {
        complain("--port takes a number from 0 to 65535, not '%s'", text);
        return false;
    }
    *out = (int)port;
    return true;
}

static bool option_take(struct options *out, int index, const char *value)
{
    char *place = (char *)out + known[index].place;
    switch (known[index].form) {
    case FLAG:
        *(bool *)place = true;
        return true;
    case PORT:
        return port_read((int *)place, value);
    case TEXT:
        break;
    }
    if (value[0] == '\0') {
        complain("--%s needs a value", known[index].name);
        return false;
    }
    *(const char **)place = value;
    return true;
}

bool options_read(struct options *out, int count, char **arguments)
{
    struct option table[KNOWN + 1] = {0};
    memset(out, 0, sizeof *out);
    out->port = -1;
    /* What stands behind "--" is for the program that the verb starts. */
    out->rest = arguments + count;
    for (int i = 1; i < count; i++)
        if (strcmp(arguments[i], "--") == 0) {
            out->rest = arguments + i + 1;
            count = i;
        }
    for (int i = 0; i < KNOWN; i++) {
        table[i].name = known[i].name;
        table[i].has_arg = known[i].form == FLAG ? no_argument : required_argument;
    }
    for (;;) {
        int index = -1;
        /* getopt says what is wrong itself, after the name in arguments[0]. */
        int found = getopt_long(count, arguments, "", table, &index);
        if (found == -1)
            break;
        if (found != 0 || !option_take(out, index, optarg))
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
