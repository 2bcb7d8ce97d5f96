/* SPDX-License-Identifier: Apache-2.0 */
#include "api/guard.h"

#include "api/request.h"
#include "base/arena.h"

#include <microhttpd.h>
#include <string.h>

/* From the parsed head in memory to the bytes that came in. */
struct copying {
    const char *at, *end; /* in the HTTP library's buffer */
    char *out;
};

/* Copy up to the next NUL. False when there is none. */
static bool copy_text(struct copying *copying)
{
    const char *nul = memchr(copying->at, '\0', (size_t)(copying->end - copying->at));
    if (!nul)
        return false;
    size_t length = (size_t)(nul - copying->at);
    memcpy(copying->out, copying->at, length);
    copying->out += length;
    copying->at = nul;
    return true;
}

/* Where count NULs stand was a separator. */
static bool put_back(struct copying *copying, size_t count, const char *separator)
{
    if ((size_t)(copying->end - copying->at) < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (copying->at[i] != '\0')
            return false;
    memcpy(copying->out, separator, count);
    copying->out += count;
    copying->at += count;
    return true;
}

static bool request_line_copy(struct copying *copying, const struct request *request,
                              const char *version)
{
    if (!copy_text(copying) || !put_back(copying, 1, " "))
        return false;
    size_t length = strlen(request->raw_target);
    if (copying->at != request->target_in_buffer || (size_t)(copying->end - copying->at) < length)
        return false;
    memcpy(copying->out, request->raw_target, length);
    copying->out += length;
    copying->at += length;
    return put_back(copying, 1, " ") && copying->at == version && copy_text(copying) &&
           put_back(copying, 2, "\r\n");
}

static bool fields_copy(struct copying *copying)
{
    while (copying->end - copying->at > 2)
        if (!copy_text(copying) || !put_back(copying, 1, ":") || !copy_text(copying) ||
            !put_back(copying, 2, "\r\n"))
            return false;
    return put_back(copying, 2, "\r\n") && copying->at == copying->end;
}

const char *guard_target(struct arena *arena, const char *uri)
{
    const char *copy = arena_copy(arena, uri, strlen(uri));
    const char *query = strchr(uri, '?');
    /* The parameter is const by the callback's type; what it points at is the buffer of the
     * connection, which the HTTP library itself goes on to write to. */
    if (query)
        ((char *)(uintptr_t)query)[1] = '\0';
    return copy;
}

enum head_verdict guard_head(struct head *out, const struct request *request, const char *method,
                             const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t size = info ? info->header_size : 0;
    char *bytes = arena_alloc(request->arena, size + 1);
    struct copying copying = {.at = method, .end = method + size, .out = bytes};
    enum head_verdict verdict = HEAD_REFUSED;
    *out = (struct head){0};
    if (size > HEAD_MAX)
        out->refusal.code = "headers_too_large";
    else if (request_line_copy(&copying, request, version) && fields_copy(&copying))
        verdict = head_scan(out, bytes, size);
    if (verdict == HEAD_COMPLETE && out->length == size)
        return HEAD_COMPLETE;
    if (!out->refusal.code)
        out->refusal = (struct refusal){"malformed_request",
                                        "The head of the request is not well-formed. Write one "
                                        "field a line, ended by CR LF, without NULs."};
    return HEAD_REFUSED;
}
