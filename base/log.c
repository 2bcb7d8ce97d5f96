/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 2048, BUFFER_OCTETS = 16 * 1024 };

static atomic_int shown = LOG_INFO;

/* Lines of this thread that may wait for the end of its turn. */
static _Thread_local struct {
    size_t length;
    char bytes[BUFFER_OCTETS];
} waiting;

void log_level(int level)
{
    atomic_store(&shown, level);
}

bool log_shows(int level)
{
    return level <= atomic_load_explicit(&shown, memory_order_relaxed);
}

static const char *const level_names[] = {"emerg",   "alert",  "crit", "error",
                                          "warning", "notice", "info", "debug"};

static const char *level_name(int level)
{
    return level_names[level >= 0 && level <= LOG_DEBUG ? level : LOG_DEBUG];
}

int log_level_named(const char *name)
{
    for (int level = LOG_ERR; level <= LOG_DEBUG; level++)
        if (strcmp(level_names[level], name) == 0)
            return level;
    return -1;
}

/* Control characters would let a text forge a second line. */
static size_t escape(char *out, size_t room, const char *text)
{
    size_t used = 0;
    for (; *text && used + 5 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7F)
            used += (size_t)snprintf(out + used, room - used, "\\x%02x", c);
        else
            out[used++] = (char)c;
    }
    return used;
}

static size_t line_write(char *line, int level, const char *format, va_list arguments)
{
    char text[LINE_MAX_OCTETS - 64];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    used +=
        (size_t)snprintf(line + used, 24, ".%03ldZ %s ", now.tv_nsec / 1000000, level_name(level));
    vsnprintf(text, sizeof text, format, arguments);
    used += escape(line + used, LINE_MAX_OCTETS - used - 1, text);
    line[used++] = '\n';
    return used;
}

static void write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, length);
        if (written <= 0)
            return; /* nobody reads the log, and there is nowhere to say so */
        bytes += written;
        length -= (size_t)written;
    }
}

void log_line(int level, const char *format, ...)
{
    char line[LINE_MAX_OCTETS];
    if (!log_shows(level))
        return;
    va_list arguments;
    va_start(arguments, format);
    size_t length = line_write(line, level, format, arguments);
    va_end(arguments);
    log_flush();
    write_all(line, length);
}

void log_later(int level, const char *format, ...)
{
    if (!log_shows(level))
        return;
    if (sizeof waiting.bytes - waiting.length < LINE_MAX_OCTETS)
        log_flush();
    va_list arguments;
    va_start(arguments, format);
    waiting.length += line_write(waiting.bytes + waiting.length, level, format, arguments);
    va_end(arguments);
}

void log_flush(void)
{
    if (waiting.length == 0)
        return;
    write_all(waiting.bytes, waiting.length);
    waiting.length = 0;
}

void log_rate_settle(struct log_rate *rate, int64_t now, int level, const char *what)
{
    int64_t second = now / 1000;
    if (second == rate->second)
        return;
    if (rate->left_out > 0)
        log_later(level, "%u more %s", rate->left_out, what);
    *rate = (struct log_rate){.second = second};
}

bool log_rate_admits(struct log_rate *rate, unsigned each_second, int64_t now, int level,
                     const char *what)
{
    log_rate_settle(rate, now, level, what);
    if (rate->written >= each_second) {
        rate->left_out++;
        return false;
    }
    rate->written++;
    return true;
}
