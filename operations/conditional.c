/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/conditional.h"
#include "operations/sweep.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char conditional_replayed[] = "replayed";

static const struct parameter conditions[] = {
    {FROM_CALLER, "customer"},     {FROM_HOOK, CONDITION_SCOPE},    {FROM_HOOK, CONDITION_KEY},
    {FROM_HOOK, CONDITION_DIGEST}, {FROM_HOOK, CONDITION_VERSIONS}, {FROM_HOOK, CONDITION_TRACE},
    {FROM_HOOK, CONDITION_DRY},
};

enum { CONDITIONS = sizeof conditions / sizeof *conditions };

static void *allocated(size_t size)
{
    void *made = calloc(1, size);
    if (!made)
        abort();
    return made;
}

static char *joined(const char *first, const char *second)
{
    char *text = allocated(strlen(first) + strlen(second) + 1);
    strcpy(text, first);
    return strcat(text, second);
}

/* Of a conditional form: known by what it is of, which is of something itself. */
static const struct operation *each_new(const struct operation *conditional)
{
    struct operation *made = allocated(sizeof *made);
    *made = *conditional;
    made->statement = allocated(sizeof *made->statement);
    made->name = joined(conditional->name, "_each");
    made->each = NULL;
    made->of = conditional;
    return made;
}

const struct operation *conditional_new(const struct operation *operation, enum lane_kind lane,
                                        bool dry)
{
    size_t own = operation->parameter_count;
    struct operation *made = allocated(sizeof *made);
    struct parameter *parameters = allocated((own + CONDITIONS) * sizeof *parameters);
    assert(own + CONDITIONS <= PARAMETERS_MAX);
    memcpy(parameters, operation->parameters, own * sizeof *parameters);
    memcpy(parameters + own, conditions, sizeof conditions);
    if (dry)
        parameters[own + CONDITIONS - 1] =
            (struct parameter){FROM_QUERY, CONDITION_DRY, &kind_boolean};
    *made = *operation;
    made->name = joined("conditional_", operation->name);
    made->statement = allocated(sizeof *made->statement);
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

/* The sub-select is never run: it gives the answer the function's type, and to the parameters of
 * one call those that the function has. The arguments of several calls are the rows of one array.
 */
char *conditional_text(const struct operation *conditional)
{
    bool each = conditional->of->of != NULL;
    const struct operation *operation = each ? conditional->of->of : conditional->of;
    size_t own = operation->parameter_count, resource = resource_of(operation);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    fprintf(out, "SELECT * FROM onramp.conditional_call%s((SELECT r FROM onramp.%s(",
            each ? "_each" : "", operation->name);
    for (size_t i = 1; i <= own; i++) {
        fputs(i > 1 ? ", " : "", out);
        if (each)
            fputs("NULL", out);
        else
            fprintf(out, "$%zu", i);
    }
    fprintf(out, ") r WHERE false), '%s', ARRAY[", operation->name);
    for (size_t i = 1; i <= own; i++)
        fprintf(out, "%s$%zu::text%s", i > 1 ? ", " : "", i, each ? "[]" : "");
    if (resource < own)
        fprintf(out, "]::text[], '%s', $%zu%s",
                operation->parameters[resource].locks == LOCK_VNET ? "vnet" : "circuit",
                resource + 1, each ? "::uuid[]" : "");
    else
        fprintf(out, "]::text[], NULL, NULL");
    for (size_t i = 1; i <= CONDITIONS; i++)
        fprintf(out, ", $%zu", own + i);
    fputc(')', out);
    if (fclose(out) != 0)
        abort();
    return text;
}

const struct operation idempotency_sweep = {.name = "idempotency_sweep", SWEEP};
