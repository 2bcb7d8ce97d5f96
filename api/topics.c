/* SPDX-License-Identifier: Apache-2.0 */
#include "api/topics.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct topics {
    size_t count;
    struct subscriber *buckets[BUCKETS];
};

struct topics *topics_new(void)
{
    struct topics *topics = calloc(1, sizeof *topics);
    if (!topics)
        abort();
    return topics;
}

void topics_free(struct topics *topics)
{
    free(topics);
}

static uint64_t hash_of(char kind, const char *name)
{
    const char first[] = {kind, '\0'};
    return hash_text(hash_text(HASH_START, first), name);
}

void topics_join(struct topics *topics, struct subscriber *subscriber, const char *topic)
{
    uint64_t hash = hash_of(topic[0], topic + 1);
    struct subscriber **bucket = &topics->buckets[hash % BUCKETS];
    *subscriber = (struct subscriber){.topic = topic, .hash = hash, .next = *bucket};
    if (*bucket)
        (*bucket)->previous = subscriber;
    *bucket = subscriber;
    topics->count++;
}

void topics_leave(struct topics *topics, struct subscriber *subscriber)
{
    if (!subscriber->topic)
        return;
    if (subscriber->previous)
        subscriber->previous->next = subscriber->next;
    else
        topics->buckets[subscriber->hash % BUCKETS] = subscriber->next;
    if (subscriber->next)
        subscriber->next->previous = subscriber->previous;
    *subscriber = (struct subscriber){0};
    topics->count--;
}

void topics_notify(struct topics *topics, char kind, const char *name, subscriber_act *act)
{
    uint64_t hash = hash_of(kind, name);
    struct subscriber *next;
    for (struct subscriber *at = topics->buckets[hash % BUCKETS]; at; at = next) {
        next = at->next;
        if (at->hash == hash && at->topic[0] == kind && strcmp(at->topic + 1, name) == 0)
            act(at);
    }
}

void topics_each(struct topics *topics, subscriber_act *act)
{
    struct subscriber *next;
    for (size_t i = 0; i < BUCKETS && topics->count > 0; i++)
        for (struct subscriber *at = topics->buckets[i]; at; at = next) {
            next = at->next;
            act(at);
        }
}
