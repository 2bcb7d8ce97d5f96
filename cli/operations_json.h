/* SPDX-License-Identifier: Apache-2.0 */
/* operations_json.h - the tables of routes and operations as JSON, for tests and tools. */
#ifndef ONRAMP_CLI_OPERATIONS_JSON_H
#define ONRAMP_CLI_OPERATIONS_JSON_H

#include <stdio.h>

/* Write an array with an object for each line of the table of routes: its operation's name, method,
 * path, roles, lane, parameters, members, and what a request on it may ask for. Returns the status
 * to exit with. */
int operations_json(FILE *out);

#endif
