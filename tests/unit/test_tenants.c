/* SPDX-License-Identifier: Apache-2.0 */
#include "db/tenants.h"
#include "tests/suite.h"

#include <stdlib.h>

enum { QUERIES = 4000, SESSIONS = 4, LONG = 50000 };

static struct tenants tenants;
static struct query queries[QUERIES];
static size_t used;

static void begin(void)
{
    used = 0;
    tenants_begin(&tenants, SESSIONS);
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
    struct query *query = tenants_take(&tenants, true);
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
        struct query *query = tenants_take(&tenants, true);
        ck_assert_ptr_eq(query, expected[i]);
        tenants_done(query, -1);
    }
    ck_assert_ptr_null(tenants_take(&tenants, true));
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
        struct query *query = tenants_take(&tenants, true);
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

START_TEST(what_takes_long_holds_half_of_the_sessions)
{
    struct query *under_way[8];
    known(1, 100);
    known(2, LONG);
    known(3, LONG);
    for (uint64_t i = 0; i < 6; i++)
        enter(2 + i % 2);
    for (int i = 0; i < SESSIONS / 2; i++) {
        ck_assert_ptr_nonnull(under_way[i] = tenants_take(&tenants, true));
        ck_assert(under_way[i]->lasting);
    }
    ck_assert_ptr_null(tenants_take(&tenants, true));
    enter(1);
    struct query *quick = tenants_take(&tenants, true);
    ck_assert_ptr_nonnull(quick);
    ck_assert_uint_eq(quick->tenant, 1);
    ck_assert(!quick->lasting);
    tenants_done(quick, 100);
    tenants_done(under_way[0], LONG);
    ck_assert_ptr_nonnull(under_way[0] = tenants_take(&tenants, true));
    for (int i = 0; i < SESSIONS / 2; i++)
        tenants_done(under_way[i], LONG);
}
END_TEST

START_TEST(what_takes_long_is_passed_over_where_it_may_not_go)
{
    known(1, 100);
    known(2, LONG);
    enter(2);
    enter(1);
    struct query *query = tenants_take(&tenants, false);
    ck_assert_ptr_nonnull(query);
    ck_assert_uint_eq(query->tenant, 1);
    tenants_done(query, 100);
    ck_assert_ptr_null(tenants_take(&tenants, false));
    query = tenants_take(&tenants, true);
    ck_assert_uint_eq(query->tenant, 2);
    tenants_done(query, -1);
}
END_TEST

/* A slow disk is nobody's doing. */
START_TEST(where_all_takes_long_nothing_is_lasting)
{
    struct query *under_way[20];
    known(1, LONG);
    known(2, 2 * LONG);
    for (uint64_t i = 0; i < 20; i++)
        enter(1 + i % 2);
    for (int i = 0; i < 20; i++)
        ck_assert_ptr_nonnull(under_way[i] = tenants_take(&tenants, false));
    for (int i = 0; i < 20; i++)
        tenants_done(under_way[i], LONG);
}
END_TEST

START_TEST(what_became_slow_for_all_is_lasting_for_a_while_alone)
{
    known(1, 100);
    known(1, LONG);
    enter(1);
    ck_assert_ptr_null(tenants_take(&tenants, false));
    for (int i = 0; i < 3000; i++) {
        used = 1; /* the first one waits */
        tenants_done(tenants_take(&tenants, true), LONG);
        tenants_enter(&tenants, &queries[0], false);
    }
    struct query *query = tenants_take(&tenants, false);
    ck_assert_ptr_nonnull(query);
    tenants_done(query, LONG);
}
END_TEST

START_TEST(the_server_itself_is_never_lasting)
{
    struct query *under_way[6];
    known(1, 100);
    known(0, LONG);
    for (int i = 0; i < 6; i++)
        enter(0);
    for (int i = 0; i < 6; i++)
        ck_assert_ptr_nonnull(under_way[i] = tenants_take(&tenants, false));
    for (int i = 0; i < 6; i++)
        tenants_done(under_way[i], -1);
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
    size_t waiting = 0;
    unsigned under_way = 0;
    for (size_t i = 0; i < TENANT_BUCKETS; i++)
        for (struct tenant *tenant = tenants.buckets[i]; tenant; tenant = tenant->chain) {
            waiting += tenant->waiting.count;
            under_way += tenant->under_way;
            ck_assert((tenant->next != NULL) == (tenant->waiting.count > 0));
        }
    ck_assert_uint_eq(waiting, tenants.waiting);
    ck_assert_uint_le(tenants.lasting, under_way);
    ck_assert_uint_le(tenants.lasting, tenants.lasting_most);
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
            query = tenants_take(&tenants, rand() % 2);
        else if (tenants.turn != NULL && rand() % LEAVE_ONE_IN == 0 && left++ < QUERIES)
            tenants_leave(tenants.turn->waiting.last);
        else if (count > 0)
            tenants_done(under_way[--count], rand() % 50000 - 1);
        if (query != NULL)
            under_way[count++] = query;
        check_counts();
    }
    while (count > 0)
        tenants_done(under_way[--count], 1);
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
        what_takes_long_holds_half_of_the_sessions,
        what_takes_long_is_passed_over_where_it_may_not_go,
        where_all_takes_long_nothing_is_lasting,
        what_became_slow_for_all_is_lasting_for_a_while_alone,
        the_server_itself_is_never_lasting,
        idle_tenants_are_forgotten,
        whatever_happens_the_counts_are_right,
        NULL,
    };
    return suite_run("tenants", (struct suite_fixture){begin, end}, tests, 30);
}
