/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - operations on connections: one VNet attached to one circuit. */
#ifndef ONRAMP_CIRCUITS_CONNECTION_H
#define ONRAMP_CIRCUITS_CONNECTION_H

#include "operations/operation.h"

extern const struct operation connection_create, connection_get, connection_list, connection_delete;

#endif
