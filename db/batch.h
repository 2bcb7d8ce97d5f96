/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - what a shared transaction locks before its members run.
 *
 * The values of the members' locking parameters become the array literals of batch_lock. The
 * memory is kept from one batch to the next. */
#ifndef ONRAMP_DB_BATCH_H
#define ONRAMP_DB_BATCH_H

#include "db/lane.h"

#include <stdbool.h>

/* Circuits, service keys, VNets, connections, customers, deliveries, authorization keys: as
 * batch_lock takes them. */
enum { BATCH_LISTS = 7 };

/* Locks the rows of many calls in one order; the first statement of a shared transaction. */
extern const struct statement batch_lock;

struct batch {
    struct list {
        char *text;
        size_t length, capacity;
    } lists[BATCH_LISTS];
    bool locks; /* something is to be locked */
};

void batch_begin(struct batch *batch);
void batch_add(struct batch *batch, const struct query *query);

/* The parameters of batch_lock, borrowed until the next batch_begin. */
void batch_values(struct batch *batch, const char *values[BATCH_LISTS]);

void batch_free(struct batch *batch);

#endif
