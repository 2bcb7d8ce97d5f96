/* SPDX-License-Identifier: Apache-2.0 */
/* command_line.h - read the command line: the verb, and its options before and behind it. */
#ifndef ONRAMP_CLI_COMMAND_LINE_H
#define ONRAMP_CLI_COMMAND_LINE_H

#include "cli/command.h"

struct command_line {
    const struct verb *verb; /* NULL: none was given, but help or version is wanted */
    bool help, version, dump_operations;
    struct settings settings; /* those that the command line gives */
    void *options;            /* of the verb, kept until the process ends */
};

/* verbs ends with NULL. False after complaining, in one line. */
bool command_line_read(struct command_line *out, const struct verb *const verbs[], int count,
                       char **arguments);

#endif
