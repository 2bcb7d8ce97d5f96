/* SPDX-License-Identifier: Apache-2.0 */
/* vnet.h - operations on virtual networks and their gateways. */
#ifndef ONRAMP_CIRCUITS_VNET_H
#define ONRAMP_CIRCUITS_VNET_H

#include "operations/operation.h"

extern const struct operation vnet_create, vnet_get, vnet_list, vnet_update, vnet_delete;
extern const struct operation vnet_gateway_put, vnet_gateway_delete;

#endif
