/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: what two readers could understand differently is refused. */
#include "api/head.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET  "GET /healthz HTTP/1.1\r\n"
#define POST "POST /v1/circuits HTTP/1.1\r\nHost: x\r\n"

static enum head_verdict scan(struct head *out, const char *text)
{
    return head_scan(out, text, strlen(text));
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
    ck_assert_uint_eq(head.target_length, 8);
    ck_assert(memcmp(head.target, "/healthz", 8) == 0);
    ck_assert(!head.sized && !head.close);
}
END_TEST

START_TEST(every_beginning_of_it_is_incomplete)
{
    static const char text[] =
        "\r\nPOST http://x/v1/a?b=%20 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    struct head head;
    for (size_t size = 0; size < sizeof text - 1; size++)
        ck_assert_msg(head_scan(&head, text, size) == HEAD_INCOMPLETE, "after %zu octets", size);
    ck_assert_int_eq(head_scan(&head, text, sizeof text - 1), HEAD_COMPLETE);
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
    refused(POST "Transfer-Encoding: chunked\r\n\r\n", "length_required");
    refused(POST "Transfer-Encoding: Chunked\r\n\r\n", "length_required");
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
    ck_assert_int_eq(head_scan(&head, nul, sizeof nul - 1), HEAD_REFUSED);
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
    static const char *const bad[] = {"healthz", "/a b",  "/%",    "/%2",      "/%zz",  "/%00",
                                      "/a#b",    "/\xc3", "/a\"b", "/{id}",    "/a\\b", "http:///x",
                                      "ftp://x", "x:443", "**",    "http://?", "/a^b"};
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
    ck_assert_int_eq(head_scan(&head, text, TARGET_MAX + 100), HEAD_REFUSED);
    ck_assert_str_eq(head.refusal.code, "uri_too_long");
    memcpy(text, GET "Host: x\r\nA: ", strlen(GET "Host: x\r\nA: "));
    ck_assert_int_eq(head_scan(&head, text, HEAD_MAX - 1), HEAD_INCOMPLETE);
    ck_assert_int_eq(head_scan(&head, text, HEAD_MAX), HEAD_REFUSED);
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
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
