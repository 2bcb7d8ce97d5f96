/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stream.h"

#include "api/answer.h"
#include "api/loop.h"
#include "api/media_type.h"
#include "api/request.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/text.h"
#include "db/rows.h"
#include "operations/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_MAX = 5, AGAIN_MS = 1000 };

struct stream {
    struct text text; /* what the client has not been given yet, from sent on */
    size_t sent;
    bool idle;    /* suspended for want of text */
    int failures; /* of the database, one after the other */
    bool over;    /* nothing follows the text */
};

bool stream_wanted(const struct request *request)
{
    return request->route->takes & STREAM &&
           media_type_preferred(request_header(request, "accept"), "text/event-stream",
                                "application/json");
}

bool stream_asleep(const struct request *request)
{
    return request->stream->idle && !request->waiting;
}

void stream_free(struct stream *stream)
{
    if (stream)
        text_free(&stream->text);
    free(stream);
}

static void wake(struct request *request)
{
    request->stream->idle = false;
    exchange_wake(request->exchange);
}

static void finish(struct request *request)
{
    wait_has_read(request);
    request->stream->over = true;
    if (request->stream->idle)
        wake(request);
}

static void beat_later(struct request *request)
{
    request->wait.until =
        request->loop->now + (int64_t)request->loop->settings->heartbeat_seconds * 1000;
}

/* An id without data moves Last-Event-ID and dispatches nothing. */
static void position_write(struct request *request, const char *position)
{
    struct text *text = &request->stream->text;
    arena_reset(request->loop->scratch);
    text_add_word(text, "id: ");
    text_add_word(text, cursor_text(request->loop->scratch, position));
    text_add_char(text, '\n');
}

static void page_write(struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->call.operation;
    struct text *text = &request->stream->text;
    int position = column_of(operation, operation->key), type = column_of(operation, "type");
    int items = rows_count(rows) - 1;
    for (int row = 0; row < items; row++) {
        position_write(request, rows_text(rows, row, position));
        text_add_word(text, "event: ");
        text_add_word(text, rows_text(rows, row, type));
        text_add_word(text, "\ndata: ");
        row_write(text, &request->call, rows, row);
        text_add_word(text, "\n\n");
    }
    snprintf(request->wait.position, sizeof request->wait.position, "%s",
             rows_text(rows, items, position));
    call_set(&request->call, "after", request->wait.position);
    if (!rows_null(rows, items, COLUMN_FACTS))
        request->wait.woken = true; /* there may be more already */
}

static void rows_came(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    request->waiting = false;
    wait_has_read(request);
    if (strcmp(rows_text(rows, 0, COLUMN_OUTCOME), "ok") != 0 || request->wait.over) {
        finish(request);
        return;
    }
    request->stream->failures = 0;
    page_write(request, rows);
    if (request->stream->text.length > 0) {
        beat_later(request);
        wake(request);
    } else if (request->wait.woken) {
        wait_line_up(request);
    }
}

static void failed(struct query *query, enum failure failure)
{
    struct request *request = request_of(query);
    request->waiting = false;
    /* Nothing is sent before the token was looked at again, so there is no harm in another try. */
    if (!request->wait.over && ++request->stream->failures < FAILURES_MAX) {
        wait_has_read(request);
        request->wait.woken = true;
        request->wait.until = request->loop->now + AGAIN_MS;
        return;
    }
    log_later(LOG_WARNING, "a stream ends: %s fails (%d, request %s)", query->statement->name,
              (int)failure, request->id);
    finish(request);
}

/* Its token is live. */
static void renewed(struct request *request)
{
    struct stream *stream = request->stream;
    if (request->wait.woken) {
        wait_begin(request);
        request_submit(request, request->call.operation, rows_came, failed);
        return;
    }
    wait_has_read(request);
    text_add_word(&stream->text, ":\n");
    position_write(request, wait_position(request));
    call_set(&request->call, "after", request->wait.position);
    text_add_char(&stream->text, '\n');
    beat_later(request);
    wake(request);
}

static void renewal_came(struct query *query, const struct rows *rows)
{
    struct request *request = request_of(query);
    request->waiting = false;
    bool live = request_token_is_live(request, rows);
    if (!live)
        log_later(LOG_INFO, "a stream ends: its token is no longer live (request %s)", request->id);
    if (live && !request->wait.over)
        renewed(request);
    else
        finish(request);
}

void stream_go_on(struct request *request)
{
    if (request->wait.over)
        finish(request);
    else if (request_token_is_fresh(request))
        renewed(request);
    else
        request_token_ask(request, renewal_came, failed);
}

void stream_cut(struct request *request)
{
    request->wait.over = true;
    finish(request);
}

/* The client has taken all that it was given. */
static ssize_t octets_give(struct exchange *exchange, char *out, size_t size)
{
    struct request *request = exchange->of;
    struct stream *stream = request->stream;
    size_t left = stream->text.length - stream->sent;
    if (left > 0) {
        size_t given = left < size ? left : size;
        memcpy(out, stream->text.bytes + stream->sent, given);
        stream->sent += given;
        return (ssize_t)given;
    }
    stream->text.length = stream->sent = 0;
    if (stream->over || request->wait.over)
        return -1;
    stream->idle = true;
    if (request->wait.woken)
        wait_line_up(request);
    return 0;
}

void stream_begin(struct request *request, const struct rows *rows)
{
    /* The library would end the chunks that a HEAD has none of. */
    if (request->method == HEAD) {
        answer_static(request, 200, "text/event-stream", "", 0);
        return;
    }
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    request->stream = stream;
    text_add_word(&stream->text, ":\n\n"); /* the head goes out with something behind it */
    page_write(request, rows);
    beat_later(request);
    answer_stream(request, 200, "text/event-stream", octets_give);
}
