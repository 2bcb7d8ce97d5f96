/* SPDX-License-Identifier: Apache-2.0 */
#include "db/conninfo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct conninfo conninfo;

static const char *value(const char *keyword)
{
    for (int i = 0; conninfo.keywords[i] != NULL; i++)
        if (strcmp(conninfo.keywords[i], keyword) == 0)
            return conninfo.values[i];
    return "(absent)";
}

static void read_text(const char *text)
{
    ck_assert(conninfo_read(&conninfo, text));
}

START_TEST(what_is_given_is_kept)
{
    read_text("postgresql://ann:s%20x@db.example:6432/onramp?application_name=mine");
    ck_assert_str_eq(value("host"), "db.example");
    ck_assert_str_eq(value("port"), "6432");
    ck_assert_str_eq(value("user"), "ann");
    ck_assert_str_eq(value("password"), "s x");
    ck_assert_str_eq(value("dbname"), "onramp");
    ck_assert_str_eq(value("application_name"), "mine");
    conninfo_free(&conninfo);
}
END_TEST

START_TEST(a_writable_server_is_asked_for)
{
    read_text("host=a,b");
    ck_assert_str_eq(value("target_session_attrs"), "read-write");
    ck_assert_str_eq(value("application_name"), "onramp");
    conninfo_free(&conninfo);
    read_text("host=a target_session_attrs=any");
    ck_assert_str_eq(value("target_session_attrs"), "any");
    conninfo_free(&conninfo);
}
END_TEST

/* The later option wins: their limits over ours, our formats over theirs. */
START_TEST(limits_yield_and_formats_do_not)
{
    read_text("options='-c statement_timeout=1 -c TimeZone=Asia/Tokyo'");
    const char *options = value("options");
    const char *ours = strstr(options, "statement_timeout=8000");
    const char *theirs = strstr(options, "statement_timeout=1 ");
    ck_assert(ours != NULL && theirs != NULL && ours < theirs);
    const char *tokyo = strstr(options, "TimeZone=Asia/Tokyo");
    const char *utc = strstr(options, "TimeZone=UTC");
    ck_assert(tokyo != NULL && utc != NULL && tokyo < utc);
    conninfo_free(&conninfo);
}
END_TEST

START_TEST(hosts_and_ports_rotate_together)
{
    read_text("host=a,b,c port=1,2,3");
    conninfo_rotate(&conninfo);
    ck_assert_str_eq(value("host"), "b,c,a");
    ck_assert_str_eq(value("port"), "2,3,1");
    conninfo_rotate(&conninfo);
    ck_assert_str_eq(value("host"), "c,a,b");
    conninfo_free(&conninfo);
}
END_TEST

START_TEST(one_host_stays)
{
    read_text("host=a port=1");
    conninfo_rotate(&conninfo);
    ck_assert_str_eq(value("host"), "a");
    ck_assert_str_eq(value("port"), "1");
    conninfo_free(&conninfo);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    ck_assert(!conninfo_read(&conninfo, "host"));
    ck_assert(!conninfo_read(&conninfo, "colour=green"));
    ck_assert(!conninfo_read(&conninfo, "postgresql://host/?colour=green"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conninfo");
    TCase *test = tcase_create("conninfo");
    tcase_add_test(test, what_is_given_is_kept);
    tcase_add_test(test, a_writable_server_is_asked_for);
    tcase_add_test(test, limits_yield_and_formats_do_not);
    tcase_add_test(test, hosts_and_ports_rotate_together);
    tcase_add_test(test, one_host_stays);
    tcase_add_test(test, nonsense_is_refused);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
