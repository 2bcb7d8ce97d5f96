/* SPDX-License-Identifier: Apache-2.0 */
#include "application.h"
#include "demand.h"

#include "chance.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct job *next, *previous;
    struct application *application;
    struct exchange *exchange;
    unsigned turns;      /* until it goes on; 0: not by itself */
    bool ready, refused; /* told */
    bool waits;          /* for application_let */
    unsigned part;       /* of a stream */
    unsigned id;
};

static const struct single_field singles[] = {SINGLE_FIELD("authorization"), {NULL, 0}};

void application_begin(struct application *application, uint64_t seed)
{
    *application = (struct application){.random = seed, .most_turns = 4, .waiting_turns = 12};
}

void application_forget(struct application *application)
{
    memset(application->writes, 0, sizeof application->writes);
    memset(application->sums, 0, sizeof application->sums);
}

uint64_t application_sum(const char *octets, size_t length)
{
    uint64_t sum = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)octets[i]) * UINT64_C(0x100000001B3);
    return sum;
}

int application_status(const char *code)
{
    static const struct {
        const char *code;
        int status;
    } statuses[] = {
        {"malformed_request", 400},
        {"uri_too_long", 414},
        {"headers_too_large", 431},
        {"not_implemented", 501},
        {"http_version_not_supported", 505},
        {"content_too_large", 413},
        {"overloaded", 503},
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (strcmp(statuses[i].code, code) == 0)
            return statuses[i].status;
    ck_abort_msg("the code %s is unknown", code);
}

/* --- jobs --- */

static struct job *job_new(struct exchange *exchange)
{
    struct application *application = exchange->context;
    struct job *job = calloc(1, sizeof *job);
    must(job);
    demand(!exchange->of, "an exchange begins twice");
    job->application = application;
    job->exchange = exchange;
    job->next = application->jobs;
    if (job->next)
        job->next->previous = job;
    application->jobs = job;
    application->live++;
    exchange->of = job;
    return job;
}

static void job_sets_out(struct job *job, unsigned turns)
{
    job->application->due += turns > 0;
    job->turns = turns;
}

static void done(struct exchange *exchange)
{
    struct job *job = exchange->of;
    demand(job, "an exchange is done that was not begun");
    *(job->previous ? &job->previous->next : &job->application->jobs) = job->next;
    if (job->next)
        job->next->previous = job->previous;
    job->application->due -= job->turns > 0;
    job->application->live--;
    exchange->of = NULL;
    free(job);
}

/* --- answers --- */

static void answer(struct exchange *exchange, int status, const char *text)
{
    char *copy = strdup(text);
    must(copy);
    exchange_answer(exchange, status, copy, strlen(copy), OCTETS_GIVEN);
    exchange_header(exchange, "Content-Type", "text/plain");
}

static ssize_t stream_source(struct exchange *exchange, char *out, size_t size)
{
    static const char *const parts[] = {"one", "two", "three"};
    struct job *job = exchange->of;
    if (job->part == 3)
        return -1;
    if (job->turns > 0 || chance(&job->application->random, 2)) {
        if (job->turns == 0)
            job_sets_out(job, 1 + chance_below(&job->application->random, 3));
        return 0;
    }
    int written = snprintf(out, size, "%s %u\n", parts[job->part++], job->id);
    must(written > 0 && (size_t)written < size);
    return written;
}

static unsigned late(struct application *application)
{
    return application->most_turns ? chance_below(&application->random, application->most_turns + 1)
                                   : 0;
}

static void go_on(struct job *job)
{
    struct exchange *exchange = job->exchange;
    char text[128];
    if (exchange->source) {
        exchange_wake(exchange);
        return;
    }
    if (strncmp(exchange->target, "/write/", 7) == 0)
        snprintf(text, sizeof text, "wrote %u %zu %llx", job->id, exchange->body_length,
                 (unsigned long long)application_sum(exchange->body, exchange->body_length));
    else
        snprintf(text, sizeof text, "waited %u", job->id);
    answer(exchange, 200, text);
    exchange_send(exchange);
}

static void write_count(struct job *job)
{
    struct application *application = job->application;
    struct exchange *exchange = job->exchange;
    must(exchange->body[exchange->body_length] == '\0');
    application->writes[job->id]++;
    application->sums[job->id] = application_sum(exchange->body, exchange->body_length);
    job_sets_out(job, late(application));
    if (job->turns == 0)
        go_on(job);
}

static void echo(struct job *job)
{
    struct exchange *exchange = job->exchange;
    const char *said = exchange_fields(exchange, "x-say", NULL);
    char text[512];
    snprintf(text, sizeof text, "echo %u%s%s", job->id, said ? " " : "", said ? said : "");
    answer(exchange, 200, text);
}

static void large(struct exchange *exchange)
{
    static char octets[LARGE];
    exchange_answer(exchange, 200, octets, LARGE, OCTETS_KEPT);
}

/* --- handlers --- */

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void begin(struct exchange *exchange)
{
    struct job *job = job_new(exchange);
    const char *slash = strrchr(exchange->target, '/');
    const char *authorization = exchange_field(exchange, "authorization");
    job->id = slash ? (unsigned)(strtoul(slash + 1, NULL, 10) % IDS) : 0;
    must(exchange->method[0] != '\0' && exchange->target[0] != '\0');
    if (authorization && strcmp(authorization, "bad") == 0)
        answer(exchange, 401, "no");
}

static void ready(struct exchange *exchange)
{
    struct job *job = exchange->of;
    struct application *application = job->application;
    demand(!job->ready && !job->refused, "an exchange is ready twice");
    job->ready = true;
    if (starts(exchange->target, "/echo/")) {
        echo(job);
    } else if (starts(exchange->target, "/write/")) {
        write_count(job);
    } else if (starts(exchange->target, "/wait/")) {
        job->waits = application->waiting_turns == 0;
        job_sets_out(job, application->waiting_turns);
    } else if (starts(exchange->target, "/stream/")) {
        exchange_stream(exchange, 200, stream_source);
    } else if (starts(exchange->target, "/large/")) {
        large(exchange);
    } else if (strcmp(exchange->target, "/client") == 0) {
        answer(exchange, 200, exchange_client(exchange));
    } else {
        answer(exchange, 404, "nothing");
    }
}

static void gone(struct exchange *exchange)
{
    struct job *job = exchange->of;
    demand(job && job->ready, "one is gone whose request was not whole");
    job->application->gone++;
    job->application->ended += exchange_ended(exchange);
}

static void refuse(struct exchange *exchange, struct refusal refusal)
{
    struct job *job = exchange->of ? exchange->of : job_new(exchange);
    demand(!job->ready, "a request is refused that was ready");
    demand(!job->refused, "a request is refused twice");
    job->refused = true;
    answer(exchange, application_status(refusal.code), refusal.code);
}

const struct http_handlers application_handlers = {
    .begin = begin,
    .ready = ready,
    .gone = gone,
    .refuse = refuse,
    .done = done,
    .singles = singles,
};

void application_turn(struct application *application)
{
    struct job *next;
    for (struct job *job = application->jobs; job; job = next) {
        next = job->next;
        if (job->turns == 0 || --job->turns > 0)
            continue;
        application->due--;
        go_on(job);
    }
}

void application_let(struct application *application)
{
    for (struct job *job = application->jobs; job; job = job->next) {
        if (!job->waits)
            continue;
        job->waits = false;
        go_on(job);
    }
}
