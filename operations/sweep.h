/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - an operation that the server runs by itself from time to time: it takes how much it may
 * do in one transaction, and answers how much it did. */
#ifndef ONRAMP_OPERATIONS_SWEEP_H
#define ONRAMP_OPERATIONS_SWEEP_H

#include "operations/operation.h"

extern const struct parameter sweep_parameters[1]; /* limit */
extern const struct member sweep_members[1];       /* done */

/* Such an operation: {.name = "feed_sweep", SWEEP}. */
#define SWEEP                                                                                      \
    .lane = LANE_ALONE, .answer = ANSWER_ONE, .success = 200, PARAMETERS(sweep_parameters),        \
    MEMBERS(sweep_members)

#endif
