/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h - who calls, as established from a token or a signature. */
#ifndef ONRAMP_OPERATIONS_CALLER_H
#define ONRAMP_OPERATIONS_CALLER_H

struct arena;

enum role { ROLE_NONE = 0, ROLE_CUSTOMER = 1, ROLE_PARTNER = 2, ROLE_OPERATOR = 4 };

/* "customer", "partner", "operator"; "" for none. Borrowed, static. */
const char *role_name(enum role role);

/* Texts are NULL where they do not apply: an operator has neither a customer nor a partner. */
struct caller {
    enum role role;
    const char *customer;   /* UUID */
    const char *partner;    /* slug */
    const char *name;       /* shown in histories as actor.name */
    const char *token_id;   /* UUID of the token, NULL with a signature */
    const char *secret_id;  /* UUID of the callback secret that verified, NULL with a token */
    const char *address;    /* where the request came from */
    const char *request_id; /* as in X-Request-Id */
    const char *trace;      /* traceparent; NULL: part of no trace */
};

/* The caller as PostgreSQL reads a value of the type onramp.caller (role, actor, token, address,
 * request_id, trace). Arena-owned. */
const char *caller_text(struct arena *arena, const struct caller *caller);

#endif
