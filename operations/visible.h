/* SPDX-License-Identifier: Apache-2.0 */
/* visible.h - whether anybody can see a text. */
#ifndef ONRAMP_OPERATIONS_VISIBLE_H
#define ONRAMP_OPERATIONS_VISIBLE_H

#include <stdbool.h>

/* Whether the text, valid UTF-8, has a character that is more than a separator or a format: spaces
 * of all kinds, soft hyphens, joiners and marks of direction are seen by nobody. */
bool has_visible(const char *text);

#endif
