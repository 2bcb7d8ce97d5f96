/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - the signals of the daemon, or of another verb that runs on, read from a descriptor by
 * its main thread. */
#ifndef ONRAMP_CLI_SIGNALS_H
#define ONRAMP_CLI_SIGNALS_H

#include <stdbool.h>

/* Block them in this thread and in all that it starts, and make the descriptor. Once, early. */
bool signals_open(void);

/* The descriptor, for a loop that waits for more than signals: readable when one has arrived. */
int signals_descriptor(void);

/* Wait until one arrives, at most milliseconds (-1: without limit), and take all that are there. */
void signals_wait(int milliseconds);

/* Whether the daemon was told to stop (SIGTERM, SIGINT, SIGHUP). Takes what is there. */
bool signals_stop(void);

/* From here on one more of them ends the process at once. */
void signals_insist(void);

#endif
