/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.h - latencies in microseconds, each known to within 1.6 %, whatever their number. */
#ifndef ONRAMP_BENCH_HISTOGRAM_H
#define ONRAMP_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_FINE = 64, HISTOGRAM_BUCKETS = 26 * HISTOGRAM_FINE };

struct histogram {
    uint64_t count, total, most;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);

/* The latency that this share (0 to 1) of all is at or below. 0 when there is none. */
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
