/* SPDX-License-Identifier: Apache-2.0 */
/* Where webhooks may go: the edges of every range, and every way to spell a host. */
#include "webhooks/destination.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} address;

static const struct sockaddr *at(const char *text)
{
    memset(&address, 0, sizeof address);
    address.any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    void *where =
        strchr(text, ':') ? (void *)&address.six.sin6_addr : (void *)&address.four.sin_addr;
    ck_assert_msg(inet_pton(address.any.sa_family, text, where) == 1, "%s", text);
    return &address.any;
}

/* Every row of the two registries as it stands there, multicast, and what stands before and behind
 * it where that is public. */
static const struct {
    const char *first, *last, *before, *behind;
} ranges[] = {
    {"0.0.0.0", "0.255.255.255", NULL, "1.0.0.0"},
    {"0.0.0.0", "0.0.0.0", NULL, NULL},
    {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
    {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
    {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
    {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
    {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
    {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
    {"192.0.0.0", "192.0.0.7", NULL, NULL},
    {"192.0.0.8", "192.0.0.8", NULL, NULL},
    {"192.0.0.9", "192.0.0.9", NULL, NULL},
    {"192.0.0.10", "192.0.0.10", NULL, NULL},
    {"192.0.0.170", "192.0.0.171", NULL, NULL},
    {"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
    {"192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"},
    {"192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"},
    {"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
    {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
    {"192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"},
    {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
    {"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
    {"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
    {"224.0.0.0", "239.255.255.255", "223.255.255.255", NULL},
    {"240.0.0.0", "255.255.255.255", NULL, NULL},
    {"255.255.255.255", "255.255.255.255", NULL, NULL},
    {"::1", "::1", NULL, NULL},
    {"::", "::", NULL, NULL},
    {"::", "::ffff:ffff", NULL, NULL},
    {"::ffff:0:0:0", "::ffff:0:ffff:ffff", NULL, NULL},
    {"64:ff9b::", "64:ff9b::ffff:ffff", NULL, NULL},
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"100::", "100::ffff:ffff:ffff:ffff", NULL, NULL},
    {"100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "2001:200::"},
    {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:1::1", "2001:1::3", NULL, NULL},
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2003::"},
    {"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
     "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3fff:1000::"},
    {"4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     NULL},
    {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
    {"200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "2000::"},
};
enum { RANGES = sizeof ranges / sizeof *ranges };

START_TEST(a_range_is_refused_from_its_first_address_to_its_last)
{
    ck_assert_msg(!destination_admits(at(ranges[_i].first)), "%s", ranges[_i].first);
    ck_assert_msg(!destination_admits(at(ranges[_i].last)), "%s", ranges[_i].last);
    if (ranges[_i].before)
        ck_assert_msg(destination_admits(at(ranges[_i].before)), "%s", ranges[_i].before);
    if (ranges[_i].behind)
        ck_assert_msg(destination_admits(at(ranges[_i].behind)), "%s", ranges[_i].behind);
}
END_TEST

START_TEST(a_mapped_address_is_judged_as_the_one_within)
{
    char text[64];
    const char *first = ranges[_i].first, *behind = ranges[_i].behind;
    if (strchr(first, ':'))
        return;
    snprintf(text, sizeof text, "::ffff:%s", first);
    ck_assert_str_eq(destination_refusal(at(text), false), destination_refusal(at(first), false));
    snprintf(text, sizeof text, "::ffff:%s", behind ? behind : "1.1.1.1");
    ck_assert_msg(destination_admits(at(text)), "%s", text);
}
END_TEST

START_TEST(a_refusal_says_what_the_address_is)
{
    ck_assert_str_eq(destination_refusal(at("10.1.2.3"), false), "private");
    ck_assert_str_eq(destination_refusal(at("169.254.169.254"), false), "link-local");
    ck_assert_str_eq(destination_refusal(at("::1"), false), "loopback");
    ck_assert_str_eq(destination_refusal(at("::7f00:1"), false), "IPv4-compatible");
    ck_assert_str_eq(destination_refusal(at("64:ff9b::a00:1"), false), "behind NAT64");
    ck_assert_str_eq(destination_refusal(at("2002:a00:1::"), false), "behind 6to4");
    ck_assert_str_eq(destination_refusal(at("4000::1"), false), "not allocated");
    ck_assert_str_eq(destination_refusal(at("1.1.1.1"), true),
                     "not in a network that plain http is allowed to");
    address.any.sa_family = AF_UNIX;
    ck_assert(!destination_admits(&address.any));
}
END_TEST

/* Each test is a process of its own, so that what is allowed here is allowed nowhere else. */
START_TEST(what_the_operator_allows_is_admitted_with_plain_http)
{
    destination_allow("10.0.0.0/8");
    destination_allow("127.0.0.2");
    destination_allow("fd00::/8");
    ck_assert(destination_admits(at("10.255.255.255")));
    ck_assert(destination_admits(at("::ffff:10.0.0.1")));
    ck_assert_ptr_null(destination_refusal(at("10.0.0.1"), true));
    ck_assert(destination_admits(at("127.0.0.2")));
    ck_assert(!destination_admits(at("127.0.0.1")));
    ck_assert(!destination_admits(at("127.0.0.3")));
    ck_assert(destination_admits(at("fd12::1")));
    ck_assert(!destination_admits(at("fc12::1")));
    ck_assert(destination_admits(at("11.0.0.0")));
    ck_assert(!destination_admits(at("2002:a00:1::")));
    const char *fault;
    ck_assert(webhook_url_accepts("http://10.0.0.1:22/x", &fault));
    ck_assert(webhook_url_accepts("https://[fd00::1]:80/", &fault));
    ck_assert(webhook_url_accepts("https://receiver/", &fault));
    ck_assert(webhook_url_accepts("https://localhost/", &fault));
    ck_assert(!webhook_url_accepts("http://receiver/", &fault));
    ck_assert(!webhook_url_accepts("http://127.0.0.1/", &fault));
    ck_assert(!webhook_url_accepts("http://1.1.1.1/", &fault));
    ck_assert(!webhook_url_accepts("http://0x0a000001/", &fault));
}
END_TEST

START_TEST(what_a_carrier_holds_has_to_be_admitted_too)
{
    destination_allow("64:ff9b::/96");
    destination_allow("64:ff9b:1::/48");
    destination_allow("2002::/16");
    destination_allow("2001::/32");
    destination_allow("::/96");
    ck_assert(destination_admits(at("64:ff9b::1.1.1.1")));
    ck_assert(!destination_admits(at("64:ff9b::10.0.0.1")));
    ck_assert(destination_admits(at("64:ff9b:1::1.1.1.1")));
    ck_assert(!destination_admits(at("64:ff9b:1:ffff::127.0.0.1")));
    ck_assert(destination_admits(at("2002:101:101::1")));
    ck_assert(!destination_admits(at("2002:c0a8:1::1")));
    ck_assert(destination_admits(at("2001::fefe:fefe")));
    ck_assert(!destination_admits(at("2001::80ff:fffe"))); /* 127.0.0.1 inverted */
    ck_assert(destination_admits(at("::1.1.1.1")));
    ck_assert(!destination_admits(at("::127.0.0.1")));
    ck_assert(destination_admits(at("::1"))); /* in ::/96, and no IPv4 address */
    destination_allow("10.0.0.0/8");
    ck_assert(destination_admits(at("64:ff9b::10.0.0.1")));
}
END_TEST

START_TEST(everything_of_one_family_is_not_the_other)
{
    destination_allow("::/0");
    ck_assert(destination_admits(at("fe80::1")));
    ck_assert(!destination_admits(at("10.0.0.1")));
    ck_assert(!destination_admits(at("::ffff:10.0.0.1")));
}
END_TEST

START_TEST(a_block_is_read_strictly)
{
    static const char *const good[] = {"10.0.0.0/8",    "10.0.0.1", "10.0.0.1/32", "0.0.0.0/0",
                                       "2001:db8::/32", "::/0",     "::1"};
    static const char *const bad[] = {
        "",          "10.0.0.0/33",   "10.0.0.0/",    "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0/8",
        "/8",        "10.0.0.0/-1",   "10.0.0.0/ 8",  "010.0.0.0/8",  "localhost",  "fd00::/129",
        "fd00::1/8", "::ffff:0:0/96", "10.0.0.0/08x", "fe80::%lo/64", "*"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(destination_cidr_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!destination_cidr_valid(bad[i]), "%s", bad[i]);
}
END_TEST

static const char *const accepted[] = {
    "https://hooks.example.com",
    "https://hooks.example.com/",
    "HTTPS://Hooks.Example.COM/in?token=%41&x=y;z",
    "https://hooks.example.com:443/in",
    "https://hooks.example.com:8443/in",
    "https://hooks.example.com:65535",
    "https://hooks.example.com?x",
    "https://xn--mnchen-3ya.example/",
    "https://1.1.1.1/",
    "https://[2606:4700::1111]/",
    "https://[2606:4700::1111]:1024/",
    "https://3com.example/",
    "https://a.b-c.d0/",
    "https://example.com/@user/a:b",
};

START_TEST(a_public_https_url_is_accepted)
{
    const char *fault;
    ck_assert_msg(webhook_url_accepts(accepted[_i], &fault), "%s: %s", accepted[_i], fault);
    ck_assert_ptr_null(fault);
}
END_TEST

static const char *const refused[] = {
    "",
    "https://",
    "https:///x",
    "https:/example.com",
    "https:example.com",
    "//example.com/",
    "example.com",
    "http://example.com/",
    "http://1.1.1.1/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    " https://example.com/",
    "https://example.com/ ",
    "https://exa mple.com/",
    "https://example.com/\n",
    "https://example.com/\r\nX: y",
    "https://example.com/\t",
    "https://example.com\x7f/",
    "https://b\xc3\xbchler.example/",
    "https://\xef\xbc\x91\x32\x37.0.0.1/",
    "https://\xe2\x91\xa0\x32\x37.0.0.1/",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://1.1.1.1@10.0.0.1/",
    "https://example.com#@10.0.0.1/",
    "https://example.com\\@10.0.0.1/",
    "https://example.com/#x",
    "https://example.com/%",
    "https://example.com/%2",
    "https://example.com/%zz",
    "https://example.com/<x>",
    "https://example.com/a\\b",
    "https://example.com/{x}",
    "https://127.0.0.1%2f@example.com/",
    "https://exam%70le.com/",
    "https://%31%32%37.0.0.1/",
    "https://example.com:0/",
    "https://example.com:/",
    "https://example.com:65536/",
    "https://example.com:99999999999/",
    "https://example.com:+443/",
    "https://example.com:0443/",
    "https://example.com:22/",
    "https://example.com:80/",
    "https://example.com:1023/",
    "https://example.com:443:443/",
    "https://example.com:443x/",
    "https://:443/",
    "https://example.com./",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://exa_mple.com/",
    "https://example.com,evil.com/",
    "https://*.example.com/",
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://a.localhost/",
    "https://localhost./",
    "https://printer.local/",
    "https://db.internal/",
    "https://nas.home.arpa/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0177.1/",
    "https://127.0.0.01/",
    "https://00127.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0x/",
    "https://0x.0x/",
    "https://256.1.1.1/",
    "https://1.1.1.1.1/",
    "https://1.1.1/",
    "https://1/",
    "https://4294967295/",
    "https://4294967296/",
    "https://127.0.0.1.0x/",
    "https://foo.0x7f/",
    "https://foo.1/",
    "https://0X7F.1/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/",
    "https://100.100.100.200/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[fe80::1%25lo]/",
    "https://[fe80::1%lo]/",
    "https://[fd00:ec2::254]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[::1/",
    "https://::1/",
    "https://[::1]x/",
    "https://[127.0.0.1]/",
    "https://[]/",
    "https://[v1.x]/",
    "https://[::1]:8443/",
};

START_TEST(a_hostile_url_is_refused_with_a_sentence)
{
    const char *fault = NULL;
    ck_assert_msg(!webhook_url_accepts(refused[_i], &fault), "%s", refused[_i]);
    ck_assert_ptr_nonnull(fault);
    ck_assert_msg(fault[strlen(fault) - 1] == '.' || strstr(fault, "https://"), "%s", fault);
}
END_TEST

START_TEST(lengths_have_a_limit)
{
    char url[WEBHOOK_URL_MAX + 2], host[300];
    const char *fault;
    memset(url, 'x', sizeof url);
    memcpy(url, "https://example.com/", 20);
    url[WEBHOOK_URL_MAX] = '\0';
    ck_assert(webhook_url_accepts(url, &fault));
    url[WEBHOOK_URL_MAX] = 'x';
    url[WEBHOOK_URL_MAX + 1] = '\0';
    ck_assert(!webhook_url_accepts(url, &fault));
    snprintf(host, sizeof host, "https://%064d.com/", 0);
    ck_assert(!webhook_url_accepts(host, &fault));
    snprintf(host, sizeof host, "https://%063d.com/", 0);
    ck_assert(webhook_url_accepts(host, &fault));
    /* Four labels of 63 and their stops are 255. */
    snprintf(host, sizeof host, "https://%062da.%062da.%062da.%062da/", 0, 0, 0, 0);
    ck_assert(!webhook_url_accepts(host, &fault));
    ck_assert_str_eq(fault, "The host is longer than 253 characters.");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("destination");
    TCase *tests = tcase_create("destination");
    tcase_add_loop_test(tests, a_range_is_refused_from_its_first_address_to_its_last, 0, RANGES);
    tcase_add_loop_test(tests, a_mapped_address_is_judged_as_the_one_within, 0, RANGES);
    tcase_add_test(tests, a_refusal_says_what_the_address_is);
    tcase_add_test(tests, what_the_operator_allows_is_admitted_with_plain_http);
    tcase_add_test(tests, what_a_carrier_holds_has_to_be_admitted_too);
    tcase_add_test(tests, everything_of_one_family_is_not_the_other);
    tcase_add_test(tests, a_block_is_read_strictly);
    tcase_add_loop_test(tests, a_public_https_url_is_accepted, 0,
                        sizeof accepted / sizeof *accepted);
    tcase_add_loop_test(tests, a_hostile_url_is_refused_with_a_sentence, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tests, lengths_have_a_limit);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
