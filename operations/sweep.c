/* SPDX-License-Identifier: Apache-2.0 */
#include "operations/sweep.h"

const struct parameter sweep_parameters[1] = {{FROM_HOOK, "limit"}};
const struct member sweep_members[1] = {{"done", MEMBER_NUMBER, "done"}};
