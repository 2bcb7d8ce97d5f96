/* SPDX-License-Identifier: Apache-2.0 */
#include "db/batch.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ONE "0199aa00-0000-7000-8000-000000000001"
#define TWO "0199aa00-0000-7000-8000-000000000002"

/* Of a name, a VNet, a circuit and a key. */
static const enum lock_kind locks[] = {LOCK_NONE, LOCK_VNET, LOCK_CIRCUIT, LOCK_AUTHORIZATION};
static const struct statement statement = {.name = "x", .parameter_count = 4, .locks = locks};

static void add(struct batch *batch, const char *name, const char *vnet, const char *circuit)
{
    const char *values[] = {name, vnet, circuit, NULL};
    const struct query query = {.statement = &statement, .values = values};
    batch_add(batch, &query);
}

START_TEST(each_kind_has_its_list)
{
    struct batch batch = {0};
    const char *values[BATCH_LISTS];
    batch_begin(&batch);
    add(&batch, ONE, ONE, TWO);
    add(&batch, ONE, NULL, ONE);
    ck_assert(batch.locks);
    batch_values(&batch, values);
    ck_assert_str_eq(values[LOCK_CIRCUIT - LOCK_CIRCUIT], "{" TWO "," ONE "}");
    ck_assert_str_eq(values[LOCK_SERVICE_KEY - LOCK_CIRCUIT], "{}");
    ck_assert_str_eq(values[LOCK_VNET - LOCK_CIRCUIT], "{" ONE "}");
    ck_assert_str_eq(values[LOCK_CONNECTION - LOCK_CIRCUIT], "{}");
    batch_free(&batch);
}
END_TEST

/* Those that end the literal, or would not be one element of it, are left out. */
START_TEST(keys_are_listed_as_they_are)
{
    struct batch batch = {0};
    const char *values[BATCH_LISTS];
    const char *const keys[] = {"onra_Az09", "", "a b", "a,b", "a}", "a\"b", "a\\b", "other"};
    batch_begin(&batch);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *of_query[] = {NULL, NULL, NULL, keys[i]};
        batch_add(&batch, &(struct query){.statement = &statement, .values = of_query});
    }
    batch_values(&batch, values);
    ck_assert_str_eq(values[LOCK_AUTHORIZATION - LOCK_CIRCUIT], "{onra_Az09,other}");
    ck_assert_str_eq(values[0], "{}");
    batch_free(&batch);
}
END_TEST

START_TEST(a_batch_begins_empty)
{
    struct batch batch = {0};
    const char *values[BATCH_LISTS];
    batch_begin(&batch);
    add(&batch, NULL, ONE, NULL);
    batch_begin(&batch);
    ck_assert(!batch.locks);
    batch_values(&batch, values);
    for (int i = 0; i < BATCH_LISTS; i++)
        ck_assert_str_eq(values[i], "{}");
    batch_free(&batch);
}
END_TEST

START_TEST(what_is_no_uuid_is_left_out)
{
    struct batch batch = {0};
    batch_begin(&batch);
    add(&batch, NULL, "", NULL);
    add(&batch, NULL, "x}", NULL);
    add(&batch, NULL, "0199aa00-0000-7000-8000-00000000000}", NULL);
    add(&batch, NULL, ONE "0", NULL);
    ck_assert(!batch.locks);
    batch_free(&batch);
}
END_TEST

START_TEST(many_fit)
{
    struct batch batch = {0};
    const char *values[BATCH_LISTS];
    batch_begin(&batch);
    for (int i = 0; i < 1000; i++)
        add(&batch, NULL, ONE, NULL);
    batch_values(&batch, values);
    ck_assert_uint_eq(strlen(values[LOCK_VNET - LOCK_CIRCUIT]), 1000 * 37 + 1);
    batch_free(&batch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *test = tcase_create("batch");
    tcase_add_test(test, each_kind_has_its_list);
    tcase_add_test(test, keys_are_listed_as_they_are);
    tcase_add_test(test, a_batch_begins_empty);
    tcase_add_test(test, what_is_no_uuid_is_left_out);
    tcase_add_test(test, many_fit);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
