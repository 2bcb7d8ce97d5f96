/* SPDX-License-Identifier: Apache-2.0 */
/* media_type.h - Content-Type and Accept (RFC 9110 sections 8.3 and 12.5.1). Pure functions. */
#ifndef ONRAMP_API_MEDIA_TYPE_H
#define ONRAMP_API_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether a Content-Type declares JSON in UTF-8: application/json, or with patch also
 * application/merge-patch+json; no parameter but charset=utf-8. */
bool media_type_is_json(const char *content_type, bool patch);

/* Whether an Accept header lets us answer with type, "application/json". NULL accepts all. */
bool media_type_accepted(const char *accept, const char *type);

/* Whether an Accept header names type itself, and no other one as much. */
bool media_type_preferred(const char *accept, const char *type, const char *other);

#endif
