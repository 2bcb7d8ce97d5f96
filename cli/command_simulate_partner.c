/* SPDX-License-Identifier: Apache-2.0 */
/* simulate-partner: plays a partner's order system against a running server. */
#include "cli/command.h"
#include "cli/quantity.h"
#include "cli/server_url.h"
#include "cli/signals.h"
#include "cli/simulator_summary.h"
#include "partners/slug.h"
#include "simulator/endpoint.h"
#include "simulator/keys.h"
#include "simulator/receiver.h"
#include "simulator/run.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct simulate_options {
    const char *partner, *token, *secret, *url, *keys;
    const char *delay, *duplicates, *reorder, *wrong_signatures, *reject, *silence;
    const char *clock_skew, *rate, *parallel, *patience, *lasts, *seed;
    const char *receive, *receive_url, *deaf;
    bool until_idle, plan, json;
};

#define AT(member) offsetof(struct simulate_options, member)
static const struct option_row simulate_options[] = {
    {"partner", OPTION_TEXT, AT(partner)},
    {"token", OPTION_TEXT, AT(token)},
    {"secret", OPTION_TEXT, AT(secret)},
    {"url", OPTION_TEXT, AT(url)},
    {"keys", OPTION_TEXT, AT(keys)},
    {"delay", OPTION_TEXT, AT(delay)},
    {"duplicates", OPTION_TEXT, AT(duplicates)},
    {"reorder", OPTION_TEXT, AT(reorder)},
    {"wrong-signatures", OPTION_TEXT, AT(wrong_signatures)},
    {"reject", OPTION_TEXT, AT(reject)},
    {"silence", OPTION_TEXT, AT(silence)},
    {"clock-skew", OPTION_TEXT, AT(clock_skew)},
    {"rate", OPTION_TEXT, AT(rate)},
    {"parallel", OPTION_TEXT, AT(parallel)},
    {"patience", OPTION_TEXT, AT(patience)},
    {"for", OPTION_TEXT, AT(lasts)},
    {"seed", OPTION_TEXT, AT(seed)},
    {"receive", OPTION_TEXT, AT(receive)},
    {"receive-url", OPTION_TEXT, AT(receive_url)},
    {"deaf", OPTION_TEXT, AT(deaf)},
    {"until-idle", OPTION_FLAG, AT(until_idle)},
    {"plan", OPTION_FLAG, AT(plan)},
    {"json", OPTION_FLAG, AT(json)},
    {0},
};
#undef AT

enum { SENTENCES = 20 /* that are shown before the others are only counted */ };

struct simulation {
    struct simulator_settings settings;
    struct run_settings run;
    struct simulator *simulator;
    struct receiver *receiver; /* of webhooks, NULL: the feed is read */
    struct endpoint endpoint;
    int64_t now; /* while webhooks are taken */
    uint64_t sentences;
    char run_name[17];
    char url[SERVER_URL];
};

/* --- for who watches --- */

static void say(void *context, const char *sentence)
{
    struct simulation *simulation = context;
    if (simulation->sentences++ >= SENTENCES)
        return;
    summary_hide();
    complain("%s", sentence);
}

static void tick(void *context)
{
    const struct simulation *simulation = context;
    struct simulator_tally tally;
    simulator_tally(simulation->simulator, &tally);
    summary_show(&tally);
}

/* --- webhooks --- */

static int take(void *context, const char *id, const char *timestamp, const char *signatures,
                const char *body, size_t length)
{
    struct simulation *simulation = context;
    return endpoint_take(&simulation->endpoint, id, timestamp, signatures, body, length,
                         simulation->now);
}

static void receive(void *context, int64_t now)
{
    struct simulation *simulation = context;
    simulation->now = now;
    receiver_run(simulation->receiver);
}

/* Listen, and have the server send. */
static bool receiver_start(struct simulation *simulation, const struct simulate_options *options)
{
    const char *fault;
    struct endpoint *endpoint = &simulation->endpoint;
    simulation->run.inbox = -1;
    if (options->receive == NULL)
        return true;
    simulation->receiver = receiver_open(options->receive, take, simulation, &fault);
    if (simulation->receiver == NULL) {
        complain("--receive %s: %s", options->receive, fault);
        return false;
    }
    simulation->run.inbox = receiver_descriptor(simulation->receiver);
    simulation->run.receive = receive;
    endpoint->draws = simulation->settings.plan;
    endpoint->simulator = simulation->simulator;
    const char *url =
        options->receive_url != NULL ? options->receive_url : receiver_url(simulation->receiver);
    if (endpoint_register(endpoint, simulation->url, simulation->run.token, url, &fault))
        return true;
    complain("webhooks to %s: %s", url, fault);
    return false;
}

/* --- options --- */

static bool option_wrong(const char *name, const char *takes, const char *value)
{
    complain("--%s takes %s, not '%s'", name, takes, value);
    return false;
}

static bool option_number(int64_t *out, const char *name, const char *value, int64_t least,
                          int64_t most)
{
    char takes[96];
    if (value == NULL || number_read(out, value, least, most))
        return true;
    snprintf(takes, sizeof takes, "a number from %lld to %lld", (long long)least, (long long)most);
    return option_wrong(name, takes, value);
}

static bool percents_read(struct simulation *simulation, const struct simulate_options *options)
{
    struct plan_settings *plan = &simulation->settings.plan;
    const struct {
        const char *name, *value;
        int *out;
    } percents[] = {
        {"duplicates", options->duplicates, &plan->duplicates},
        {"reorder", options->reorder, &plan->reorder},
        {"reject", options->reject, &plan->reject},
        {"silence", options->silence, &plan->silence},
        {"wrong-signatures", options->wrong_signatures, &plan->wrong_signatures},
        {"deaf", options->deaf, &simulation->endpoint.deaf},
    };
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        int64_t percent = 0;
        if (!option_number(&percent, percents[i].name, percents[i].value, 0, 100))
            return false;
        *percents[i].out = (int)percent;
    }
    return true;
}

static bool spans_read(struct simulation *simulation, const struct simulate_options *options)
{
    struct simulator_settings *settings = &simulation->settings;
    static const char span[] = "a time such as 250ms, 2s, 5m or 1h";
    int64_t skew;
    if (options->delay != NULL &&
        !span_range_read(&settings->plan.delay_least, &settings->plan.delay_most, options->delay))
        return option_wrong("delay", "a time or two, such as 2s or 250ms..2s", options->delay);
    if (options->lasts != NULL && !span_read(&simulation->run.lasts, options->lasts, false))
        return option_wrong("for", span, options->lasts);
    if (options->patience != NULL && !span_read(&settings->patience, options->patience, false))
        return option_wrong("patience", span, options->patience);
    if (options->clock_skew != NULL && !span_read(&settings->clock_skew, options->clock_skew, true))
        return option_wrong("clock-skew", "a time such as 2m or -10m", options->clock_skew);
    /* Between the two the time that a request takes would decide. */
    skew = llabs(settings->clock_skew) / 1000;
    if (skew > SIGNATURE_TOLERANCE_SECONDS - 10 && skew < SIGNATURE_TOLERANCE_SECONDS + 10)
        return option_wrong("clock-skew", "a time that is clearly on one side of 300s",
                            options->clock_skew);
    return true;
}

static bool random_read(struct simulation *simulation, const struct simulate_options *options)
{
    unsigned char octets[8], draw[4];
    int64_t seed = 0;
    if (RAND_bytes(octets, sizeof octets) != 1 || RAND_bytes(draw, sizeof draw) != 1) {
        complain("the system gives no randomness");
        return false;
    }
    for (size_t i = 0; i < sizeof octets; i++)
        snprintf(simulation->run_name + 2 * i, 3, "%02x", octets[i]);
    for (size_t i = 0; i < sizeof draw; i++)
        seed = seed << 8 | draw[i];
    if (!option_number(&seed, "seed", options->seed, 0, INT64_MAX))
        return false;
    simulation->settings.run = simulation->run_name;
    simulation->settings.plan.seed = (uint64_t)seed;
    return true;
}

/* How it behaves. */
static bool behaviour_read(struct simulation *simulation, const struct simulate_options *options)
{
    int64_t rate = 0, parallel = 8;
    simulation->settings.plan.delay_least = 500;
    simulation->settings.plan.delay_most = 2000;
    simulation->settings.patience = 120000;
    simulation->run.lasts = INT64_MAX;
    if (!percents_read(simulation, options) || !spans_read(simulation, options) ||
        !option_number(&rate, "rate", options->rate, 1, 100000) ||
        !option_number(&parallel, "parallel", options->parallel, 1, RUN_PARALLEL_MOST) ||
        !random_read(simulation, options))
        return false;
    simulation->settings.rate = (int)rate;
    simulation->settings.say = say;
    simulation->settings.context = simulation;
    simulation->run.parallel = (int)parallel;
    simulation->run.until_idle = options->until_idle;
    simulation->run.say = say;
    simulation->run.tick = tick;
    simulation->run.context = simulation;
    return true;
}

/* Whom it plays. */
static int role_read(struct simulation *simulation, const struct simulate_options *options,
                     const struct settings *settings)
{
    struct run_settings *run = &simulation->run;
    const char *secret = option_or_variable(options->secret, "ONRAMP_PARTNER_SECRET");
    run->partner = option_or_variable(options->partner, "ONRAMP_PARTNER");
    run->token = option_or_variable(options->token, "ONRAMP_PARTNER_TOKEN");
    if (run->partner == NULL || run->token == NULL || secret == NULL) {
        complain("a partner needs --partner, --token and --secret; %s is missing",
                 run->partner == NULL ? "--partner"
                 : run->token == NULL ? "--token"
                                      : "--secret");
        return EXIT_USAGE;
    }
    if (!slug_valid(run->partner)) {
        complain("--partner is a slug: lower case letters, digits and hyphens");
        return EXIT_USAGE;
    }
    if (run->token[strspn(run->token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_")] != '\0') {
        complain("--token is not a token");
        return EXIT_USAGE;
    }
    if (!signature_key_read(&simulation->settings.key, secret)) {
        complain("--secret is not a secret: whsec_ and the base64 of 24 to 64 octets");
        return EXIT_USAGE;
    }
    if (!server_url_find(simulation->url, sizeof simulation->url, options->url, settings))
        return EXIT_STOPPED;
    run->url = simulation->url;
    return EXIT_SUCCESS;
}

static bool keys_open(struct simulation *simulation, const struct simulate_options *options)
{
    int *keys = &simulation->run.keys;
    *keys = -1;
    if (options->keys != NULL && strcmp(options->keys, "-") == 0)
        *keys = dup(STDIN_FILENO);
    else if (options->keys != NULL)
        *keys = open(options->keys, O_RDONLY | O_CLOEXEC);
    if (options->keys == NULL || *keys >= 0)
        return true;
    complain("--keys %s cannot be read: %s", options->keys, strerror(errno));
    return false;
}

/* --- what it does --- */

static void json_print(json_t *report)
{
    char *text = json_dumps(report, JSON_INDENT(1));
    if (text == NULL)
        abort();
    puts(text);
    free(text);
    json_decref(report);
}

/* What is going to be done, without doing it. */
static int plan_print(struct simulation *simulation)
{
    struct key_source keys = {.descriptor = simulation->run.keys,
                              .ended = simulation->run.keys < 0};
    while (!keys.ended) {
        struct pollfd ready = {.fd = keys.descriptor, .events = POLLIN};
        poll(&ready, 1, -1);
        key_source_read(&keys, simulation->simulator, 0, say, simulation);
    }
    json_print(json_pack("{s:I, s:o}", "seed", (json_int_t)simulation->settings.plan.seed, "orders",
                         simulator_plans(simulation->simulator)));
    return EXIT_SUCCESS;
}

static void report_print(const struct simulation *simulation, const char *end, double seconds)
{
    const struct plan_settings *plan = &simulation->settings.plan;
    json_t *report = simulator_report(simulation->simulator);
    json_object_set_new(report, "partner", json_string(simulation->run.partner));
    json_object_set_new(report, "seed", json_integer((json_int_t)plan->seed));
    json_object_set_new(report, "seconds", json_real(seconds));
    json_object_set_new(report, "end", json_string(end));
    if (simulation->receiver != NULL)
        json_object_set_new(report, "webhooks", endpoint_report(&simulation->endpoint));
    json_print(report);
}

static void result_print(const struct simulation *simulation, const struct simulator_tally *tally,
                         const char *end, double seconds)
{
    const struct endpoint_counts *heard = &simulation->endpoint.counts;
    progress("partner", "%s, --seed %llu, %s after %.1f s", simulation->run.partner,
             (unsigned long long)simulation->settings.plan.seed, end, seconds);
    if (simulation->receiver != NULL)
        progress("webhooks", "%llu heard, %llu duplicate, %llu turned away, %llu not authentic",
                 (unsigned long long)heard->heard, (unsigned long long)heard->duplicates,
                 (unsigned long long)heard->turned_away, (unsigned long long)heard->unauthentic);
    summary_print(tally);
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int play(struct simulation *simulation, bool json)
{
    static const char *const ends[] = {
        [RUN_IDLE] = "idle", [RUN_TIME_OVER] = "time over", [RUN_STOPPED] = "stopped"};
    struct simulator_tally tally;
    simulation->run.stop = signals_descriptor();
    double began = seconds_now();
    enum run_end end = simulator_run(simulation->simulator, &simulation->run);
    double seconds = seconds_now() - began;
    if (end == RUN_NOT_STARTED) {
        complain("libcurl cannot be started");
        return EXIT_FAILURE;
    }
    summary_hide();
    if (simulation->sentences > SENTENCES)
        complain("and %llu more like these", (unsigned long long)simulation->sentences - SENTENCES);
    simulator_tally(simulation->simulator, &tally);
    if (json)
        report_print(simulation, ends[end], seconds);
    else
        result_print(simulation, &tally, ends[end], seconds);
    return simulator_as_planned(&tally) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int play_connected(struct simulation *simulation, const struct simulate_options *options)
{
    int status = EXIT_FAILURE;
    if (!signals_open())
        complain("signals cannot be read: %s", strerror(errno));
    else if (receiver_start(simulation, options))
        status = play(simulation, options->json);
    endpoint_close(&simulation->endpoint, simulation->url, simulation->run.token);
    receiver_close(simulation->receiver);
    return status;
}

static int run(const struct settings *settings, const void *given)
{
    const struct simulate_options *options = given;
    struct simulation simulation = {0};
    int status = behaviour_read(&simulation, options) ? EXIT_SUCCESS : EXIT_USAGE;
    if (status == EXIT_SUCCESS && !options->plan)
        status = role_read(&simulation, options, settings);
    if (status == EXIT_SUCCESS && !keys_open(&simulation, options))
        status = EXIT_FAILURE;
    if (status == EXIT_SUCCESS) {
        simulation.simulator = simulator_new(&simulation.settings);
        status = options->plan ? plan_print(&simulation) : play_connected(&simulation, options);
        simulator_free(simulation.simulator);
        close(simulation.run.keys);
    }
    explicit_bzero(&simulation.settings.key, sizeof simulation.settings.key);
    return status;
}

const struct verb verb_simulate_partner = {
    .name = "simulate-partner",
    .scope = SCOPE_STATE,
    .options = simulate_options,
    .size = sizeof(struct simulate_options),
    .run = run,
};
