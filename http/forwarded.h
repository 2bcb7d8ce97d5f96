/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded.h - the client behind a trusted proxy.
 *
 * Sources: "The PROXY protocol", version 2 (haproxy, doc/proxy-protocol.txt), and the
 * X-Forwarded-For header field, a list in which every proxy adds whom it speaks for at the end.
 * Pure functions. */
#ifndef ONRAMP_HTTP_FORWARDED_H
#define ONRAMP_HTTP_FORWARDED_H

#include "base/network.h"

#include <stddef.h>

enum { PREFACE_MAX = 1024 /* octets of a PROXY header with its additions */ };

enum preface_verdict {
    PREFACE_NONE, /* the connection does not begin with one */
    PREFACE_INCOMPLETE,
    PREFACE_COMPLETE,
    PREFACE_MALFORMED
};

/* Read the PROXY header that may stand at the beginning. Complete: used is its length, and out the
 * client, or unchanged where the header names none. */
enum preface_verdict preface_read(struct address *out, const char *octets, size_t size,
                                  size_t *used);

/* The client that X-Forwarded-For names: from the end, the first address that is not one of the
 * trusted proxies'. out is unchanged where the field ends in no address. */
void forwarded_read(struct address *out, const char *field, const struct block *proxies,
                    size_t count);

/* Whether the address is in one of the blocks. */
bool forwarded_trusts(const struct address *address, const struct block *proxies, size_t count);

#endif
