/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line an event on standard error, for operators.
 *
 * A line is `<time UTC, milliseconds> <level> <text>`. Levels are those of syslog(3). Never pass
 * keys, tokens or secrets. */
#ifndef ONRAMP_BASE_LOG_H
#define ONRAMP_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* Write one line; line breaks and control characters in the text are escaped. Any thread. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, kept in a buffer of the calling thread until it is full or log_flush is called. For
 * threads that flush at the end of every turn. */
void log_later(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_flush(void);

/* The least important level that is still written; LOG_INFO at the start. At LOG_DEBUG every
 * request is a line. */
void log_level(int level);

/* A level by its name: error, warning, notice, info or debug; -1 when it is none of them. */
int log_level_named(const char *name);

/* Whether lines of this level are written. */
bool log_shows(int level);

/* Lines of one kind that others can cause: so many a second are written, the rest is counted.
 * Zeroed at first; of one thread. */
struct log_rate {
    int64_t second;
    unsigned written, left_out;
};

/* Whether one more line may be written at that time (milliseconds, of any clock). With the next
 * second a line says how many were left out: "12 more <what>". */
bool log_rate_admits(struct log_rate *rate, unsigned each_second, int64_t now, int level,
                     const char *what);

/* To be called now and then, so that the number is logged although no line follows. */
void log_rate_settle(struct log_rate *rate, int64_t now, int level, const char *what);

#endif
