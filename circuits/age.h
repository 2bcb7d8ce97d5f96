/* SPDX-License-Identifier: Apache-2.0 */
/* age.h - how old something is: the moment since when it is so. */
#ifndef ONRAMP_CIRCUITS_AGE_H
#define ONRAMP_CIRCUITS_AGE_H

#include "operations/kind.h"

/* An RFC 3339 time, or how long ago it was: 90m, 72h, 30d. Given on as the time. Text only. */
extern const struct kind kind_age;

#endif
