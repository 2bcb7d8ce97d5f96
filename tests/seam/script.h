/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - what one client says, drawn at random, and what it has to hear. */
#ifndef ONRAMP_SEAM_SCRIPT_H
#define ONRAMP_SEAM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWERS_MAX = 8 };

struct expected {
    int status;
    char body[80];
    bool head; /* the body is not sent */
};

struct script {
    char *octets;
    size_t length, capacity;
    struct expected answers[ANSWERS_MAX]; /* those that are answered */
    unsigned answer_count;
    bool closes;  /* the server, behind the last of them */
    bool cut;     /* it ends too soon; without its end there is no answer */
    bool mutated; /* nobody knows what it has to hear */
    /* Writes that have to be done, by ID; whatever else it asks for must not be. */
    unsigned writes[ANSWERS_MAX];
    unsigned write_count;
};

void script_begin(struct script *script);
void script_say(struct script *script, const char *octets, size_t length);
void script_free(struct script *script);

/* Add a request that is accepted, or one that is refused; id: for its effects. Behind what closes
 * the connection it is expected to have no effect. */
void script_add_valid(struct script *script, uint64_t *random, unsigned id);
void script_add_refused(struct script *script, uint64_t *random, unsigned id);

/* Which valid and refused requests there are; to add one of them. */
extern const unsigned script_valid_count, script_refused_count;
void script_add(struct script *script, uint64_t *random, bool refused, unsigned which, unsigned id);

/* Add a write that ends too soon: in its head, or in its body; the client half closes then. */
void script_add_cut(struct script *script, uint64_t *random, unsigned id);

/* Change some octets. */
void script_mutate(struct script *script, uint64_t *random);

#endif
