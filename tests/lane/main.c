/* SPDX-License-Identifier: Apache-2.0 */
/* Runs against the PostgreSQL that the environment names (PGHOST, PGUSER ...), as a superuser, in a
 * database of its own. */
#include "rig.h"
#include "suites.h"

#include <stdlib.h>

int main(void)
{
    TCase *(*const cases[])(void) = {reads_case, writes_case, loss_case,   limits_case,
                                     drift_case, hang_case,   errors_case, fairness_case};
    Suite *suite = suite_create("lane");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TCase *test = cases[i]();
        tcase_add_checked_fixture(test, rig_start, rig_stop);
        tcase_set_timeout(test, 60);
        suite_add_tcase(suite, test);
    }
    SRunner *runner = srunner_create(suite);
    database_create();
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    database_drop();
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
