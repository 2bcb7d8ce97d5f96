/* SPDX-License-Identifier: Apache-2.0 */
/* limit.h - quotas: what is used of them, and their setting by operators. */
#ifndef ONRAMP_CIRCUITS_LIMIT_H
#define ONRAMP_CIRCUITS_LIMIT_H

#include "operations/operation.h"

extern const struct operation limit_list, vnet_limits_put, customer_limits_put;

#endif
