/* SPDX-License-Identifier: Apache-2.0 */
/* asked.h - what a connection asks for in its `options`, and whether it has been given.
 *
 * Limits, formats and the role of a session are options of its connection. What stands between may
 * drop them without a word, as pgbouncer does with ignore_startup_parameters = options. Then the
 * session is another one than it seems: it may do more, and waits without end. So the server is
 * asked. */
#ifndef ONRAMP_DB_ASKED_H
#define ONRAMP_DB_ASKED_H

/* Names and last values of the settings in options, of those that onramp asks for itself: two
 * parameters of asked_sql; owned. */
struct asked {
    char *names, *values;
};

/* Of which the text of `options` is given; NULL: there are none. */
void asked_read(struct asked *out, const char *options);

void asked_free(struct asked *asked);

/* Answers one row: the names of those that did not take effect, NULL when all did, and the number
 * of the backend. */
extern const char asked_sql[];

/* The sentence that refuses a connection without these. The caller frees it. */
char *asked_refusal(const char *missing);

#endif
