/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - a host between the lanes and PostgreSQL that can stop to answer, as a frozen one does:
 * its kernel still accepts connections and acknowledges what is sent. */
#ifndef ONRAMP_TESTS_LANE_RELAY_H
#define ONRAMP_TESTS_LANE_RELAY_H

/* Begin to relay, in a thread of its own, from a socket in a directory of its own to that of
 * PGHOST. The directory, which is the host's name for libpq; borrowed until relay_stop. */
const char *relay_start(void);
void relay_stop(void);

/* Answer nothing more: on no connection, or on none of those that stand by now. */
void relay_freeze(void);
void relay_freeze_standing(void);

/* How many connections have been accepted in all. */
int relay_accepted(void);

#endif
