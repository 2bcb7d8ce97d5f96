/* SPDX-License-Identifier: Apache-2.0 */
#include "webhooks/sender.h"

#include "base/arena.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "db/lane.h"
#include "db/rows.h"
#include "operations/fault.h"
#include "operations/preparation.h"
#include "operations/row.h"
#include "webhooks/delivery.h"
#include "webhooks/destination.h"
#include "webhooks/excerpt.h"
#include "webhooks/post.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_A_TURN = 128,
    OPERATIONS = 2,
    IN_FLIGHT_MAX = 1024, /* in all; an endpoint has at most 4 */
    CLAIM_MAX = 64,
    BATCH_MAX = 64, /* calls in one transaction */
    KEPT_CONNECTIONS = 128,
    LOOK_MS = 1000, /* between two looks for what other processes have brought */
    DATABASE_MS = 10000,
    AGAIN_MS = 200,           /* until a recording that failed is tried again */
    LEASE_SPARE_MS = 5000,    /* at least, beyond the time of one attempt */
    RECORDING_MS = 60000,     /* that a recording is tried for */
    SIGNATURES_OCTETS = 1024, /* of the header field */
    SECRETS_MAX = 8
};

enum { RUNS = -1 };

/* A delivery that was claimed. It is sent, then recorded, then idle again; begin, on_answer and
 * release are what move it. */
enum phase { IDLE, SENDING, RECORDING };

struct delivery {
    struct post post; /* first: its callback knows the delivery by it */
    struct query query;
    struct sender *sender;
    struct arena *arena;
    struct call call;
    enum phase phase;
    const char *id, *endpoint_id;
    int number;      /* of this attempt */
    int64_t started; /* milliseconds since the epoch */
    int64_t again;   /* when to try to record once more, monotonic; 0: it is being tried */
    int64_t give_up; /* when not to try any more */
    struct delivery *next;
};

struct sender {
    struct sender_settings settings;
    int64_t lease_ms;
    pthread_t thread;
    int epoll_fd, inbox_fd;
    struct watch inbox;
    struct lanes *lanes;
    struct posts *posts;
    int64_t now; /* milliseconds, monotonic, of this turn */

    struct query claim;
    struct call claim_call;
    struct arena *arena; /* of the claim */
    bool claiming;       /* it is under way */
    bool due;            /* something came up meanwhile */
    bool failing;        /* the last one failed */
    int64_t claimed_at;  /* when it was submitted */
    int64_t next_claim;

    struct delivery *idle;
    struct delivery *waiting; /* to be recorded again */
    unsigned in_flight;
    bool submitted; /* a recording, since the lanes had their turn */

    bool leaving;
    int64_t leave_by;
    atomic_int grace; /* seconds, or RUNS */
};

static const struct caller nobody;

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *time_text(struct arena *arena, int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char text[32];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return arena_printf(arena, "%s.%03dZ", text, (int)(milliseconds % 1000));
}

static const char *text_at(const struct rows *rows, int row, const char *name)
{
    int at = column_of(&delivery_claim, name);
    return rows_null(rows, row, at) ? NULL : rows_text(rows, row, at);
}

/* --- recording --- */

static void release(struct delivery *delivery)
{
    struct sender *sender = delivery->sender;
    delivery->phase = IDLE;
    delivery->next = sender->idle;
    sender->idle = delivery;
    sender->in_flight--;
    /* What stood behind it may be due now. */
    sender->due = true;
}

static struct delivery *delivery_of(struct query *query)
{
    return (struct delivery *)(void *)((char *)query - offsetof(struct delivery, query));
}

static void on_recorded(struct query *query, const struct rows *rows)
{
    struct delivery *delivery = delivery_of(query);
    struct sender *sender = delivery->sender;
    const char *outcome = rows_count(rows) > 0 ? rows_text(rows, 0, COLUMN_OUTCOME) : "";
    if (strcmp(outcome, "ok") != 0)
        sender->settings.log(LOG_NOTICE,
                             "webhook delivery %s: not recorded, it was claimed by somebody else",
                             delivery->id);
    else if (rows_text(rows, 0, column_of(&delivery_record, "disabled"))[0] == 't')
        sender->settings.log(LOG_NOTICE, "webhook endpoint %s was disabled", delivery->endpoint_id);
    release(delivery);
}

static void on_unrecorded(struct query *query, enum failure failure)
{
    struct delivery *delivery = delivery_of(query);
    struct sender *sender = delivery->sender;
    if (failure == FAILURE_BUG || sender->now >= delivery->give_up ||
        (sender->leaving && sender->now >= sender->leave_by)) {
        sender->settings.log(
            LOG_WARNING, "webhook delivery %s: not recorded, it will be sent again", delivery->id);
        release(delivery);
        return;
    }
    delivery->again = sender->now + AGAIN_MS;
    delivery->next = sender->waiting;
    sender->waiting = delivery;
}

/* Harmless when it was recorded already: the fence is then of no more use. */
static void record(struct delivery *delivery)
{
    delivery->again = 0;
    delivery->query = (struct query){.statement = delivery_record.statement,
                                     .values = delivery->call.values,
                                     .deadline = delivery->sender->now + DATABASE_MS,
                                     .on_rows = on_recorded,
                                     .on_failure = on_unrecorded};
    delivery->sender->submitted = true;
    lanes_submit(delivery->sender->lanes, &delivery->query);
}

static void record_again(struct sender *sender)
{
    struct delivery **at = &sender->waiting;
    while (*at) {
        struct delivery *delivery = *at;
        if (delivery->again > sender->now) {
            at = &delivery->next;
            continue;
        }
        *at = delivery->next;
        record(delivery);
    }
}

/* What is wrong with an answer, in words; NULL: nothing. */
static const char *fault_of(struct arena *arena, const struct post_answer *answer)
{
    if (answer->error)
        return arena_printf(arena, "%s", answer->error);
    if (answer->status >= 200 && answer->status <= 299)
        return NULL;
    if (answer->status >= 300 && answer->status <= 399)
        return arena_printf(arena, "answered %d; redirects are not followed", answer->status);
    return arena_printf(arena, "answered %d", answer->status);
}

static void conclude(struct delivery *delivery, const struct post_answer *answer)
{
    struct sender *sender = delivery->sender;
    struct arena *arena = delivery->arena;
    struct call *call = &delivery->call;
    int64_t next;
    struct attempt attempt = {.number = delivery->number,
                              .status = answer->status,
                              .ended = clock_ms(CLOCK_REALTIME),
                              .retry_after = answer->retry_after,
                              .random = arc4random()};
    enum verdict verdict = schedule_judge(&sender->settings.schedule, &attempt, &next);
    const char *fault = fault_of(arena, answer);
    if (fault)
        sender->settings.log(LOG_DEBUG, "webhook delivery %s: attempt %d: %s", delivery->id,
                             delivery->number, fault);
    call_set(call, "at", time_text(arena, delivery->started));
    call_set(call, "latency-ms", arena_printf(arena, "%d", answer->latency_ms));
    call_set(call, "error", fault);
    call_set(call, "verdict", verdict_name(verdict));
    call_set(call, "disable-after-seconds",
             arena_printf(arena, "%lld", (long long)(sender->settings.disable_after_ms / 1000)));
    if (answer->status != 0) {
        char *response = arena_alloc(arena, EXCERPT_OCTETS + 1);
        excerpt_write(response, answer->body, answer->body_length);
        call_set(call, "status", arena_printf(arena, "%d", answer->status));
        call_set(call, "response", response);
    }
    if (verdict == VERDICT_RETRY)
        call_set(call, "next-at", time_text(arena, next));
    delivery->phase = RECORDING;
    delivery->give_up = sender->now + RECORDING_MS;
    record(delivery);
}

/* --- sending --- */

static void on_answer(struct post *post, const struct post_answer *answer)
{
    struct delivery *delivery = (struct delivery *)post;
    struct sender *sender = delivery->sender;
    /* Broken off because we stop: it is claimed again when its lease has ended. */
    if (sender->leaving && sender->now >= sender->leave_by) {
        release(delivery);
        return;
    }
    conclude(delivery, answer);
}

static bool signature_add(char *out, size_t size, const struct delivery *delivery,
                          const char *secret, const char *timestamp)
{
    struct signature_key key;
    char signature[SIGNATURE_TEXT];
    size_t used = strlen(out);
    if (!signature_key_read(&key, secret) || used + sizeof signature + 1 > size)
        return false;
    signature_make(signature, &key, delivery->id, timestamp, delivery->post.body,
                   delivery->post.body_length);
    OPENSSL_cleanse(&key, sizeof key);
    snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", signature);
    return true;
}

/* One signature for each live secret, the newest first. False when not one could be made. */
static bool sign(char *out, size_t size, const struct delivery *delivery, const char *sealed,
                 const char *owner, const char *timestamp)
{
    json_t *secrets = json_loads(sealed ? sealed : "[]", 0, NULL);
    const char *context = arena_printf(delivery->arena, "webhook:%s", owner ? owner : "");
    bool any = false;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(secrets) && i < SECRETS_MAX; i++) {
        const char *text = json_string_value(json_array_get(secrets, i));
        char *secret = text ? seal_open(delivery->arena, text, context) : NULL;
        if (!secret)
            continue;
        any = signature_add(out, size, delivery, secret, timestamp) || any;
        OPENSSL_cleanse(secret, strlen(secret));
    }
    json_decref(secrets);
    return any;
}

static void refuse(struct delivery *delivery, const char *why)
{
    conclude(delivery, &(struct post_answer){.error = why, .body = ""});
}

static void begin(struct delivery *delivery, const struct rows *rows, int row)
{
    enum { HEADERS = 6 };
    struct sender *sender = delivery->sender;
    struct arena *arena = delivery->arena;
    char signatures[SIGNATURES_OCTETS];
    const char *fault, *traceparent = text_at(rows, row, "traceparent");
    const char *url = text_at(rows, row, "url"), *body = text_at(rows, row, "body");
    const char *endpoint_id = text_at(rows, row, "endpoint_id");
    delivery->id =
        arena_printf(arena, "%s", rows_text(rows, row, column_of(&delivery_claim, "id")));
    delivery->endpoint_id = arena_printf(arena, "%s", endpoint_id ? endpoint_id : "");
    delivery->number = 1 + (int)strtol(text_at(rows, row, "attempts"), NULL, 10);
    delivery->started = clock_ms(CLOCK_REALTIME);
    delivery->call =
        (struct call){.operation = &delivery_record, .arena = arena, .caller = &nobody};
    call_set(&delivery->call, "id", delivery->id);
    call_set(&delivery->call, "fence", arena_printf(arena, "%s", text_at(rows, row, "fence")));
    delivery->phase = SENDING;
    const char *timestamp = arena_printf(arena, "%lld", (long long)(delivery->started / 1000));
    delivery->post = (struct post){
        .url = arena_printf(arena, "%s", url ? url : ""),
        .body = arena_copy(arena, body ? body : "", body ? strlen(body) : 0),
        .body_length = body ? strlen(body) : 0,
        .done = on_answer,
    };
    if (!webhook_url_accepts(delivery->post.url, &fault)) {
        refuse(delivery, arena_printf(arena, "address not allowed: %s", fault));
        return;
    }
    if (!sign(signatures, sizeof signatures, delivery, text_at(rows, row, "secrets"),
              text_at(rows, row, "owner"), timestamp)) {
        sender->settings.log(LOG_ERR, "webhook endpoint %s: none of its secrets can be opened",
                             delivery->endpoint_id);
        refuse(delivery, "no secret to sign with");
        return;
    }
    const char **headers = arena_alloc(arena, HEADERS * sizeof *headers);
    delivery->post.headers = headers;
    *headers++ = "content-type: application/json";
    *headers++ = arena_printf(arena, "webhook-id: %s", delivery->id);
    *headers++ = arena_printf(arena, "webhook-timestamp: %s", timestamp);
    *headers++ = arena_printf(arena, "webhook-signature: %s", signatures);
    if (traceparent)
        *headers = arena_printf(arena, "traceparent: %s", traceparent);
    post_begin(sender->posts, &delivery->post);
}

/* --- claiming --- */

static struct delivery *delivery_new(struct sender *sender)
{
    struct delivery *delivery = sender->idle;
    if (delivery) {
        sender->idle = delivery->next;
        arena_reset(delivery->arena);
        return delivery;
    }
    delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        abort();
    delivery->sender = sender;
    delivery->arena = arena_new();
    return delivery;
}

static void claim_ended(struct sender *sender, const char *why)
{
    sender->claiming = false;
    if (why && !sender->failing)
        sender->settings.log(LOG_WARNING, "webhooks are not sent: %s", why);
    if (!why && sender->failing)
        sender->settings.log(LOG_NOTICE, "webhooks are sent again");
    sender->failing = why != NULL;
}

static struct sender *sender_of(struct query *query)
{
    return (struct sender *)(void *)((char *)query - offsetof(struct sender, claim));
}

static void on_claimed(struct query *query, const struct rows *rows)
{
    struct sender *sender = sender_of(query);
    int64_t wait = LOOK_MS;
    bool any = false;
    claim_ended(sender, NULL);
    /* An answer that took long enough for the lease to end before what is sent could: let it. */
    bool late = sender->now - sender->claimed_at > sender->lease_ms - sender->settings.timeout_ms;
    for (int row = 0; row < rows_count(rows); row++) {
        const char *due_in = text_at(rows, row, "due_in_ms");
        if (text_at(rows, row, "id") != NULL) {
            any = true;
            if (late)
                continue;
            sender->in_flight++;
            begin(delivery_new(sender), rows, row);
        } else if (due_in != NULL) {
            wait = strtoll(due_in, NULL, 10);
        }
    }
    sender->next_claim = any ? 0 : sender->now + (wait < LOOK_MS ? wait : LOOK_MS);
}

static void on_unclaimed(struct query *query, enum failure failure)
{
    struct sender *sender = sender_of(query);
    claim_ended(sender, failure_text(failure));
    sender->next_claim = sender->now + LOOK_MS;
}

static void claim(struct sender *sender)
{
    unsigned room = IN_FLIGHT_MAX - sender->in_flight;
    if (sender->due && !sender->failing) {
        sender->due = false;
        sender->next_claim = 0;
    }
    if (sender->claiming || sender->leaving || room == 0 || sender->next_claim > sender->now)
        return;
    arena_reset(sender->arena);
    sender->claim_call =
        (struct call){.operation = &delivery_claim, .arena = sender->arena, .caller = &nobody};
    call_set(&sender->claim_call, "limit",
             arena_printf(sender->arena, "%u", room < CLAIM_MAX ? room : CLAIM_MAX));
    call_set(&sender->claim_call, "lease-seconds",
             arena_printf(sender->arena, "%lld", (long long)(sender->lease_ms / 1000)));
    sender->claim = (struct query){.statement = delivery_claim.statement,
                                   .values = sender->claim_call.values,
                                   .deadline = sender->now + DATABASE_MS,
                                   .on_rows = on_claimed,
                                   .on_failure = on_unclaimed};
    sender->claiming = true;
    sender->claimed_at = sender->now;
    lanes_submit(sender->lanes, &sender->claim);
}

/* --- the thread --- */

static void inbox_ready(struct watch *watch, uint32_t events)
{
    struct sender *sender =
        (struct sender *)(void *)((char *)watch - offsetof(struct sender, inbox));
    uint64_t ignored;
    (void)events;
    (void)!read(sender->inbox_fd, &ignored, sizeof ignored);
    sender->due = true;
}

static int shorter(int one, int other)
{
    return one < 0 ? other : other < 0 ? one : one < other ? one : other;
}

static void turn(struct sender *sender, int wait)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(sender->epoll_fd, events, EVENTS_A_TURN, wait);
    sender->now = clock_ms(CLOCK_MONOTONIC);
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
    int grace = atomic_load(&sender->grace);
    if (grace != RUNS && !sender->leaving) {
        sender->leaving = true;
        sender->leave_by = sender->now + (int64_t)grace * 1000;
    }
}

/* Answers bring recordings, recordings bring claims, claims bring posts. Returns how long to wait.
 */
static int work(struct sender *sender)
{
    posts_turn(sender->posts, sender->now);
    record_again(sender);
    claim(sender);
    sender->submitted = false;
    int lanes = lanes_turn(sender->lanes, sender->now);
    int wait = shorter(posts_turn(sender->posts, sender->now), lanes);
    if (sender->submitted)
        return 0;
    if (sender->waiting)
        wait = shorter(wait, AGAIN_MS);
    if (!sender->claiming && !sender->leaving && sender->in_flight < IN_FLIGHT_MAX) {
        int64_t left = sender->due && !sender->failing ? 0 : sender->next_claim - sender->now;
        wait = shorter(wait, left > 0 ? (int)left : 0);
    }
    return shorter(wait, LOOK_MS);
}

static void *run(void *argument)
{
    struct sender *sender = argument;
    int wait = 0;
    while (!sender->leaving ||
           ((sender->in_flight > 0 || sender->claiming) && sender->now < sender->leave_by)) {
        turn(sender, wait);
        wait = work(sender);
    }
    if (sender->in_flight > 0)
        sender->settings.log(LOG_WARNING, "%u webhook deliveries did not end in time",
                             sender->in_flight);
    sender->leave_by = sender->now;
    posts_close(sender->posts);
    lanes_close(sender->lanes);
    sender->posts = NULL;
    sender->lanes = NULL;
    return NULL;
}

static void sender_free(struct sender *sender)
{
    if (sender->posts)
        posts_close(sender->posts);
    if (sender->lanes)
        lanes_close(sender->lanes);
    while (sender->waiting) {
        struct delivery *delivery = sender->waiting;
        sender->waiting = delivery->next;
        release(delivery);
    }
    while (sender->idle) {
        struct delivery *delivery = sender->idle;
        sender->idle = delivery->next;
        arena_free(delivery->arena);
        free(delivery);
    }
    arena_free(sender->arena);
    if (sender->inbox_fd >= 0)
        close(sender->inbox_fd);
    if (sender->epoll_fd >= 0)
        close(sender->epoll_fd);
    free(sender);
}

static bool sender_open(struct sender *sender)
{
    static const struct operation *const operations[OPERATIONS] = {&delivery_claim,
                                                                   &delivery_record};
    static const struct statement *statements[OPERATIONS];
    const struct sender_settings *settings = &sender->settings;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sender->inbox};
    struct lanes_settings lanes = {
        .of = " of webhooks",
        .conninfo = settings->conninfo,
        .statements = statements,
        .statement_count = OPERATIONS,
        .writes = 1, /* what is recorded and the next claim share their commits */
        .queue_limit = IN_FLIGHT_MAX + 1,
        .batch_limit = BATCH_MAX,
        .log = settings->log,
    };
    struct posts_settings posts = {
        .connect_ms = settings->timeout_ms / 3,
        .whole_ms = settings->timeout_ms,
        .ca = settings->ca,
        .connections = KEPT_CONNECTIONS,
    };
    if (sender->epoll_fd < 0 || sender->inbox_fd < 0 ||
        epoll_ctl(sender->epoll_fd, EPOLL_CTL_ADD, sender->inbox_fd, &event) != 0) {
        settings->log(LOG_ERR, "the sender of webhooks cannot be made: %s", strerror(errno));
        return false;
    }
    sender->posts = posts_open(&posts, sender->epoll_fd);
    operations_prepare(operations, OPERATIONS, statements);
    sender->lanes = lanes_open(&lanes, sender->epoll_fd);
    return sender->lanes != NULL;
}

/* Signals are the main thread's. */
static bool thread_start(struct sender *sender)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&sender->thread, NULL, run, sender);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        sender->settings.log(LOG_ERR, "the sender's thread cannot be started: %s",
                             strerror(failed));
    else
        pthread_setname_np(sender->thread, "sender");
    return !failed;
}

struct sender *sender_start(const struct sender_settings *settings)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        abort();
    sender->settings = *settings;
    int64_t spare = settings->timeout_ms > LEASE_SPARE_MS ? settings->timeout_ms : LEASE_SPARE_MS;
    sender->lease_ms = (settings->timeout_ms + spare + 999) / 1000 * 1000;
    sender->arena = arena_new();
    sender->now = clock_ms(CLOCK_MONOTONIC);
    sender->inbox.ready = inbox_ready;
    atomic_init(&sender->grace, RUNS);
    sender->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    sender->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sender_open(sender) && thread_start(sender))
        return sender;
    sender_free(sender);
    return NULL;
}

void sender_poke(struct sender *sender)
{
    uint64_t one = 1;
    if (sender)
        (void)!write(sender->inbox_fd, &one, sizeof one);
}

void sender_leave(struct sender *sender, int grace_seconds)
{
    atomic_store(&sender->grace, grace_seconds);
    sender_poke(sender);
}

void sender_end(struct sender *sender)
{
    pthread_join(sender->thread, NULL);
    sender_free(sender);
}
