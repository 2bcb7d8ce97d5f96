/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in chunks, as RFC 9112 section 7.1 has them and not otherwise. */
#include "http/chunks.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

struct decoded {
    enum chunk_verdict verdict; /* never CHUNKS_DATA */
    size_t used, length;
    char data[ROOM];
};

/* Feed it in pieces that end at the given offsets, ascending and the last one the size. */
static void decode(struct decoded *out, const char *octets, const size_t *ends, size_t count)
{
    struct chunks chunks = {0};
    size_t at = 0;
    *out = (struct decoded){.verdict = CHUNKS_MORE};
    for (size_t i = 0; i < count; i++) {
        while (at < ends[i] && out->verdict == CHUNKS_MORE) {
            size_t used = 0, length = 0;
            const char *data = NULL;
            enum chunk_verdict verdict =
                chunks_read(&chunks, octets + at, ends[i] - at, &used, &data, &length);
            ck_assert_uint_le(used, ends[i] - at);
            ck_assert(used > 0);
            if (verdict == CHUNKS_DATA) {
                ck_assert_uint_gt(length, 0);
                ck_assert_ptr_eq(data + length, octets + at + used);
                ck_assert_uint_le(out->length + length, ROOM);
                memcpy(out->data + out->length, data, length);
                out->length += length;
            } else {
                ck_assert_uint_eq(length, 0);
                out->verdict = verdict;
            }
            at += used;
        }
    }
    out->used = at;
}

static void decode_at_once(struct decoded *out, const char *octets, size_t size)
{
    decode(out, octets, &size, 1);
}

static void done(const char *text, const char *body)
{
    struct decoded out;
    decode_at_once(&out, text, strlen(text));
    ck_assert_msg(out.verdict == CHUNKS_DONE, "verdict %d for: %s", out.verdict, text);
    ck_assert_uint_eq(out.used, strlen(text));
    ck_assert_uint_eq(out.length, strlen(body));
    ck_assert(memcmp(out.data, body, out.length) == 0);
}

/* The octet that makes it malformed is its last. */
static void malformed(const char *text)
{
    struct decoded out;
    decode_at_once(&out, text, strlen(text));
    ck_assert_msg(out.verdict == CHUNKS_MALFORMED, "verdict %d for: %s", out.verdict, text);
    ck_assert_msg(out.used == strlen(text), "after %zu octets of: %s", out.used, text);
    decode_at_once(&out, text, strlen(text) - 1);
    ck_assert_msg(out.verdict == CHUNKS_MORE, "verdict %d for less than: %s", out.verdict, text);
}

START_TEST(data_is_what_the_sizes_say)
{
    done("0\r\n\r\n", "");
    done("5\r\nhello\r\n0\r\n\r\n", "hello");
    done("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "hello world");
    done("A\r\n0123456789\r\n0\r\n\r\n", "0123456789");
    done("a\r\n0123456789\r\n0\r\n\r\n", "0123456789");
    done("00010\r\n0123456789abcdef\r\n000\r\n\r\n", "0123456789abcdef");
    done("2\r\n\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n");
}
END_TEST

START_TEST(what_follows_is_left)
{
    struct decoded out;
    static const char text[] = "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    decode_at_once(&out, text, sizeof text - 1);
    ck_assert_int_eq(out.verdict, CHUNKS_DONE);
    ck_assert_uint_eq(out.used, 11);
}
END_TEST

START_TEST(extensions_are_ignored)
{
    done("1;a\r\nx\r\n0;b\r\n\r\n", "x");
    done("1;a=b;c=\"d\";e\r\nx\r\n0\r\n\r\n", "x");
    done("1 ; a = b\t;\tc\r\nx\r\n0\r\n\r\n", "x");
    done("1;a=\"\"\r\nx\r\n0\r\n\r\n", "x");
    done("1;a=\"b;\\\"\\\\c \t\xc3\xa9\"\r\nx\r\n0\r\n\r\n", "x");
}
END_TEST

START_TEST(trailers_are_dropped)
{
    done("1\r\nx\r\n0\r\nA: b\r\n\r\n", "x");
    done("0\r\nA:\r\nContent-Length: 5\r\nHost: \tx y \r\n\r\n", "");
}
END_TEST

START_TEST(another_line_is_malformed_at_its_first_wrong_octet)
{
    static const char *const texts[] = {
        "\r",
        "\n",
        ";",
        " ",
        "g",
        "-",
        "+",
        "0x",
        "1\n",
        "1\r\r",
        "1\rx",
        "1 \r",
        "1\t\r",
        "1 2",
        "1.",
        "1,",
        "1_",
        "1;\r",
        "1; \r",
        "1;;",
        "1;=",
        "1;a\n",
        "1;a \r",
        "1;a=\r",
        "1;a= \r",
        "1;a=;",
        "1;a==",
        "1;a=b \r",
        "1;a=b c",
        "1;a=b\"",
        "1;a=\"b\"c",
        "1;a=\"\r",
        "1;a=\"\n",
        "1;a=\"\\\r",
        "1;a=\"\x7f",
        "1;a=\"b\" \r",
        "1;a b",
        "1;a:",
        "1;a=b=",
        "1;a=\"\"\"",
        "1\r\nx\n",
        "1\r\nxx",
        "1\r\nx\r\r",
        "1\r\nx\rx",
        "1\r\nx\r\n\r",
        "1\r\nx\r\n ",
        "0\r\n\n",
        "0\r\n\r\r",
        "0\r\n\rx",
        "0\r\n:",
        "0\r\n ",
        "0\r\na ",
        "0\r\na\r",
        "0\r\na\n",
        "0\r\na:b\n",
        "0\r\na:\rb",
        "0\r\na:\x01",
        "0\r\na:b\r\n ",
        "0\r\na:b\r\n\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        malformed(texts[i]);
    printf("%zu malformed bodies\n", sizeof texts / sizeof *texts);
}
END_TEST

START_TEST(nul_is_malformed_outside_of_data)
{
    static const struct {
        const char *octets;
        size_t size;
    } cases[] = {
        {"\0", 1},       {"1\0", 2},        {"1;\0", 3},    {"1;a\0", 4},    {"1;a=\0", 5},
        {"1;a=\"\0", 6}, {"1;a=\"\\\0", 7}, {"0\r\n\0", 4}, {"0\r\na\0", 5}, {"0\r\na:\0", 6},
    };
    struct decoded out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decode_at_once(&out, cases[i].octets, cases[i].size);
        ck_assert_int_eq(out.verdict, CHUNKS_MALFORMED);
    }
    static const char data[] = "3\r\n\0\r\n\r\n0\r\n\r\n";
    decode_at_once(&out, data, sizeof data - 1);
    ck_assert_int_eq(out.verdict, CHUNKS_DONE);
    ck_assert_uint_eq(out.length, 3);
}
END_TEST

START_TEST(every_beginning_wants_more_and_every_pair_of_splits_gives_the_same)
{
    static const char text[] = "3;a=\"b\\\"c\" ; d=e;f\r\nabc\r\n0B\r\n0123456789\n\r\n000\r\n"
                               "A-b: c d\r\nE:\r\n\r\n";
    static const char body[] = "abc0123456789\n";
    size_t size = sizeof text - 1;
    struct decoded out;
    unsigned cases = 0;
    for (size_t first = 0; first < size; first++) {
        decode_at_once(&out, text, first);
        ck_assert_int_eq(out.verdict, CHUNKS_MORE);
        for (size_t second = first; second < size; second++) {
            size_t ends[] = {first, second, size};
            decode(&out, text, ends, 3);
            ck_assert_int_eq(out.verdict, CHUNKS_DONE);
            ck_assert_uint_eq(out.used, size);
            ck_assert_uint_eq(out.length, sizeof body - 1);
            ck_assert(memcmp(out.data, body, out.length) == 0);
            cases++;
        }
    }
    size_t ends[sizeof text - 1];
    for (size_t i = 0; i < size; i++)
        ends[i] = i + 1;
    decode(&out, text, ends, size);
    ck_assert_int_eq(out.verdict, CHUNKS_DONE);
    ck_assert_uint_eq(out.length, sizeof body - 1);
    printf("%u pairs of splits\n", cases);
}
END_TEST

START_TEST(a_size_beyond_64_bits_is_malformed)
{
    struct decoded out;
    static const char most[] = "ffffffffffffffff\r\n";
    decode_at_once(&out, most, sizeof most - 1);
    ck_assert_int_eq(out.verdict, CHUNKS_MORE);
    malformed("10000000000000000");
    malformed("fffffffffffffffff");
    done("00000000000000000000000000000001\r\nx\r\n0\r\n\r\n", "x");
}
END_TEST

/* A line of the size alone, and one with extensions. */
static size_t longest_line(char *text, const char *start, size_t size)
{
    size_t length = strlen(start);
    memset(text, '0', size);
    memcpy(text, start, length);
    return size;
}

START_TEST(a_line_with_a_size_has_an_end)
{
    static const char *const starts[] = {"0", "1;a", "1;a=\"0"};
    char text[CHUNK_LINE_MAX * 2];
    struct decoded out;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        decode_at_once(&out, text, longest_line(text, starts[i], CHUNK_LINE_MAX - 8));
        ck_assert_int_eq(out.verdict, CHUNKS_MORE);
        decode_at_once(&out, text, longest_line(text, starts[i], CHUNK_LINE_MAX + 8));
        ck_assert_int_eq(out.verdict, CHUNKS_TOO_LARGE);
    }
}
END_TEST

static size_t fill(char *text, const char *start, const char *line, size_t least)
{
    size_t at = (size_t)(stpcpy(text, start) - text);
    while (at < least)
        at = (size_t)(stpcpy(text + at, line) - text);
    return at;
}

START_TEST(all_extensions_and_all_trailers_have_an_end)
{
    static const char extended[] =
        "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n";
    static const char trailer[] = "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    static char text[4 * CHUNK_EXTRAS_MAX];
    struct decoded out;
    decode_at_once(&out, text, fill(text, "", extended, CHUNK_EXTRAS_MAX / 2));
    ck_assert_int_eq(out.verdict, CHUNKS_MORE);
    decode_at_once(&out, text, fill(text, "", extended, 2 * CHUNK_EXTRAS_MAX));
    ck_assert_int_eq(out.verdict, CHUNKS_TOO_LARGE);
    decode_at_once(&out, text, fill(text, "0\r\n", trailer, CHUNK_EXTRAS_MAX - 100));
    ck_assert_int_eq(out.verdict, CHUNKS_MORE);
    decode_at_once(&out, text, fill(text, "0\r\n", trailer, CHUNK_EXTRAS_MAX + 100));
    ck_assert_int_eq(out.verdict, CHUNKS_TOO_LARGE);
}
END_TEST

/* The cap of a body is of its octets, not of the lines around them. */
START_TEST(many_small_chunks_are_no_extras)
{
    static char text[8 * CHUNK_EXTRAS_MAX];
    struct chunks chunks = {0};
    size_t size = fill(text, "", "1\r\nx\r\n", 6 * CHUNK_EXTRAS_MAX), at = 0, total = 0;
    while (at < size) {
        size_t used = 0, length;
        const char *data;
        enum chunk_verdict verdict =
            chunks_read(&chunks, text + at, size - at, &used, &data, &length);
        ck_assert(verdict == CHUNKS_DATA || verdict == CHUNKS_MORE);
        at += used;
        total += length;
    }
    ck_assert_uint_eq(total, size / 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chunks");
    TCase *tests = tcase_create("chunks");
    tcase_add_test(tests, data_is_what_the_sizes_say);
    tcase_add_test(tests, what_follows_is_left);
    tcase_add_test(tests, extensions_are_ignored);
    tcase_add_test(tests, trailers_are_dropped);
    tcase_add_test(tests, another_line_is_malformed_at_its_first_wrong_octet);
    tcase_add_test(tests, nul_is_malformed_outside_of_data);
    tcase_add_test(tests, every_beginning_wants_more_and_every_pair_of_splits_gives_the_same);
    tcase_add_test(tests, a_size_beyond_64_bits_is_malformed);
    tcase_add_test(tests, a_line_with_a_size_has_an_end);
    tcase_add_test(tests, all_extensions_and_all_trailers_have_an_end);
    tcase_add_test(tests, many_small_chunks_are_no_extras);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
