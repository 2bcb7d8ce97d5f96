/* SPDX-License-Identifier: Apache-2.0 */
/* slug.h - the name by which a partner stands in URLs. */
#ifndef ONRAMP_PARTNERS_SLUG_H
#define ONRAMP_PARTNERS_SLUG_H

#include <stdbool.h>
#include <stddef.h>

enum { SLUG_MAX = 100 };

/* Slug of a UTF-8 name: lower case, accents stripped, every run of other characters one hyphen,
 * none at the ends: "GÉANT" -> "geant", "AT&T NetBond" -> "at-t-netbond". False when nothing is
 * left or it does not fit. */
bool slug_make(char out[SLUG_MAX + 1], const char *name);

/* Whether text could be one. */
bool slug_valid(const char *text);

#endif
