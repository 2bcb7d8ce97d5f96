/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h - looks for what was published, and notifies those who wait for it.
 *
 * The first loop runs it. Ten times a second it asks feed_tail, which also publishes; sooner when a
 * write of this process has been acknowledged. What it finds is handed to every loop that has
 * somebody waiting, through its inbox, and the sender of webhooks is woken, as there may be some.
 * Each answer also says which catalogue it is (catalogue_cache.h), and whether commits wait for
 * standbys.
 * So thousands may wait, and the database is asked once. */
#ifndef ONRAMP_API_TAIL_H
#define ONRAMP_API_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct tail;

/* Whom an event concerns: texts, "" where there is nobody. */
struct news_item {
    char circuit[37], customer[37], vnet_customer[37];
    char partner[101];
};

/* What was published. One copy for all loops, freed by the last one that has read it. */
struct news {
    int64_t position; /* the last of it */
    bool everything;  /* something may have been missed: everybody looks for himself */
    size_t count;
    struct news_item items[];
};

struct tail *tail_new(void);

/* No query of it may be under way. */
void tail_free(struct tail *tail);

/* In every turn of the first loop: ask when it is time. Returns the milliseconds until it is, -1
 * when that depends on events alone. Without a tail (NULL) nothing happens. */
int tail_turn(struct tail *tail, struct loop *loop);

/* A write of this loop has been acknowledged: there may be news. */
void tail_wake(struct loop *loop);

/* Take what was handed to a loop and notify its waiters. */
void tail_read(struct loop *loop);

/* Throw away what a loop was handed and has not read. */
void tail_forget(struct loop *loop);

#endif
