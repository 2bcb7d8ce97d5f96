/* SPDX-License-Identifier: Apache-2.0 */
/* psql, migrate, reset: the database and the state from a terminal. */
#include "cli/command.h"
#include "cli/storage.h"
#include "db/embedded/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int migrate_run(const struct settings *settings, const void *options)
{
    struct state state;
    (void)options; /* it has none */
    struct storage storage = {0};
    int status = EXIT_FAILURE;
    if (!state_open(&state, settings, storage_url(settings) == NULL))
        return EXIT_FAILURE;
    if (storage_reach(&storage, &state, settings) && storage_migrate(&storage, NULL))
        status = EXIT_SUCCESS;
    storage_stop(&storage);
    state_release(&state);
    return status;
}

const struct verb verb_migrate = {
    .name = "migrate",
    .scope = SCOPE_DATABASE,
    .run = migrate_run,
};

/* --- psql --- */

struct psql_options {
    char **rest;
};

static const struct option_row psql_options[] = {
    {.form = OPTION_REST, .offset = offsetof(struct psql_options, rest)},
    {0},
};

static int psql_run(const struct settings *settings, const void *given)
{
    const struct psql_options *options = given;
    struct state state;
    struct storage storage = {0};
    struct cluster cluster;
    char program[PATH_MAX + 8] = "/usr/bin/psql";
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    bool external = storage_url(settings) != NULL;
    if (!external) {
        json_t *running = state_running_read(&state);
        int process = running != NULL ? state_process(running) : -1;
        json_decref(running);
        if (process < 0) {
            complain("nothing runs from %s; start it first: onramp up --detach", state.directory);
            return EXIT_STOPPED;
        }
        close(process);
    }
    if (!storage_reach(&storage, &state, settings))
        return EXIT_FAILURE;
    if (!external && cluster_find(&cluster, state.directory, complain))
        snprintf(program, sizeof program, "%s/psql", cluster.programs);
    size_t more = 0;
    while (options->rest[more] != NULL)
        more++;
    char **arguments = calloc(more + 4, sizeof *arguments);
    if (arguments == NULL)
        abort();
    arguments[0] = program;
    arguments[1] = (char *)"-d";
    arguments[2] = storage.owner;
    memcpy(arguments + 3, options->rest, more * sizeof *arguments);
    /* On the embedded one we are a superuser who acts as the owner; SET ROLE NONE is the way back.
     */
    if (!external)
        setenv("PGOPTIONS", "-c role=onramp_owner -c search_path=onramp,public", 1);
    execv(program, arguments);
    complain("cannot start %s: %s", program, strerror(errno));
    free(arguments);
    storage_stop(&storage);
    return EXIT_NOT_THERE;
}

const struct verb verb_psql = {
    .name = "psql",
    .scope = SCOPE_DATABASE,
    .options = psql_options,
    .size = sizeof(struct psql_options),
    .run = psql_run,
};

/* --- reset --- */

struct reset_options {
    bool yes;
};

static const struct option_row reset_options[] = {
    {"yes", OPTION_FLAG, offsetof(struct reset_options, yes)},
    {0},
};

static bool remove_all(int folder, const char *keep, bool *removed_any);

static bool remove_entry(int folder, const char *name, bool *removed_any)
{
    if (unlinkat(folder, name, 0) == 0) {
        *removed_any = true;
        return true;
    }
    if (errno != EISDIR && errno != EPERM)
        return false;
    int inside = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inside >= 0 && remove_all(inside, NULL, removed_any) &&
           unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* Remove everything in the folder but keep; takes the descriptor over. */
static bool remove_all(int folder, const char *keep, bool *removed_any)
{
    bool good = true;
    DIR *entries = fdopendir(folder);
    struct dirent *entry;
    if (entries == NULL)
        return false;
    while (good && (entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            (keep == NULL || strcmp(entry->d_name, keep) != 0))
            good = remove_entry(folder, entry->d_name, removed_any);
    int reason = errno;
    closedir(entries);
    errno = reason;
    return good;
}

static bool confirmed(const struct reset_options *options, const struct state *state)
{
    char answer[8] = "";
    if (options->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        complain("this removes %s, database, keys and credentials, for good; say --yes to mean it",
                 state->directory);
        return false;
    }
    printf("Remove %s, database, keys and credentials, for good? Type yes: ", state->directory);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int reset_run(const struct settings *settings, const void *options)
{
    struct state state;
    bool removed_any = false;
    if (!state_open(&state, settings, false))
        return EXIT_FAILURE;
    /* Only what is a state is removed: a slip of the pen in --state must not cost a home. */
    if (!state_is_used(&state)) {
        progress("reset", "there is no state in %s", state.directory);
        return EXIT_SUCCESS;
    }
    if (!confirmed(options, &state))
        return EXIT_FAILURE;
    enum hold hold = state_hold(&state);
    if (hold != HELD) {
        if (hold == HELD_BY_OTHERS)
            complain("it runs; stop it first: onramp down");
        return EXIT_FAILURE;
    }
    int folder = open(state.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* The lock goes last: until then nobody can start from what is half gone. */
    bool good = folder >= 0 && remove_all(folder, "lock", &removed_any);
    char path[PATH_MAX];
    if (good && unlink(state_path(path, &state, "lock")) != 0)
        good = false;
    if (!good)
        complain("cannot remove all of %s: %s", state.directory, strerror(errno));
    /* The directory itself is root's to remove where it stands among root's. */
    rmdir(state.directory);
    state_release(&state);
    if (good)
        progress("reset", "%s is empty", state.directory);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct verb verb_reset = {
    .name = "reset",
    .scope = SCOPE_STATE,
    .options = reset_options,
    .size = sizeof(struct reset_options),
    .run = reset_run,
};
