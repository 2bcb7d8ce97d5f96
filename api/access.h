/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - one line a request: method, route, status, microseconds, role, id, and trace if any.
 */
#ifndef ONRAMP_API_ACCESS_H
#define ONRAMP_API_ACCESS_H

struct request;

/* Note a request whose answer is on its way. Every one at LOG_DEBUG; those of 500 and more always,
 * at most 20 a second and a loop with a count of the rest. The pattern of the route is written,
 * never the path or the query, which may hold keys. */
void access_note(struct request *request);

#endif
