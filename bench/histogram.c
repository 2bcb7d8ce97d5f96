/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* Below 64 a bucket is one microsecond wide; from there on each doubling has 64 buckets. */
static unsigned bucket_of(uint64_t value)
{
    unsigned doublings = 0;
    while (value >= 2 * HISTOGRAM_FINE) {
        value /= 2;
        doublings++;
    }
    unsigned bucket =
        value < HISTOGRAM_FINE ? (unsigned)value : doublings * HISTOGRAM_FINE + (unsigned)value;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t value_of(unsigned bucket)
{
    if (bucket < HISTOGRAM_FINE)
        return bucket;
    unsigned doublings = bucket / HISTOGRAM_FINE - 1;
    return (uint64_t)(bucket % HISTOGRAM_FINE + HISTOGRAM_FINE) << doublings;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds)
{
    histogram->count++;
    histogram->total += microseconds;
    if (microseconds > histogram->most)
        histogram->most = microseconds;
    histogram->buckets[bucket_of(microseconds)]++;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
    double wanted = (double)histogram->count * share;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return value_of(i);
    }
    return histogram->most;
}
