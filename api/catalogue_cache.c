/* SPDX-License-Identifier: Apache-2.0 */
#include "api/catalogue_cache.h"

#include "api/answer.h"
#include "api/loop.h"
#include "api/request.h"
#include "api/token_cache.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "db/rows.h"
#include "operations/operation.h"
#include "operations/row.h"
#include "partners/partner.h"

#include <stdlib.h>
#include <string.h>

enum {
    ITEMS_MAX = 10000, /* a longer list is not kept */
    DEADLINE_MS = 10000
};

#define ITEMS_LIMIT "10000"

struct item {
    const char *name;
    size_t at; /* in octets */
    size_t length;
};

/* A list with commas between its items, in order of their names. */
struct kept {
    struct query query; /* first: the callbacks know the list by it */
    const struct operation *list;
    const char *values[2];
    bool waiting;
    unsigned long long told; /* as often as that, when it was read last */
    uint64_t version;        /* 0: nothing is kept */
    bool whole;              /* all of it is here; otherwise it is too long */
    struct text octets;
    size_t count;
    struct arena *arena; /* of the rest */
    struct item *items;
    unsigned char *digests; /* DIGEST_OCTETS an item */
};

enum { PARTNERS, LOCATIONS, LISTS };

struct catalogue_cache {
    struct kept lists[LISTS];
};

/* --- which one it is --- */

static uint64_t version_of(const char *name)
{
    return *name ? hash_text(HASH_START, name) | 1 : 0;
}

/* What has been seen is told last, and looked at first: nobody takes an older name for one that was
 * asked for behind a change. */
void catalogue_told(struct catalogue_news *news, const char *name, int64_t asked,
                    unsigned long long written)
{
    atomic_store(&news->version, version_of(name));
    atomic_store(&news->asked, asked);
    atomic_fetch_add(&news->told, 1);
    atomic_store(&news->seen, written);
}

void catalogue_written(struct catalogue_news *news)
{
    atomic_fetch_add(&news->written, 1);
}

/* 0: not known. */
static uint64_t version_now(struct catalogue_news *news, int64_t now)
{
    unsigned long long seen = atomic_load(&news->seen);
    if (seen != atomic_load(&news->written) || now - atomic_load(&news->asked) >= CACHE_MS)
        return 0;
    return atomic_load(&news->version);
}

/* --- reading it --- */

struct catalogue_cache *catalogue_cache_new(void)
{
    struct catalogue_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    cache->lists[PARTNERS].list = &partner_list;
    cache->lists[LOCATIONS].list = &peering_location_list;
    return cache;
}

static void forget(struct kept *kept)
{
    kept->version = 0;
    kept->count = 0;
    kept->octets.length = 0;
    arena_free(kept->arena);
    kept->arena = NULL;
}

void catalogue_cache_free(struct catalogue_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < LISTS; i++) {
        if (cache->lists[i].waiting)
            abort();
        forget(&cache->lists[i]);
        text_free(&cache->lists[i].octets);
    }
    free(cache);
}

static void keep(struct kept *kept, const struct rows *rows)
{
    const struct call call = {.operation = kept->list};
    size_t count = (size_t)rows_count(rows);
    kept->arena = arena_new();
    kept->items = arena_alloc(kept->arena, count * sizeof *kept->items);
    kept->digests = arena_alloc(kept->arena, count * DIGEST_OCTETS);
    for (int row = 0; row < (int)count; row++) {
        struct item *item = &kept->items[row];
        const char *name = rows_text(rows, row, COLUMN_FIRST);
        if (row > 0)
            text_add_char(&kept->octets, ',');
        item->at = kept->octets.length;
        row_write(&kept->octets, &call, rows, row);
        item->length = kept->octets.length - item->at;
        item->name = arena_copy(kept->arena, name, strlen(name));
        digest_make(kept->digests + (size_t)row * DIGEST_OCTETS, kept->octets.bytes + item->at,
                    item->length);
    }
    kept->count = count;
}

static void on_rows(struct query *query, const struct rows *rows)
{
    struct kept *kept = (struct kept *)query;
    kept->waiting = false;
    forget(kept);
    if (rows_count(rows) == 0)
        return; /* and nothing says which one it is */
    kept->whole = rows_count(rows) <= ITEMS_MAX;
    if (kept->whole)
        keep(kept, rows);
    kept->version = version_of(rows_text(rows, 0, column_of(kept->list, "catalogue_version")));
}

static void on_failure(struct query *query, enum failure failure)
{
    struct kept *kept = (struct kept *)query;
    (void)failure;
    kept->waiting = false;
}

/* Read it, once for each time that the tail was answered: while what is read is not what it tells,
 * the database would not answer otherwise. */
static void read_again(struct kept *kept, struct loop *loop)
{
    unsigned long long told = atomic_load(&loop->settings->catalogue->told);
    if (kept->waiting || kept->told == told)
        return;
    kept->told = told;
    kept->waiting = true;
    kept->values[0] = NULL;
    kept->values[1] = ITEMS_LIMIT;
    kept->query = (struct query){.statement = kept->list->statement,
                                 .values = kept->values,
                                 .deadline = loop->now + DEADLINE_MS,
                                 .on_rows = on_rows,
                                 .on_failure = on_failure};
    lanes_submit(loop->lanes, &kept->query);
}

/* The list that an operation reads, or reads one of, when it is here and current; or NULL. */
static const struct kept *kept_for(struct loop *loop, const struct operation *operation)
{
    struct catalogue_cache *cache = loop->catalogue;
    struct kept *kept = &cache->lists[operation == &peering_location_list ? LOCATIONS : PARTNERS];
    uint64_t version = version_now(loop->settings->catalogue, loop->now);
    if (version == 0)
        return NULL;
    if (kept->version == version)
        return kept->whole ? kept : NULL;
    read_again(kept, loop);
    return NULL;
}

/* --- answering --- */

/* The first item behind a name. */
static size_t behind(const struct kept *kept, const char *name)
{
    size_t first = 0, end = kept->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (strcmp(kept->items[middle].name, name) <= 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* The item of that name, or NULL. */
static const struct item *item_of(const struct kept *kept, const char *name)
{
    size_t next = behind(kept, name);
    return next > 0 && strcmp(kept->items[next - 1].name, name) == 0 ? &kept->items[next - 1]
                                                                     : NULL;
}

static struct kept_part part_of(const struct kept *kept, size_t first, size_t count)
{
    if (count == 0)
        return (struct kept_part){.octets = ""};
    const struct item *item = &kept->items[first], *last = &item[count - 1];
    return (struct kept_part){.octets = kept->octets.bytes + item->at,
                              .length = last->at + last->length - item->at,
                              .digests = kept->digests + first * DIGEST_OCTETS,
                              .count = count,
                              .last = first + count < kept->count ? last->name : NULL};
}

bool catalogue_cache_answer(struct request *request)
{
    const struct operation *operation = request->call.operation;
    const struct kept *kept = kept_for(request->loop, operation);
    if (!kept)
        return false;
    if (operation->answer == ANSWER_ONE) {
        const struct item *item = item_of(kept, call_value(&request->call, "partner"));
        if (!item)
            return false;
        struct kept_part part = part_of(kept, (size_t)(item - kept->items), 1);
        answer_kept(request, &part);
        return true;
    }
    const char *cursor = call_value(&request->call, "cursor");
    size_t limit = strtoul(call_value(&request->call, "limit"), NULL, 10);
    size_t first = behind(kept, cursor ? cursor : "");
    size_t left = kept->count - first;
    struct kept_part part = part_of(kept, first, left < limit ? left : limit);
    answer_kept(request, &part);
    return true;
}

bool catalogue_cache_holds(struct loop *loop, const struct operation *operation, const char *name)
{
    const struct kept *kept = kept_for(loop, operation);
    return kept && item_of(kept, name) != NULL;
}
