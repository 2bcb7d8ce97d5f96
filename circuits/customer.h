/* SPDX-License-Identifier: Apache-2.0 */
/* customer.h - operations on customers, the tenants. */
#ifndef ONRAMP_CIRCUITS_CUSTOMER_H
#define ONRAMP_CIRCUITS_CUSTOMER_H

#include "operations/operation.h"

extern const struct operation customer_create, customer_list;

/* On no route: says whether the customer that a path names exists. */
extern const struct operation customer_get;

#endif
