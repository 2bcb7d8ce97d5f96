/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_feed.h - a simulated partner reads its feed: a long poll after the other. */
#ifndef ONRAMP_SIMULATOR_FEED_H
#define ONRAMP_SIMULATOR_FEED_H

#include "simulator/exchange.h"
#include "simulator/simulator.h"

struct feed_reader {
    struct exchange exchange;
    char *cursor;  /* owned; NULL before the first answer */
    int64_t asked; /* likewise: when the last poll began */
    int64_t due;   /* milliseconds since the epoch: when to ask again; INT64_MAX: never */
    int failures;  /* one after the other */
};

/* Prepare the next poll. False when there is none. */
bool feed_reader_prepare(struct feed_reader *reader, const char *url, const char *authorization,
                         int64_t now);

/* Take in its answer: what happened to circuits goes to the simulator. A sentence about what is
 * wrong, when that is new; otherwise NULL. Static. */
const char *feed_reader_take(struct feed_reader *reader, CURLcode result,
                             struct simulator *simulator, int64_t now);

#endif
