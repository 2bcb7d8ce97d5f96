/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a field of the head, or NULL. */
static const char *field(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    const char *line = strstr(head, "\r\n");
    while (line != NULL && line < end) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " ");
        line = strstr(line, "\r\n");
    }
    return NULL;
}

enum answer_state answer_read(struct answer *out, const char *data, size_t length)
{
    const char *end = strstr(data, "\r\n\r\n");
    if (end == NULL)
        return ANSWER_PARTIAL;
    /* sscanf would look for the end of what may be 50 KB. */
    if (strncmp(data, "HTTP/1.1 ", 9) != 0)
        return ANSWER_BROKEN;
    out->status = (int)strtol(data + 9, NULL, 10);
    const char *connection = field(data, end, "Connection");
    const char *octets = field(data, end, "Content-Length");
    if (octets == NULL && out->status != 204)
        return ANSWER_BROKEN;
    out->closes = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    out->head = (size_t)(end - data) + 4;
    out->body = octets != NULL ? strtoul(octets, NULL, 10) : 0;
    if (length > out->head + out->body)
        return ANSWER_BROKEN; /* one request at a time, so one answer */
    return length == out->head + out->body ? ANSWER_WHOLE : ANSWER_PARTIAL;
}
