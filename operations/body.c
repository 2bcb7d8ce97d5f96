/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/body.h"

#include "base/arena.h"
#include "operations/pointer.h"

#include <string.h>

/* Parameters in the body are named by paths such as "sku/tier"; the objects on the way are only
 * containers. A parameter whose name is such an object itself ("data") reads all that is in it. */

/* The length of the first segment of a path. */
static size_t segment(const char *path)
{
    return strcspn(path, "/");
}

/* Whether the path goes through prefix, and what follows then; NULL: it does not. */
static const char *below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return path;
    return strncmp(path, prefix, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

static const struct parameter *declared(const struct operation *operation, const char *path)
{
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].source == FROM_BODY &&
            strcmp(operation->parameters[i].name, path) == 0)
            return &operation->parameters[i];
    return NULL;
}

/* Whether some parameter stands in the member name of the object at prefix, or is it. */
static bool leads_somewhere(const struct operation *operation, const char *prefix, const char *name)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct parameter *parameter = &operation->parameters[i];
        const char *rest = parameter->source == FROM_BODY ? below(parameter->name, prefix) : NULL;
        if (rest && segment(rest) == strlen(name) && strncmp(rest, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

/* Whether the answer shows a member of this name at its top. */
static bool shown(const struct operation *operation, const char *name)
{
    int depth = 0;
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (depth == 0 && member->name && strcmp(member->name, name) == 0)
            return true;
        depth += member->kind == MEMBER_OPEN || member->kind == MEMBER_OPEN_IF;
        depth -= member->kind == MEMBER_CLOSE;
    }
    return false;
}

/* A fault for each member that leads nowhere, and a look into those that are containers. */
static void unknown_members(struct call *call, const json_t *object, const char *prefix,
                            const char *pointer)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const char *inner = pointer_below(call->arena, pointer, name);
        if (!leads_somewhere(call->operation, prefix, name)) {
            if (call->operation->fixed_members && !*prefix && shown(call->operation, name)) {
                fault_add(call->faults, inner, "immutable_field",
                          "This member can't be changed here. Leave it out.");
                continue;
            }
            fault_add(call->faults, inner, "unknown_member",
                      "There is no such member here. Leave it out or correct its name.");
            continue;
        }
        const char *path = *prefix ? arena_printf(call->arena, "%s/%s", prefix, name) : name;
        if (declared(call->operation, path))
            continue;
        if (!json_is_object(value))
            fault_add(call->faults, inner, "wrong_type", "Expected an object.");
        else if (!call->operation->open_member || strcmp(path, call->operation->open_member) != 0)
            unknown_members(call, value, path, inner);
    }
}

/* The value at a path, or NULL. container_absent: an object on the way is absent or none, which is
 * then that object's own fault when it is a parameter or a wrong type. */
static const json_t *value_at(const struct call *call, const char *path, bool *container_missing)
{
    const json_t *at = call->body;
    *container_missing = false;
    for (const char *rest = path;;) {
        size_t length = segment(rest);
        const char *name = arena_copy(call->arena, rest, length);
        const json_t *value = json_object_get(at, name);
        if (rest[length] == '\0')
            return value;
        if (!json_is_object(value)) {
            const char *container = arena_copy(call->arena, path, (size_t)(rest - path) + length);
            const struct parameter *parameter = declared(call->operation, container);
            *container_missing = value || (parameter && parameter->required);
            return NULL;
        }
        at = value;
        rest += length + 1;
    }
}

static void parameter_read(struct call *call, size_t index)
{
    const struct parameter *parameter = &call->operation->parameters[index];
    bool container_missing;
    const json_t *value = value_at(call, parameter->name, &container_missing);
    const char *pointer = arena_printf(call->arena, "/%s", parameter->name);
    struct reading reading = {call->faults, call->arena, pointer};
    call->values[index] = parameter->fallback;
    if (!value) {
        if (parameter->required && !container_missing)
            fault_add(call->faults, pointer, "required", "This member is required.");
        return;
    }
    if (json_is_null(value) && !parameter->kind->nullable)
        fault_add(call->faults, pointer, "wrong_type", "null is not allowed here.");
    else
        call->values[index] = parameter->kind->from_json(parameter->kind, value, &reading);
}

void body_read(struct call *call)
{
    if (!json_is_object(call->body)) {
        fault_add(call->faults, "", "wrong_type", "Expected an object.");
        return;
    }
    for (size_t i = 0; i < call->operation->parameter_count; i++)
        if (call->operation->parameters[i].source == FROM_BODY)
            parameter_read(call, i);
    unknown_members(call, call->body, "", "");
}

bool body_expected(const struct operation *operation)
{
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].source == FROM_BODY)
            return true;
    return false;
}

bool body_required(const struct operation *operation)
{
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (operation->parameters[i].source == FROM_BODY && operation->parameters[i].required)
            return true;
    return false;
}
