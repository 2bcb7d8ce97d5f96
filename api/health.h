/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - routes about the daemon itself. */
#ifndef ONRAMP_API_HEALTH_H
#define ONRAMP_API_HEALTH_H

#include "operations/operation.h"

struct request;

/* Whether the schema in the database is the one that this daemon works with. */
extern const struct operation schema_ready;

/* A write that locks nothing, and comes back when it is as durable as any other. */
extern const struct operation commit_check;

void health_serve(struct request *request);  /* the process runs */
void ready_serve(struct request *request);   /* requests can be served */
void openapi_serve(struct request *request); /* the contract, as embedded at build time */

#endif
