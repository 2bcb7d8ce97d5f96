/* SPDX-License-Identifier: Apache-2.0 */
/* suites.h - the cases of the lane tests, one a file. */
#ifndef ONRAMP_TESTS_LANE_SUITES_H
#define ONRAMP_TESTS_LANE_SUITES_H

#include <check.h>

TCase *reads_case(void);    /* pipelining */
TCase *writes_case(void);   /* shared commits */
TCase *loss_case(void);     /* connections that die */
TCase *limits_case(void);   /* queues and deadlines */
TCase *hang_case(void);     /* servers that answer nothing more */
TCase *errors_case(void);   /* what is told of them */
TCase *fairness_case(void); /* tenants */
TCase *drift_case(void);    /* functions that are not those expected */

#endif
