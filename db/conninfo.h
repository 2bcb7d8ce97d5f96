/* SPDX-License-Identifier: Apache-2.0 */
/* conninfo.h - how a session is opened: the operator's connection string and what onramp needs.
 *
 * onramp's own: UTC and ISO dates, READ COMMITTED, time limits for statements and locks, a writable
 * server (target_session_attrs=read-write), prompt detection of a peer that vanished. Limits and
 * names that the operator gives win over ours; what the answers' format rests on does not yield. */
#ifndef ONRAMP_DB_CONNINFO_H
#define ONRAMP_DB_CONNINFO_H

#include <stdbool.h>
#include <stdio.h>

enum { CONNINFO_KEYWORDS = 64 };

/* Parallel arrays for PQconnectStartParams, NULL-terminated; owned. */
struct conninfo {
    char *keywords[CONNINFO_KEYWORDS + 1];
    char *values[CONNINFO_KEYWORDS + 1];
};

/* Parse text. False when libpq cannot; its message is left out, because it quotes what may be a
 * password. */
bool conninfo_read(struct conninfo *out, const char *text);

/* Its `options`. Borrowed. */
const char *conninfo_options(const struct conninfo *conninfo);

/* Move the first of several hosts behind the others. libpq tries them in order and gives none of
 * them up by itself when it does not answer. */
void conninfo_rotate(struct conninfo *conninfo);

/* How many hosts it names, 1 at least. */
unsigned conninfo_hosts(const struct conninfo *conninfo);

void conninfo_free(struct conninfo *conninfo);

/* Append "keyword='value' ", quoted as connection strings are. */
void conninfo_write(FILE *out, const char *keyword, const char *value);

#endif
