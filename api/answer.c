/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"

#include "api/condition.h"
#include "api/entity_tag.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/request.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "crypto/digest.h"
#include "db/rows.h"
#include "operations/binary.h"
#include "operations/conditional.h"
#include "operations/layout.h"
#include "operations/row.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The column of a top-level member called version, or -1. */
static int version_column(const struct operation *operation)
{
    int column = COLUMN_FIRST, depth = 0;
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        depth += member->kind == MEMBER_OPEN || member->kind == MEMBER_OPEN_IF;
        depth -= member->kind == MEMBER_CLOSE;
        if (!member_takes_column(member->kind))
            continue;
        if (depth == 0 && member->name && strcmp(member->name, "version") == 0)
            return column;
        column++;
    }
    return -1;
}

void answer_header(struct request *request, const char *name, const char *value)
{
    exchange_header(request->exchange, name, value);
}

/* The headers that every answer has. */
static void answer_begun(struct request *request, int status, const char *type)
{
    request->status = status;
    request->phase = PHASE_ANSWERED;
    if (type)
        answer_header(request, "Content-Type", type);
    answer_header(request, "X-Request-Id", request->id);
    answer_header(request, "Cache-Control", "no-store");
    answer_header(request, "X-Content-Type-Options", "nosniff");
    if (request->rate.counted) {
        char state[RATE_FIELD_MAX];
        rate_state_write(state, &request->rate);
        answer_header(request, "RateLimit-Policy",
                      rate_policy_text(request->loop->settings->rates));
        answer_header(request, "RateLimit", state);
    }
    if (request->dry)
        answer_header(request, "Dry-Run", "true");
}

void answer_stream(struct request *request, int status, const char *type,
                   ssize_t (*source)(struct exchange *exchange, char *out, size_t size))
{
    exchange_stream(request->exchange, status, source);
    answer_begun(request, status, type);
}

void answer_static(struct request *request, int status, const char *type, const void *bytes,
                   size_t length)
{
    exchange_answer(request->exchange, status, bytes, length, OCTETS_KEPT);
    answer_begun(request, status, type);
}

void answer_bytes(struct request *request, int status, const char *type, const char *bytes,
                  size_t length)
{
    answer_static(request, status, type, arena_copy(request->arena, bytes, length), length);
}

/* The same with what was written, which then belongs to the answer: a page is too long to be copied
 * for nothing. */
static void answer_text(struct request *request, int status, const char *type, struct text *text)
{
    size_t length = text->length;
    exchange_answer(request->exchange, status, text_give(text), length, OCTETS_GIVEN);
    answer_begun(request, status, type);
}

/* The rows of a page, with commas between them, and the digests of each; NULL: not needed. */
static void items_write(struct text *text, const struct call *call, const struct rows *rows,
                        int items, unsigned char *digests)
{
    for (int row = 0; row < items; row++) {
        if (row > 0)
            text_add_char(text, ',');
        size_t from = text->length;
        row_write(text, call, rows, row);
        if (digests)
            digest_make(digests + (size_t)row * DIGEST_OCTETS, text->bytes + from,
                        text->length - from);
        /* Its rows are about as long as the first one. */
        if (row == 0)
            text_reserve(text, (size_t)items * (text->length + text->length / 8));
    }
}

/* The entity tag of items, and of whether more follow: made of the digests of the items, so that
 * what is kept of them need not be read again. */
static const char *content_tag(struct request *request, const unsigned char *digests, size_t count,
                               const char *cursor)
{
    enum { TAG = 32 }; /* half of the digest tells as well */
    char hex[DIGEST_TEXT];
    size_t length = count * DIGEST_OCTETS, more = cursor ? strlen(cursor) : 0;
    unsigned char *octets = arena_alloc(request->arena, length + more + 1);
    if (length > 0)
        memcpy(octets, digests, length);
    if (more > 0)
        memcpy(octets + length, cursor, more);
    digest_write(hex, octets, length + more);
    return arena_copy(request->arena, hex, TAG);
}

/* The text, under an entity tag of what is in it. */
static void answer_tagged(struct request *request, struct text *text, const char *tag)
{
    const char *seen = condition_list(request, "if-none-match");
    bool known = seen && entity_tags_hold(seen, tag);
    answer_text(request, known ? 304 : request->call.operation->success,
                known ? NULL : "application/json", text);
    answer_header(request, "ETag", arena_printf(request->arena, "\"%s\"", tag));
}

static void answer_one_of_catalogue(struct request *request, const struct rows *rows)
{
    struct text *text = &request->loop->text;
    unsigned char digest[DIGEST_OCTETS];
    text->length = 0;
    items_write(text, &request->call, rows, 1, digest);
    answer_tagged(request, text, content_tag(request, digest, 1, NULL));
}

static void answer_one(struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->call.operation;
    struct text *text = &request->loop->text;
    if (operation->of_catalogue) {
        answer_one_of_catalogue(request, rows);
        return;
    }
    int version = version_column(operation);
    const char *seen = operation->lane == LANE_READ && version >= 0
                           ? condition_list(request, "if-none-match")
                           : NULL;
    text->length = 0;
    row_write(text, &request->call, rows, 0);
    /* Of a 304 only the length is sent, which has to be that of the 200. */
    bool known = seen && entity_tags_hold(seen, rows_text(rows, 0, version));
    answer_bytes(request, known ? 304 : operation->success, known ? NULL : "application/json",
                 text->bytes, text->length);
    if (request->dry) /* it is of no version and nowhere */
        return;
    if (version >= 0)
        answer_header(request, "ETag",
                      arena_printf(request->arena, "\"%s\"", rows_text(rows, 0, version)));
    if (operation->location)
        answer_header(request, "Location",
                      arena_printf(request->arena, "%s%s", operation->location,
                                   rows_text(rows, 0, COLUMN_FIRST)));
}

/* The same page address with another cursor. */
static const char *next_link(const struct request *request, const char *cursor)
{
    const char *query = "";
    for (size_t i = 0; i < request->pair_count; i++)
        if (strcmp(request->pairs[i].name, "cursor") != 0)
            query = arena_printf(request->arena, "%s%s&", query, request->pairs[i].raw);
    return arena_printf(request->arena, "<%s?%scursor=%s>; rel=\"next\"", request->target.path,
                        query, cursor);
}

/* A column that a list is keyed by, as text; a binary list is keyed by a uuid. */
static const char *key_text(const struct request *request, const struct rows *rows, int row,
                            int column)
{
    const char *value = rows_text(rows, row, column);
    if (!request->call.operation->binary)
        return value;
    assert(rows_length(rows, row, column) == UUID_OCTETS);
    char uuid[UUID_TEXT];
    binary_uuid_write(uuid, value);
    return arena_copy(request->arena, uuid, sizeof uuid);
}

/* A time that a list is ordered by, as PostgreSQL writes it in UTC, down to the microsecond. */
static const char *order_text(const struct request *request, const struct rows *rows, int row,
                              int column)
{
    char time[TIMESTAMP_LENGTH];
    const char *value = rows_text(rows, row, column);
    if (!request->call.operation->binary)
        return value;
    int64_t at = binary_integer(value, (size_t)rows_length(rows, row, column));
    if (!timestamp_write_microseconds(time, at))
        abort();
    int micros = (int)(at % 1000000);
    return arena_printf(request->arena, "%.10s %.8s.%06d+00", time, time + 11,
                        micros < 0 ? micros + 1000000 : micros);
}

/* The cursor that stands behind a row. */
static const char *cursor_of(const struct request *request, const struct rows *rows, int row)
{
    const struct operation *operation = request->call.operation;
    const char *key = key_text(request, rows, row, column_of(operation, operation->key));
    const char *order = operation->order ? operation->order(&request->call) : NULL;
    if (!order)
        return cursor_text(request->arena, key);
    return cursor_text_timed(request->arena,
                             order_text(request, rows, row, column_of(operation, order)), key);
}

/* The text, which is a page without its end. The digests of its items are there for a list of the
 * catalogue. */
static void answer_page(struct request *request, struct text *text, const unsigned char *digests,
                        size_t items, const char *cursor)
{
    const struct operation *operation = request->call.operation;
    text_add_word(text, "],\"nextCursor\":");
    if (cursor)
        text_add_json(text, cursor, strlen(cursor));
    else
        text_add_word(text, "null");
    text_add_char(text, '}');
    if (operation->of_catalogue)
        answer_tagged(request, text, content_tag(request, digests, items, cursor));
    else
        answer_text(request, operation->success, "application/json", text);
    if (cursor && request->status != 304)
        answer_header(request, "Link", next_link(request, cursor));
}

static void answer_list(struct request *request, const struct rows *rows)
{
    struct text *text = &request->loop->text;
    int count = rows_count(rows);
    int limit = (int)strtol(call_value(&request->call, "limit"), NULL, 10);
    int shown = count > limit ? limit : count;
    unsigned char *digests = request->call.operation->of_catalogue
                                 ? arena_alloc(request->arena, (size_t)shown * DIGEST_OCTETS + 1)
                                 : NULL;
    text->length = 0;
    text_add_word(text, "{\"items\":[");
    items_write(text, &request->call, rows, shown, digests);
    answer_page(request, text, digests, (size_t)shown,
                count > limit ? cursor_of(request, rows, shown - 1) : NULL);
}

void answer_kept(struct request *request, const struct kept_part *part)
{
    struct text *text = &request->loop->text;
    text->length = 0;
    if (request->call.operation->answer == ANSWER_ONE) {
        text_add(text, part->octets, part->length);
        answer_tagged(request, text, content_tag(request, part->digests, 1, NULL));
        return;
    }
    text_add_word(text, "{\"items\":[");
    text_add(text, part->octets, part->length);
    answer_page(request, text, part->digests, part->count,
                part->last ? cursor_text(request->arena, part->last) : NULL);
}

/* items: how many rows of the page to write. */
static void page_write(struct request *request, const struct rows *rows, int items,
                       const char *position)
{
    struct text *text = &request->loop->text;
    const char *cursor = cursor_text(request->arena, position);
    text->length = 0;
    text_add_word(text, "{\"items\":[");
    items_write(text, &request->call, rows, items, NULL);
    text_add_word(text, "],\"nextCursor\":");
    text_add_json(text, cursor, strlen(cursor));
    text_add_char(text, '}');
    answer_text(request, request->call.operation->success, "application/json", text);
}

void answer_feed_end(struct request *request, const char *position)
{
    page_write(request, NULL, 0, position);
}

static void answer_feed(struct request *request, const struct rows *rows)
{
    int items = rows_count(rows) - 1;
    int key = column_of(request->call.operation, request->call.operation->key);
    page_write(request, rows, items, rows_text(rows, items, key));
}

void answer_rows(struct request *request, const struct rows *rows)
{
    const struct operation *operation = request->call.operation;
    if (rows_count(rows) == 0 && operation->answer != ANSWER_LIST) {
        log_line(LOG_ERR, "bug: %s answered no row (request %s)", operation->name, request->id);
        problem_answer(request, (struct refusal){"internal_error", NULL});
        return;
    }
    const char *outcome = rows_count(rows) > 0 ? rows_text(rows, 0, COLUMN_OUTCOME) : "ok";
    bool replayed = strcmp(outcome, conditional_replayed) == 0;
    if (!replayed && strcmp(outcome, "ok") != 0) {
        const char *facts = rows_text(rows, 0, COLUMN_FACTS);
        if (operation->binary && !rows_null(rows, 0, COLUMN_FACTS))
            facts += JSONB_TEXT_AT;
        problem_answer_facts(request, outcome, facts);
        return;
    }
    if (replayed || request->dry)
        request->call.issued = NULL; /* it was made for nothing */
    switch (operation->answer) {
    case ANSWER_ONE:
        answer_one(request, rows);
        break;
    case ANSWER_LIST:
        answer_list(request, rows);
        break;
    case ANSWER_FEED:
        answer_feed(request, rows);
        break;
    case ANSWER_NOTHING:
        answer_static(request, operation->success, NULL, "", 0);
        break;
    }
    if (replayed)
        answer_header(request, "Idempotent-Replayed", "true");
}
