/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_run.h - a simulated partner on the network: its requests, and the feed that it follows.
 *
 * One thread, a few kept connections, all of them libcurl's. */
#ifndef ONRAMP_SIMULATOR_RUN_H
#define ONRAMP_SIMULATOR_RUN_H

#include "simulator/simulator.h"

enum { RUN_PARALLEL_MOST = 256 };

struct run_settings {
    const char *url;     /* of the server, without a slash at its end */
    const char *partner; /* slug */
    const char *token;   /* of the partner */
    int parallel;        /* requests under way, 1 to RUN_PARALLEL_MOST */
    int keys;            /* a descriptor of service keys, or -1 */
    int inbox;           /* of webhooks: a descriptor, or -1, then the feed is read instead */
    int stop;            /* a descriptor that becomes readable when it is to end */
    bool until_idle;     /* end when there are no more keys and nothing is outstanding */
    int64_t lasts;       /* milliseconds, INT64_MAX: until it is stopped */
    /* Take what came to the inbox. */
    void (*receive)(void *context, int64_t now);
    /* For who watches: a sentence, and that some time has passed. */
    void (*say)(void *context, const char *sentence);
    void (*tick)(void *context);
    void *context;
};

enum run_end { RUN_IDLE, RUN_TIME_OVER, RUN_STOPPED, RUN_NOT_STARTED };

/* Play until the end. What is under way then is given a moment to be answered. */
enum run_end simulator_run(struct simulator *simulator, const struct run_settings *settings);

#endif
