/* SPDX-License-Identifier: Apache-2.0 */
/* Values of requests: what each kind takes, what it gives on, and the fault it names. */
#include "base/arena.h"
#include "circuits/address_space.h"
#include "operations/kind.h"
#include "partners/offer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct faults faults;

static void fresh(void)
{
    arena = arena_new();
    memset(&faults, 0, sizeof faults);
    faults.arena = arena;
}

static void gone(void)
{
    arena_free(arena);
}

static const char *from_json(const struct kind *kind, const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(value != NULL, "the test's JSON is broken: %s", text);
    struct reading reading = {&faults, arena, "/here"};
    const char *given = kind->from_json(kind, value, &reading);
    json_decref(value);
    return given;
}

static const char *from_text(const struct kind *kind, const char *text)
{
    struct reading reading = {&faults, arena, "here"};
    return kind->from_text(kind, text, &reading);
}

static const struct kind small = KIND_INTEGER(1, 4094);
static const char *const colours[] = {"Red", "Green", NULL};
static const struct kind colour = KIND_WORD(colours);
static const struct kind short_text = KIND_TEXT(1, 3);
static const struct kind may_be_empty = KIND_TEXT(0, 3);

/* code NULL: accepted and given on as `given`. */
static const struct row {
    const struct kind *kind;
    const char *json, *given, *pointer, *code;
} rows[] = {
    {&small, "1", "1", NULL, NULL},
    {&small, "4094", "4094", NULL, NULL},
    {&small, "0", NULL, "/here", "out_of_range"},
    {&small, "4095", NULL, "/here", "out_of_range"},
    {&small, "-9223372036854775808", NULL, "/here", "out_of_range"},
    {&small, "1.0", NULL, "/here", "wrong_type"},
    {&small, "\"1\"", NULL, "/here", "wrong_type"},
    {&small, "true", NULL, "/here", "wrong_type"},
    {&small, "null", NULL, "/here", "wrong_type"},
    {&colour, "\"Red\"", "Red", NULL, NULL},
    {&colour, "\"red\"", NULL, "/here", "invalid_value"},
    {&colour, "\"\"", NULL, "/here", "invalid_value"},
    {&colour, "7", NULL, "/here", "wrong_type"},
    {&short_text, "\"日本語\"", "日本語", NULL, NULL},
    {&short_text, "\"日本語x\"", NULL, "/here", "out_of_range"},
    {&short_text, "\"\"", NULL, "/here", "out_of_range"},
    {&short_text, "\"a\\n\"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\u0085\"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\u007f\"", NULL, "/here", "invalid_value"},
    {&short_text, "[]", NULL, "/here", "wrong_type"},
    {&short_text, "\" \"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\u00a0\\u3000\"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\u200b\\u00ad\\ufeff\"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\udb40\\udc41\"", NULL, "/here", "invalid_value"},
    {&short_text, "\"\\u2028\"", NULL, "/here", "invalid_value"},
    {&short_text, "\" .\"", " .", NULL, NULL},
    {&short_text, "\"\\u200b語\"", "\u200b語", NULL, NULL},
    {&may_be_empty, "\" \"", " ", NULL, NULL},
    {&may_be_empty, "\"\"", "", NULL, NULL},
    {&kind_uuid, "\"5F0C1E9A-3B7D-4C55-9D0E-2A4B6C8D0E1F\"", "5f0c1e9a-3b7d-4c55-9d0e-2a4b6c8d0e1f",
     NULL, NULL},
    {&kind_uuid, "\"5f0c1e9a-3b7d-4c55-9d0e-2a4b6c8d0e1\"", NULL, "/here", "invalid_value"},
    {&kind_uuid, "\"5f0c1e9a-3b7d-4c55-9d0e-2a4b6c8d0e1f0\"", NULL, "/here", "invalid_value"},
    {&kind_uuid, "\"5f0c1e9a3b7d4c559d0e2a4b6c8d0e1f\"", NULL, "/here", "invalid_value"},
    {&kind_uuid, "\"{5f0c1e9a-3b7d-4c55-9d0e-2a4b6c8d0e1}\"", NULL, "/here", "invalid_value"},
    {&kind_uuid, "12", NULL, "/here", "wrong_type"},
    {&kind_slug, "\"at-t-netbond\"", "at-t-netbond", NULL, NULL},
    {&kind_slug, "\"-a\"", NULL, "/here", "invalid_value"},
    {&kind_slug, "\"a-\"", NULL, "/here", "invalid_value"},
    {&kind_slug, "\"a--b\"", NULL, "/here", "invalid_value"},
    {&kind_slug, "\"A\"", NULL, "/here", "invalid_value"},
    {&kind_slug, "\"\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22T10:00:00Z\"", "2026-11-22T10:00:00Z", NULL, NULL},
    {&kind_time, "\"2024-02-29T23:59:60.123456789+14:00\"", "2024-02-29T23:59:60.123456789+14:00",
     NULL, NULL},
    {&kind_time, "\"2026-02-29T10:00:00Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-13-01T10:00:00Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22T24:00:00Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22 10:00:00Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22T10:00:00\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22T10:00:00.Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"2026-11-22T10:00:00Zx\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"0000-01-01T00:00:00Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"9999-12-31T23:59:59.9999999Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"9999-12-31T23:59:60Z\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"9999-12-31T23:59:59-15:59\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"0001-01-01T00:00:00+15:59\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"9999-12-31T23:59:59Z\"", "9999-12-31T23:59:59Z", NULL, NULL},
    {&kind_time, "\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00Z", NULL, NULL},
    {&kind_time, "\"now\"", NULL, "/here", "invalid_value"},
    {&kind_time, "\"infinity\"", NULL, "/here", "invalid_value"},
    {&kind_time, "1763805600", NULL, "/here", "wrong_type"},
    {&kind_boolean, "true", "true", NULL, NULL},
    {&kind_boolean, "\"true\"", NULL, "/here", "wrong_type"},
    {&kind_tags, "{\"a\":\"b\"}", "{\"a\":\"b\"}", NULL, NULL},
    {&kind_tags, "{\"a\":null}", NULL, "/here/a", "wrong_type"},
    {&kind_tags, "{\"a/~b\":1}", NULL, "/here/a~1~0b", "wrong_type"},
    {&kind_tags, "{\"\":\"b\"}", NULL, "/here/", "out_of_range"},
    {&kind_tags, "[]", NULL, "/here", "wrong_type"},
    {&kind_tags_patch, "{\"a\":null}", "{\"a\":null}", NULL, NULL},
    {&kind_tags_patch, "null", "null", NULL, NULL},
    {&kind_address_space, "[\"10.1.0.0/16\"]", "{10.1.0.0/16}", NULL, NULL},
    {&kind_address_space, "[\"10.0.0.0/8\",\"192.168.1.16/28\"]", "{10.0.0.0/8,192.168.1.16/28}",
     NULL, NULL},
    {&kind_address_space, "[]", NULL, "/here", "out_of_range"},
    {&kind_address_space, "\"10.1.0.0/16\"", NULL, "/here", "wrong_type"},
    {&kind_address_space, "[10]", NULL, "/here/0", "wrong_type"},
    {&kind_address_space, "[\"10.1.0.1/16\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"10.1.0.0\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"10.1.0.0/016\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"10.1.0.0/+16\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"010.1.0.0/16\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"10.1/16\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"::/16\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"10.0.0.0/33\"]", NULL, "/here/0", "invalid_value"},
    {&kind_address_space, "[\"0.0.0.0/7\"]", NULL, "/here/0", "out_of_range"},
    {&kind_address_space, "[\"0.0.0.0/0\"]", NULL, "/here/0", "out_of_range"},
    {&kind_address_space, "[\"10.0.0.0/29\"]", NULL, "/here/0", "out_of_range"},
    {&kind_address_space, "[\"10.1.0.0/16\",\"10.1.2.0/24\"]", NULL, "/here/1", "invalid_value"},
    {&kind_address_space, "[\"10.1.2.0/24\",\"10.0.0.0/8\"]", NULL, "/here/1", "invalid_value"},
    {&kind_address_space, "[\"10.1.0.0/16\",\"10.1.0.0/16\"]", NULL, "/here/1", "invalid_value"},
    {&kind_gateway_subnet, "\"10.1.255.0/27\"", "10.1.255.0/27", NULL, NULL},
    {&kind_gateway_subnet, "\"10.1.255.0/29\"", NULL, "/here", "out_of_range"},
    {&kind_gateway_subnet, "\"10.1.255.1/27\"", NULL, "/here", "invalid_value"},
    {&kind_gateway_subnet, "null", NULL, "/here", "wrong_type"},
    {&kind_offers, "[]", "[]", NULL, NULL},
    {&kind_offers, "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[50]}]",
     "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[50]}]", NULL, NULL},
    {&kind_offers, "{}", NULL, "/here", "wrong_type"},
    {&kind_offers, "[7]", NULL, "/here/0", "wrong_type"},
    {&kind_offers, "[{\"bandwidthsMbps\":[50]}]", NULL, "/here/0/peeringLocation", "required"},
    {&kind_offers, "[{\"peeringLocation\":\"A\"}]", NULL, "/here/0/bandwidthsMbps", "required"},
    {&kind_offers, "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[]}]", NULL,
     "/here/0/bandwidthsMbps", "out_of_range"},
    {&kind_offers, "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[51]}]", NULL,
     "/here/0/bandwidthsMbps/0", "invalid_value"},
    {&kind_offers, "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[50,50]}]", NULL,
     "/here/0/bandwidthsMbps/1", "invalid_value"},
    {&kind_offers, "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[50],\"x\":1}]", NULL,
     "/here/0/x", "unknown_member"},
    {&kind_offers,
     "[{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[50]},"
     "{\"peeringLocation\":\"A\",\"bandwidthsMbps\":[100]}]",
     NULL, "/here/1", "invalid_value"},
};

START_TEST(a_json_value_is_taken_or_its_fault_is_named)
{
    const struct row *row = &rows[_i];
    const char *given = from_json(row->kind, row->json);
    if (!row->code) {
        ck_assert_msg(faults.count == 0, "%s: %s", row->json, faults.items[0].detail);
        ck_assert_str_eq(given, row->given);
        return;
    }
    ck_assert_msg(!given && faults.count >= 1, "%s was accepted", row->json);
    ck_assert_str_eq(faults.items[0].pointer, row->pointer);
    ck_assert_str_eq(faults.items[0].code, row->code);
}
END_TEST

START_TEST(an_integer_in_a_query_is_plain_digits)
{
    static const char *const bad[] = {"",   "+1",  "-1",  "01",  " 1",
                                      "1 ", "1e1", "0x1", "1.0", "99999999999999999999"};
    ck_assert_str_eq(from_text(&small, "4094"), "4094");
    ck_assert_uint_eq(faults.count, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!from_text(&small, bad[i]), "accepted \"%s\"", bad[i]);
        ck_assert_uint_eq(faults.count, i + 1);
    }
}
END_TEST

START_TEST(a_cursor_gives_its_key_back)
{
    static const char uuid[] = "01993c1e-9a3b-7d4c-959d-0e2a4b6c8d0e";
    ck_assert_str_eq(from_text(&kind_cursor_uuid, cursor_text(arena, uuid)), uuid);
    ck_assert_str_eq(from_text(&kind_cursor_name, cursor_text(arena, "São Paulo")), "São Paulo");
    ck_assert_str_eq(from_text(&kind_cursor_sequence, cursor_text(arena, "42")), "42");
    ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(a_cursor_of_another_list_or_with_any_character_changed_is_malformed)
{
    const char *good = cursor_text(arena, "01993c1e-9a3b-7d4c-959d-0e2a4b6c8d0e");
    size_t length = strlen(good);
    size_t refused = 0;
    for (size_t i = 0; i < length; i++) {
        char *changed = arena_copy(arena, good, length);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_msg(!from_text(&kind_cursor_uuid, changed), "accepted %s", changed);
        ck_assert_uint_eq(faults.count, ++refused);
    }
    for (size_t i = 0; i < length; i++) {
        ck_assert(!from_text(&kind_cursor_uuid, arena_copy(arena, good, i)));
        refused++;
    }
    ck_assert(!from_text(&kind_cursor_uuid, cursor_text(arena, "equinix")));
    ck_assert(!from_text(&kind_cursor_sequence, cursor_text(arena, "equinix")));
    ck_assert_uint_eq(faults.count, refused + 2);
    ck_assert_str_eq(faults.items[0].code, "malformed_cursor");
}
END_TEST

START_TEST(prefixes_overlap_when_one_holds_the_other)
{
    struct prefix a, b, c, all;
    ck_assert_int_eq(prefix_read(&a, "10.1.0.0/16"), PREFIX_GOOD);
    ck_assert_int_eq(prefix_read(&b, "10.1.255.0/27"), PREFIX_GOOD);
    ck_assert_int_eq(prefix_read(&c, "10.2.0.0/16"), PREFIX_GOOD);
    ck_assert_int_eq(prefix_read(&all, "0.0.0.0/0"), PREFIX_GOOD);
    ck_assert(prefix_overlaps(a, b) && prefix_overlaps(b, a) && prefix_overlaps(a, a));
    ck_assert(!prefix_overlaps(a, c) && !prefix_overlaps(c, b));
    ck_assert(prefix_overlaps(all, c) && prefix_overlaps(c, all));
}
END_TEST

START_TEST(more_faults_than_are_kept_are_still_counted)
{
    for (int i = 0; i < FAULTS_MAX + 5; i++)
        fault_add(&faults, "/x", "required", "%d", i);
    ck_assert_uint_eq(faults.count, FAULTS_MAX + 5);
    ck_assert_str_eq(faults.items[FAULTS_MAX - 1].detail, "31");
}
END_TEST

START_TEST(an_arena_gives_zeroed_memory_of_any_size)
{
    static const unsigned char zeroes[40000];
    for (size_t size = 0; size < sizeof zeroes; size += 997) {
        unsigned char *memory = arena_alloc(arena, size);
        ck_assert_mem_eq(memory, zeroes, size);
        memset(memory, 0xAA, size);
    }
    arena_reset(arena);
    ck_assert_uint_eq(*(unsigned char *)arena_alloc(arena, 1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind");
    TCase *tests = tcase_create("kind");
    tcase_add_checked_fixture(tests, fresh, gone);
    tcase_add_loop_test(tests, a_json_value_is_taken_or_its_fault_is_named, 0,
                        (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, an_integer_in_a_query_is_plain_digits);
    tcase_add_test(tests, a_cursor_gives_its_key_back);
    tcase_add_test(tests, a_cursor_of_another_list_or_with_any_character_changed_is_malformed);
    tcase_add_test(tests, prefixes_overlap_when_one_holds_the_other);
    tcase_add_test(tests, more_faults_than_are_kept_are_still_counted);
    tcase_add_test(tests, an_arena_gives_zeroed_memory_of_any_size);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
