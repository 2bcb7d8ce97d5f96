/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h - what a client has heard. */
#ifndef ONRAMP_SEAM_ANSWERS_H
#define ONRAMP_SEAM_ANSWERS_H

#include "script.h"

#include <stdbool.h>
#include <stddef.h>

/* Leave out what depends on the moment: the dates, and "100 Continue", which is said only to those
 * who wait for it. Returns the length that is left. */
size_t answers_settle(char *octets, size_t length);

/* Whether these octets are the answers that the script expects, and no more; why: a sentence when
 * they are not. */
bool answers_match(const struct script *script, const char *octets, size_t length,
                   const char **why);

/* Print octets on standard error, with escapes. */
void answers_show(const char *what, const char *octets, size_t length);

#endif
