/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on a topic is told of it, and nobody else; whoever leaves is told no more. */
#include "api/topics.h"
#include "tests/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { CROWD = 20000 /* several at every place of the table */ };

struct listener {
    struct subscriber subscriber; /* first */
    unsigned told;
    char topic[16];
};

static struct topics *topics;
static struct listener *listeners;

static void setup(void)
{
    topics = topics_new();
    listeners = calloc(CROWD, sizeof *listeners);
    ck_assert_ptr_nonnull(listeners);
}

static void teardown(void)
{
    topics_free(topics);
    free(listeners);
}

static void count(struct subscriber *subscriber)
{
    ((struct listener *)(void *)subscriber)->told++;
}

static void count_and_leave(struct subscriber *subscriber)
{
    count(subscriber);
    topics_leave(topics, subscriber);
}

static void join_all(void)
{
    for (int i = 0; i < CROWD; i++) {
        snprintf(listeners[i].topic, sizeof listeners[i].topic, "c%d", i);
        topics_join(topics, &listeners[i].subscriber, listeners[i].topic);
    }
}

static unsigned told_in_all(void)
{
    unsigned told = 0;
    for (int i = 0; i < CROWD; i++)
        told += listeners[i].told;
    return told;
}

START_TEST(only_those_on_the_topic_are_told)
{
    join_all();
    for (int i = 0; i < CROWD; i += 7) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        topics_notify(topics, 'c', name, count);
        ck_assert_uint_eq(listeners[i].told, 1);
    }
    ck_assert_uint_eq(told_in_all(), (CROWD + 6) / 7);
}
END_TEST

START_TEST(a_topic_of_another_kind_is_another_topic)
{
    topics_join(topics, &listeners[0].subscriber, "c7");
    topics_join(topics, &listeners[1].subscriber, "u7");
    topics_join(topics, &listeners[2].subscriber, "o");
    topics_notify(topics, 'u', "7", count);
    ck_assert_uint_eq(listeners[1].told, 1);
    topics_notify(topics, 'o', "", count);
    ck_assert_uint_eq(listeners[2].told, 1);
    ck_assert_uint_eq(told_in_all(), 2);
}
END_TEST

START_TEST(all_on_one_topic_are_told)
{
    for (int i = 0; i < 1000; i++)
        topics_join(topics, &listeners[i].subscriber, "p1");
    topics_notify(topics, 'p', "1", count);
    ck_assert_uint_eq(told_in_all(), 1000);
}
END_TEST

START_TEST(whoever_left_is_told_no_more)
{
    for (int i = 0; i < 3; i++)
        topics_join(topics, &listeners[i].subscriber, "p1");
    static const int order[] = {1, 2, 0}; /* the middle one, the first of its place, the only one */
    for (int left = 0; left < 3; left++) {
        topics_leave(topics, &listeners[order[left]].subscriber);
        ck_assert_ptr_null(listeners[order[left]].subscriber.topic);
        unsigned before = told_in_all();
        topics_notify(topics, 'p', "1", count);
        ck_assert_uint_eq(told_in_all(), before + 2 - (unsigned)left);
    }
    topics_leave(topics, &listeners[0].subscriber); /* which is nothing */
    topics_join(topics, &listeners[0].subscriber, "p1");
    unsigned before = listeners[0].told;
    topics_notify(topics, 'p', "1", count);
    ck_assert_uint_eq(listeners[0].told, before + 1);
}
END_TEST

START_TEST(one_may_leave_while_it_is_told)
{
    join_all();
    topics_each(topics, count_and_leave);
    ck_assert_uint_eq(told_in_all(), CROWD);
    topics_each(topics, count);
    ck_assert_uint_eq(told_in_all(), CROWD);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        only_those_on_the_topic_are_told, a_topic_of_another_kind_is_another_topic,
        all_on_one_topic_are_told,        whoever_left_is_told_no_more,
        one_may_leave_while_it_is_told,   NULL,
    };
    return suite_run("topics", (struct suite_fixture){setup, teardown}, tests, 10);
}
