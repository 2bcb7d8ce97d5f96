/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: what two readers could understand differently is refused. */
#include "http/head.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET  "GET /healthz HTTP/1.1\r\n"
#define POST "POST /v1/circuits HTTP/1.1\r\nHost: x\r\n"

static const struct single_field singles[] = {
    SINGLE_FIELD("authorization"), SINGLE_FIELD("webhook-id"), {NULL, 0}};

static enum head_verdict scan_octets(struct head *out, const char *octets, size_t size)
{
    head_begin(out);
    return head_read(out, octets, size, singles);
}

static enum head_verdict scan(struct head *out, const char *text)
{
    return scan_octets(out, text, strlen(text));
}

static void complete(struct head *out, const char *text)
{
    enum head_verdict verdict = scan(out, text);
    ck_assert_msg(verdict == HEAD_COMPLETE, "verdict %d for: %s", verdict, text);
}

static void is(const char *text, struct span span, const char *wanted)
{
    ck_assert_msg(span.length == strlen(wanted) && memcmp(text + span.at, wanted, span.length) == 0,
                  "\"%.*s\" in place of \"%s\"", (int)span.length, text + span.at, wanted);
}

static void refused(const char *text, const char *code)
{
    struct head head;
    enum head_verdict verdict = scan(&head, text);
    ck_assert_msg(verdict == HEAD_REFUSED, "verdict %d for: %s", verdict, text);
    ck_assert_msg(strcmp(head.refusal.code, code) == 0, "%s for: %s", head.refusal.code, text);
}

START_TEST(a_plain_request_is_whole_at_its_empty_line)
{
    static const char text[] = GET "Host: example.org:8480\r\nAccept: */*\r\n\r\nbody";
    struct head head;
    ck_assert_int_eq(scan(&head, text), HEAD_COMPLETE);
    ck_assert_uint_eq(head.length, sizeof text - 1 - 4);
    is(text, head.method, "GET");
    is(text, head.target, "/healthz");
    ck_assert_uint_eq(head.field_count, 2);
    is(text, head.fields[0].name, "Host");
    is(text, head.fields[0].value, "example.org:8480");
    is(text, head.fields[1].name, "Accept");
    is(text, head.fields[1].value, "*/*");
    ck_assert(!head.sized && !head.chunked && !head.close && !head.http10 && !head.expects);
}
END_TEST

START_TEST(every_beginning_of_it_is_incomplete)
{
    static const char text[] =
        "\r\nPOST http://x/v1/a?b=%20 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    struct head head;
    for (size_t size = 0; size < sizeof text - 1; size++)
        ck_assert_msg(scan_octets(&head, text, size) == HEAD_INCOMPLETE, "after %zu octets", size);
    ck_assert_int_eq(scan_octets(&head, text, sizeof text - 1), HEAD_COMPLETE);
    ck_assert(head.sized);
    ck_assert_uint_eq(head.content_length, 5);
}
END_TEST

START_TEST(two_lengths_or_a_length_beside_a_coding_are_refused)
{
    refused(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "malformed_request");
    refused(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "malformed_request");
    refused(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed_request");
    refused(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "malformed_request");
    refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "not_implemented");
    refused(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding: identity\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding:\r\n\r\n", "not_implemented");
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed_request");
}
END_TEST

START_TEST(a_length_is_a_plain_number)
{
    static const char *const lengths[] = {"",    "+5",  "-5", "5,5",  "5, 5",
                                          "0x5", "5 5", "5a", "\"5\""};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char text[128];
        snprintf(text, sizeof text, POST "Content-Length: %s\r\n\r\n", lengths[i]);
        refused(text, "malformed_request");
    }
    refused(POST "Content-Length: 65537\r\n\r\n", "content_too_large");
    refused(POST "Content-Length: 18446744073709551617\r\n\r\n", "content_too_large");
    refused(POST "Content-Length: 99999999999999999999999999999999\r\n\r\n", "content_too_large");
    struct head head;
    ck_assert_int_eq(scan(&head, POST "Content-Length: 65536\r\n\r\n"), HEAD_COMPLETE);
    ck_assert_int_eq(scan(&head, POST "Content-Length: \t0005 \r\n\r\n"), HEAD_COMPLETE);
    ck_assert_uint_eq(head.content_length, 5);
}
END_TEST

START_TEST(there_is_exactly_one_host)
{
    refused(GET "\r\n", "malformed_request");
    refused(GET "Host: x\r\nHost: x\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nhost: y\r\n\r\n", "malformed_request");
    refused(GET "Host: x y\r\n\r\n", "malformed_request");
    refused(GET "Host: x/y\r\n\r\n", "malformed_request");
    refused(GET "Host: a@b\r\n\r\n", "malformed_request");
    refused(GET "Host: a,b\r\n\r\n", "malformed_request");
    refused(GET "Host: a:b\r\n\r\n", "malformed_request");
    refused(GET "Host: [::1\r\n\r\n", "malformed_request");
    refused(GET "Host: [1:2:3:4:5:6:7:8:9]\r\n\r\n", "malformed_request");
    refused(GET "Host: a%zz\r\n\r\n", "malformed_request");
    struct head head;
    ck_assert_int_eq(scan(&head, "GET / HTTP/1.0\r\n\r\n"), HEAD_COMPLETE);
    ck_assert(head.close);
    ck_assert_int_eq(scan(&head, GET "Host: [::1]:80\r\n\r\n"), HEAD_COMPLETE);
}
END_TEST

START_TEST(lines_end_with_cr_lf_and_hold_no_control_characters)
{
    refused("GET / HTTP/1.1\nHost: x\n\n", "malformed_request");
    refused("GET / HTTP/1.1\n\nHost: x\r\n\r\n", "malformed_request");
    refused(GET "Host: x\n\r\n", "malformed_request");
    refused(GET "Host: x\rA: b\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nA: b\x01\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nA: b\x7f\r\n\r\n", "malformed_request");
    struct head head;
    static const char nul[] = GET "Host: x\r\nA: a\0b\r\n\r\n";
    ck_assert_int_eq(scan_octets(&head, nul, sizeof nul - 1), HEAD_REFUSED);
    ck_assert_int_eq(scan(&head, GET "Host: x\r\nA: a\tb \xc3\xa9\r\n\r\n"), HEAD_COMPLETE);
}
END_TEST

START_TEST(a_field_is_a_token_a_colon_and_a_value_on_one_line)
{
    refused(GET "Host : x\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nA: a\r\n b\r\n\r\n", "malformed_request");
    refused(GET " Host: x\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nfoo\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\n: foo\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nf(o: o\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nAuthorization: a\r\nauthorization: b\r\n\r\n", "malformed_request");
    refused(GET "Host: x\r\nwebhook-id: a\r\nWebhook-Id: a\r\n\r\n", "malformed_request");
}
END_TEST

START_TEST(the_request_line_is_strict)
{
    refused("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request");
    refused("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "malformed_request");
    refused("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request");
    refused("GET /\r\n\r\n", "malformed_request");
    refused("GET / http/1.1\r\nHost: x\r\n\r\n", "malformed_request");
    refused("GET / HTTP/11\r\nHost: x\r\n\r\n", "malformed_request");
    refused("PRI * HTTP/2.0\r\n\r\n", "http_version_not_supported");
    refused("GET / HTTP/0.9\r\n\r\n", "http_version_not_supported");
    refused("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "malformed_request");
    refused("\x16\x03\x01", "malformed_request");
    refused("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "not_implemented");
}
END_TEST

START_TEST(a_target_is_a_path_with_whole_escapes)
{
    static const char *const bad[] = {"healthz",  "/a b",      "/%",          "/%2",        "/%zz",
                                      "/%00",     "/a#b",      "/\xc3",       "/a\"b",      "/{id}",
                                      "/a\\b",    "http:///x", "ftp://x",     "x:443",      "**",
                                      "http://?", "/a^b",      "http://:80/", "http://a@b/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", bad[i]);
        refused(text, "malformed_request");
    }
    static const char *const good[] = {"/", "/%2f",     "/a?b=c&d=%C3%A9",
                                       "*", "http://x", "https://x/y"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[128];
        struct head head;
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", good[i]);
        ck_assert_msg(scan(&head, text) == HEAD_COMPLETE, "%s", good[i]);
    }
}
END_TEST

/* RFC 9110 section 5.6.2 and RFC 3986 sections 3.3 and 3.4, octet by octet. */
START_TEST(every_octet_is_a_tokens_or_a_targets_as_the_grammars_say)
{
    static const char alike[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int octet = 1; octet < 256; octet++) {
        char text[64], name[64];
        struct head head;
        bool plain = strchr(alike, octet) != NULL;
        bool token = plain || strchr("!#$%&'*+-.^_`|~", octet) != NULL;
        bool target = plain || strchr("-._~!$&'()*+,;=:@/?[]", octet) != NULL;
        snprintf(name, sizeof name, GET "Host: x\r\na%cb: v\r\n\r\n", octet);
        snprintf(text, sizeof text, "GET /a%cb HTTP/1.1\r\nHost: x\r\n\r\n", octet);
        /* A colon ends the name, and here a good value follows. */
        ck_assert_msg((scan(&head, name) == HEAD_COMPLETE) == (token || octet == ':'), "%s", name);
        ck_assert_msg((scan(&head, text) == HEAD_COMPLETE) == target, "%s", text);
    }
}
END_TEST

START_TEST(what_is_too_large_is_refused_as_soon_as_it_is)
{
    size_t size = HEAD_MAX + 100;
    char *text = malloc(size + 1);
    struct head head;
    memset(text, 'a', size);
    text[size] = '\0';
    memcpy(text, "GET /", 5);
    ck_assert_int_eq(scan_octets(&head, text, TARGET_MAX + 100), HEAD_REFUSED);
    ck_assert_str_eq(head.refusal.code, "uri_too_long");
    memcpy(text, GET "Host: x\r\nA: ", strlen(GET "Host: x\r\nA: "));
    ck_assert_int_eq(scan_octets(&head, text, HEAD_MAX - 1), HEAD_INCOMPLETE);
    ck_assert_int_eq(scan_octets(&head, text, HEAD_MAX), HEAD_REFUSED);
    ck_assert_str_eq(head.refusal.code, "headers_too_large");
    strcpy(text, GET "Host: x\r\n");
    for (int i = 0; i < FIELDS_MAX; i++)
        strcat(text, "a: b\r\n");
    strcat(text, "\r\n");
    refused(text, "headers_too_large");
    free(text);
}
END_TEST

START_TEST(a_client_that_will_close_is_known)
{
    struct head head;
    ck_assert_int_eq(scan(&head, GET "Host: x\r\nConnection: foo , Close\r\n\r\n"), HEAD_COMPLETE);
    ck_assert(head.close);
    ck_assert_int_eq(scan(&head, GET "Host: x\r\nConnection: closed\r\n\r\n"), HEAD_COMPLETE);
    ck_assert(!head.close);
}
END_TEST

START_TEST(chunked_is_the_one_transfer_coding_that_is_taken)
{
    struct head head;
    complete(&head, POST "Transfer-Encoding: chunked\r\n\r\n");
    ck_assert(head.chunked && !head.sized);
    complete(&head, POST "transfer-encoding:\t Chunked \r\n\r\n");
    ck_assert(head.chunked);
    refused(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding: chunked;q=1\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding: xchunked\r\n\r\n", "not_implemented");
    refused(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            "not_implemented");
    refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n", "not_implemented");
}
END_TEST

/* RFC 9110 section 5.5. */
START_TEST(blanks_around_a_value_are_not_part_of_it)
{
    static const char text[] = GET "Host: \t x \t\r\nA:\r\nB:  \t \r\nC:d\r\nE:\tf  g\t\r\n\r\n";
    struct head head;
    complete(&head, text);
    static const char *const values[] = {"x", "", "", "d", "f  g"};
    ck_assert_uint_eq(head.field_count, 5);
    for (size_t i = 0; i < 5; i++)
        is(text, head.fields[i].value, values[i]);
    complete(&head, POST "Content-Length: 7\t \r\nConnection:  close \t\r\n\r\n");
    ck_assert_uint_eq(head.content_length, 7);
    ck_assert(head.close);
}
END_TEST

START_TEST(a_head_that_comes_in_pieces_is_read_as_one_at_once)
{
    static const char text[] = "\r\nPUT /a?b HTTP/1.0\r\nA: b \r\nConnection: Keep-Alive\r\n"
                               "Content-Length: 3\r\nWebhook-Id: 1\r\n\r\nabc";
    struct head once;
    complete(&once, text);
    for (size_t first = 0; first <= once.length; first++) {
        for (size_t second = first; second < once.length; second++) {
            /* The octets move about between calls. */
            char one[sizeof text], two[sizeof text];
            struct head head;
            memcpy(one, text, first);
            memcpy(two, text, second);
            head_begin(&head);
            ck_assert_int_eq(head_read(&head, one, first, singles), HEAD_INCOMPLETE);
            ck_assert_int_eq(head_read(&head, two, second, singles), HEAD_INCOMPLETE);
            ck_assert_int_eq(head_read(&head, text, sizeof text - 1, singles), HEAD_COMPLETE);
            ck_assert_uint_eq(head.length, once.length);
            ck_assert_uint_eq(head.field_count, 4);
            ck_assert(memcmp(head.fields, once.fields, 4 * sizeof *head.fields) == 0);
            is(text, head.method, "PUT");
            is(text, head.target, "/a?b");
            ck_assert(head.http10 && !head.close && head.sized && head.content_length == 3);
        }
    }
}
END_TEST

START_TEST(a_refused_head_tells_the_method_and_the_target_that_are_whole)
{
    struct head head;
    static const char bare[] = "HEAD /a HTTP/1.1\r\nHost: x\r\nA\r\n\r\n";
    ck_assert_int_eq(scan(&head, bare), HEAD_REFUSED);
    ck_assert(head.has_method && head.has_target);
    is(bare, head.method, "HEAD");
    is(bare, head.target, "/a");
    static const char version[] = "HEAD /a HTTP/2.0\r\n";
    ck_assert_int_eq(scan(&head, version), HEAD_REFUSED);
    ck_assert(head.has_method && head.has_target);
    is(version, head.target, "/a");
    static const char target[] = "HEAD /% HTTP/1.1\r\n";
    ck_assert_int_eq(scan(&head, target), HEAD_REFUSED);
    ck_assert(head.has_method && !head.has_target);
    is(target, head.method, "HEAD");
    ck_assert_int_eq(scan(&head, "HE(AD / HTTP/1.1\r\n"), HEAD_REFUSED);
    ck_assert(!head.has_method && !head.has_target);
}
END_TEST

START_TEST(http_1_0_keeps_a_connection_only_when_asked)
{
    struct head head;
    complete(&head, "GET / HTTP/1.0\r\n\r\n");
    ck_assert(head.http10 && head.close);
    complete(&head, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ck_assert(head.http10 && !head.close);
    complete(&head, "GET / HTTP/1.0\r\nConnection: foo,Keep-Alive ,\r\n\r\n");
    ck_assert(!head.close);
    complete(&head, "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n");
    ck_assert(head.close);
    complete(&head, "GET / HTTP/1.0\r\nConnection: keep-alive-not\r\n\r\n");
    ck_assert(head.close);
    complete(&head, "GET / HTTP/1.9\r\nHost: x\r\n\r\n");
    ck_assert(!head.http10 && !head.close);
}
END_TEST

START_TEST(an_expectation_of_100_continue_is_known)
{
    struct head head;
    complete(&head, POST "Content-Length: 1\r\nExpect: 100-Continue \r\n\r\n");
    ck_assert(head.expects);
    complete(&head, POST "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n");
    ck_assert(!head.expects);
    complete(&head, POST "Content-Length: 1\r\nExpected: 100-continue\r\n\r\n");
    ck_assert(!head.expects);
}
END_TEST

START_TEST(a_field_that_has_one_value_stands_once_where_it_is_named_so)
{
    static const char twice[] = GET "Host: x\r\nAuthorization: a\r\nauthorization: b\r\n\r\n";
    struct head head;
    refused(twice, "malformed_request");
    complete(&head, GET "Host: x\r\nAuthorization: a\r\nWebhook-Id: b\r\nA: 1\r\nA: 1\r\n\r\n");
    complete(&head, GET "Host: x\r\nAuthorizatio: a\r\nAuthorization: b\r\n\r\n");
    head_begin(&head);
    ck_assert_int_eq(head_read(&head, twice, sizeof twice - 1, NULL), HEAD_COMPLETE);
}
END_TEST

START_TEST(what_fits_exactly_is_taken)
{
    char *text = malloc(HEAD_MAX + 1);
    struct head head;
    static const char start[] = GET "Host: x\r\nA: ";
    memset(text, 'a', HEAD_MAX);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + HEAD_MAX - 4, "\r\n\r\n", 4);
    ck_assert_int_eq(scan_octets(&head, text, HEAD_MAX - 1), HEAD_INCOMPLETE);
    ck_assert_int_eq(scan_octets(&head, text, HEAD_MAX), HEAD_COMPLETE);
    ck_assert_uint_eq(head.length, HEAD_MAX);
    ck_assert_uint_eq(head.fields[1].value.length, HEAD_MAX - (sizeof start - 1) - 4);

    memset(text, 'a', HEAD_MAX);
    memcpy(text, "GET /", 5);
    strcpy(text + 4 + TARGET_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
    complete(&head, text);
    ck_assert_uint_eq(head.target.length, TARGET_MAX);
    memset(text, 'a', HEAD_MAX);
    memcpy(text, "GET /", 5);
    strcpy(text + 5 + TARGET_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
    refused(text, "uri_too_long");

    strcpy(text, GET "Host: x\r\n");
    for (int i = 1; i < FIELDS_MAX; i++)
        strcat(text, "a: b\r\n");
    strcat(text, "\r\n");
    complete(&head, text);
    ck_assert_uint_eq(head.field_count, FIELDS_MAX);

    memset(text, 'A', METHOD_MAX);
    strcpy(text + METHOD_MAX, " / HTTP/1.1\r\nHost: x\r\n\r\n");
    complete(&head, text);
    ck_assert_uint_eq(head.method.length, METHOD_MAX);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("head");
    TCase *tests = tcase_create("head");
    tcase_add_test(tests, a_plain_request_is_whole_at_its_empty_line);
    tcase_add_test(tests, every_beginning_of_it_is_incomplete);
    tcase_add_test(tests, two_lengths_or_a_length_beside_a_coding_are_refused);
    tcase_add_test(tests, a_length_is_a_plain_number);
    tcase_add_test(tests, there_is_exactly_one_host);
    tcase_add_test(tests, lines_end_with_cr_lf_and_hold_no_control_characters);
    tcase_add_test(tests, a_field_is_a_token_a_colon_and_a_value_on_one_line);
    tcase_add_test(tests, the_request_line_is_strict);
    tcase_add_test(tests, a_target_is_a_path_with_whole_escapes);
    tcase_add_test(tests, every_octet_is_a_tokens_or_a_targets_as_the_grammars_say);
    tcase_add_test(tests, what_is_too_large_is_refused_as_soon_as_it_is);
    tcase_add_test(tests, a_client_that_will_close_is_known);
    tcase_add_test(tests, chunked_is_the_one_transfer_coding_that_is_taken);
    tcase_add_test(tests, blanks_around_a_value_are_not_part_of_it);
    tcase_add_test(tests, a_head_that_comes_in_pieces_is_read_as_one_at_once);
    tcase_add_test(tests, a_refused_head_tells_the_method_and_the_target_that_are_whole);
    tcase_add_test(tests, http_1_0_keeps_a_connection_only_when_asked);
    tcase_add_test(tests, an_expectation_of_100_continue_is_known);
    tcase_add_test(tests, a_field_that_has_one_value_stands_once_where_it_is_named_so);
    tcase_add_test(tests, what_fits_exactly_is_taken);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
