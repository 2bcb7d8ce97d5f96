/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - one line a request: method, route, status, microseconds, role, id, the client's
 * address, and trace if any. Lines that others can cause are summed up above ten a second and a
 * loop. */
#ifndef ONRAMP_API_ACCESS_H
#define ONRAMP_API_ACCESS_H

struct loop;
struct request;

/* Note a request whose answer is on its way. Every one at LOG_DEBUG; those of 500 and more always,
 * but summed up. The pattern of the route is written, never the path or the query, which may hold
 * keys. */
void access_note(struct request *request);

/* Note why a callback was refused, for the operator alone. */
void access_refused(struct request *request, const char *why);

/* To be called now and then: log how many lines were left out. */
void access_settle(struct loop *loop);

#endif
