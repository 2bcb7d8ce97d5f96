/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_endpoint.h - the webhook endpoint of a simulated partner: what comes to it is verified,
 * and what it tells goes to the simulator. Who listens is another matter. */
#ifndef ONRAMP_SIMULATOR_ENDPOINT_H
#define ONRAMP_SIMULATOR_ENDPOINT_H

#include "simulator/simulator.h"

struct endpoint {
    /* set by the owner, before anything is taken */
    struct plan_settings draws; /* the seed */
    int deaf;                   /* percent of webhooks that are turned away when they come first */
    struct simulator *simulator;
    /* of its registration, owned */
    char *id;
    struct signature_key key;
    json_t *heard; /* webhook-ids, with how often each has come */
    struct endpoint_counts {
        uint64_t heard, duplicates, turned_away, unauthentic;
    } counts;
};

/* Have the server send what this partner cannot know to url. False with a sentence, static, when it
 * would not. */
bool endpoint_register(struct endpoint *endpoint, const char *server, const char *token,
                       const char *url, const char **fault);

/* Take it back, as far as the server can be reached, and free what is owned. */
void endpoint_close(struct endpoint *endpoint, const char *server, const char *token);

/* One webhook that came, at a time in milliseconds since the epoch. Headers that were not there are
 * empty. The status to answer with. */
int endpoint_take(struct endpoint *endpoint, const char *id, const char *timestamp,
                  const char *signatures, const char *body, size_t length, int64_t now);

/* What came, as JSON; the caller gives it back with json_decref. */
json_t *endpoint_report(const struct endpoint *endpoint);

#endif
