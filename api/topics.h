/* SPDX-License-Identifier: Apache-2.0 */
/* topics.h - who is notified of what: subscriptions, found by their topic.
 *
 * A topic is a letter for its kind and the name of one such thing, as "c" and the id of a circuit.
 * A subscriber stands in what it belongs to and is on one topic at a time; nothing is allocated.
 * One thread uses a table. */
#ifndef ONRAMP_API_TOPICS_H
#define ONRAMP_API_TOPICS_H

#include <stdint.h>

struct topics;

struct subscriber {
    const char *topic; /* borrowed while it is subscribed; NULL: it is on none */
    uint64_t hash;
    struct subscriber *next, *previous; /* of those with the same bucket */
};

/* What is to happen to a subscriber. It may leave its topic in it, but no other may. */
typedef void subscriber_act(struct subscriber *subscriber);

struct topics *topics_new(void);

/* Nobody is subscribed any more. NULL: nothing. */
void topics_free(struct topics *topics);

/* A subscriber that is on none is on this one from now on. */
void topics_join(struct topics *topics, struct subscriber *subscriber, const char *topic);

/* It is on none from now on, as it may have been before. */
void topics_leave(struct topics *topics, struct subscriber *subscriber);

/* Those that are on the topic of this kind and name. */
void topics_notify(struct topics *topics, char kind, const char *name, subscriber_act *act);

/* All of them. */
void topics_each(struct topics *topics, subscriber_act *act);

#endif
