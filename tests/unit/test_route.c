/* SPDX-License-Identifier: Apache-2.0 */
/* Routes are found by raw segments; 404 and 405 fall out of the table. */
#include "api/route.h"
#include "base/arena.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static const struct route *route;
static struct bindings bindings;
static char allow[ALLOW_MAX];

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

static enum routing find(enum method method, const char *raw)
{
    struct target target;
    return target_read(&target, arena, raw) ? route_find(&route, &bindings, allow, method, &target)
                                            : ROUTE_NO_PATH;
}

static bool bound(size_t index, const char *name, const char *value)
{
    return index < bindings.count && strcmp(bindings.items[index].value, value) == 0 &&
           strncmp(bindings.items[index].name, name, strlen(name)) == 0;
}

START_TEST(segments_in_braces_are_bound)
{
    ck_assert_int_eq(find(GET, "/v1/circuits/abc?x=y"), ROUTE_FOUND);
    ck_assert_str_eq(route->operation->name, "circuit_get");
    ck_assert(bound(0, "id}", "abc"));
    ck_assert_int_eq(find(POST, "/v1/partners/equinix/callbacks"), ROUTE_FOUND);
    ck_assert_str_eq(route->operation->name, "callback_apply");
    ck_assert(bound(0, "partner}", "equinix"));
    ck_assert_int_eq(find(DELETE, "/v1/vnets/x/gateway"), ROUTE_FOUND);
    ck_assert_str_eq(route->operation->name, "vnet_gateway_delete");
}
END_TEST

START_TEST(every_row_of_the_table_is_found_by_its_own_pattern)
{
    size_t count;
    const struct route *all = routes_all(&count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(find(all[i].method, all[i].pattern), ROUTE_FOUND);
        ck_assert_msg(route_for_role(route, all[i].callers) == &all[i],
                      "%s is hidden by another row", all[i].pattern);
        ck_assert_msg(all[i].operation || all[i].serve, "%s does nothing", all[i].pattern);
        ck_assert_msg(all[i].callers != 0, "%s is for nobody", all[i].pattern);
    }
}
END_TEST

START_TEST(the_role_chooses_between_rows_of_one_method_and_path)
{
    ck_assert_int_eq(find(PATCH, "/v1/circuits/x"), ROUTE_FOUND);
    ck_assert_str_eq(route_for_role(route, ROLE_CUSTOMER)->operation->name, "circuit_update");
    ck_assert_str_eq(route_for_role(route, ROLE_OPERATOR)->operation->name, "circuit_status_set");
    ck_assert_ptr_eq(route_for_role(route, ROLE_PARTNER), route);
    ck_assert_int_eq(find(GET, "/v1/circuits/x"), ROUTE_FOUND);
    ck_assert_ptr_eq(route_for_role(route, ROLE_PARTNER), route);
}
END_TEST

START_TEST(what_is_not_in_the_table_is_no_path)
{
    static const char *const paths[] = {"/",
                                        "/v1",
                                        "/v1/circuits/",
                                        "/v1//circuits",
                                        "//v1/circuits",
                                        "/V1/circuits",
                                        "/v1/circuit",
                                        "/v1/circuitss",
                                        "/v1/circuits/a/b",
                                        "/v1%2fcircuits",
                                        "/v1/./circuits",
                                        "/v1/%2e%2e/v1/circuits",
                                        "/v1/circuits/a/events/",
                                        "*",
                                        "/a/b/c/d/e/f/g/h/i"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_msg(find(GET, paths[i]) == ROUTE_NO_PATH, "%s", paths[i]);
}
END_TEST

START_TEST(an_escaped_letter_is_the_letter_and_an_escaped_slash_is_none)
{
    ck_assert_int_eq(find(GET, "/%76%31/c%69rcuits"), ROUTE_FOUND);
    ck_assert_int_eq(find(GET, "/v1/circuits/a%2fevents"), ROUTE_FOUND);
    ck_assert_str_eq(route->operation->name, "circuit_get");
    ck_assert(bound(0, "id}", "a%2fevents"));
}
END_TEST

START_TEST(a_method_that_the_path_lacks_is_told_which_it_has)
{
    ck_assert_int_eq(find(PUT, "/v1/vnets/x"), ROUTE_NO_METHOD);
    ck_assert_str_eq(allow, "GET, HEAD, PATCH, DELETE, OPTIONS");
    ck_assert_int_eq(find(METHOD_OTHER, "/v1/circuits"), ROUTE_NO_METHOD);
    ck_assert_str_eq(allow, "GET, HEAD, POST, OPTIONS");
}
END_TEST

START_TEST(head_goes_the_way_of_get)
{
    ck_assert_int_eq(find(HEAD, "/healthz"), ROUTE_FOUND);
    ck_assert_int_eq(find(HEAD, "/v1/partners/equinix/callbacks"), ROUTE_NO_METHOD);
    ck_assert_str_eq(allow, "POST, OPTIONS");
}
END_TEST

START_TEST(methods_are_case_sensitive)
{
    ck_assert_int_eq(method_read("GET"), GET);
    ck_assert_int_eq(method_read("get"), METHOD_UNKNOWN);
    ck_assert_int_eq(method_read("OPTIONS"), OPTIONS);
    ck_assert_int_eq(method_read("BREW"), METHOD_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("route");
    TCase *tests = tcase_create("route");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, segments_in_braces_are_bound);
    tcase_add_test(tests, every_row_of_the_table_is_found_by_its_own_pattern);
    tcase_add_test(tests, the_role_chooses_between_rows_of_one_method_and_path);
    tcase_add_test(tests, what_is_not_in_the_table_is_no_path);
    tcase_add_test(tests, an_escaped_letter_is_the_letter_and_an_escaped_slash_is_none);
    tcase_add_test(tests, a_method_that_the_path_lacks_is_told_which_it_has);
    tcase_add_test(tests, head_goes_the_way_of_get);
    tcase_add_test(tests, methods_are_case_sensitive);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
