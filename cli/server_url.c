/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_url.h"

#include "cli/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *option_or_variable(const char *option, const char *variable)
{
    const char *value = option != NULL ? option : getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool server_url_find(char *out, size_t size, const char *option, const struct settings *settings)
{
    const char *url = option_or_variable(option, "ONRAMP_URL");
    json_t *running = NULL;
    struct state state;
    if (url == NULL && state_open(&state, settings, false)) {
        running = state_running_read(&state);
        url = json_string_value(json_object_get(running, "url"));
    }
    if (url == NULL)
        complain("which server? Nothing runs here, and neither --url nor ONRAMP_URL is given");
    else
        snprintf(out, size, "%s", url);
    json_decref(running);
    size_t length = url != NULL ? strlen(out) : 0;
    while (length > 0 && out[length - 1] == '/')
        out[--length] = '\0';
    return url != NULL;
}
