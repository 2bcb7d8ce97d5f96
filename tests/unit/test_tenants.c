/* SPDX-License-Identifier: Apache-2.0 */
#include "db/tenants.h"
#include "tests/suite.h"

#include <stdlib.h>

enum { QUERIES = 4000, HALF = 10000 };

static struct tenants tenants;
static struct query queries[QUERIES];
static size_t used;

static void begin(void)
{
    used = 0;
    tenants_begin(&tenants, HALF);
}

static void end(void)
{
    while (tenants.turn != NULL)
        tenants_leave(tenants.turn->waiting.first);
    tenants_free(&tenants);
}

static struct query *enter(uint64_t tenant)
{
    ck_assert_uint_lt(used, QUERIES);
    struct query *query = &queries[used++];
    *query = (struct query){.tenant = tenant};
    tenants_enter(&tenants, query, false);
    return query;
}

static uint64_t run(int64_t took)
{
    struct query *query = tenants_take(&tenants, INT64_MAX, true);
    ck_assert_ptr_nonnull(query);
    tenants_done(query, took);
    return query->tenant;
}

/* What a tenant's query is expected to take becomes known. */
static void known(uint64_t tenant, int64_t took)
{
    for (int i = 0; i < 30; i++) {
        enter(tenant);
        run(took);
    }
}

START_TEST(one_tenant_is_served_in_its_order)
{
    struct query *first = enter(1), *second = enter(1), *third = enter(1),
                 *front = &queries[used++];
    *front = (struct query){.tenant = 1};
    tenants_enter(&tenants, front, true);
    const struct query *const expected[] = {front, first, second, third};
    for (size_t i = 0; i < 4; i++) {
        struct query *query = tenants_take(&tenants, INT64_MAX, true);
        ck_assert_ptr_eq(query, expected[i]);
        tenants_done(query, -1);
    }
    ck_assert_ptr_null(tenants_take(&tenants, INT64_MAX, true));
    ck_assert_uint_eq(tenants.busy, 0);
}
END_TEST

START_TEST(who_comes_last_waits_for_a_turn_of_each_other)
{
    for (int i = 0; i < 500; i++)
        enter(1 + (uint64_t)i % 5);
    enter(6);
    int turns = 0;
    while (run(1000) != 6)
        turns++;
    ck_assert_int_le(turns, 10 * 5); /* before it is known what they take, a few in a turn */
}
END_TEST

/* Shares of time, whatever a query takes: 1 to 100 times as long as that of another. */
START_TEST(tenants_share_the_time_not_the_number)
{
    static const int64_t takes[] = {100, 1000, 10000};
    int64_t time[3] = {0};
    for (int i = 0; i < 1200; i++)
        for (uint64_t tenant = 1; tenant <= 3; tenant++)
            if (tenant == 1 || i % 10 == 0)
                enter(tenant);
    for (int i = 0; i < 600; i++) {
        struct query *query = tenants_take(&tenants, INT64_MAX, true);
        tenants_done(query, takes[query->tenant - 1]);
        time[query->tenant - 1] += takes[query->tenant - 1];
    }
    for (int i = 1; i < 3; i++)
        ck_assert_msg(llabs(time[i] - time[0]) <= 2 * 10000 + 1000, "%lld and %lld",
                      (long long)time[i], (long long)time[0]);
}
END_TEST

START_TEST(what_was_underestimated_is_paid_later)
{
    known(1, 100);
    known(2, 100);
    enter(1);
    ck_assert_uint_eq(run(50000), 1); /* it was expected to take 100 */
    for (int i = 0; i < 100; i++)
        enter(1);
    for (int i = 0; i < 400; i++)
        enter(2);
    int others = 0;
    while (run(100) == 2)
        others++;
    ck_assert_int_ge(others, 300);
}
END_TEST

START_TEST(nothing_is_saved_up_while_there_is_nothing_to_do)
{
    known(1, 100);
    for (int i = 0; i < 300; i++) {
        enter(1);
        run(0);
    }
    for (int i = 0; i < 200; i++) {
        enter(1);
        enter(2);
    }
    int in_line = 0;
    while (run(100) == 1)
        in_line++;
    ck_assert_int_le(in_line, 20); /* a turn, of queries that were found to take nothing */
}
END_TEST

START_TEST(a_tenant_has_at_most_half_while_others_are_busy)
{
    known(1, 1000);
    for (int i = 0; i < 20; i++)
        enter(1);
    enter(2);
    int taken[3] = {0};
    struct query *under_way[21];
    size_t count = 0;
    while ((under_way[count] = tenants_take(&tenants, INT64_MAX, true)) != NULL)
        taken[under_way[count++]->tenant]++;
    ck_assert_int_eq(taken[2], 1);
    ck_assert_int_ge(taken[1], 9);
    ck_assert_int_le(taken[1], 10);
    for (size_t i = 0; i < count; i++)
        tenants_done(under_way[i], 1000);
}
END_TEST

START_TEST(a_tenant_alone_has_all_but_for_what_takes_long)
{
    struct query *under_way[20];
    known(1, 1000);
    for (int i = 0; i < 20; i++)
        enter(1);
    for (int i = 0; i < 20; i++)
        ck_assert_ptr_nonnull(under_way[i] = tenants_take(&tenants, INT64_MAX, true));
    for (int i = 0; i < 20; i++)
        tenants_done(under_way[i], HALF);
    for (int i = 0; i < 2; i++)
        enter(1);
    ck_assert_ptr_nonnull(under_way[0] = tenants_take(&tenants, INT64_MAX, true));
    ck_assert_ptr_null(tenants_take(&tenants, INT64_MAX, true));
    tenants_done(under_way[0], HALF);
}
END_TEST

START_TEST(the_server_itself_is_not_limited)
{
    known(0, HALF);
    enter(1);
    for (int i = 0; i < 5; i++)
        enter(0);
    struct query *under_way[6];
    for (int i = 0; i < 6; i++)
        ck_assert_ptr_nonnull(under_way[i] = tenants_take(&tenants, INT64_MAX, true));
    for (int i = 0; i < 6; i++)
        tenants_done(under_way[i], -1);
}
END_TEST

START_TEST(what_does_not_fit_lets_others_pass)
{
    known(1, 5000);
    known(2, 100);
    enter(1);
    enter(2);
    struct query *query = tenants_take(&tenants, 1000, false);
    ck_assert_ptr_nonnull(query);
    ck_assert_uint_eq(query->tenant, 2);
    ck_assert_ptr_null(tenants_take(&tenants, 1000, false));
    tenants_done(query, 100);
    query = tenants_take(&tenants, 1000, true);
    ck_assert_uint_eq(query->tenant, 1);
    tenants_done(query, -1);
}
END_TEST

START_TEST(idle_tenants_are_forgotten)
{
    for (uint64_t i = 1; i < 100000; i++) {
        used = 0;
        enter(i);
        run(100);
        ck_assert_uint_le(tenants.known, 8192 + TENANT_BUCKETS);
    }
}
END_TEST

static void check_counts(void)
{
    size_t waiting = 0, busy = 0;
    for (size_t i = 0; i < TENANT_BUCKETS; i++)
        for (struct tenant *tenant = tenants.buckets[i]; tenant; tenant = tenant->chain) {
            waiting += tenant->waiting.count;
            busy += tenant->waiting.count > 0 || tenant->under_way > 0;
            ck_assert((tenant->next != NULL) == (tenant->waiting.count > 0));
        }
    ck_assert_uint_eq(waiting, tenants.waiting);
    ck_assert_uint_eq(busy, tenants.busy);
}

START_TEST(whatever_happens_the_counts_are_right)
{
    enum { UNDER_WAY = 64, LEAVE_ONE_IN = 50 };
    struct query *under_way[UNDER_WAY];
    size_t count = 0, left = 0;
    srand(1);
    while (used < QUERIES || tenants.waiting > 0) {
        int what = rand() % 4;
        struct query *query = NULL;
        if (what < 2 && used < QUERIES)
            enter((uint64_t)(rand() % 7));
        else if (what == 2 && count < UNDER_WAY)
            query = tenants_take(&tenants, rand() % 3000, rand() % 2);
        else if (tenants.turn != NULL && rand() % LEAVE_ONE_IN == 0 && left++ < QUERIES)
            tenants_leave(tenants.turn->waiting.last);
        else if (count > 0)
            tenants_done(under_way[--count], rand() % 5000 - 1);
        if (query != NULL)
            under_way[count++] = query;
        check_counts();
    }
    while (count > 0)
        tenants_done(under_way[--count], 1);
    ck_assert_uint_eq(tenants.busy, 0);
    ck_assert_uint_gt(left, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_tenant_is_served_in_its_order,
        who_comes_last_waits_for_a_turn_of_each_other,
        tenants_share_the_time_not_the_number,
        what_was_underestimated_is_paid_later,
        nothing_is_saved_up_while_there_is_nothing_to_do,
        a_tenant_has_at_most_half_while_others_are_busy,
        a_tenant_alone_has_all_but_for_what_takes_long,
        the_server_itself_is_not_limited,
        what_does_not_fit_lets_others_pass,
        idle_tenants_are_forgotten,
        whatever_happens_the_counts_are_right,
        NULL,
    };
    return suite_run("tenants", (struct suite_fixture){begin, end}, tests, 30);
}
