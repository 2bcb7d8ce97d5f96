/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - a descriptor in an event loop's epoll. */
#ifndef ONRAMP_BASE_WATCH_H
#define ONRAMP_BASE_WATCH_H

#include <stdint.h>

/* epoll_event.data.ptr points at one; events are those of epoll_wait. */
struct watch {
    void (*ready)(struct watch *watch, uint32_t events);
};

#endif
