/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - what the HTTP library lets pass and we do not.
 *
 * libmicrohttpd 0.9.75 reads heads leniently: bare line feeds, folded lines, several lengths, NULs.
 * It parses in place, so that at the first call of the handler the bytes of the head still stand
 * behind the method, with NULs where separators were. The guard puts the separators back, and where
 * that does not work out the head was not well-formed; what comes out is read by head_scan like any
 * other.
 *
 * Every request passes here, also later ones on a connection, which the gate does not see. */
#ifndef ONRAMP_API_GUARD_H
#define ONRAMP_API_GUARD_H

#include "api/head.h"

struct MHD_Connection;
struct arena;
struct request;

/* In the callback that sees the raw target: copy it, and hide its query from the HTTP library,
 * which would take it apart into memory of the connection and hang when that runs out. */
const char *guard_target(struct arena *arena, const char *uri);

/* At the first call of the handler: HEAD_COMPLETE or HEAD_REFUSED. */
enum head_verdict guard_head(struct head *out, const struct request *request, const char *method,
                             const char *version);

#endif
