/* SPDX-License-Identifier: Apache-2.0 */
/* env: export lines for a shell, so that a reader needs to copy nothing. */
#include "cli/command.h"
#include "cli/first_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *variable, *member;
} variables[] = {
    {"ONRAMP_OPERATOR_TOKEN", "operatorToken"}, {"ONRAMP_CUSTOMER_ID", "customerId"},
    {"ONRAMP_CUSTOMER_TOKEN", "customerToken"}, {"ONRAMP_PARTNER", "partner"},
    {"ONRAMP_PARTNER_TOKEN", "partnerToken"},   {"ONRAMP_PARTNER_SECRET", "partnerSecret"},
};

static void export_print(const char *variable, const char *value)
{
    printf("export %s='", variable);
    for (; *value != '\0'; value++)
        if (*value == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*value);
    puts("'");
}

static int run(const struct settings *settings, const void *options)
{
    struct state state;
    (void)options; /* it has none */
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    json_t *running = state_running_read(&state);
    json_t *credentials = credentials_read(&state);
    const char *url = json_string_value(json_object_get(running, "url"));
    int process = running != NULL ? state_process(running) : -1;
    int status = EXIT_SUCCESS;
    if (process < 0 || url == NULL) {
        complain("nothing runs from %s; start it first: onramp up --detach", state.directory);
        status = EXIT_STOPPED;
    } else {
        export_print("ONRAMP_URL", url);
        if (credentials == NULL)
            complain("%s holds no credentials: the database had tokens before it; make one with:"
                     " onramp token create --role operator",
                     state.directory);
    }
    for (size_t i = 0; status == EXIT_SUCCESS && i < sizeof variables / sizeof *variables; i++) {
        const char *value = json_string_value(json_object_get(credentials, variables[i].member));
        if (value != NULL)
            export_print(variables[i].variable, value);
    }
    if (process >= 0)
        close(process);
    json_decref(credentials);
    json_decref(running);
    return status;
}

const struct verb verb_env = {
    .name = "env",
    .scope = SCOPE_STATE,
    .run = run,
};
