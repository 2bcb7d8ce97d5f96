/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"

#include "api/answer.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "db/rows.h"

#include <string.h>

extern const unsigned char openapi_yaml[];
extern const size_t openapi_yaml_length;

static const struct parameter schema_ready_parameters[] = {
    {FROM_HOOK, "overdue"},
};

const struct operation schema_ready = {
    .name = "schema_ready",
    .lane = LANE_READ,
    .answer = ANSWER_NOTHING,
    .success = 204,
    PARAMETERS(schema_ready_parameters),
};

/* Alone, so that it does not stand behind the writes that may be what hangs. */
const struct operation commit_check = {
    .name = "commit_check",
    .lane = LANE_ALONE,
    .answer = ANSWER_NOTHING,
    .success = 204,
    NO_PARAMETERS,
};

/* Whoever asks whether we are ready sends others elsewhere when we are not: soon. */
enum { READY_MS = 1000 };

/* Between two looks by which it is certain that writes hang. */
enum { HANG_MS = 200 };

/* How long a write that failed for want of room speaks against us: until then another may have
 * failed, and if nobody writes, nobody is refused. */
enum { STORAGE_FULL_MS = 10000 };

void health_serve(struct request *request)
{
    static const char body[] = "{\"status\":\"ok\"}";
    answer_static(request, 200, "application/json", body, sizeof body - 1);
}

static void ready(struct request *request)
{
    static const char body[] = "{\"status\":\"ready\"}";
    answer_static(request, 200, "application/json", body, sizeof body - 1);
}

static void refuse_for_commits(struct request *request)
{
    problem_answer(request,
                   (struct refusal){"not_ready", "The database does not commit: most likely a "
                                                 "synchronous standby does not answer."});
}

/* A write that waited for a lock holds it for a moment before it goes on: one look is none. */
static bool hang_confirmed(struct loop *loop)
{
    atomic_llong *since = loop->settings->hang_seen_at;
    if (atomic_load(since) == 0)
        atomic_store(since, loop->now);
    return loop->now >= atomic_load(since) + HANG_MS;
}

static void schema_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    struct loop *loop = request->loop;
    const char *outcome = rows_count(rows) > 0 ? rows_text(rows, 0, COLUMN_OUTCOME) : "";
    bool hangs = strcmp(outcome, "not_ready") == 0;
    if (!hangs)
        atomic_store(loop->settings->hang_seen_at, 0);
    if (loop->draining)
        problem_answer(request, (struct refusal){"draining", NULL});
    else if (hangs && hang_confirmed(loop))
        refuse_for_commits(request);
    else if (hangs || strcmp(outcome, "ok") == 0)
        ready(request);
    else
        problem_answer(request,
                       (struct refusal){"not_ready", "The database's schema is not the one "
                                                     "that this server needs."});
    request_resume(request, PHASE_ANSWERED);
}

static void schema_failed(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    (void)failure;
    problem_answer(request, (struct refusal){"not_ready", "The database does not answer."});
    request_resume(request, PHASE_ANSWERED);
}

static void check_rows(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    (void)rows;
    atomic_store(request->loop->settings->commits_doubted, false);
    ready(request);
    request_resume(request, PHASE_ANSWERED);
}

static void check_failed(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    (void)failure;
    refuse_for_commits(request);
    request_resume(request, PHASE_ANSWERED);
}

static bool storage_full(const struct loop *loop)
{
    int64_t at = atomic_load(loop->settings->storage_full_at);
    return at != 0 && loop->now < at + STORAGE_FULL_MS;
}

/* Behind a commit that nobody knows about, until another one comes back. */
static void ready_ask(struct request *request)
{
    struct loop *loop = request->loop;
    request->deadline = loop->now + READY_MS;
    if (atomic_load(loop->settings->commits_doubted)) {
        request_submit(request, &commit_check, check_rows, check_failed);
        return;
    }
    request->call.values[0] = loops_overdue(loop, request->arena);
    request_submit(request, &schema_ready, schema_rows, schema_failed);
}

void ready_serve(struct request *request)
{
    struct loop *loop = request->loop;
    if (loop->draining) {
        problem_answer(request, (struct refusal){"draining", NULL});
    } else if (!loops_ready(loop)) {
        problem_answer(request,
                       (struct refusal){"not_ready", "The database connections do not stand."});
    } else if (storage_full(loop)) {
        problem_answer(request, (struct refusal){"storage_full", NULL});
    } else {
        ready_ask(request);
    }
}

void openapi_serve(struct request *request)
{
    answer_static(request, 200, "application/yaml", openapi_yaml, openapi_yaml_length);
}
