/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rate_limit.h"

#include "base/hash.h"
#include "operations/operation.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETS = 1024, /* of buckets; a power of two */
    WAYS = 8,
    DIGITS_MAX = 9
};

static const int64_t second_us = 1000000;

const struct rate rate_usual = {1000, 10};

bool rate_read(struct rate *out, const char *text)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    *out = (struct rate){0};
    if (strcmp(text, "off") == 0)
        return true;
    size_t quota = strspn(text, "0123456789");
    if (quota == 0 || quota > DIGITS_MAX || text[quota] != '/')
        return false;
    const char *window = text + quota + 1;
    size_t digits = strspn(window, "0123456789");
    if (digits == 0 || digits > 4 || window[digits] == '\0' || window[digits + 1] != '\0')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == window[digits])
            *out = (struct rate){(uint32_t)strtoul(text, NULL, 10),
                                 (uint32_t)strtoul(window, NULL, 10) * units[i].seconds};
    /* The clock of the buckets counts microseconds. */
    return out->quota > 0 && out->quota <= out->window_seconds * second_us;
}

bool rate_valid(const char *text)
{
    struct rate rate;
    return rate_read(&rate, text);
}

/* Rounded up. */
static uint32_t seconds_in(int64_t microseconds)
{
    return microseconds <= 0 ? 0 : (uint32_t)((microseconds + second_us - 1) / second_us);
}

/* Each request puts off the instant when the bucket is full by the time in which one more is filled
 * in. */
struct rate_state rate_decide(struct rate rate, int64_t *full_at, int64_t now)
{
    int64_t one = rate.window_seconds * second_us / rate.quota;
    int64_t full = *full_at > now ? *full_at : now;
    int64_t most = one * rate.quota; /* from empty to full */
    struct rate_state state = {.counted = true};
    if (full + one > now + most) {
        state.exceeded = true;
        state.retry_seconds = seconds_in(full + one - now - most);
    } else {
        full += one;
        *full_at = full;
    }
    state.remaining = (uint32_t)((now + most - full) / one);
    state.full_seconds = seconds_in(full - now);
    return state;
}

/* --- the buckets --- */

struct bucket {
    _Atomic uint64_t whose; /* 0: nobody's */
    _Atomic int64_t full_at;
};

struct rate_limits {
    struct rate rate;
    char policy[RATE_FIELD_MAX];
    struct bucket buckets[SETS][WAYS];
};

struct rate_limits *rate_limits_new(struct rate rate)
{
    if (rate.quota == 0)
        return NULL;
    struct rate_limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        abort();
    limits->rate = rate;
    snprintf(limits->policy, sizeof limits->policy, "\"token\";q=%u;w=%u", rate.quota,
             rate.window_seconds);
    return limits;
}

void rate_limits_free(struct rate_limits *limits)
{
    free(limits);
}

/* 0: nobody that is counted. Ids of tokens are given by the database, so nobody can choose two
 * whose hashes are alike. */
static uint64_t whose(const struct caller *caller)
{
    if (caller->token_id)
        return hash_text(HASH_START, caller->token_id) | 1;
    if (caller->secret_id) /* all secrets of a partner have one bucket: a rotation fills none */
        return hash_text(hash_text(HASH_START, "partner "), caller->partner) | 1;
    return 0;
}

/* The caller's bucket, made when there is none. Two loops that make it at once may make two, and
 * one that is just being forgotten may be counted in once more: that is worth no lock. */
static struct bucket *bucket_of(struct rate_limits *limits, uint64_t key)
{
    struct bucket *set = limits->buckets[(key >> 1) % SETS], *spare = set;
    int64_t least = INT64_MAX;
    for (struct bucket *bucket = set; bucket < set + WAYS; bucket++) {
        if (atomic_load_explicit(&bucket->whose, memory_order_relaxed) == key)
            return bucket;
        int64_t full_at = atomic_load_explicit(&bucket->full_at, memory_order_relaxed);
        if (full_at < least) {
            least = full_at;
            spare = bucket;
        }
    }
    atomic_store_explicit(&spare->full_at, 0, memory_order_relaxed);
    atomic_store_explicit(&spare->whose, key, memory_order_relaxed);
    return spare;
}

struct rate_state rate_limits_count(struct rate_limits *limits, const struct caller *caller,
                                    int64_t now)
{
    uint64_t key = limits ? whose(caller) : 0;
    if (key == 0)
        return (struct rate_state){0};
    struct bucket *bucket = bucket_of(limits, key);
    int64_t seen = atomic_load_explicit(&bucket->full_at, memory_order_relaxed), full_at;
    struct rate_state state;
    do {
        full_at = seen;
        state = rate_decide(limits->rate, &full_at, now);
    } while (!state.exceeded &&
             !atomic_compare_exchange_weak_explicit(&bucket->full_at, &seen, full_at,
                                                    memory_order_relaxed, memory_order_relaxed));
    return state;
}

/* --- header fields --- */

const char *rate_policy_text(const struct rate_limits *limits)
{
    return limits->policy;
}

/* In every answer, so not by printf. */
static char *number_write(char *out, uint32_t number)
{
    char digits[10];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

void rate_state_write(char out[RATE_FIELD_MAX], const struct rate_state *state)
{
    static const char name[] = "\"token\";r=";
    memcpy(out, name, sizeof name - 1);
    char *at = number_write(out + sizeof name - 1, state->remaining);
    memcpy(at, ";t=", 3);
    *number_write(at + 3, state->full_seconds) = '\0';
}
