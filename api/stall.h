/* SPDX-License-Identifier: Apache-2.0 */
/* stall.h - the periodic look for circuits whose partner is overdue, run by the first loop. */
#ifndef ONRAMP_API_STALL_H
#define ONRAMP_API_STALL_H

#include <stdint.h>

struct loop;
struct stall;

struct stall *stall_new(void);

/* No query of it may be under way. */
void stall_free(struct stall *stall);

/* In every turn: run circuit_stall when it is time, every ten seconds. Failures are logged when
 * they begin and when they end. */
void stall_turn(struct stall *stall, struct loop *loop);

#endif
