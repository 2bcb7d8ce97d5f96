/* SPDX-License-Identifier: Apache-2.0 */
/* authentication.h - who calls: by a bearer token, or by a partner's signature.
 *
 * Both fail closed: when the database cannot be asked the answer is 503, never a guess. */
#ifndef ONRAMP_API_AUTHENTICATION_H
#define ONRAMP_API_AUTHENTICATION_H

#include "api/request.h"

/* Whether a request on a route for signatures is to be judged by one: an operator acts for a
 * partner with a token, and then sends none. */
bool authentication_by_signature(const struct request *request);

/* Establish request->caller by the bearer token. The phase after it: PHASE_ADMIT, PHASE_ANSWERED
 * (401), or PHASE_AUTHENTICATE while the database is asked. */
enum phase authenticate_token(struct request *request);

/* A request that waits, or goes on answering, is looked at again: the token may have been revoked,
 * or have expired. Whether it is known to be live; */
bool authentication_is_fresh(const struct request *request);

/* ... otherwise ask, and judge by what came. */
void authentication_renew(struct request *request,
                          void (*came)(struct query *query, const struct rows *rows),
                          void (*failed)(struct query *query, enum failure failure));
bool authentication_renewed(struct request *request, const struct rows *rows);

/* The same by the signature over the raw body; PHASE_VERIFY while the database is asked. One 401,
 * whichever step failed. */
enum phase authenticate_signature(struct request *request);

#endif
