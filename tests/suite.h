/* SPDX-License-Identifier: Apache-2.0 */
/* suite.h - the tests of a program, as check runs them: each in a process of its own. */
#ifndef ONRAMP_TESTS_SUITE_H
#define ONRAMP_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* What stands around each test, or NULL. */
struct suite_fixture {
    SFun setup, teardown;
};

/* tests ends with NULL; each may take that many seconds. Returns the status to exit with. */
static inline int suite_run(const char *name, struct suite_fixture fixture,
                            const TTest *const *tests, double seconds)
{
    Suite *suite = suite_create(name);
    TCase *together = tcase_create(name);
    tcase_add_checked_fixture(together, fixture.setup, fixture.teardown);
    tcase_set_timeout(together, seconds);
    for (; *tests; tests++)
        tcase_add_test(together, *tests);
    suite_add_tcase(suite, together);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A number of the environment, or what it is without one. */
static inline unsigned long suite_number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

#endif
