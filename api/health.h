/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - routes about the daemon itself. */
#ifndef ONRAMP_API_HEALTH_H
#define ONRAMP_API_HEALTH_H

#include "operations/operation.h"

struct request;

/* Whether the schema in the database is the one that this daemon works with. */
extern const struct operation schema_ready;

void health_serve(struct request *request);  /* the process runs */
void ready_serve(struct request *request);   /* requests can be served */
void openapi_serve(struct request *request); /* the contract, as embedded at build time */

#endif
