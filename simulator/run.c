/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/run.h"

#include "simulator/exchange.h"
#include "simulator/feed.h"
#include "simulator/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REQUEST_SECONDS = 30,
    TICK_MS = 200,
    FAREWELL_MS = 3000 /* for what is under way at the end */
};

struct run {
    const struct run_settings *settings;
    struct simulator *simulator;
    CURLM *multi;
    struct exchange exchanges[RUN_PARALLEL_MOST];
    int opened, under_way;
    bool over; /* nothing new is begun */
    struct feed_reader feed;
    struct key_source keys;
    char *authorization, *quotes, *callbacks; /* a header, two addresses; owned */
    int64_t began, began_wall;                /* by the two clocks */
};

static int64_t milliseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Time of day that never jumps. */
static int64_t now_is(const struct run *run)
{
    return run->began_wall + milliseconds(CLOCK_MONOTONIC) - run->began;
}

/* --- requests --- */

static void finish(struct run *run, struct exchange *exchange, CURLcode result)
{
    struct order_answer answer;
    exchange->under_way = false;
    if (exchange == &run->feed.exchange) {
        const char *sentence = feed_reader_take(&run->feed, result, run->simulator, now_is(run));
        if (sentence != NULL)
            run->settings->say(run->settings->context, sentence);
        return;
    }
    exchange_take(exchange, result, &answer);
    run->under_way--;
    simulator_answered(run->simulator, exchange->order, now_is(run), &answer);
    exchange->order = NULL;
}

static void start(struct run *run, struct exchange *exchange, bool prepared)
{
    exchange->under_way = true;
    if (!prepared || curl_multi_add_handle(run->multi, exchange->easy) != CURLM_OK)
        finish(run, exchange, CURLE_FAILED_INIT);
}

static void request_start(struct run *run, struct exchange *exchange,
                          const struct order_request *request)
{
    char id[MESSAGE_ID + 16], timestamp[48], signature[SIGNATURE_TEXT + 24];
    const char *const callback[] = {"Content-Type: application/json", id, timestamp, signature,
                                    NULL};
    const char *const look[] = {"Content-Type: application/json", run->authorization, NULL};
    bool looks = request->kind == REQUEST_LOOK;
    if (!looks) {
        snprintf(id, sizeof id, "webhook-id: %s", request->id);
        snprintf(timestamp, sizeof timestamp, "webhook-timestamp: %s", request->timestamp);
        snprintf(signature, sizeof signature, "webhook-signature: %s", request->signature);
    }
    run->under_way++;
    start(run, exchange,
          exchange_prepare(exchange, looks ? run->quotes : run->callbacks, request->body,
                           REQUEST_SECONDS, looks ? look : callback));
}

static struct exchange *exchange_free(struct run *run)
{
    for (int i = 0; i < run->opened; i++)
        if (!run->exchanges[i].under_way)
            return &run->exchanges[i];
    if (run->opened == run->settings->parallel || !exchange_open(&run->exchanges[run->opened]))
        return NULL;
    return &run->exchanges[run->opened++];
}

static void start_due(struct run *run)
{
    struct exchange *exchange;
    struct order_request request;
    while ((exchange = exchange_free(run)) != NULL) {
        exchange->order = simulator_send(run->simulator, now_is(run), &request);
        if (exchange->order == NULL)
            return;
        request_start(run, exchange, &request);
    }
}

static void follow(struct run *run)
{
    struct exchange *exchange = &run->feed.exchange;
    if (!exchange->under_way && run->feed.due <= now_is(run))
        start(run, exchange,
              feed_reader_prepare(&run->feed, run->settings->url, run->authorization, now_is(run)));
}

/* --- the loop --- */

/* Wait until something happens, at most until then; true when it is to stop. */
static bool turn(struct run *run, int64_t until)
{
    struct curl_waitfd extra[3];
    unsigned int count = 0;
    int running;
    CURLMsg *message;
    int64_t wait = until - now_is(run);
    if (!run->over)
        extra[count++] =
            (struct curl_waitfd){.fd = run->settings->stop, .events = CURL_WAIT_POLLIN};
    if (!run->over && !run->keys.ended)
        extra[count++] =
            (struct curl_waitfd){.fd = run->keys.descriptor, .events = CURL_WAIT_POLLIN};
    if (run->settings->inbox >= 0)
        extra[count++] =
            (struct curl_waitfd){.fd = run->settings->inbox, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(run->multi, extra, count, wait < 0 ? 0 : (int)(wait < TICK_MS ? wait : TICK_MS),
                    NULL);
    curl_multi_perform(run->multi, &running);
    while ((message = curl_multi_info_read(run->multi, &running)) != NULL) {
        char *exchange = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        curl_multi_remove_handle(run->multi, message->easy_handle);
        finish(run, (struct exchange *)(void *)exchange, result);
    }
    if (run->settings->inbox >= 0)
        run->settings->receive(run->settings->context, now_is(run));
    return !run->over && (extra[0].revents & CURL_WAIT_POLLIN) != 0;
}

static enum run_end play(struct run *run)
{
    const struct run_settings *settings = run->settings;
    int64_t end = settings->lasts == INT64_MAX ? INT64_MAX : run->began_wall + settings->lasts;
    int64_t ticked = 0;
    for (;;) {
        int64_t now = now_is(run), due;
        key_source_read(&run->keys, run->simulator, now, settings->say, settings->context);
        start_due(run);
        follow(run);
        if (now >= end)
            return RUN_TIME_OVER;
        if (settings->until_idle && run->keys.ended && simulator_idle(run->simulator))
            return RUN_IDLE;
        if (now - ticked >= TICK_MS) {
            ticked = now;
            settings->tick(settings->context);
        }
        due = run->under_way < settings->parallel ? simulator_due(run->simulator) : INT64_MAX;
        if (due > run->feed.due && !run->feed.exchange.under_way)
            due = run->feed.due;
        if (turn(run, due < end ? due : end))
            return RUN_STOPPED;
    }
}

static bool open_all(struct run *run)
{
    const struct run_settings *settings = run->settings;
    run->multi = curl_multi_init();
    if (run->multi == NULL || !exchange_open(&run->feed.exchange))
        return false;
    curl_multi_setopt(run->multi, CURLMOPT_MAXCONNECTS, (long)settings->parallel + 1);
    return asprintf(&run->authorization, "Authorization: Bearer %s", settings->token) >= 0 &&
           asprintf(&run->quotes, "%s/v1/partner/circuits", settings->url) >= 0 &&
           asprintf(&run->callbacks, "%s/v1/partners/%s/callbacks", settings->url,
                    settings->partner) >= 0;
}

static void exchange_end(struct run *run, struct exchange *exchange)
{
    if (exchange->under_way)
        curl_multi_remove_handle(run->multi, exchange->easy);
    if (exchange->easy != NULL)
        exchange_close(exchange);
}

static void close_all(struct run *run)
{
    for (int i = 0; i < run->opened; i++)
        exchange_end(run, &run->exchanges[i]);
    exchange_end(run, &run->feed.exchange);
    curl_multi_cleanup(run->multi);
    if (run->authorization != NULL)
        explicit_bzero(run->authorization, strlen(run->authorization));
    free(run->authorization);
    free(run->quotes);
    free(run->callbacks);
    free(run->feed.cursor);
    free(run);
}

enum run_end simulator_run(struct simulator *simulator, const struct run_settings *settings)
{
    enum run_end end = RUN_NOT_STARTED;
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    run->settings = settings;
    run->simulator = simulator;
    run->keys.descriptor = settings->keys;
    run->keys.ended = settings->keys < 0;
    run->feed.due = settings->inbox < 0 ? 0 : INT64_MAX;
    run->began = milliseconds(CLOCK_MONOTONIC);
    run->began_wall = milliseconds(CLOCK_REALTIME);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(run);
        return end;
    }
    if (open_all(run)) {
        end = play(run);
        int64_t farewell = now_is(run) + FAREWELL_MS;
        run->over = true;
        while (run->under_way > 0 && now_is(run) < farewell)
            turn(run, farewell);
        settings->tick(settings->context);
    }
    close_all(run);
    curl_global_cleanup();
    return end;
}
