/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_line.h"
#include "cli/operations_json.h"
#include "cli/usage.h"

#include <stdio.h>
#include <stdlib.h>

static const struct verb *const verbs[] = {
    &verb_up,
    &verb_down,
    &verb_status,
    &verb_env,
    &verb_psql,
    &verb_migrate,
    &verb_reset,
    &verb_retention,
    &verb_token_create,
    &verb_secrets_rotate,
    &verb_callback,
    &verb_simulate_partner,
    NULL,
};

int main(int count, char **arguments)
{
    struct command_line line;
    if (!command_line_read(&line, verbs, count, arguments))
        return EXIT_USAGE;
    if (line.help) {
        usage_print(line.verb);
        return EXIT_SUCCESS;
    }
    if (line.version) {
        puts("onramp " ONRAMP_VERSION);
        return EXIT_SUCCESS;
    }
    if (line.dump_operations)
        return operations_json(stdout);
    if (!settings_complete(&line.settings))
        return EXIT_USAGE;
    return line.verb->run(&line.settings, line.options);
}
