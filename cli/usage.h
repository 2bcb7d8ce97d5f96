/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what usage.txt says, of everything or of one verb. The script onramp prints the same
 * from the file. */
#ifndef ONRAMP_CLI_USAGE_H
#define ONRAMP_CLI_USAGE_H

#include "cli/command.h"

/* To standard output; verb NULL: all of it. */
void usage_print(const struct verb *verb);

#endif
