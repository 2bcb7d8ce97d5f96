/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of answers: times, strings, media types, queries, request ids, problems. */
#include "api/media_type.h"
#include "api/problem.h"
#include "api/target.h"
#include "base/arena.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "http/request_id.h"
#include "operations/binary.h"
#include "operations/fault.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(times_have_milliseconds_cut_off_or_microseconds)
{
    static const struct {
        const char *in, *out;
    } times[] = {
        {"2026-11-22 10:00:00+00", "2026-11-22T10:00:00.000Z"},
        {"2026-11-22 10:00:00.5+00", "2026-11-22T10:00:00.500Z"},
        {"2026-11-22 10:00:00.123456+00", "2026-11-22T10:00:00.123Z"},
        {"2026-11-22 23:59:59.999999+00", "2026-11-22T23:59:59.999Z"},
        {"0001-01-01 00:00:00.01+00", "0001-01-01T00:00:00.010Z"},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char out[TIMESTAMP_LENGTH + 1] = "";
        ck_assert(timestamp_write(out, times[i].in));
        ck_assert_str_eq(out, times[i].out);
    }
    static const struct {
        const char *in, *out;
    } exact[] = {
        {"2026-11-22 10:00:00+00", "2026-11-22T10:00:00.000000Z"},
        {"2026-11-22 10:00:00.5+00", "2026-11-22T10:00:00.500000Z"},
        {"2026-11-22 10:00:00.000007+00", "2026-11-22T10:00:00.000007Z"},
        {"2026-11-22 23:59:59.999999+00", "2026-11-22T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        char out[TIMESTAMP_EXACT_LENGTH + 1] = "";
        ck_assert(timestamp_write_exact(out, exact[i].in));
        ck_assert_str_eq(out, exact[i].out);
    }
    static const char *const none[] = {"",
                                       "infinity",
                                       "2026-11-22",
                                       "2026-11-22 10:00:00",
                                       "2026-11-22 10:00:00+01",
                                       "2026-11-22 10:00:00.+00",
                                       "0044-03-15 10:00:00+00 BC"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char out[TIMESTAMP_EXACT_LENGTH];
        ck_assert_msg(!timestamp_write(out, none[i]), "%s", none[i]);
        ck_assert_msg(!timestamp_write_exact(out, none[i]), "%s", none[i]);
    }
}
END_TEST

START_TEST(times_in_binary_are_those_in_text)
{
    static const struct {
        int64_t microseconds;
        const char *out;
    } times[] = {
        {0, "2000-01-01T00:00:00.000Z"},
        {INT64_C(848656800123456), "2026-11-22T10:00:00.123Z"},
        {-1, "1999-12-31T23:59:59.999Z"},
        {INT64_C(5183999999999), "2000-02-29T23:59:59.999Z"},
        {INT64_C(5184000000000), "2000-03-01T00:00:00.000Z"},
        {INT64_C(3160857600000000), "2100-03-01T00:00:00.000Z"},
        {INT64_C(-63082281600000000), "0001-01-01T00:00:00.000Z"},
        {INT64_C(252455615999999999), "9999-12-31T23:59:59.999Z"},
    };
    char out[TIMESTAMP_LENGTH + 1] = "";
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        ck_assert(timestamp_write_microseconds(out, times[i].microseconds));
        ck_assert_str_eq(out, times[i].out);
    }
    static const int64_t none[] = {INT64_MIN, INT64_C(-63082281600000001),
                                   INT64_C(252455616000000000), INT64_MAX};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert(!timestamp_write_microseconds(out, none[i]));
}
END_TEST

START_TEST(every_day_in_binary_follows_the_one_before)
{
    static const int64_t a_day = INT64_C(86400000000);
    for (int day = -36525; day < 2 * 36525; day++) {
        char out[TIMESTAMP_LENGTH + 1] = "", expected[40];
        time_t seconds = (time_t)day * 86400 + 946684800;
        struct tm utc;
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&seconds, &utc));
        ck_assert(timestamp_write_microseconds(out, day * a_day));
        ck_assert_str_eq(out, expected);
    }
}
END_TEST

static void expect_binary(enum member_kind kind, const char *value, size_t size,
                          const char *expected)
{
    struct text text = {0};
    text_end(&text, put_binary(text_room(&text, 128), kind, value, size));
    text_add_char(&text, '\0');
    ck_assert_str_eq(text.bytes, expected);
    text_free(&text);
}

START_TEST(values_in_binary_are_written_as_json)
{
    expect_binary(MEMBER_UUID, "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10",
                  16, "\"01234567-89ab-cdef-fedc-ba9876543210\"");
    expect_binary(MEMBER_NUMBER, "\x00\xd2", 2, "210");
    expect_binary(MEMBER_NUMBER, "\x80\x00", 2, "-32768");
    expect_binary(MEMBER_NUMBER, "\xff\xff\xff\xff", 4, "-1");
    expect_binary(MEMBER_NUMBER, "\x00\x00\x03\xe8", 4, "1000");
    expect_binary(MEMBER_NUMBER, "\x80\0\0\0\0\0\0\0", 8, "-9223372036854775808");
    expect_binary(MEMBER_NUMBER, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, "9223372036854775807");
    expect_binary(MEMBER_BOOLEAN, "\1", 1, "true");
    expect_binary(MEMBER_BOOLEAN, "\0", 1, "false");
    expect_binary(MEMBER_JSON, "\1{\"a\": 1}", 9, "{\"a\": 1}");
    expect_binary(MEMBER_TEXT, "a\"b", 3, "\"a\\\"b\"");
    expect_binary(MEMBER_PLAIN, "Enabled", 7, "\"Enabled\"");
    expect_binary(MEMBER_TIME, "\0\0\0\0\0\0\0\0", 8, "\"2000-01-01T00:00:00.000Z\"");
}
END_TEST

START_TEST(strings_are_escaped_so_that_they_read_back)
{
    char all[256];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    strcpy(all + 127, "\xc3\xa9\xf0\x9f\x92\xa9");
    struct text text = {0};
    text_add_json(&text, all, strlen(all));
    json_t *read = json_loadb(text.bytes, text.length, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert_str_eq(json_string_value(read), all);
    json_decref(read);
    text_free(&text);
}
END_TEST

START_TEST(an_octet_is_escaped_wherever_it_stands_and_nothing_else_is)
{
    enum { LENGTH = 19 };
    for (int octet = 1; octet < 256; octet++)
        for (size_t at = 0; at < LENGTH; at++) {
            char all[] = "abcdefghijklmnopqrs", expected[LENGTH + 8], escape[8];
            bool escaped = octet < 0x20 || octet == '"' || octet == '\\' || octet == 0x7F;
            all[at] = (char)octet;
            const char *form = octet == '\n' ? "\\n" : escaped ? "\\%c" : "%c";
            if (octet == 0x7F || (octet < 0x20 && octet != '\n'))
                form = "\\u%04x";
            snprintf(escape, sizeof escape, form, octet);
            snprintf(expected, sizeof expected, "%.*s%s%s", (int)at, all, escape, all + at + 1);
            struct text text = {0};
            text_add_json(&text, all, LENGTH);
            ck_assert_uint_eq(text.length, strlen(expected) + 2);
            ck_assert_mem_eq(text.bytes + 1, expected, strlen(expected));
            ck_assert(text.bytes[0] == '"' && text.bytes[text.length - 1] == '"');
            text_free(&text);
        }
}
END_TEST

START_TEST(only_json_in_utf8_is_json)
{
    ck_assert(media_type_is_json("application/json", false));
    ck_assert(media_type_is_json("Application/JSON ; charset=UTF-8", false));
    ck_assert(media_type_is_json("application/json;charset=\"utf-8\"", false));
    ck_assert(media_type_is_json("application/merge-patch+json", true));
    ck_assert(media_type_is_json("application/json", true));
    ck_assert(!media_type_is_json("application/merge-patch+json", false));
    ck_assert(!media_type_is_json("application/json; charset=latin1", false));
    ck_assert(!media_type_is_json("application/json; charset=utf-8; charset=utf-8", false));
    ck_assert(!media_type_is_json("application/json; a=b", false));
    ck_assert(!media_type_is_json("application/jsonx", false));
    ck_assert(!media_type_is_json("text/json", false));
    ck_assert(!media_type_is_json("application/json, text/html", false));
    ck_assert(!media_type_is_json("", false));
}
END_TEST

START_TEST(accept_is_read_by_weight_and_precision)
{
    static const char json[] = "application/json";
    ck_assert(media_type_accepted(NULL, json));
    ck_assert(media_type_accepted("", json));
    ck_assert(media_type_accepted("*/*", json));
    ck_assert(media_type_accepted("text/html, application/*;q=0.1", json));
    ck_assert(media_type_accepted("application/JSON; charset=utf-8", json));
    ck_assert(media_type_accepted("text/html,*/*;q=0.001", json));
    ck_assert(!media_type_accepted("text/html", json));
    ck_assert(!media_type_accepted("text/html, application/xml;q=0.9", json));
    ck_assert(!media_type_accepted("*/*, application/json;q=0", json));
    ck_assert(!media_type_accepted("application/json;q=0.000, */*", json));
    ck_assert(!media_type_accepted("application/jsonx", json));
    ck_assert(!media_type_accepted("*/*;q=0", json));
}
END_TEST

static enum query_verdict query(struct pair pairs[PAIRS_MAX], size_t *count, const char *text)
{
    return query_read(pairs, count, arena, text);
}

START_TEST(queries_are_decoded_and_are_text)
{
    struct pair pairs[PAIRS_MAX];
    size_t count;
    ck_assert_int_eq(query(pairs, &count, "a=b&c=New+York%20%C3%A9&&d&e=&=f"), QUERY_GOOD);
    ck_assert_uint_eq(count, 5);
    ck_assert_str_eq(pairs[0].name, "a");
    ck_assert_str_eq(pairs[0].value, "b");
    ck_assert_str_eq(pairs[1].value, "New York \xc3\xa9");
    ck_assert_str_eq(pairs[1].raw, "c=New+York%20%C3%A9");
    ck_assert_str_eq(pairs[2].name, "d");
    ck_assert_str_eq(pairs[2].value, "");
    ck_assert_str_eq(pairs[4].name, "");
    ck_assert_int_eq(query(pairs, &count, ""), QUERY_GOOD);
    ck_assert_uint_eq(count, 0);
    static const char *const none[] = {"a=%FF",          "a=%C3",      "a=%C0%80",
                                       "a=%ED%A0%80",    "%E2%82=1",   "a=%F5%80%80%80",
                                       "a=%F0%80%80%80", "a=%E0%80%80"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(query(pairs, &count, none[i]) == QUERY_NOT_TEXT, "%s", none[i]);
    char many[256] = "a";
    for (int i = 0; i < PAIRS_MAX; i++)
        strcat(many, "&a");
    ck_assert_int_eq(query(pairs, &count, many), QUERY_TOO_MANY);
}
END_TEST

START_TEST(request_ids_are_taken_when_visible_and_made_as_uuids)
{
    ck_assert(request_id_valid("abc-123"));
    ck_assert(!request_id_valid(""));
    ck_assert(!request_id_valid("a b"));
    ck_assert(!request_id_valid("a\xc3\xa9"));
    char longest[REQUEST_ID_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert(!request_id_valid(longest));
    ck_assert(request_id_valid(longest + 1));

    struct request_ids ids;
    char one[UUID_LENGTH + 1], two[UUID_LENGTH + 1];
    request_ids_seed(&ids);
    request_id_make(&ids, one, UINT64_C(0x0123456789AB));
    request_id_make(&ids, two, UINT64_C(0x0123456789AB));
    ck_assert(strncmp(one, "01234567-89ab-7", 15) == 0);
    ck_assert(strchr("89ab", one[19]) && one[8] == '-' && one[13] == '-' && one[23] == '-');
    ck_assert_str_ne(one, two);
}
END_TEST

static json_t *written(struct refusal refusal, const char *facts, const struct faults *faults)
{
    struct text text = {0};
    problem_write(&text, refusal, facts, faults, "/v1/circuits", "r-1");
    json_t *document = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(document);
    text_free(&text);
    return document;
}

static const char *member(const json_t *document, const char *name)
{
    return json_string_value(json_object_get(document, name));
}

START_TEST(a_problem_has_all_members_and_merges_the_facts)
{
    json_t *document =
        written((struct refusal){"circuit_vnet_limit_reached", NULL},
                "{\"limit\": 10, \"used\": 10, \"scope\": \"circuit\", \"secret\": 1}", NULL);
    ck_assert_str_eq(member(document, "type"), "/problems/circuit_vnet_limit_reached");
    ck_assert_str_eq(member(document, "instance"), "/v1/circuits");
    ck_assert_str_eq(member(document, "requestId"), "r-1");
    ck_assert_int_eq(json_integer_value(json_object_get(document, "status")), 409);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "limit")), 10);
    ck_assert_str_eq(member(document, "scope"), "circuit");
    ck_assert_ptr_null(json_object_get(document, "secret"));
    ck_assert(strlen(member(document, "detail")) > 10);
    json_decref(document);

    document = written((struct refusal){"not_found", "ours"}, "{\"detail\": \"theirs\"}", NULL);
    ck_assert_str_eq(member(document, "detail"), "theirs");
    json_decref(document);
}
END_TEST

START_TEST(faults_become_errors_in_the_five_words)
{
    struct faults faults = {.arena = arena};
    fault_add(&faults, "?colour", "unknown_parameter", "Say \"%s\".", "no");
    for (int i = 0; i < 2 * FAULTS_MAX; i++)
        fault_add(&faults, "/a", "required", "x");
    json_t *document = written((struct refusal){"unknown_parameter", NULL}, NULL, &faults);
    json_t *errors = json_object_get(document, "errors");
    ck_assert_uint_eq(json_array_size(errors), FAULTS_MAX);
    ck_assert_str_eq(member(json_array_get(errors, 0), "code"), "unknown_member");
    ck_assert_str_eq(member(json_array_get(errors, 0), "detail"), "Say \"no\".");
    json_decref(document);
}
END_TEST

START_TEST(an_unknown_code_is_a_fault_of_ours_and_shows_nothing)
{
    json_t *document =
        written((struct refusal){"no_such_code", "inner"}, "{\"detail\": \"SQL\"}", NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "status")), 500);
    ck_assert_str_eq(member(document, "code"), "internal_error");
    ck_assert_ptr_null(strstr(member(document, "detail"), "SQL"));
    json_decref(document);
}
END_TEST

START_TEST(every_failure_of_the_database_has_a_problem)
{
    for (int failure = FAILURE_OVERLOADED; failure <= FAILURE_BUG; failure++) {
        struct refusal refusal = problem_of_failure((enum failure)failure);
        const struct problem *problem = problem_find(refusal.code);
        ck_assert_ptr_nonnull(problem);
        ck_assert_int_eq(problem->status, failure == FAILURE_BUG ? 500 : 503);
        ck_assert((problem->retry_after > 0) == (failure != FAILURE_BUG));
    }
    ck_assert_str_eq(problem_of_failure(FAILURE_UNKNOWN_OUTCOME).code, "unknown_outcome");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writing");
    TCase *tests = tcase_create("writing");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, times_have_milliseconds_cut_off_or_microseconds);
    tcase_add_test(tests, times_in_binary_are_those_in_text);
    tcase_add_test(tests, every_day_in_binary_follows_the_one_before);
    tcase_add_test(tests, values_in_binary_are_written_as_json);
    tcase_add_test(tests, strings_are_escaped_so_that_they_read_back);
    tcase_add_test(tests, an_octet_is_escaped_wherever_it_stands_and_nothing_else_is);
    tcase_add_test(tests, only_json_in_utf8_is_json);
    tcase_add_test(tests, accept_is_read_by_weight_and_precision);
    tcase_add_test(tests, queries_are_decoded_and_are_text);
    tcase_add_test(tests, request_ids_are_taken_when_visible_and_made_as_uuids);
    tcase_add_test(tests, a_problem_has_all_members_and_merges_the_facts);
    tcase_add_test(tests, faults_become_errors_in_the_five_words);
    tcase_add_test(tests, an_unknown_code_is_a_fault_of_ours_and_shows_nothing);
    tcase_add_test(tests, every_failure_of_the_database_has_a_problem);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
