/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_message.h - one callback of a simulated partner, from its plan to its bytes.
 *
 * Times are milliseconds since the epoch unless they say otherwise. Out of memory ends the process.
 */
#ifndef ONRAMP_SIMULATOR_MESSAGE_H
#define ONRAMP_SIMULATOR_MESSAGE_H

#include "crypto/signature.h"
#include "simulator/plan.h"

enum { MESSAGE_ID = 64, MESSAGE_TIME = 25 };

/* What a message looks like this time; each is answered in its own way. */
enum attempt {
    ATTEMPT_FORGED,    /* one bit of the signature is wrong: 401 */
    ATTEMPT_OFF_CLOCK, /* webhook-timestamp outside the tolerance: 401 */
    ATTEMPT_AHEAD,     /* payload's timestamp in the future: 422 */
    ATTEMPT_PLAIN,     /* as it should be: 200, also when it is late */
    ATTEMPT_AGAIN      /* what was taken once more: 200, duplicate */
};

struct message {
    struct message *next;
    struct planned planned;
    int slot;  /* in the order, then in the teardown */
    bool late; /* something newer was sent before it */
    enum attempt attempt;
    int unanswered;   /* times that it was sent as it is, and no answer came */
    int64_t due;      /* to be sent */
    int64_t delay;    /* after what is sent before it */
    int64_t happened; /* its payload's timestamp, by a right clock; 0: not yet made */
    char id[MESSAGE_ID];
    char *body; /* owned; NULL until it is made, and the same bytes from then on */
};

struct message *message_new(const struct planned *planned, int slot);
void message_free(struct message *message);

/* Make id and body, stamped with happened plus skew. expected_by: for circuit.progress. */
void message_write(struct message *message, const struct plan *plan, const char *service_key,
                   const char *id, int64_t skew, int64_t expected_by);

/* Forget id and body: it is decided and written afresh. */
void message_unwrite(struct message *message);

/* Sign it for webhook-timestamp, text of seconds; with the planned bit wrong when it is forged. */
void message_sign(char out[SIGNATURE_TEXT], const struct message *message,
                  const struct signature_key *key, const char *timestamp);

/* RFC 3339 with milliseconds, UTC. */
void message_time_write(char out[MESSAGE_TIME], int64_t time);

/* A time as the API writes it with microseconds, in milliseconds, up to the next one; 0 when it is
 * not of that form. */
int64_t message_time_read(const char *text);

#endif
