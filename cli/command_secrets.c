/* SPDX-License-Identifier: Apache-2.0 */
/* secrets rotate: seal all secrets with a new key, and drop the old one. */
#include "cli/command.h"
#include "cli/secrets.h"
#include "crypto/seal.h"

#include <stdlib.h>
#include <string.h>

int command_secrets(const struct options *options)
{
    char path[PATH_MAX];
    struct state state;
    struct storage storage = {0};
    int status = EXIT_FAILURE;
    if (strcmp(options->words[1], "rotate") != 0) {
        complain("'secrets' knows 'rotate' alone, not '%s'", options->words[1]);
        return EXIT_USAGE;
    }
    if (!state_open(&state, options, false))
        return EXIT_FAILURE;
    if (storage_reach_started(&storage, &state, options) &&
        secrets_rotate(secrets_place(path, &state, options), &storage))
        status = EXIT_SUCCESS;
    seal_keys_forget();
    storage_stop(&storage);
    state_release(&state);
    return status;
}
