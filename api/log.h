/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line an event on standard error, for operators.
 *
 * A line is `<time UTC, milliseconds> <level> <text>`. Levels are those of syslog(3). Never pass keys,
 * tokens or secrets: log_masked gives the part of a key that may be shown. */
#ifndef ONRAMP_API_LOG_H
#define ONRAMP_API_LOG_H

#include <syslog.h>

/* Write one line; line breaks and control characters in the text are escaped. Any thread. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The least important level that is still written; LOG_INFO at the start. */
void log_level(int level);

#endif
