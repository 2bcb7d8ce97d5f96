/* SPDX-License-Identifier: Apache-2.0 */
/* token create: make a token from a terminal, with the same checks as over HTTP. */
#include "api/token.h"
#include "base/arena.h"
#include "cli/command.h"
#include "cli/storage.h"
#include "db/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct token_options {
    const char *role, *customer, *partner, *description, *expires_at;
};

static const struct option_row token_options[] = {
    {"role", OPTION_TEXT, offsetof(struct token_options, role)},
    {"customer", OPTION_TEXT, offsetof(struct token_options, customer)},
    {"partner", OPTION_TEXT, offsetof(struct token_options, partner)},
    {"description", OPTION_TEXT, offsetof(struct token_options, description)},
    {"expires-at", OPTION_TEXT, offsetof(struct token_options, expires_at)},
    {0},
};

static json_t *body_make(const struct token_options *options)
{
    json_t *body = json_object();
    const struct {
        const char *name, *value;
    } members[] = {
        {"role", options->role},
        {"customerId", options->customer},
        {"partner", options->partner},
        {"description", options->description},
        {"expiresAt", options->expires_at},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].value != NULL &&
            json_object_set_new(body, members[i].name, json_string(members[i].value)) != 0)
            complain("--%s is not UTF-8", members[i].name);
    return body;
}

/* Fill the call's values from its body, as the server does for a request. */
static void call_read(struct call *call)
{
    const struct operation *operation = call->operation;
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct parameter *parameter = &operation->parameters[i];
        const char *pointer = arena_printf(call->arena, "/%s", parameter->name);
        struct reading reading = {call->faults, call->arena, pointer};
        const json_t *value = json_object_get(call->body, parameter->name);
        if (parameter->source == FROM_CALLER)
            call->values[i] = strcmp(parameter->name, "caller") == 0
                                  ? caller_text(call->arena, call->caller)
                                  : NULL;
        else if (parameter->source == FROM_BODY && value != NULL)
            call->values[i] = parameter->kind->from_json(parameter->kind, value, &reading);
        else if (parameter->source == FROM_BODY && parameter->required)
            fault_add(call->faults, pointer, "required", "It must be given.");
    }
    if (operation->complete != NULL)
        operation->complete(call);
}

/* "/customerId" as the option that gave it. */
static const char *option_of(const char *pointer)
{
    return strcmp(pointer, "/customerId") == 0  ? "customer"
           : strcmp(pointer, "/expiresAt") == 0 ? "expires-at"
           : pointer[0] == '/'                  ? pointer + 1
                                                : pointer;
}

static void refusal_print(const struct rows *rows)
{
    json_t *facts = json_loads(rows_text(rows, 0, COLUMN_FACTS), 0, NULL);
    const json_t *errors = json_object_get(facts, "errors");
    const char *detail = json_string_value(json_object_get(facts, "detail"));
    size_t index;
    json_t *error;
    json_array_foreach(errors, index, error)
    {
        const char *pointer = json_string_value(json_object_get(error, "pointer"));
        const char *text = json_string_value(json_object_get(error, "detail"));
        complain("--%s: %s", option_of(pointer != NULL ? pointer : ""), text != NULL ? text : "");
    }
    if (json_array_size(errors) == 0)
        complain("%s", detail != NULL ? detail : rows_text(rows, 0, COLUMN_OUTCOME));
    json_decref(facts);
}

static int create(const struct storage *storage, const struct call *call)
{
    char *error = NULL;
    int status = EXIT_FAILURE;
    struct database *database = database_open(storage->daemon, &error);
    struct rows *rows = NULL;
    if (database == NULL) {
        complain("cannot connect to the database: %s", error);
        goto done;
    }
    rows = database_call(database, call->operation->name, call->values,
                         (int)call->operation->parameter_count);
    if (rows == NULL) {
        complain("%s", database_error(database));
    } else if (rows_count(rows) != 1 || strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0) {
        refusal_print(rows);
    } else {
        puts(call->issued);
        status = EXIT_SUCCESS;
    }
done:
    free(error);
    database_release(rows);
    database_close(database);
    return status;
}

static int run(const struct settings *settings, const void *options)
{
    static const struct caller operator= {.role = ROLE_OPERATOR, .name = "operator"};
    struct arena *arena = arena_new();
    struct faults faults = {.arena = arena};
    struct call call = {
        .operation = &token_create, .arena = arena, .faults = &faults, .caller = &operator};
    json_t *body = body_make(options);
    struct state state;
    struct storage storage = {0};
    int status = EXIT_USAGE;
    call.body = body;
    call_read(&call);
    for (size_t i = 0; i < faults.count && i < FAULTS_MAX; i++)
        complain("--%s: %s", option_of(faults.items[i].pointer), faults.items[i].detail);
    if (faults.count == 0) {
        status = EXIT_FAILURE;
        if (state_open(&state, settings, false)) {
            if (storage_reach_started(&storage, &state, settings))
                status = create(&storage, &call);
            storage_stop(&storage);
            state_release(&state);
        }
    }
    json_decref(body);
    arena_free(arena);
    return status;
}

const struct verb verb_token_create = {
    .name = "token create",
    .scope = SCOPE_DATABASE,
    .options = token_options,
    .size = sizeof(struct token_options),
    .run = run,
};
