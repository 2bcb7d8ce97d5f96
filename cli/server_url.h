/* SPDX-License-Identifier: Apache-2.0 */
/* server_url.h - whom a verb talks to, and with what: by option, by variable, or found here. */
#ifndef ONRAMP_CLI_SERVER_URL_H
#define ONRAMP_CLI_SERVER_URL_H

#include "cli/settings.h"

#include <stddef.h>

enum { SERVER_URL = 900 };

/* The option's value, otherwise the variable's, otherwise NULL; an empty one counts as none. */
const char *option_or_variable(const char *option, const char *variable);

/* The server: the option --url (NULL: not given), ONRAMP_URL, or the one that runs here; without a
 * slash at its end. False after complaining. */
bool server_url_find(char *out, size_t size, const char *option, const struct settings *settings);

#endif
