/* SPDX-License-Identifier: Apache-2.0 */
/* The client behind a trusted proxy: haproxy's doc/proxy-protocol.txt, section 2.2, and
 * X-Forwarded-For. */
#include "http/forwarded.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.1:4660 to 192.0.2.2:80 */
#define FOUR SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x34\0\x50"
#define SIX_ADDRESSES                                                                              \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"                                                   \
    "\x12\x34\0\x50"
#define SIZE(literal) (sizeof(literal) - 1)

static struct address at(const char *text)
{
    struct address address;
    ck_assert(address_read(&address, text));
    return address;
}

static void is(const struct address *address, const char *wanted)
{
    char text[ADDRESS_TEXT];
    address_write(text, address);
    ck_assert_str_eq(text, wanted);
}

static void preface(const char *octets, size_t size, enum preface_verdict verdict, size_t length,
                    const char *client)
{
    struct address address = at("198.51.100.9");
    size_t used = 0;
    ck_assert_int_eq(preface_read(&address, octets, size, &used), verdict);
    ck_assert_uint_eq(used, length);
    is(&address, client);
}

START_TEST(a_header_names_the_client_of_either_family)
{
    static const char six[] = SIGNATURE "\x21\x21\0\x24" SIX_ADDRESSES;
    preface(FOUR, SIZE(FOUR), PREFACE_COMPLETE, 28, "192.0.2.1");
    preface(six, SIZE(six), PREFACE_COMPLETE, 52, "2001:db8::1");
}
END_TEST

START_TEST(what_follows_the_header_is_left)
{
    static const char text[] = FOUR "GET / HTTP/1.1\r\n";
    preface(text, SIZE(text), PREFACE_COMPLETE, 28, "192.0.2.1");
}
END_TEST

START_TEST(every_beginning_of_it_is_incomplete)
{
    for (size_t size = 0; size < SIZE(FOUR); size++)
        preface(FOUR, size, PREFACE_INCOMPLETE, 0, "198.51.100.9");
}
END_TEST

START_TEST(additions_behind_the_addresses_are_skipped)
{
    static const char text[] =
        SIGNATURE "\x21\x11\0\x10\xc0\0\x02\x01\xc0\0\x02\x02\x12\x34\0\x50\x04\0\x01\0GET";
    preface(text, SIZE(text) - 4, PREFACE_INCOMPLETE, 0, "198.51.100.9");
    preface(text, SIZE(text), PREFACE_COMPLETE, 32, "192.0.2.1");
}
END_TEST

/* "The receiver must accept this connection as valid and must use the real connection endpoints and
 * discard the protocol block including the family which is ignored." */
START_TEST(a_local_connection_keeps_its_own_address)
{
    static const char bare[] = SIGNATURE "\x20\0\0\0";
    static const char named[] =
        SIGNATURE "\x20\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x34\0\x50";
    preface(bare, SIZE(bare), PREFACE_COMPLETE, 16, "198.51.100.9");
    preface(named, SIZE(named), PREFACE_COMPLETE, 28, "198.51.100.9");
}
END_TEST

START_TEST(a_family_that_is_no_tcp_keeps_the_connections_own_address)
{
    static const char unspecified[] = SIGNATURE "\x21\0\0\x04"
                                                "abcd";
    static const char local[] = SIGNATURE "\x21\x31\0\x04"
                                          "abcd";
    preface(unspecified, SIZE(unspecified), PREFACE_COMPLETE, 20, "198.51.100.9");
    preface(local, SIZE(local), PREFACE_COMPLETE, 20, "198.51.100.9");
}
END_TEST

START_TEST(a_header_that_is_none_is_malformed)
{
    static const char version_1[] = SIGNATURE "\x11\x11\0\0";
    static const char version_3[] = SIGNATURE "\x31\x11\0\0";
    static const char command[] = SIGNATURE "\x22\x11\0\0";
    static const char short_four[] = SIGNATURE "\x21\x11\0\x0b"
                                               "abcdefghijk";
    static const char short_six[] = SIGNATURE "\x21\x21\0\x0c"
                                              "abcdefghijkl";
    static const char huge[] = SIGNATURE "\x21\x11\xff\xff";
    preface(version_1, SIZE(version_1), PREFACE_MALFORMED, 0, "198.51.100.9");
    preface(version_3, SIZE(version_3), PREFACE_MALFORMED, 0, "198.51.100.9");
    preface(command, SIZE(command), PREFACE_MALFORMED, 0, "198.51.100.9");
    preface(huge, SIZE(huge), PREFACE_MALFORMED, 0, "198.51.100.9");
    struct address address = at("198.51.100.9");
    size_t used;
    ck_assert_int_eq(preface_read(&address, short_four, SIZE(short_four), &used),
                     PREFACE_MALFORMED);
    ck_assert_int_eq(preface_read(&address, short_six, SIZE(short_six), &used), PREFACE_MALFORMED);
    is(&address, "198.51.100.9");
}
END_TEST

START_TEST(the_longest_header_is_taken_and_none_longer)
{
    char octets[PREFACE_MAX] = {0};
    memcpy(octets, FOUR, SIZE(FOUR));
    octets[14] = (char)((PREFACE_MAX - 16) >> 8);
    octets[15] = (char)((PREFACE_MAX - 16) & 0xFF);
    preface(octets, PREFACE_MAX - 1, PREFACE_INCOMPLETE, 0, "198.51.100.9");
    preface(octets, PREFACE_MAX, PREFACE_COMPLETE, PREFACE_MAX, "192.0.2.1");
    octets[15]++;
    preface(octets, 16, PREFACE_MALFORMED, 0, "198.51.100.9");
}
END_TEST

START_TEST(a_request_is_no_header)
{
    preface("GET / HTTP/1.1\r\n", 16, PREFACE_NONE, 0, "198.51.100.9");
    preface("\r\nGET", 5, PREFACE_NONE, 0, "198.51.100.9");
    preface("G", 1, PREFACE_NONE, 0, "198.51.100.9");
    preface("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 32, PREFACE_NONE, 0, "198.51.100.9");
}
END_TEST

START_TEST(x_forwarded_for_names_the_last_that_is_no_proxy)
{
    static const struct {
        const char *field, *client;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {" 192.0.2.1\t", "192.0.2.1"},
        {"203.0.113.5, 192.0.2.1", "192.0.2.1"},
        {"203.0.113.5,192.0.2.1,10.0.0.7", "192.0.2.1"},
        {"203.0.113.5, 192.0.2.1, 10.1.2.3, fd00::1", "192.0.2.1"},
        {"10.0.0.7, 10.0.0.8", "10.0.0.7"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:4711", "2001:db8::1"},
        {"192.0.2.1:4711", "192.0.2.1"},
        {"", "198.51.100.9"},
        {"unknown", "198.51.100.9"},
        {"192.0.2.1, unknown", "198.51.100.9"},
        {"192.0.2.1,", "198.51.100.9"},
        {"_hidden, 10.0.0.7", "10.0.0.7"},
        {"[2001:db8::1", "198.51.100.9"},
        {"1.2.3", "198.51.100.9"},
        {"1111111111111111111111111111111111111111111111111111111111111111", "198.51.100.9"},
    };
    struct block proxies[2];
    ck_assert(block_read(&proxies[0], "10.0.0.0/8"));
    ck_assert(block_read(&proxies[1], "fd00::/8"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address = at("198.51.100.9");
        char text[ADDRESS_TEXT];
        forwarded_read(&address, cases[i].field, proxies, 2);
        address_write(text, &address);
        ck_assert_msg(strcmp(text, cases[i].client) == 0, "%s for \"%s\"", text, cases[i].field);
    }
}
END_TEST

START_TEST(a_proxy_is_trusted_by_its_block)
{
    struct block proxies[2];
    ck_assert(block_read(&proxies[0], "10.0.0.0/8"));
    ck_assert(block_read(&proxies[1], "fd00::/8"));
    struct address four = at("10.9.9.9"), six = at("fd12::1"), other = at("11.0.0.1");
    ck_assert(forwarded_trusts(&four, proxies, 2));
    ck_assert(forwarded_trusts(&six, proxies, 2));
    ck_assert(!forwarded_trusts(&other, proxies, 2));
    ck_assert(!forwarded_trusts(&four, proxies, 0));
    ck_assert(!forwarded_trusts(&four, NULL, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forwarded");
    TCase *tests = tcase_create("forwarded");
    tcase_add_test(tests, a_header_names_the_client_of_either_family);
    tcase_add_test(tests, what_follows_the_header_is_left);
    tcase_add_test(tests, every_beginning_of_it_is_incomplete);
    tcase_add_test(tests, additions_behind_the_addresses_are_skipped);
    tcase_add_test(tests, a_local_connection_keeps_its_own_address);
    tcase_add_test(tests, a_family_that_is_no_tcp_keeps_the_connections_own_address);
    tcase_add_test(tests, a_header_that_is_none_is_malformed);
    tcase_add_test(tests, the_longest_header_is_taken_and_none_longer);
    tcase_add_test(tests, a_request_is_no_header);
    tcase_add_test(tests, x_forwarded_for_names_the_last_that_is_no_proxy);
    tcase_add_test(tests, a_proxy_is_trusted_by_its_block);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
