/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_cache.h - partners and peering locations as they are answered, in the memory of one
 * loop.
 *
 * Everybody may read the catalogue, it is long, and it seldom changes. It is kept written as JSON,
 * with the name that the database gave it in the same snapshot (catalogue_version). The tail asks
 * ten times a second which name it has now; what is kept is answered while that is the one that it
 * was read under, the question was asked within CACHE_MS, and behind every change that this process
 * has made itself. So a change by another process is seen within a tenth of a second or, where the
 * database does not answer, within CACHE_MS; one by this process at once. Otherwise the database is
 * asked, as by any other request, and the catalogue is read again for those who come next. */
#ifndef ONRAMP_API_CATALOGUE_CACHE_H
#define ONRAMP_API_CATALOGUE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct catalogue_cache;
struct loop;
struct operation;
struct request;

/* Which catalogue it is, as the tail tells all loops of the process. Zeroed: not known. */
struct catalogue_news {
    atomic_ullong version; /* from the text that names it; 0: not known */
    atomic_llong asked;    /* when the database was asked; milliseconds, monotonic */
    atomic_ullong told;    /* how often it has been told */
    atomic_ullong written; /* changes that this process has made */
    atomic_ullong seen;    /* how many of them had been made when it was asked */
};

/* The database has said, asked at that time and behind so many changes of this process, that the
 * catalogue has this name; "": it has said nothing. */
void catalogue_told(struct catalogue_news *news, const char *name, int64_t asked,
                    unsigned long long written);

/* This process has changed the catalogue. Before the change is answered. */
void catalogue_written(struct catalogue_news *news);

struct catalogue_cache *catalogue_cache_new(void);

/* No query of it may be under way. */
void catalogue_cache_free(struct catalogue_cache *cache);

/* Answer a request whose operation is of the catalogue, as answer_rows would. False: the database
 * has to be asked; also for a name that is not in memory, as it may have been given a moment ago.
 */
bool catalogue_cache_answer(struct request *request);

/* Whether what an operation of the catalogue reads one of is known to be there. */
bool catalogue_cache_holds(struct loop *loop, const struct operation *operation, const char *name);

#endif
