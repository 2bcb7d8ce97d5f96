/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters are read from the query, the path, header fields and the caller, with all faults at
 * once; no socket and no request of the engine is needed for it. */
#include "api/parameters.h"
#include "api/route.h"
#include "base/arena.h"
#include "tests/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct kind low = KIND_INTEGER(1, 9);

static const struct parameter list_parameters[] = {
    {FROM_QUERY, "status", &kind_slug},
    {FROM_QUERY, "limit", &low, .fallback = "5"},
    {FROM_PATH, "id", &kind_uuid},
    {FROM_HEADER, "webhook-id", &kind_slug, .required = true},
    {FROM_HEADER, "webhook-note", &kind_slug, .fallback = "none"},
    {FROM_CALLER, "customer"},
    {FROM_CALLER, "role"},
    {FROM_CALLER, "caller"},
    {FROM_CALLER, "secret"},
    {FROM_CALLER, "partner-of-caller"},
};
static const struct operation list = {.name = "list", PARAMETERS(list_parameters)};

static const struct waiting until_status = {
    .what = {FROM_QUERY, "waitFor", &kind_slug},
    .seconds = {FROM_QUERY, "timeout", &low, .fallback = "7"},
    .column = "status",
};
static const struct operation patient = {.name = "patient", .waiting = &until_status};

static const char *const id = "00000000-0000-4000-8000-000000000001";
static const struct caller caller = {
    .role = ROLE_CUSTOMER, .customer = "acme", .name = "alice", .secret_id = "s1", .partner = "p1"};

struct field {
    const char *name, *value;
};

static struct arena *arena;
static struct faults faults;
static struct call call;
static struct pair pairs[PAIRS_MAX];
static size_t pair_count;

static void setup(void)
{
    arena = arena_new();
    faults = (struct faults){.arena = arena};
}

static void teardown(void)
{
    arena_free(arena);
}

static void call_of(const struct operation *operation)
{
    call =
        (struct call){.operation = operation, .arena = arena, .faults = &faults, .caller = &caller};
}

static void read_query(const struct operation *operation, const char *query)
{
    call_of(operation);
    query_parameters_read(&call, query, pairs, &pair_count);
}

/* fields ends with a nameless one. */
static const char *found(const void *message, const char *name)
{
    for (const struct field *field = message; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return field->value;
    return NULL;
}

static bool read_others(const char *value_of_path, const struct field *fields)
{
    struct bindings bindings = {.count = 1, .items = {{"id}/events", value_of_path}}};
    call_of(&list);
    return other_parameters_read(&call, &bindings, (struct header_lookup){found, fields});
}

static void check_fault(size_t index, const char *pointer, const char *code)
{
    ck_assert_uint_gt(faults.count, index);
    ck_assert_str_eq(faults.items[index].pointer, pointer);
    ck_assert_str_eq(faults.items[index].code, code);
}

START_TEST(what_the_query_does_not_say_is_the_fallback)
{
    read_query(&list, "");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_uint_eq(pair_count, 0);
    ck_assert_ptr_null(call_value(&call, "status"));
    ck_assert_str_eq(call_value(&call, "limit"), "5");
}
END_TEST

START_TEST(values_of_the_query_are_decoded)
{
    read_query(&list, "limit=%38&status=not-yet");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_uint_eq(pair_count, 2);
    ck_assert_str_eq(pairs[0].raw, "limit=%38");
    ck_assert_str_eq(call_value(&call, "limit"), "8");
    ck_assert_str_eq(call_value(&call, "status"), "not-yet");
}
END_TEST

START_TEST(each_fault_of_the_query_is_told)
{
    read_query(&list, "limit=10&colour=red&status=a&status=b&id=x");
    ck_assert_uint_eq(faults.count, 4);
    check_fault(0, "?limit", "out_of_range");
    check_fault(1, "?colour", "unknown_parameter");
    check_fault(2, "?status", "malformed_request");
    check_fault(3, "?id", "unknown_parameter"); /* it stands in the path */
    ck_assert_str_eq(call_value(&call, "status"), "a");
}
END_TEST

START_TEST(a_query_that_is_no_text_is_malformed)
{
    read_query(&list, "status=%ff");
    ck_assert_uint_eq(faults.count, 1);
    check_fault(0, "?", "malformed_request");
}
END_TEST

START_TEST(more_parameters_than_any_operation_has_are_one_fault)
{
    char query[4 * (PAIRS_MAX + 1) + 1] = "";
    for (int i = 0; i <= PAIRS_MAX; i++)
        strcat(query, "a=b&");
    read_query(&list, query);
    ck_assert_uint_eq(faults.count, 1);
    check_fault(0, "?", "unknown_parameter");
}
END_TEST

START_TEST(a_long_name_is_shown_in_part)
{
    char query[201];
    memset(query, 'n', 200);
    query[200] = '\0';
    read_query(&list, query);
    ck_assert_uint_eq(faults.count, 1);
    ck_assert_uint_eq(strlen(faults.items[0].pointer), 1 + 64);
}
END_TEST

START_TEST(what_is_waited_for_is_no_value_of_the_statement)
{
    read_query(&patient, "waitFor=ready");
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_str_eq(call.wait_for, "ready");
    ck_assert_str_eq(call.wait_seconds, "7");
    ck_assert(!call.wait_given);
    read_query(&patient, "waitFor=ready&timeout=3");
    ck_assert_str_eq(call.wait_seconds, "3");
    ck_assert(call.wait_given);
    read_query(&list, "waitFor=ready");
    check_fault(0, "?waitFor", "unknown_parameter");
}
END_TEST

START_TEST(path_header_and_caller_give_the_others)
{
    ck_assert(read_others(id, (struct field[]){{"webhook-id", "msg1"}, {NULL, NULL}}));
    ck_assert_uint_eq(faults.count, 0);
    ck_assert_str_eq(call_value(&call, "id"), id);
    ck_assert_str_eq(call_value(&call, "webhook-id"), "msg1");
    ck_assert_str_eq(call_value(&call, "webhook-note"), "none");
    ck_assert_str_eq(call_value(&call, "customer"), "acme");
    ck_assert_str_eq(call_value(&call, "role"), "customer");
    ck_assert_str_eq(call_value(&call, "caller"), "(\"customer\",\"alice\",,,,)");
    ck_assert_str_eq(call_value(&call, "secret"), "s1");
    ck_assert_str_eq(call_value(&call, "partner-of-caller"), "p1");
}
END_TEST

START_TEST(a_caller_is_written_with_all_that_a_name_may_hold)
{
    const struct caller whole = {.role = ROLE_OPERATOR,
                                 .name = "a \"b\" \\c\\, (d) 'e'",
                                 .token_id = "t1",
                                 .address = "::1",
                                 .request_id = "r1",
                                 .trace = "00-1-2-01"};
    ck_assert_str_eq(caller_text(arena, &whole), "(\"operator\",\"a \\\"b\\\" \\\\c\\\\, (d) 'e'\","
                                                 "\"t1\",\"::1\",\"r1\",\"00-1-2-01\")");
    ck_assert_str_eq(caller_text(arena, &(struct caller){.role = ROLE_NONE, .name = ""}),
                     "(\"\",\"\",,,,)");
}
END_TEST

START_TEST(a_path_that_is_not_of_its_kind_names_nothing_and_is_no_fault)
{
    ck_assert(!read_others("7", (struct field[]){{"webhook-id", "msg1"}, {NULL, NULL}}));
    ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(faults_of_header_fields_are_told)
{
    ck_assert(read_others(id, (struct field[]){{"webhook-note", "two words"}, {NULL, NULL}}));
    ck_assert_uint_eq(faults.count, 2);
    check_fault(0, "webhook-id", "required");
    check_fault(1, "webhook-note", "invalid_value");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_the_query_does_not_say_is_the_fallback,
        values_of_the_query_are_decoded,
        each_fault_of_the_query_is_told,
        a_query_that_is_no_text_is_malformed,
        more_parameters_than_any_operation_has_are_one_fault,
        a_long_name_is_shown_in_part,
        what_is_waited_for_is_no_value_of_the_statement,
        path_header_and_caller_give_the_others,
        a_caller_is_written_with_all_that_a_name_may_hold,
        a_path_that_is_not_of_its_kind_names_nothing_and_is_no_fault,
        faults_of_header_fields_are_told,
        NULL,
    };
    return suite_run("parameters", (struct suite_fixture){setup, teardown}, tests, 10);
}
