/* SPDX-License-Identifier: Apache-2.0 */
/* each.h - several calls of one statement as one.
 *
 * Nearly all that a small read costs is the statement around it: sent sixteen at a time, one costs
 * PostgreSQL a third, and a callback or a connection a seventh less. The statement names in each
 * another that takes an array for every parameter and answers one row for every element, in their
 * order, also for what it does not find. The memory is kept from one statement to the next. */
#ifndef ONRAMP_DB_EACH_H
#define ONRAMP_DB_EACH_H

#include "db/lane.h"

enum {
    EACH_READS_MAX = 16, /* calls in a statement */
    EACH_MAX = 64        /* the same of writes, which wait for each other's commit anyway */
};

struct each {
    struct array {
        char *text;
        size_t length, capacity;
    } arrays[STATEMENT_PARAMETERS_MAX];
    const char *values[STATEMENT_PARAMETERS_MAX];
};

/* The calls' values as array literals, borrowed until the next time. */
const char *const *each_values(struct each *each, struct query *const *queries, size_t count);

void each_free(struct each *each);

#endif
