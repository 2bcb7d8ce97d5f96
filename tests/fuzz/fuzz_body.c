/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, read as each operation that takes one: the first octet chooses the route. A body without
 * a fault has a value for everything that is required. */
#include "api/json_text.h"
#include "api/route.h"
#include "base/arena.h"
#include "crypto/seal.h"
#include "operations/body.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Operations that issue a secret seal it. */
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    char path[] = "/tmp/onramp-fuzz-XXXXXX", *error = NULL;
    struct seal_keys keys = {.count = 1};
    int fd = mkstemp(path);
    (void)count;
    (void)arguments;
    if (fd < 0 || !seal_key_new(&keys.items[0]) || !seal_keys_write(&keys, path, &error) ||
        !seal_keys_load(path, &error))
        abort();
    close(fd);
    unlink(path);
    return 0;
}

static void read_as(const struct operation *operation, struct arena *arena, const json_t *body,
                    const char *text, size_t length)
{
    static const struct caller caller = {.role = ROLE_CUSTOMER, .name = "fuzz"};
    struct faults faults = {.arena = arena};
    struct call call = {.operation = operation,
                        .arena = arena,
                        .faults = &faults,
                        .caller = &caller,
                        .body = body,
                        .raw_body = text,
                        .raw_body_length = length};
    body_read(&call);
    if (operation->complete)
        operation->complete(&call);
    for (size_t i = 0; i < operation->parameter_count; i++)
        if (faults.count == 0 && operation->parameters[i].source == FROM_BODY &&
            operation->parameters[i].required && !call.values[i])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    const struct route *routes = routes_all(&count);
    if (size == 0)
        return 0;
    const struct route *route = &routes[data[0] % count];
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    json_error_t error;
    struct arena *arena = arena_new();
    if (json_text_too_deep(text, length) == length) {
        json_t *body = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (body && route->operation && body_expected(route->operation))
            read_as(route->operation, arena, body, text, length);
        else if (!body)
            json_text_pointer(arena, text, (size_t)error.position);
        json_decref(body);
    }
    arena_free(arena);
    return 0;
}
