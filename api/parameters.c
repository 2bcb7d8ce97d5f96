/* SPDX-License-Identifier: Apache-2.0 */
#include "api/parameters.h"

#include "api/route.h"
#include "base/arena.h"
#include "operations/pointer.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_SHOWN_OCTETS = 64 };

/* A parameter of the query: where its value belongs, and whether it was given. */
struct asked {
    const struct parameter *parameter; /* NULL: there is none of the name */
    const char **value;
    bool *seen;
};

struct seen {
    bool parameters[PARAMETERS_MAX], wait_for, wait_seconds;
};

static bool is_called(const struct parameter *parameter, const char *name)
{
    return parameter->source == FROM_QUERY && parameter->name && strcmp(parameter->name, name) == 0;
}

static struct asked query_parameter(struct call *call, struct seen *seen, const char *name)
{
    const struct operation *operation = call->operation;
    const struct waiting *waiting = operation->waiting;
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (is_called(&operation->parameters[i], name))
            return (struct asked){&operation->parameters[i], &call->values[i],
                                  &seen->parameters[i]};
    if (waiting && is_called(&waiting->what, name))
        return (struct asked){&waiting->what, &call->wait_for, &seen->wait_for};
    if (waiting && is_called(&waiting->seconds, name))
        return (struct asked){&waiting->seconds, &call->wait_seconds, &seen->wait_seconds};
    return (struct asked){NULL, NULL, NULL};
}

static const char *pointer_of(const struct call *call, const char *name)
{
    int length = (int)name_cut(name, strlen(name), NAME_SHOWN_OCTETS);
    return arena_printf(call->arena, "?%.*s", length, name);
}

void query_parameters_read(struct call *call, const char *query, struct pair pairs[PAIRS_MAX],
                           size_t *count)
{
    const struct operation *operation = call->operation;
    struct seen seen = {0};
    if (operation->waiting)
        call->wait_seconds = operation->waiting->seconds.fallback;
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].source == FROM_QUERY)
            call->values[i] = operation->parameters[i].fallback;
    switch (query_read(pairs, count, call->arena, query)) {
    case QUERY_GOOD:
        break;
    case QUERY_TOO_MANY:
        fault_add(call->faults, "?", "unknown_parameter", "There are too many query parameters.");
        return;
    case QUERY_NOT_TEXT:
        fault_add(call->faults, "?", "malformed_request",
                  "A query parameter is not percent-encoded UTF-8.");
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        const struct pair *pair = &pairs[i];
        struct reading reading = {call->faults, call->arena, pointer_of(call, pair->name)};
        struct asked asked = query_parameter(call, &seen, pair->name);
        if (!asked.parameter) {
            fault_add(call->faults, reading.pointer, "unknown_parameter",
                      "There is no such query parameter here. Leave it out or correct its name.");
        } else if (*asked.seen) {
            fault_add(call->faults, reading.pointer, "malformed_request",
                      "This query parameter stands twice. Send it once.");
        } else {
            const struct kind *kind = asked.parameter->kind;
            *asked.seen = true;
            *asked.value = kind->from_text(kind, pair->value, &reading);
        }
    }
    call->wait_given = seen.wait_seconds;
}

static const char *caller_value(const struct call *call, const char *name)
{
    const struct caller *caller = call->caller;
    const struct {
        const char *name, *value;
    } values[] = {
        {"customer", caller->customer},         {"partner", caller->partner},
        {"role", role_name(caller->role)},      {"secret", caller->secret_id},
        {"partner-of-caller", caller->partner},
    };
    if (strcmp(name, "caller") == 0)
        return caller_text(call->arena, caller);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    abort(); /* an operation asks for what no caller has */
}

static const char *bound_value(const struct bindings *bindings, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < bindings->count; i++)
        if (strncmp(bindings->items[i].name, name, length) == 0 &&
            bindings->items[i].name[length] == '}')
            return bindings->items[i].value;
    abort(); /* an operation asks for what its route does not name */
}

static bool visible(const char *text)
{
    for (; *text; text++)
        if (*text < 0x21 || *text > 0x7E)
            return false;
    return true;
}

static void header_read(struct call *call, struct header_lookup headers, size_t index)
{
    const struct parameter *parameter = &call->operation->parameters[index];
    const char *value = headers.find(headers.message, parameter->name);
    struct reading reading = {call->faults, call->arena, parameter->name};
    call->values[index] = parameter->fallback;
    if (value && !visible(value))
        fault_add(call->faults, parameter->name, "invalid_value",
                  "Expected visible ASCII characters only.");
    else if (value)
        call->values[index] = parameter->kind->from_text(parameter->kind, value, &reading);
    else if (parameter->required)
        fault_add(call->faults, parameter->name, "required", "This header field is required.");
}

bool other_parameters_read(struct call *call, const struct bindings *bindings,
                           struct header_lookup headers)
{
    for (size_t i = 0; i < call->operation->parameter_count; i++) {
        const struct parameter *parameter = &call->operation->parameters[i];
        if (parameter->source == FROM_CALLER) {
            call->values[i] = caller_value(call, parameter->name);
        } else if (parameter->source == FROM_HEADER) {
            header_read(call, headers, i);
        } else if (parameter->source == FROM_PATH) {
            struct faults ignored = {.arena = call->arena};
            struct reading reading = {&ignored, call->arena, ""};
            const char *text = bound_value(bindings, parameter->name);
            call->values[i] = parameter->kind->from_text(parameter->kind, text, &reading);
            if (!call->values[i])
                return false;
        }
    }
    return true;
}
