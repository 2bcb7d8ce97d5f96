/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line: one table of options, the same for every verb. */
#ifndef ONRAMP_API_OPTIONS_H
#define ONRAMP_API_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_WORDS = 4 };

/* Exit statuses, those of sysexits(3) where it has one. */
enum { EXIT_USAGE = 64, EXIT_NOT_THERE = 69, EXIT_STOPPED = 3 };

/* What was given; texts are NULL where nothing was, and borrowed from the command line or the
 * environment. */
struct options {
    /* where */
    const char *state, *database, *listen;
    int port; /* -1: not given */
    /* how */
    bool detach, json, yes, print_curl, help, version;
    /* token create */
    const char *role, *customer, *partner, *description, *expires_at;
    /* callback (with partner) */
    const char *secret, *type, *service_key, *note, *reason, *primary_port, *secondary_port;
    const char *s_tag, *partner_reference, *expected_by, *timestamp, *webhook_id, *url;
    /* The verb and what follows it; then what stood behind "--", NULL-terminated. */
    const char *words[OPTIONS_WORDS];
    int word_count;
    char **rest;
};

/* Read the command line. False after saying on standard error what is wrong with it. */
bool options_read(struct options *out, int count, char **arguments);

/* The usage text, embedded. */
extern const unsigned char usage_text[];

/* One line to standard error, "onramp: ..." with a line break behind it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
