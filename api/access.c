/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include "api/condition.h"
#include "api/loop.h"
#include "api/request.h"
#include "api/traceparent.h"
#include "base/arena.h"
#include "base/log.h"

#include <time.h>

enum { LINES_A_SECOND = 10 };

static const char errors[] = "requests were answered 500 or above";
static const char refusals[] = "callbacks were refused";

static const char *const method_names[] = {"GET",    "HEAD",    "POST",  "PUT", "PATCH",
                                           "DELETE", "OPTIONS", "OTHER", "-"};

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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
    struct loop *loop = request->loop;
    if (!log_shows(level) ||
        (ours && !log_rate_admits(&loop->errors, LINES_A_SECOND, loop->now, LOG_WARNING, errors)))
        return;
    const char *role = role_name(request->caller.role);
    log_later(level, "%s %s %d %lld us %s (request %s from %s%s)", method_names[request->method],
              request->route ? request->route->pattern : "-", request->status,
              (long long)(microseconds() - request->exchange->began_us), *role ? role : "-",
              request->id, exchange_client(request->exchange), trace_of(request));
}

void access_refused(struct request *request, const char *why)
{
    struct loop *loop = request->loop;
    if (log_shows(LOG_INFO) &&
        log_rate_admits(&loop->refusals, LINES_A_SECOND, loop->now, LOG_INFO, refusals))
        log_later(LOG_INFO, "a callback was refused: %s (request %s from %s)", why, request->id,
                  exchange_client(request->exchange));
}

void access_settle(struct loop *loop)
{
    log_rate_settle(&loop->errors, loop->now, LOG_WARNING, errors);
    log_rate_settle(&loop->refusals, loop->now, LOG_INFO, refusals);
}
