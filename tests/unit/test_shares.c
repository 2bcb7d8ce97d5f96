/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections an address may hold. */
#include "http/shares.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct address at(const char *text)
{
    struct address address;
    ck_assert(address_read(&address, text));
    return address;
}

static bool take(struct shares *shares, const char *text)
{
    struct address address = at(text);
    return share_take(shares, &address);
}

static void give(struct shares *shares, const char *text)
{
    struct address address = at(text);
    share_give(shares, &address);
}

START_TEST(an_address_has_as_many_as_it_may)
{
    struct shares *shares = shares_new(3);
    ck_assert_uint_eq(shares_most(shares), 3);
    for (int i = 0; i < 3; i++)
        ck_assert(take(shares, "192.0.2.1"));
    ck_assert(!take(shares, "192.0.2.1"));
    ck_assert(!take(shares, "192.0.2.1"));
    give(shares, "192.0.2.1");
    ck_assert(take(shares, "192.0.2.1"));
    ck_assert(!take(shares, "192.0.2.1"));
    shares_free(shares);
}
END_TEST

START_TEST(another_address_has_its_own)
{
    struct shares *shares = shares_new(1);
    ck_assert(take(shares, "192.0.2.1"));
    ck_assert(take(shares, "192.0.2.2"));
    ck_assert(take(shares, "2001:db8::1"));
    ck_assert(!take(shares, "192.0.2.1"));
    ck_assert(!take(shares, "::ffff:192.0.2.2"));
    shares_free(shares);
}
END_TEST

START_TEST(an_ipv6_client_is_known_by_its_first_64_bits)
{
    struct shares *shares = shares_new(2);
    ck_assert(take(shares, "2001:db8:0:1::1"));
    ck_assert(take(shares, "2001:db8:0:1:ffff:ffff:ffff:ffff"));
    ck_assert(!take(shares, "2001:db8:0:1:1::"));
    ck_assert(take(shares, "2001:db8:0:2::1"));
    give(shares, "2001:db8:0:1::1");
    ck_assert(take(shares, "2001:db8:0:1:abcd::"));
    shares_free(shares);
}
END_TEST

START_TEST(a_hundred_thousand_addresses_keep_apart)
{
    struct shares *shares = shares_new(1);
    unsigned taken = 0, refused = 0; /* counted: check's assertions are slow */
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 100000; i++) {
            uint8_t four[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
            struct address address = address_from_four(four);
            taken += share_take(shares, &address);
            refused += !share_take(shares, &address);
        }
        for (unsigned i = 0; i < 100000; i++) {
            uint8_t four[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
            struct address address = address_from_four(four);
            share_give(shares, &address);
        }
    }
    ck_assert_uint_eq(taken, 200000);
    ck_assert_uint_eq(refused, 200000);
    shares_free(shares);
}
END_TEST

enum { THREADS = 4, TURNS = 20000, MOST = 2 };

struct taker {
    struct shares *shares;
    unsigned taken;
};

static atomic_int held, most_held;

static void *take_and_give(void *cls)
{
    struct taker *taker = cls;
    struct address address = at("192.0.2.1");
    for (int i = 0; i < TURNS; i++)
        if (share_take(taker->shares, &address)) {
            int now = atomic_fetch_add(&held, 1) + 1;
            if (now > MOST)
                atomic_store(&most_held, now);
            taker->taken++;
            atomic_fetch_sub(&held, 1);
            share_give(taker->shares, &address);
        }
    return NULL;
}

START_TEST(threads_share_the_shares)
{
    struct shares *shares = shares_new(MOST);
    struct taker takers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        takers[i] = (struct taker){shares, 0};
        ck_assert(pthread_create(&threads[i], NULL, take_and_give, &takers[i]) == 0);
    }
    unsigned taken = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_int_eq(atomic_load(&most_held), 0); /* never too many */
    for (int i = 0; i < MOST; i++)
        ck_assert(take(shares, "192.0.2.1"));
    ck_assert(!take(shares, "192.0.2.1"));
    shares_free(shares);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shares");
    TCase *tests = tcase_create("shares");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_address_has_as_many_as_it_may);
    tcase_add_test(tests, another_address_has_its_own);
    tcase_add_test(tests, an_ipv6_client_is_known_by_its_first_64_bits);
    tcase_add_test(tests, a_hundred_thousand_addresses_keep_apart);
    tcase_add_test(tests, threads_share_the_shares);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
