/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_SECONDS = 20, PATIENCE_SECONDS = 15, PAUSE_MS = 1000 };

/* What a partner cannot have done itself. */
static const char types[] =
    "circuit.deprovision_requested,circuit.deprovision_withdrawn,circuit.stalled";

bool feed_reader_prepare(struct feed_reader *reader, const char *url, const char *authorization,
                         int64_t now)
{
    const char *const headers[] = {authorization, "Accept: application/json", NULL};
    char *target = NULL, *cursor = NULL;
    reader->asked = now;
    if (reader->cursor != NULL)
        cursor = curl_easy_escape(reader->exchange.easy, reader->cursor, 0);
    bool good = asprintf(&target, "%s/v1/events?types=%s&wait=%d%s%s", url, types, WAIT_SECONDS,
                         cursor != NULL ? "&after=" : "", cursor != NULL ? cursor : "") >= 0;
    good = good && exchange_prepare(&reader->exchange, target, NULL,
                                    WAIT_SECONDS + PATIENCE_SECONDS, headers);
    curl_free(cursor);
    free(target);
    return good;
}

/* Whether it is a page of the feed. */
static bool page_take(struct feed_reader *reader, struct simulator *simulator, int64_t now)
{
    const json_t *items = json_object_get(reader->exchange.json, "items");
    const char *cursor = json_string_value(json_object_get(reader->exchange.json, "nextCursor"));
    size_t index;
    const json_t *item;
    if (!json_is_array(items))
        return false;
    json_array_foreach(items, index, item)
    {
        const char *key = json_string_value(json_object_get(item, "serviceKey"));
        if (key != NULL)
            simulator_heard(simulator, key, now);
    }
    if (cursor != NULL) {
        free(reader->cursor);
        reader->cursor = strdup(cursor);
        if (reader->cursor == NULL)
            abort();
    }
    return true;
}

const char *feed_reader_take(struct feed_reader *reader, CURLcode result,
                             struct simulator *simulator, int64_t now)
{
    struct order_answer answer;
    exchange_take(&reader->exchange, result, &answer);
    if (answer.status == 200 && page_take(reader, simulator, now)) {
        /* A server that does not wait is not asked all the time. */
        reader->due = json_array_size(json_object_get(reader->exchange.json, "items")) > 0
                          ? now
                          : reader->asked + PAUSE_MS;
        reader->failures = 0;
        return NULL;
    }
    if (answer.status == 0 || answer.status == 429 || answer.status >= 500) {
        reader->failures++;
        reader->due = now + (answer.retry_after > 0 ? answer.retry_after : PAUSE_MS);
        return reader->failures == 10 ? "the feed does not answer; trying on" : NULL;
    }
    if (strcmp(answer.code, "cursor_expired") == 0 && reader->cursor != NULL) {
        /* What is not kept any more is of no use either: on from the oldest that is. */
        free(reader->cursor);
        reader->cursor = NULL;
        reader->due = now + PAUSE_MS;
        return NULL;
    }
    reader->due = INT64_MAX;
    return "the feed is refused to this token; nothing that customers ask for will be heard";
}
