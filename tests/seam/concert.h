/* SPDX-License-Identifier: Apache-2.0 */
/* concert.h - several clients that speak in turns, each held against what it hears alone. */
#ifndef ONRAMP_SEAM_CONCERT_H
#define ONRAMP_SEAM_CONCERT_H

#include "alone.h"
#include "peer.h"
#include "script.h"

#include <stdbool.h>
#include <stddef.h>

enum { VOICES_MAX = 8, PIECES_MAX = 8 };

/* What a client does behind its last piece. */
enum ending { STAYS, ENDS, CLOSES, RESETS };

struct voice {
    struct script script;
    struct alone alone;
    size_t ends[PIECES_MAX]; /* of its pieces, ascending; the last one the script's */
    unsigned pieces, next;
    enum ending ending;
    bool tcp;
    unsigned from; /* its address; see peer_connect */
    struct peer peer;
    bool opened;
};

/* Have it heard alone; the pieces are cut. */
void voice_prepare(struct voice *voice, struct stage *stage);

/* Say the next piece; and behind the last one, end as it is to end. */
void voice_speak(struct voice *voice, struct stage *stage);
bool voice_has_more(const struct voice *voice);

/* All have spoken: hold what they hear against what they heard alone, and what was done likewise.
 * Then all close. Returns false after telling what is wrong. */
bool concert_end(struct stage *stage, struct voice *voices, unsigned count);

/* Free their scripts. */
void concert_free(struct voice *voices, unsigned count);

#endif
