/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of either family, and blocks of them. */
#include "base/network.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

START_TEST(an_address_is_written_as_it_is_read)
{
    static const char *const texts[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1",
                                        "::",        "::1",     "fe80::1:2:3",     "ff02::fb"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct address address;
        char text[ADDRESS_TEXT];
        ck_assert_msg(address_read(&address, texts[i]), "%s", texts[i]);
        address_write(text, &address);
        ck_assert_str_eq(text, texts[i]);
        ck_assert(address_is_four(&address) == !strchr(texts[i], ':'));
    }
}
END_TEST

START_TEST(an_ipv4_address_is_the_same_however_it_comes)
{
    static const uint8_t four[4] = {192, 0, 2, 1};
    struct address plain, mapped, of;
    struct sockaddr_in socket = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    memcpy(&socket.sin_addr, four, sizeof four);
    ck_assert(address_read(&plain, "192.0.2.1"));
    ck_assert(address_read(&mapped, "::ffff:192.0.2.1"));
    ck_assert(memcmp(&plain, &mapped, sizeof plain) == 0);
    of = address_from_four(four);
    ck_assert(memcmp(&plain, &of, sizeof plain) == 0);
    ck_assert(address_of(&of, (const struct sockaddr *)(const void *)&socket));
    ck_assert(memcmp(&plain, &of, sizeof plain) == 0);
    memcpy(&six.sin6_addr, plain.octets, sizeof plain.octets);
    ck_assert(address_of(&of, (const struct sockaddr *)(const void *)&six));
    ck_assert(memcmp(&plain, &of, sizeof plain) == 0);
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
    static const char *const texts[] = {
        "",           "1",          "1.2.3",  "1.2.3.4.5", "1.2.3.256", " 1.2.3.4",    "1.2.3.4 ",
        "1.2.3.4/32", "2001:db8:1", "::1::2", "g::1",      "[::1]",     "example.org", "1.2.3.4:80",
        "fe80::1%lo", "0x7f.0.0.1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct address address;
        ck_assert_msg(!address_read(&address, texts[i]), "%s", texts[i]);
    }
    struct address address;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    ck_assert(!address_of(&address, (const struct sockaddr *)(const void *)&local));
}
END_TEST

START_TEST(a_block_holds_the_addresses_of_its_prefix)
{
    static const struct {
        const char *block, *address;
        bool holds;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.9", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8:0:1::/64", "2001:db8:0:1:ff::", true},
        {"2001:db8:0:1::/64", "2001:db8:0:2::", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1/128", "2001:db8::2", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct block block;
        struct address address;
        ck_assert_msg(block_read(&block, cases[i].block), "%s", cases[i].block);
        ck_assert(address_read(&address, cases[i].address));
        ck_assert_msg(block_holds(&block, &address) == cases[i].holds, "%s in %s", cases[i].address,
                      cases[i].block);
    }
}
END_TEST

START_TEST(what_is_no_block_is_none)
{
    static const char *const texts[] = {"",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/+8",
                                        "10.0.0.0/ 8",
                                        "10.0.0.0/8 ",
                                        "10.0.0.0/8a",
                                        "10.0.0.1/8",
                                        "10.0.0/8",
                                        "::/129",
                                        "fd00::1/8",
                                        "fd00::/8/8",
                                        "x/8",
                                        "10.0.0.0/0008",
                                        "2001:db8::/4294967328",
                                        "10.0.0.0/4294967304"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct block block;
        ck_assert_msg(!block_read(&block, texts[i]), "%s", texts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_test(tests, an_address_is_written_as_it_is_read);
    tcase_add_test(tests, an_ipv4_address_is_the_same_however_it_comes);
    tcase_add_test(tests, what_is_no_address_is_none);
    tcase_add_test(tests, a_block_holds_the_addresses_of_its_prefix);
    tcase_add_test(tests, what_is_no_block_is_none);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
