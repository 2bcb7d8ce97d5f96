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

/* How long a write that failed for want of room speaks against us: until then another may have
 * failed, and if nobody writes, nobody is refused. */
enum { STORAGE_FULL_MS = 10000 };

void health_serve(struct request *request)
{
    static const char body[] = "{\"status\":\"ok\"}";
    answer_static(request, 200, "application/json", body, sizeof body - 1);
}

static void ready_ask(struct request *request);

static void refuse_for_commits(struct request *request)
{
    problem_answer(request,
                   (struct refusal){"not_ready", "The database does not commit: most likely a "
                                                 "synchronous standby does not answer."});
}

static void on_rows(struct query *query, const struct rows *rows)
{
    static const char body[] = "{\"status\":\"ready\"}";
    struct request *request = request_of(query);
    bool checked = request->call.operation == &commit_check;
    if (rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0) {
        if (checked)
            atomic_store(request->loop->settings->commits_doubted, false);
        answer_static(request, 200, "application/json", body, sizeof body - 1);
    } else if (!checked && !request->asked_again) {
        request->asked_again = true;
        ready_ask(request);
        return;
    } else {
        refuse_for_commits(request);
    }
    request_resume(request, PHASE_ANSWERED);
}

static void on_failure(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    (void)failure;
    if (request->call.operation == &commit_check)
        refuse_for_commits(request);
    else
        problem_answer(request, (struct refusal){"not_ready", "The database does not answer."});
    request_resume(request, PHASE_ANSWERED);
}

/* A write that was late may have come about while the database was asked: it is asked twice. */
static void ready_ask(struct request *request)
{
    bool doubted = atomic_load(request->loop->settings->commits_doubted);
    request->call.operation = doubted ? &commit_check : &schema_ready;
    request->call.values[0] = doubted ? NULL : loops_overdue(request->loop, request->arena);
    request_submit(request, request->call.operation, on_rows, on_failure);
}

static bool storage_full(const struct loop *loop)
{
    int64_t at = atomic_load(loop->settings->storage_full_at);
    return at != 0 && loop->now < at + STORAGE_FULL_MS;
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
        request->deadline = loop->now + READY_MS;
        ready_ask(request);
    }
}

void openapi_serve(struct request *request)
{
    answer_static(request, 200, "application/yaml", openapi_yaml, openapi_yaml_length);
}
