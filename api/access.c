/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include "api/condition.h"
#include "api/loop.h"
#include "api/request.h"
#include "api/traceparent.h"
#include "base/arena.h"
#include "base/log.h"

#include <time.h>

enum { ERRORS_A_SECOND = 20 };

static const char *const method_names[] = {"GET",   "HEAD",   "POST",  "PUT",
                                           "PATCH", "DELETE", "OTHER", "-"};

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool error_shown(struct loop *loop)
{
    int64_t second = loop->now / 1000;
    if (second != loop->error_second) {
        if (loop->errors_unlogged > 0)
            log_later(LOG_WARNING, "%u more requests were answered 500 or above",
                      loop->errors_unlogged);
        loop->error_second = second;
        loop->errors_logged = loop->errors_unlogged = 0;
    }
    if (loop->errors_logged >= ERRORS_A_SECOND) {
        loop->errors_unlogged++;
        return false;
    }
    loop->errors_logged++;
    return true;
}

/* ", trace <id>", or "" for a request that belongs to none. */
static const char *trace_of(const struct request *request)
{
    char trace[TRACEPARENT_LENGTH + 1];
    const char *field = condition_list(request, "traceparent");
    if (!field || !traceparent_read(trace, field))
        return "";
    return arena_printf(request->arena, ", trace %.*s", TRACE_ID_LENGTH, trace + TRACE_ID_AT);
}

void access_note(struct request *request)
{
    /* 501 and 505 are the client's doing. */
    bool ours = request->status >= 500 && request->status != 501 && request->status != 505;
    int level = ours ? LOG_WARNING : LOG_DEBUG;
    if (!log_shows(level) || (level == LOG_WARNING && !error_shown(request->loop)))
        return;
    const char *role = role_name(request->caller.role);
    log_later(level, "%s %s %d %lld us %s (request %s%s)", method_names[request->method],
              request->route ? request->route->pattern : "-", request->status,
              (long long)(microseconds() - request->exchange->began_us), *role ? role : "-",
              request->id, trace_of(request));
}
