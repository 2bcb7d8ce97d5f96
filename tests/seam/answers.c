/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t cut(char *octets, size_t length, char *from, size_t size)
{
    memmove(from, from + size, length - (size_t)(from - octets) - size);
    return length - size;
}

size_t answers_settle(char *octets, size_t length)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n", date[] = "\r\nDate: ";
    enum { DATE = 37 }; /* its line, with the line break before it */
    char *found;
    while (length > 0 && (found = memmem(octets, length, go_on, sizeof go_on - 1)))
        length = cut(octets, length, found, sizeof go_on - 1);
    while (length > 0 && (found = memmem(octets, length, date, sizeof date - 1)) &&
           (size_t)(octets + length - found) >= DATE)
        length = cut(octets, length, found, DATE);
    return length;
}

/* The value of a field in a head, or NULL. */
static const char *field(const char *head, size_t length, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *found = memmem(head, length, line, strlen(line));
    return found ? found + strlen(line) : NULL;
}

/* Take chunks apart. Returns how many octets they were, 0: they are no chunks. */
static size_t dechunk(const char *octets, size_t length, char *out, size_t room)
{
    size_t at = 0, written = 0;
    for (;;) {
        const char *line = memmem(octets + at, length - at, "\r\n", 2);
        if (!line)
            return 0;
        size_t size = strtoul(octets + at, NULL, 16);
        at = (size_t)(line - octets) + 2;
        if (length - at < size + 2 || written + size >= room)
            return 0;
        memcpy(out + written, octets + at, size);
        written += size;
        at += size + 2;
        if (size == 0) {
            out[written] = '\0';
            return at;
        }
    }
}

static const char *match(const struct expected *expected, bool last, const char **at,
                         const char *end)
{
    const char *head = *at, *head_end = memmem(head, (size_t)(end - head), "\r\n\r\n", 4);
    char body[256];
    if (!head_end)
        return "a head is not whole";
    size_t head_length = (size_t)(head_end - head) + 4, left = (size_t)(end - head) - head_length;
    if (head_length < 13 || memcmp(head, "HTTP/1.", 7) != 0)
        return "what is heard is no answer";
    if (atoi(head + 9) != expected->status)
        return "it has another status";
    const char *connection = field(head, head_length, "Connection");
    bool closes = connection && strncasecmp(connection, "close", 5) == 0;
    if (closes && !last)
        return "it closes, and more should follow";
    const char *length = field(head, head_length, "Content-Length");
    *at = head + head_length;
    if (expected->head)
        return NULL;
    size_t size = length ? strtoul(length, NULL, 10) : 0;
    if (length) {
        if (size > left || size >= sizeof body)
            return "its body is not whole";
        memcpy(body, *at, size);
        body[size] = '\0';
    } else if ((size = dechunk(*at, left, body, sizeof body)) == 0) {
        return "its body is not in whole chunks";
    }
    *at += size;
    return strcmp(body, expected->body) == 0 ? NULL : "it has another body";
}

bool answers_match(const struct script *script, const char *octets, size_t length, const char **why)
{
    const char *at = octets, *end = octets + length;
    for (unsigned i = 0; i < script->answer_count; i++) {
        *why = match(&script->answers[i], i + 1 == script->answer_count, &at, end);
        if (*why)
            return false;
    }
    *why = "more is heard than was asked for";
    return at == end;
}

void answers_show(const char *what, const char *octets, size_t length)
{
    enum { SHOWN = 3000 };
    fprintf(stderr, "%s (%zu octets): \"", what, length);
    for (size_t i = 0; i < length && i < SHOWN; i++) {
        unsigned char octet = (unsigned char)octets[i];
        if (octet == '\r')
            fputs("\\r", stderr);
        else if (octet == '\n')
            fputs("\\n", stderr);
        else if (octet >= 32 && octet < 127)
            fputc(octet, stderr);
        else
            fprintf(stderr, "\\x%02x", octet);
    }
    fprintf(stderr, "\"%s\n", length > SHOWN ? "..." : "");
}
