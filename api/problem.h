/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - refusals as RFC 9457 problem documents.
 *
 * One table gives every code its status, its title and what to do next. */
#ifndef ONRAMP_API_PROBLEM_H
#define ONRAMP_API_PROBLEM_H

#include "db/lane.h"
#include "http/refusal.h"

#include <stddef.h>

struct faults;
struct request;
struct text;

struct problem {
    const char *code;
    int status;
    const char *title;
    const char *detail; /* unless the refusal says something closer */
    int retry_after;    /* seconds; 0: no Retry-After */
};

/* The entry of a code; NULL when there is none. Borrowed, static. */
const struct problem *problem_find(const char *code);

/* What a failed query is to the client. */
struct refusal problem_of_failure(enum failure failure);

/* The document. facts (JSON object as text, of an operation's refusal) and faults may be NULL. A
 * code that is not in the table is a bug: it is logged and written as internal_error; the entry
 * that was written is returned. */
const struct problem *problem_write(struct text *text, struct refusal refusal, const char *facts,
                                    const struct faults *faults, const char *instance,
                                    const char *request_id);

/* Answer the request with a problem. */
void problem_answer(struct request *request, struct refusal refusal);
void problem_answer_facts(struct request *request, const char *code, const char *facts);

#endif
