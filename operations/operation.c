/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/operation.h"

#include <stdlib.h>
#include <string.h>

static size_t position(const struct operation *operation, const char *name)
{
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (strcmp(operation->parameters[i].name, name) == 0)
            return i;
    abort();
}

const char *call_value(const struct call *call, const char *name)
{
    return call->values[position(call->operation, name)];
}

void call_set(struct call *call, const char *name, const char *value)
{
    call->values[position(call->operation, name)] = value;
}
