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

const struct operation schema_ready = {
    .name = "schema_ready",
    .lane = LANE_READ,
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

static void on_rows(struct query *query, const struct rows *rows)
{
    static const char body[] = "{\"status\":\"ready\"}";
    struct request *request = request_of(query);
    if (rows_count(rows) > 0 && strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") == 0)
        answer_static(request, 200, "application/json", body, sizeof body - 1);
    else
        problem_answer(request,
                       (struct refusal){"not_ready", "The database's schema is not the one "
                                                     "that this server needs."});
    request_resume(request, PHASE_ANSWERED);
}

static void on_failure(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    (void)failure;
    problem_answer(request, (struct refusal){"not_ready", "The database does not answer."});
    request_resume(request, PHASE_ANSWERED);
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
        problem_answer(request, (struct refusal){"not_ready", "The server is shutting down."});
    } else if (!loops_ready(loop)) {
        problem_answer(request,
                       (struct refusal){"not_ready", "The database connections do not stand."});
    } else if (storage_full(loop)) {
        problem_answer(request, (struct refusal){"storage_full", NULL});
    } else {
        request->deadline = loop->now + READY_MS;
        request_submit(request, &schema_ready, on_rows, on_failure);
    }
}

void openapi_serve(struct request *request)
{
    answer_static(request, 200, "application/yaml", openapi_yaml, openapi_yaml_length);
}
