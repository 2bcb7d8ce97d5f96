/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address.h - the value of --listen: an IP address, [::1] as in a URL, or localhost. */
#ifndef ONRAMP_CLI_LISTEN_ADDRESS_H
#define ONRAMP_CLI_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { LISTEN_URL = 96 };

/* The numeric address without brackets, kept until the process ends; localhost is 127.0.0.1. NULL
 * when it is none. */
const char *listen_address_read(const char *text);

bool listen_address_valid(const char *text);

/* Whether it is every address of the machine: 0.0.0.0 or ::. */
bool listen_address_any(const char *address);

/* The URL under which a client on this machine reaches it. */
void listen_address_url(char out[LISTEN_URL], const char *address, uint16_t port);

#endif
