/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a client of a stage: its end of a connection, and what it has read. */
#ifndef ONRAMP_SEAM_PEER_H
#define ONRAMP_SEAM_PEER_H

#include "stage.h"

#include <stdbool.h>
#include <stddef.h>

struct peer {
    struct stage *stage;
    int fd;
    bool tcp;
    bool eof;     /* it has read the end of the stream */
    bool broken;  /* or that of the connection */
    bool unheard; /* the other side did not take what it wrote */
    char *octets;
    size_t length, capacity;
};

/* Connect by a pair of unix sockets, where whatever is written is there at once. (There close()
 * tells the other side at once that nobody reads any more; peer_end is what a half close is.) */
void peer_open(struct peer *peer, struct stage *stage);

/* Connect by TCP, from that address of 127/8 (its lower 24 bits; 0: any). */
void peer_connect(struct peer *peer, struct stage *stage, unsigned from);

/* Write all of it, with turns of the stage where it has to be read first. What a closed connection
 * does not take is dropped. */
void peer_write(struct peer *peer, const char *octets, size_t length);
void peer_say(struct peer *peer, const char *text);

/* Read what is there. */
void peer_read(struct peer *peer);

/* The same, after the stage has settled. */
void peer_hear(struct peer *peer);

/* Turns until it has read that many octets, or the end of the stream. */
void peer_await(struct peer *peer, size_t length);
void peer_await_end(struct peer *peer);

/* Forget what it has read. */
void peer_forget(struct peer *peer);

/* Half close. */
void peer_end(struct peer *peer);

/* Close; reset: so that the other side is told of an error. */
void peer_close(struct peer *peer, bool reset);

/* As text, for what is compared with text. */
const char *peer_text(struct peer *peer);

#endif
