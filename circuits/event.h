/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - events: the history of one circuit, and the feed, which is what happened to all of them
 * in the order in which it was published. */
#ifndef ONRAMP_CIRCUITS_EVENT_H
#define ONRAMP_CIRCUITS_EVENT_H

#include "operations/operation.h"

/* The events of one circuit, by sequence. */
extern const struct operation circuit_event_list;

/* The events that the caller hears. */
extern const struct operation event_list;

/* Publishes what is committed, and answers whom it concerns; called by the tailer. */
extern const struct operation feed_tail;

/* Forgets what is older than the feed is kept; run by the daemon itself, on one loop. */
extern const struct operation feed_sweep;
extern const struct operation event_month_sweep;

#endif
