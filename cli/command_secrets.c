/* SPDX-License-Identifier: Apache-2.0 */
/* secrets rotate: seal all secrets with a new key, and drop the old one. */
#include "cli/command.h"
#include "cli/secrets.h"
#include "crypto/seal.h"

#include <stdlib.h>

static int run(const struct settings *settings, const void *options)
{
    char path[PATH_MAX];
    struct state state;
    struct storage storage = {0};
    int status = EXIT_FAILURE;
    (void)options; /* it has none */
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    if (storage_reach_started(&storage, &state, settings) &&
        secrets_rotate(secrets_place(path, &state, settings), &storage))
        status = EXIT_SUCCESS;
    seal_keys_forget();
    storage_stop(&storage);
    state_release(&state);
    return status;
}

const struct verb verb_secrets_rotate = {
    .name = "secrets rotate",
    .scope = SCOPE_SECRETS,
    .run = run,
};
