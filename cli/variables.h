/* SPDX-License-Identifier: Apache-2.0 */
/* variables.h - the words of the environment that begin with ONRAMP_. */
#ifndef ONRAMP_CLI_VARIABLES_H
#define ONRAMP_CLI_VARIABLES_H

#include <stdbool.h>

/* Whether all that are set are known; an empty one counts as none. False after complaining of the
 * first that is not. */
bool variables_check(void);

#endif
