/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exchange.h"

#include "base/arena.h"
#include "base/pages.h"
#include "http/connection.h"
#include "http/engine.h"
#include "http/forwarded.h"
#include "http/library.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    SPARE_EXCHANGES = 512,
    LARGE_BODY = 16 * 1024 /* octets, from which on a body has pages of its own */
};

struct exchange *exchange_new(struct http *http, struct connection *connection)
{
    struct exchange *exchange = http->spare_exchanges;
    struct arena *arena = exchange ? exchange->arena : arena_new();
    struct timespec now;
    if (exchange) {
        http->spare_exchanges = exchange->next;
        http->spare_exchange_count--;
    } else if (!(exchange = malloc(sizeof *exchange))) {
        abort();
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    *exchange = (struct exchange){
        .context = http->settings.context,
        .arena = arena,
        .method = "",
        .target = "",
        .body = "",
        .began_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
        .http = http,
        .connection = connection,
    };
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    struct http *http = exchange->http;
    http->bodies -= exchange->capacity;
    if (exchange->capacity >= LARGE_BODY)
        pages_free(exchange->octets, exchange->capacity);
    else
        free(exchange->octets);
    library_forget(exchange);
    if (http->spare_exchange_count >= SPARE_EXCHANGES) {
        arena_free(exchange->arena);
        free(exchange);
        return;
    }
    arena_reset(exchange->arena);
    exchange->next = http->spare_exchanges;
    http->spare_exchanges = exchange;
    http->spare_exchange_count++;
}

/* End a part of the copied head; what stood behind it was a separator. */
static char *ended(char *octets, struct span span)
{
    octets[span.at + span.length] = '\0';
    return octets + span.at;
}

void exchange_read(struct exchange *exchange, const struct head *head, const char *octets)
{
    char *copy = arena_copy(exchange->arena, octets, head->length);
    if (head->has_method)
        exchange->method = ended(copy, head->method);
    if (head->has_target)
        exchange->target = ended(copy, head->target);
    if (head->field_count == 0)
        return;
    exchange->fields = arena_alloc(exchange->arena, head->field_count * sizeof *exchange->fields);
    for (unsigned i = 0; i < head->field_count; i++)
        exchange->fields[i] =
            (struct header_field){ended(copy, head->fields[i].name),
                                  ended(copy, head->fields[i].value), head->fields[i].name.length};
    exchange->field_count = head->field_count;
}

static char *body_resized(const struct exchange *exchange, size_t capacity)
{
    if (exchange->capacity >= LARGE_BODY)
        return pages_resize(exchange->octets, exchange->capacity, capacity);
    if (capacity < LARGE_BODY) {
        char *octets = realloc(exchange->octets, capacity);
        if (!octets)
            abort();
        return octets;
    }
    char *octets = pages_new(capacity);
    if (exchange->octets)
        memcpy(octets, exchange->octets, exchange->body_length);
    free(exchange->octets);
    return octets;
}

char *exchange_body_room(struct exchange *exchange, size_t size)
{
    size_t wanted = exchange->body_length + size + 1;
    if (wanted > exchange->capacity) {
        size_t capacity = exchange->capacity ? exchange->capacity : 256;
        while (capacity < wanted)
            capacity *= 2;
        if (capacity > BODY_MAX + 1) /* which is all that there can be */
            capacity = BODY_MAX + 1;
        char *octets = body_resized(exchange, capacity);
        exchange->http->bodies += capacity - exchange->capacity;
        exchange->octets = octets;
        exchange->capacity = capacity;
    }
    return exchange->octets + exchange->body_length;
}

static bool is_named(const struct header_field *field, const char *name, size_t length)
{
    return field->name_length == length && strncasecmp(field->name, name, length) == 0;
}

const char *exchange_field(const struct exchange *exchange, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < exchange->field_count; i++)
        if (is_named(&exchange->fields[i], name, length))
            return exchange->fields[i].value;
    return NULL;
}

const char *exchange_fields(const struct exchange *exchange, const char *name, size_t *count)
{
    const char *joined = NULL;
    size_t length = strlen(name), found = 0;
    for (size_t i = 0; i < exchange->field_count; i++) {
        const struct header_field *field = &exchange->fields[i];
        if (!is_named(field, name, length))
            continue;
        joined =
            found++ ? arena_printf(exchange->arena, "%s, %s", joined, field->value) : field->value;
    }
    if (count)
        *count = found;
    return joined;
}

const char *exchange_client(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    const struct http_settings *settings = &exchange->http->settings;
    struct address address = connection->address;
    char text[ADDRESS_TEXT];
    const char *forwarded =
        connection->trusted ? exchange_fields(exchange, "x-forwarded-for", NULL) : NULL;
    if (forwarded)
        forwarded_read(&address, forwarded, settings->proxies, settings->proxy_count);
    address_write(text, &address);
    return arena_copy(exchange->arena, text, strlen(text));
}

bool exchange_ended(const struct exchange *exchange)
{
    return exchange->connection->ended;
}
