/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/keys.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Line by line; what is longer than any key is cut, and no key either. */
static const char *line_take(struct key_source *source)
{
    char *line = source->text;
    source->text[source->length] = '\0';
    source->length = 0;
    source->line++;
    line += strspn(line, " \t\r");
    for (size_t end = strlen(line); end > 0 && strchr(" \t\r", line[end - 1]) != NULL;)
        line[--end] = '\0';
    return line[0] == '\0' || line[0] == '#' ? NULL : line;
}

void key_source_read(struct key_source *source, struct simulator *simulator, int64_t now,
                     void (*say)(void *context, const char *sentence), void *context)
{
    char read_in[4096], sentence[128];
    struct pollfd ready = {.fd = source->descriptor, .events = POLLIN};
    if (source->ended || poll(&ready, 1, 0) <= 0)
        return;
    ssize_t length = read(source->descriptor, read_in, sizeof read_in);
    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (length < 0) {
        snprintf(sentence, sizeof sentence, "the keys cannot be read any further: %s",
                 strerror(errno));
        say(context, sentence);
    }
    source->ended = length <= 0;
    /* The end of the input ends its last line. */
    if (source->ended) {
        read_in[0] = '\n';
        length = source->length > 0;
    }
    for (ssize_t i = 0; i < length; i++) {
        if (read_in[i] != '\n') {
            if (source->length < sizeof source->text - 1)
                source->text[source->length++] = read_in[i];
            continue;
        }
        const char *key = line_take(source);
        if (key != NULL && simulator_hand_in(simulator, key, now) == KEY_MALFORMED) {
            snprintf(sentence, sizeof sentence, "line %zu of the keys is no service key",
                     source->line);
            say(context, sentence);
        }
    }
}
