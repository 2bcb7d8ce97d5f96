/* SPDX-License-Identifier: Apache-2.0 */
#include "api/loop.h"

#include "api/access.h"
#include "api/catalogue_cache.h"
#include "api/condition.h"
#include "api/health.h"
#include "api/maintenance.h"
#include "api/request.h"
#include "api/route.h"
#include "api/secret_cache.h"
#include "api/tail.h"
#include "api/token.h"
#include "api/token_cache.h"
#include "api/wait.h"
#include "base/arena.h"
#include "base/log.h"
#include "circuits/event.h"
#include "operations/preparation.h"
#include "partners/partner.h"
#include "webhooks/sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_A_TURN = 128,
    REAPING_MS = 250,
    PASSES_A_TURN = 4,
    OPERATIONS_MAX = 256,
    /* Measured on two cores: few connections, used deep. */
    READS = 2,
    WRITES = 2,
    ALONE = 1,          /* and one more on the first loop, for its tail */
    QUEUE_LIMIT = 2048, /* a tenant has half of it */
    BATCH_LIMIT = 32,
    LAST_TURNS = 50, /* to send the answers of the requests that were cut off */
    IDLE_GRACE_MS =
        300 /* for a last request on a connection that stands idle when draining begins */
};

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void operation_add(const struct operation **list, size_t *count,
                          const struct operation *operation)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == operation)
            return;
    if (!operation)
        return;
    if (*count == OPERATIONS_MAX)
        abort();
    list[(*count)++] = operation;
}

/* Every operation that a loop may submit. */
static size_t operations_collect(const struct operation *list[OPERATIONS_MAX])
{
    size_t routes, forms, count = 0;
    const struct route *route = routes_all(&routes);
    for (size_t i = 0; i < routes; i++) {
        operation_add(list, &count, route[i].operation);
        operation_add(list, &count, route[i].owner);
        if (route[i].operation)
            operation_add(list, &count, route[i].operation->each);
    }
    const struct operation *const *form = conditions_operations(&forms);
    for (size_t i = 0; i < forms; i++) {
        operation_add(list, &count, form[i]);
        operation_add(list, &count, form[i]->each);
    }
    operation_add(list, &count, &token_check);
    operation_add(list, &count, &callback_secret_list);
    operation_add(list, &count, &feed_tail);
    operation_add(list, &count, &commit_check);
    for (size_t i = 0; maintenance_operation(i); i++)
        operation_add(list, &count, maintenance_operation(i));
    return count;
}

static void inbox_ready(struct watch *watch, uint32_t events)
{
    struct loop *loop = (struct loop *)(void *)((char *)watch - offsetof(struct loop, inbox));
    uint64_t ignored;
    (void)events;
    (void)!read(loop->inbox_fd, &ignored, sizeof ignored);
    tail_read(loop);
}

static bool lanes_begin(struct loop *loop)
{
    static const struct statement *statements[OPERATIONS_MAX];
    static size_t statement_count; /* filled by the first loop, before there are threads */
    if (statement_count == 0) {
        const struct operation *operations[OPERATIONS_MAX];
        statement_count = operations_collect(operations);
        operations_prepare(operations, statement_count, statements);
    }
    struct lanes_settings settings = {
        .conninfo = loop->settings->conninfo,
        .statements = statements,
        .statement_count = statement_count,
        .reads = READS,
        .writes = WRITES,
        .alone = ALONE + (loop->number == 0),
        .queue_limit = QUEUE_LIMIT,
        .batch_limit = BATCH_LIMIT,
        .storage_full_at = loop->settings->storage_full_at,
        .commits_doubted = loop->settings->commits_doubted,
        .commits_wait = loop->settings->commits_wait,
        .log = log_line,
    };
    loop->lanes = lanes_open(&settings, loop->epoll_fd);
    return loop->lanes != NULL;
}

static bool engine_begin(struct loop *loop)
{
    const struct server_settings *settings = loop->settings;
    struct http_settings wanted = {
        .handlers = &request_handlers,
        .context = loop,
        .epoll_fd = loop->epoll_fd,
        .listen_fd = loop->listen_fd,
        .connections = settings->connections,
        .open = settings->open,
        .shares = settings->shares,
        .proxies = settings->proxies,
        .proxy_count = settings->proxy_count,
        .header_seconds = settings->header_seconds,
        .body_seconds = settings->body_seconds,
    };
    loop->http = http_open(&wanted, loop->now);
    return loop->http != NULL;
}

void loop_did(struct loop *loop, const struct operation *operation)
{
    if (operation->lane != LANE_READ)
        tail_wake(loop);
    if (operation->changes_catalogue)
        catalogue_written(loop->settings->catalogue);
    if (operation->makes_due)
        sender_poke(loop->settings->sender);
}

bool loop_open(struct loop *loop, const struct server_settings *settings, int number, int listen_fd)
{
    loop->settings = settings;
    loop->number = number;
    loop->listen_fd = listen_fd;
    loop->now = milliseconds();
    loop->inbox.ready = inbox_ready;
    atomic_init(&loop->grace, LOOP_RUNS);
    request_ids_seed(&loop->ids);
    loop->tokens = token_cache_new();
    loop->secrets = secret_cache_new();
    loop->catalogue = catalogue_cache_new();
    loop->maintenance = number == 0 ? maintenance_new() : NULL;
    loop->tail = number == 0 ? tail_new() : NULL;
    loop->waits = waits_new();
    loop->scratch = arena_new();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop->inbox};
    if (loop->epoll_fd < 0 || loop->inbox_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->inbox_fd, &event) != 0) {
        log_line(LOG_ERR, "an event loop cannot be made: %s", strerror(errno));
        return false;
    }
    if (!lanes_begin(loop) || !engine_begin(loop))
        return false;
    http_listen(loop->http, true);
    return http_listens(loop->http);
}

void loop_close(struct loop *loop)
{
    if (loop->http)
        http_close(loop->http);
    if (loop->lanes)
        lanes_close(loop->lanes);
    while (loop->spare) {
        struct request *request = loop->spare;
        loop->spare = request->next;
        free(request);
    }
    maintenance_free(loop->maintenance);
    tail_free(loop->tail);
    tail_forget(loop);
    waits_free(loop->waits);
    arena_free(loop->scratch);
    token_cache_free(loop->tokens);
    secret_cache_free(loop->secrets);
    catalogue_cache_free(loop->catalogue);
    text_free(&loop->text);
    if (loop->inbox_fd > 0)
        close(loop->inbox_fd);
    if (loop->epoll_fd > 0)
        close(loop->epoll_fd);
}

static void stop_ask(struct loop *loop, int what)
{
    uint64_t one = 1;
    atomic_store(&loop->grace, what);
    (void)!write(loop->inbox_fd, &one, sizeof one);
}

void loop_stop_accepting(struct loop *loop)
{
    stop_ask(loop, LOOP_STOPS_ACCEPTING);
}

void loop_stop(struct loop *loop, int grace_seconds)
{
    stop_ask(loop, grace_seconds < 0 ? 0 : grace_seconds);
}

/* The HTTP side and the lanes until neither has something for the other. Returns the milliseconds
 * until one of them wants to run again, -1: only on events. */
static int work(struct loop *loop)
{
    int wait = -1, tail = -1;
    bool again = http_turn(loop->http, loop->now);
    for (int i = 0; i < PASSES_A_TURN; i++) {
        maintenance_turn(loop->maintenance, loop);
        waits_turn(loop);
        tail = tail_turn(loop->tail, loop);
        wait = lanes_turn(loop->lanes, loop->now);
        if (!http_pending(loop->http))
            break;
        again = http_turn(loop->http, loop->now);
    }
    if (tail >= 0 && (wait < 0 || tail < wait))
        wait = tail;
    return again || http_pending(loop->http) ? 0 : wait;
}

static void periodic(struct loop *loop)
{
    if (loop->now < loop->next_reaping)
        return;
    loop->next_reaping = loop->now + REAPING_MS;
    if (loop->draining && loop->now >= loop->drain_deadline)
        return;
    if (loop->draining)
        http_end_idle(loop->http);
    http_tend(loop->http, loop->now);
    waits_reap(loop);
    access_settle(loop);
}

static void turn(struct loop *loop, int wait)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, wait);
    loop->now = milliseconds();
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
    periodic(loop);
}

static void drain_begin(struct loop *loop, int grace)
{
    loop->draining = true;
    http_drain(loop->http);
    loop->drain_deadline = loop->now + (int64_t)grace * 1000;
    loop->next_reaping = loop->now + IDLE_GRACE_MS;
    waits_drain(loop);
    for (size_t i = 0; i < loop->handed_count; i++)
        http_adopt(loop->http, loop->handed[i]);
}

static void stop_check(struct loop *loop)
{
    int grace = atomic_load(&loop->grace);
    if (grace != LOOP_RUNS && !atomic_load(&loop->stopped_accepting)) {
        http_listen(loop->http, false);
        atomic_store(&loop->stopped_accepting, true);
    }
    if (grace >= 0 && !loop->draining)
        drain_begin(loop, grace);
}

/* Cut off what is still under way: its queries fail, and the failures are its answers. */
static void drain_end(struct loop *loop)
{
    if (http_connections(loop->http) > 0)
        log_line(LOG_WARNING, "%u connections did not end in time", http_connections(loop->http));
    lanes_close(loop->lanes);
    loop->lanes = NULL;
    waits_cut(loop);
    http_rouse(loop->http);
    for (int i = 0; i < LAST_TURNS && http_turn(loop->http, loop->now); i++)
        ;
}

bool loops_ready(const struct loop *loop)
{
    const struct loop *first = loop - loop->number;
    for (int i = 0; i < loop->settings->loops; i++)
        if (i != loop->number && !atomic_load_explicit(&first[i].ready, memory_order_relaxed))
            return false;
    return lanes_ready(loop->lanes);
}

const char *loops_overdue(const struct loop *loop, struct arena *arena)
{
    const struct loop *first = loop - loop->number;
    const char *list = "";
    for (int i = 0; i < loop->settings->loops; i++)
        for (int j = 0; j < OVERDUE_MAX; j++) {
            int backend = atomic_load_explicit(&first[i].overdue[j], memory_order_relaxed);
            if (backend != 0)
                list = arena_printf(arena, "%s%s%d", list, *list ? "," : "", backend);
        }
    return arena_printf(arena, "{%s}", list);
}

/* What other loops are asked about this one. */
static void state_tell(struct loop *loop)
{
    int overdue[OVERDUE_MAX] = {0};
    lanes_overdue(loop->lanes, loop->now, overdue, OVERDUE_MAX);
    for (int i = 0; i < OVERDUE_MAX; i++)
        atomic_store_explicit(&loop->overdue[i], overdue[i], memory_order_relaxed);
    atomic_store_explicit(&loop->ready, lanes_ready(loop->lanes), memory_order_relaxed);
}

void *loop_run(void *argument)
{
    struct loop *loop = argument;
    int wait = 0;
    for (;;) {
        turn(loop, wait);
        stop_check(loop);
        wait = work(loop);
        if (wait < 0 || wait > REAPING_MS)
            wait = REAPING_MS;
        state_tell(loop);
        log_flush();
        if (loop->draining &&
            (http_connections(loop->http) == 0 || loop->now >= loop->drain_deadline))
            break;
    }
    atomic_store(&loop->ready, false);
    drain_end(loop);
    log_flush();
    return NULL;
}
