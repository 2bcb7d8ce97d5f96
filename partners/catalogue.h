/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.h - the public catalogue of peering locations and partners, as catalogue_load takes it.
 *
 * Input: catalogue.tsv beside this file (UTF-8, tab separated, header row, no quoting). */
#ifndef ONRAMP_PARTNERS_CATALOGUE_H
#define ONRAMP_PARTNERS_CATALOGUE_H

#include <jansson.h>
#include <stddef.h>

/* {"locations": [...], "partners": [{name, displayName, offers}]} from the text of the table. The
 * caller frees it with json_decref. NULL when the text is not such a table; *line then says where
 * (1 is the header). */
json_t *catalogue_read(const char *text, size_t length, size_t *line);

#endif
