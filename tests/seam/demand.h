/* SPDX-License-Identifier: Apache-2.0 */
/* demand.h - what has to hold, asked often: check's own assertions write to a file each time. */
#ifndef ONRAMP_SEAM_DEMAND_H
#define ONRAMP_SEAM_DEMAND_H

#include <check.h>

#define demand(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

#define must(condition) demand(condition, "%s", #condition)

#endif
