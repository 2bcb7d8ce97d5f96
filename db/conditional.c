/* SPDX-License-Identifier: Apache-2.0 */
#include "db/conditional.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char conditional_replayed[] = "{\"replayed\": true}";

static const struct parameter conditions[] = {
    {FROM_CALLER, "customer"        },
    {FROM_HOOK,   CONDITION_SCOPE   },
    {FROM_HOOK,   CONDITION_KEY     },
    {FROM_HOOK,   CONDITION_DIGEST  },
    {FROM_HOOK,   CONDITION_VERSIONS},
    {FROM_HOOK,   CONDITION_TRACE   },
    {FROM_HOOK,   CONDITION_DRY     },
};

enum { CONDITIONS = sizeof conditions / sizeof *conditions };

static const char prefix[] = "conditional_", suffix[] = "_each";

/* Of a conditional form: known by what it is of, which is of something itself. */
static const struct operation *each_new(const struct operation *conditional)
{
    struct operation *made = malloc(sizeof *made);
    char *name = malloc(strlen(conditional->name) + sizeof suffix);
    if (!made || !name)
        abort();
    strcpy(name, conditional->name);
    strcat(name, suffix);
    *made = *conditional;
    made->name = name;
    made->each = NULL;
    made->of = conditional;
    return made;
}

const struct operation *conditional_new(const struct operation *operation, enum lane_kind lane,
                                        bool dry)
{
    size_t own = operation->parameter_count;
    struct operation *made = malloc(sizeof *made);
    struct parameter *parameters = calloc(own + CONDITIONS, sizeof *parameters);
    char *name = malloc(sizeof prefix + strlen(operation->name));
    if (!made || !parameters || !name)
        abort();
    assert(own + CONDITIONS <= PARAMETERS_MAX);
    memcpy(parameters, operation->parameters, own * sizeof *parameters);
    memcpy(parameters + own, conditions, sizeof conditions);
    if (dry)
        parameters[own + CONDITIONS - 1] =
            (struct parameter){FROM_QUERY, CONDITION_DRY, &kind_boolean};
    memcpy(name, prefix, sizeof prefix - 1);
    strcpy(name + sizeof prefix - 1, operation->name);
    *made = *operation;
    made->name = name;
    made->lane = lane;
    made->parameters = parameters;
    made->parameter_count = own + CONDITIONS;
    made->of = operation;
    made->each = lane == LANE_WRITE && operation->each != NULL ? each_new(made) : NULL;
    return made;
}

/* The position of the parameter that names the resource, or parameter_count. */
static size_t resource_of(const struct operation *operation)
{
    size_t i = 0;
    while (i < operation->parameter_count && (operation->parameters[i].source != FROM_PATH ||
                                              (operation->parameters[i].locks != LOCK_CIRCUIT &&
                                               operation->parameters[i].locks != LOCK_VNET)))
        i++;
    return i;
}

bool conditional_versioned(const struct operation *operation)
{
    return resource_of(operation) < operation->parameter_count;
}

static const char *resource_name(const struct operation *operation, size_t resource)
{
    return operation->parameters[resource].locks == LOCK_VNET ? "vnet" : "circuit";
}

/* The sub-select is never run: it gives its parameters the types that the function has, and the
 * answer the function's type. */
static void write_one(FILE *out, const struct operation *operation)
{
    size_t own = operation->parameter_count, resource = resource_of(operation);
    fprintf(out, "SELECT * FROM onramp.conditional_call((SELECT r FROM onramp.%s(",
            operation->name);
    for (size_t i = 1; i <= own; i++)
        fprintf(out, "%s$%zu", i > 1 ? ", " : "", i);
    fprintf(out, ") r WHERE false), '%s', ARRAY[", operation->name);
    for (size_t i = 1; i <= own; i++)
        fprintf(out, "%s$%zu::text", i > 1 ? ", " : "", i);
    if (resource < own)
        fprintf(out, "]::text[], '%s', $%zu", resource_name(operation, resource), resource + 1);
    else
        fprintf(out, "]::text[], NULL, NULL");
}

/* Here the sub-select gives the answer its type alone; the arguments of all calls are the rows of
 * one array. */
static void write_each(FILE *out, const struct operation *operation)
{
    size_t own = operation->parameter_count, resource = resource_of(operation);
    fprintf(out, "SELECT * FROM onramp.conditional_call_each((SELECT r FROM onramp.%s(",
            operation->name);
    for (size_t i = 1; i <= own; i++)
        fprintf(out, "%sNULL", i > 1 ? ", " : "");
    fprintf(out, ") r WHERE false), '%s', ARRAY[", operation->name);
    for (size_t i = 1; i <= own; i++)
        fprintf(out, "%s$%zu::text[]", i > 1 ? ", " : "", i);
    if (resource < own)
        fprintf(out, "], '%s', $%zu::uuid[]", resource_name(operation, resource), resource + 1);
    else
        fprintf(out, "], NULL, NULL");
}

char *conditional_text(const struct operation *conditional)
{
    const struct operation *one = conditional->of->of;
    const struct operation *operation = one != NULL ? one : conditional->of;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    if (one != NULL)
        write_each(out, operation);
    else
        write_one(out, operation);
    for (size_t i = 1; i <= CONDITIONS; i++)
        fprintf(out, ", $%zu", operation->parameter_count + i);
    fputc(')', out);
    if (fclose(out) != 0)
        abort();
    return text;
}

/* As many in one transaction as keep it short. */
static void idempotency_sweep_complete(struct call *call)
{
    call_set(call, "limit", "1000");
}

static const struct parameter idempotency_sweep_parameters[] = {
    {FROM_HOOK, "limit"}
};

const struct operation idempotency_sweep = {
    .name = "idempotency_sweep",
    .lane = LANE_ALONE,
    .answer = ANSWER_ONE,
    .success = 200,
    PARAMETERS(idempotency_sweep_parameters),
    .complete = idempotency_sweep_complete,
};
