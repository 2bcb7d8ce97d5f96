/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/operations_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *verb;
    int (*command)(const struct options *options);
    int words; /* that follow the verb */
} commands[] = {
    {"up", command_up, 0},
    {"down", command_down, 0},
    {"status", command_status, 0},
    {"env", command_env, 0},
    {"psql", command_psql, 0},
    {"migrate", command_migrate, 0},
    {"reset", command_reset, 0},
    {"retention", command_retention, 0},
    {"secrets", command_secrets, 1},
    {"token", command_token, 1},
    {"callback", command_callback, 0},
    {"simulate-partner", command_simulate_partner, 0},
};

static int misused(void)
{
    fputs((const char *)usage_text, stderr);
    return EXIT_USAGE;
}

int main(int count, char **arguments)
{
    struct options options;
    char name[] = "onramp";
    arguments[0] = name;
    if (!options_read(&options, count, arguments))
        return misused();
    if (options.help) {
        fputs((const char *)usage_text, stdout);
        return EXIT_SUCCESS;
    }
    if (options.version) {
        puts("onramp " ONRAMP_VERSION);
        return EXIT_SUCCESS;
    }
    if (options.dump_operations)
        return operations_json(stdout);
    if (options.word_count == 0) {
        complain("what to do? A verb is missing");
        return misused();
    }
    if (!options_complete(&options))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].verb, options.words[0]) != 0)
            continue;
        if (options.word_count - 1 == commands[i].words)
            return commands[i].command(&options);
        complain("'%s' takes %s", commands[i].verb,
                 commands[i].words == 0 ? "no further word" : "one further word");
        return misused();
    }
    complain("there is no '%s'", options.words[0]);
    return misused();
}
