/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_summary.h - how far a simulated partner is, for a person who watches. */
#ifndef ONRAMP_CLI_SIMULATOR_SUMMARY_H
#define ONRAMP_CLI_SIMULATOR_SUMMARY_H

#include "simulator/simulator.h"

/* One line on the terminal that standard error is, written over the last one; nothing elsewhere. */
void summary_show(const struct simulator_tally *tally);

/* Take that line away, so that something else can be written. */
void summary_hide(void);

/* What it came to, in plain lines on standard output. */
void summary_print(const struct simulator_tally *tally);

#endif
