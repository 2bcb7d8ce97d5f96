/* SPDX-License-Identifier: Apache-2.0 */
#include "http/shares.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS = 4096, NETWORK_OCTETS = 8 /* of an IPv6 address */ };

struct share {
    struct share *next;
    struct address address;
    unsigned count;
};

struct shares {
    pthread_mutex_t mutex;
    unsigned most;
    uint64_t seed; /* so that nobody outside can fill one bucket */
    struct share *buckets[BUCKETS];
};

struct shares *shares_new(unsigned most)
{
    struct shares *shares = calloc(1, sizeof *shares);
    if (!shares || getrandom(&shares->seed, sizeof shares->seed, 0) != sizeof shares->seed)
        abort();
    pthread_mutex_init(&shares->mutex, NULL);
    shares->most = most;
    return shares;
}

void shares_free(struct shares *shares)
{
    if (!shares)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (shares->buckets[i]) {
            struct share *gone = shares->buckets[i];
            shares->buckets[i] = gone->next;
            free(gone);
        }
    pthread_mutex_destroy(&shares->mutex);
    free(shares);
}

unsigned shares_most(const struct shares *shares)
{
    return shares->most;
}

static struct address key_of(const struct address *address)
{
    struct address key = *address;
    if (!address_is_four(address))
        memset(key.octets + NETWORK_OCTETS, 0, ADDRESS_OCTETS - NETWORK_OCTETS);
    return key;
}

static uint64_t mixed(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9); /* as in splitmix64 */
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

/* Where the share stands, or would stand, in its list. */
static struct share **find(struct shares *shares, const struct address *key)
{
    uint64_t halves[2];
    memcpy(halves, key->octets, sizeof halves);
    uint64_t hash = mixed(mixed(halves[0] ^ shares->seed) ^ halves[1]);
    struct share **at = &shares->buckets[hash % BUCKETS];
    while (*at && memcmp(&(*at)->address, key, sizeof *key) != 0)
        at = &(*at)->next;
    return at;
}

bool share_take(struct shares *shares, const struct address *address)
{
    struct address key = key_of(address);
    pthread_mutex_lock(&shares->mutex);
    struct share **at = find(shares, &key);
    bool taken = !*at || (*at)->count < shares->most;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            abort();
        (*at)->address = key;
    }
    if (taken)
        (*at)->count++;
    pthread_mutex_unlock(&shares->mutex);
    return taken;
}

void share_give(struct shares *shares, const struct address *address)
{
    struct address key = key_of(address);
    pthread_mutex_lock(&shares->mutex);
    struct share **at = find(shares, &key), *share = *at;
    if (!share)
        abort(); /* it was taken */
    if (--share->count == 0) {
        *at = share->next;
        free(share);
    }
    pthread_mutex_unlock(&shares->mutex);
}
