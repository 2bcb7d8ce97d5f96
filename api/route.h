/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the one table of routes: what there is, who may call it, and what it does. */
#ifndef ONRAMP_API_ROUTE_H
#define ONRAMP_API_ROUTE_H

#include "api/target.h"
#include "operations/operation.h"

#include <stdbool.h>
#include <stddef.h>

struct request;

/* OPTIONS is answered for every path; TRACE and CONNECT are known and on no route: 405. Others are
 * not known: 501. */
enum method {
    GET,
    HEAD, /* routed as GET, answered without the body */
    POST,
    PUT,
    PATCH,
    DELETE,
    OPTIONS,
    METHOD_OTHER,
    METHOD_UNKNOWN
};

enum method method_read(const char *name);

/* Who may call a route: roles of tokens, or one of these. */
enum {
    ANY_ROLE = ROLE_CUSTOMER | ROLE_PARTNER | ROLE_OPERATOR,
    EVERYBODY = 8, /* no authentication at all */
    SIGNATURE = 16 /* the partner in the path by a signed body, or an operator by a token */
};

/* What a request on a route may ask for, or what its path asks of the caller. */
enum {
    KEY = 1,        /* Idempotency-Key: to be done once */
    DRY_RUN = 2,    /* dryRun: to be done without effect */
    STREAM = 4,     /* to be answered as text/event-stream */
    OWN_PARTNER = 8 /* a partner sees the {partner} of the path only when it is itself */
};

struct route {
    enum method method;
    const char *pattern; /* "/v1/circuits/{id}" */
    unsigned callers;
    unsigned takes; /* KEY and so on */
    const struct operation *operation;
    const struct operation *owner; /* reads what the path names: its 404 comes before our 4xx */
    /* Instead of an operation: answers at once, or begins what will answer. */
    void (*serve)(struct request *request);
};

/* Values of the segments in braces. */
struct bindings {
    size_t count;
    struct {
        const char *name, *value;
    } items[2];
};

enum routing { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

enum { ALLOW_MAX = 64 };

/* Find the route. With ROUTE_NO_METHOD, as always for OPTIONS, allow gets the methods that the path
 * has; OPTIONS of the path "*" asks for those of any. */
enum routing route_find(const struct route **out, struct bindings *bindings, char allow[ALLOW_MAX],
                        enum method method, const struct target *target);

/* On a path whose method does different things for different roles, these stand in lines below each
 * other: the one that admits the role, or the first when none does. */
const struct route *route_for_role(const struct route *route, unsigned role);

/* The table, for those who prepare its statements and those who test it. */
const struct route *routes_all(size_t *count);

#endif
