/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line and what stands behind it: one table of options, the same for every
 * verb.
 *
 * The options that are settings of the daemon may also come from the environment (ONRAMP_ and the
 * name in capitals) and from the file that --config or ONRAMP_CONFIG names. The command line goes
 * before the environment, the environment before the file. One that may be given several times
 * gathers all that its best source gives, in the environment between commas or blanks. An empty
 * variable counts as none. */
#ifndef ONRAMP_CLI_OPTIONS_H
#define ONRAMP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_WORDS = 4, OPTION_TEXTS = 64 };

/* Exit statuses, those of sysexits(3) where it has one. */
enum { EXIT_USAGE = 64, EXIT_NOT_THERE = 69, EXIT_STOPPED = 3 };

/* The values of an option that may be given several times. */
struct option_texts {
    const char *items[OPTION_TEXTS];
    int count;
};

/* What was given; texts are NULL where nothing was, and kept for good. */
struct options {
    /* settings: where */
    const char *config, *state, *database, *secrets_key, *listen;
    int port; /* -1: not given */
    /* settings: how */
    const char *log_level, *rate_limit;
    int loops; /* 0: not given, or as many as fit */
    const char *webhook_schedule, *webhook_timeout, *webhook_disable_after, *webhook_ca;
    struct option_texts webhook_allow_cidr;
    struct option_texts trusted_proxy;
    int connections_per_address; /* -1: not given */
    /* how */
    bool detach, json, yes, print_curl, help, version, dump_operations;
    /* token create */
    const char *role, *customer, *partner, *description, *expires_at;
    /* retention */
    const char *events;
    /* callback (with partner) */
    const char *secret, *type, *service_key, *note, *reason, *primary_port, *secondary_port;
    const char *s_tag, *partner_reference, *expected_by, *timestamp, *webhook_id, *url;
    /* simulate-partner (with partner, secret, url, json) */
    const char *token, *keys, *delay, *duplicates, *reorder, *silence, *reject, *wrong_signatures;
    const char *clock_skew, *rate, *parallel, *lasts, *patience, *seed;
    const char *receive, *receive_url, *deaf;
    bool until_idle, plan;
    /* The verb and what follows it; then what stood behind "--", NULL-terminated. */
    const char *words[OPTIONS_WORDS];
    int word_count;
    char **rest;
    uint64_t given; /* which options have their value, in the order of the table */
};

/* Read the command line. False after saying on standard error what is wrong with it. */
bool options_read(struct options *out, int count, char **arguments);

/* Read what the command line left open from the environment and the file. False likewise. */
bool options_complete(struct options *options);

/* The usage text, embedded. */
extern const unsigned char usage_text[];

/* One line to standard error, "onramp: ..." with a line break behind it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
