/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - an engine with its loop and application, in the hands of a test: nothing moves but by
 * stage_turn, and the time is what the test says. */
#ifndef ONRAMP_SEAM_STAGE_H
#define ONRAMP_SEAM_STAGE_H

#include "application.h"

#include "base/network.h"
#include "http/http.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { HEADER_SECONDS = 10, BODY_SECONDS = 20 };

struct stage {
    struct application application;
    struct http *http;
    int epoll_fd, listen_fd;
    struct sockaddr_in listening; /* where */
    int64_t now;                  /* milliseconds */
    struct shares *shares;
};

/* What a test wants of it; zeroes are for those who do not mind. */
struct stage_wish {
    uint64_t seed;
    unsigned connections; /* 0: 100 */
    unsigned share;       /* of an address; 0: unlimited */
    const struct block *proxies;
    size_t proxy_count;
    int listen_fd;         /* of somebody else, > 0 */
    struct shares *shares; /* likewise */
};

void stage_open(struct stage *stage, const struct stage_wish *wish);

/* One turn of the loop. Returns whether there may be more to do at once. */
bool stage_turn(struct stage *stage);

/* Turns until nothing is left to do. */
void stage_settle(struct stage *stage);

/* Let the time go by, with the turns and the tending that belong to it. */
void stage_pass(struct stage *stage, int seconds);

/* Turns until there are no connections; fails when some stay. */
void stage_empty(struct stage *stage);

/* Nothing is left over: no exchange, no connection, no error of the library's. */
void stage_check_empty(struct stage *stage);

void stage_close(struct stage *stage);

/* A listening socket on 127.0.0.1, for more than one stage. */
int stage_listen(struct sockaddr_in *where);

/* Milliseconds of the real clock, for what has to end some time. */
int64_t stage_clock(void);

#endif
