/* SPDX-License-Identifier: Apache-2.0 */
/* destination.h - where webhooks may go: public addresses by https, and what the operator allows.
 *
 * A customer chooses the URL, our network is the one that connects. So the URL is judged when it is
 * registered, for a friendly answer, and the address when a socket is about to be connected, which
 * is what counts: a name may mean another address by then.
 *
 * Not public is everything in the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890
 * and the registries as of 2025-10), whatever they say of its reachability; multicast (RFC 5771,
 * RFC 4291); and every IPv6 address outside of 2000::/3, the only unicast space that is allocated.
 * An IPv4-mapped address is judged as the IPv4 address. The ranges that carry an IPv4 address
 * (6to4, Teredo, NAT64) are refused, and where the operator allows one, the address within is
 * judged too.
 */
#ifndef ONRAMP_WEBHOOKS_DESTINATION_H
#define ONRAMP_WEBHOOKS_DESTINATION_H

#include <stdbool.h>

struct sockaddr;

enum { WEBHOOK_URL_MAX = 2048, DESTINATIONS_ALLOWED = 64 };

/* Whether the text is a CIDR block that can be allowed: "10.0.0.0/8", "fd00::/8", or one address
 * alone; nothing may be set behind the prefix. */
bool destination_cidr_valid(const char *cidr);

/* Allow a block for the whole process, and plain http to it. For the time before there are threads;
 * the text is valid, and there are at most DESTINATIONS_ALLOWED. */
void destination_allow(const char *cidr);

/* Whether a URL may be registered. When not, *fault is a sentence for who sent it; static. What is
 * accepted is read alike by everyone: `https://host[:port][/path][?query]`, plain http only where
 * the host is an address that the operator allowed. Names are not looked up. */
bool webhook_url_accepts(const char *url, const char **fault);

/* What an address is that must not be connected to, in words that continue "10.0.0.1 is":
 * "private"; NULL when it may be. plain: by http without TLS, which only goes to what is allowed.
 * Static. */
const char *destination_refusal(const struct sockaddr *address, bool plain);

/* The same as a plain yes or no, by https. */
bool destination_admits(const struct sockaddr *address);

#endif
