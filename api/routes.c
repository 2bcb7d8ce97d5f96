/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"
#include "api/route.h"
#include "api/token.h"
#include "circuits/authorization.h"
#include "circuits/circuit.h"
#include "circuits/connection.h"
#include "circuits/customer.h"
#include "circuits/event.h"
#include "circuits/limit.h"
#include "circuits/vnet.h"
#include "partners/callback.h"
#include "partners/partner.h"
#include "webhooks/delivery.h"
#include "webhooks/webhook.h"

#include <stdio.h>
#include <string.h>

enum { CUSTOMER = ROLE_CUSTOMER, PARTNER = ROLE_PARTNER, OPERATOR = ROLE_OPERATOR };

/* method, path, who may call, what the request may ask for, operation, owner */
/* clang-format off */
static const struct route routes[] = {
    {POST,   "/v1/customers",          OPERATOR,            KEY,           &customer_create, NULL},
    {GET,    "/v1/customers",          OPERATOR,            0,             &customer_list, NULL},
    {PUT,    "/v1/customers/{id}/limits",
                                       OPERATOR,            0,
                                       &customer_limits_put, &customer_get},
    {POST,   "/v1/partners",           OPERATOR,            KEY,           &partner_create, NULL},
    {GET,    "/v1/partners",           ANY_ROLE,            0,             &partner_list, NULL},
    {GET,    "/v1/partners/{partner}", ANY_ROLE,            0,
                                       &partner_get, &partner_get},
    {PUT,    "/v1/partners/{partner}", OPERATOR,            0,
                                       &partner_replace, &partner_get},
    {POST,   "/v1/partners/{partner}/callback-secrets",
                                       PARTNER | OPERATOR,  KEY | OWN_PARTNER,
                                       &callback_secret_rotate, &partner_get},
    {POST,   "/v1/partners/{partner}/callbacks",
                                       SIGNATURE,           0,
                                       &callback_apply, &partner_get},
    {GET,    "/v1/peering-locations",  ANY_ROLE,            0,
                                       &peering_location_list, NULL},
    {POST,   "/v1/tokens",             ANY_ROLE,            KEY,           &token_create, NULL},
    {GET,    "/v1/tokens",             ANY_ROLE,            0,             &token_list, NULL},
    {DELETE, "/v1/tokens/{id}",        ANY_ROLE,            0,             &token_delete, NULL},
    {POST,   "/v1/circuits",           CUSTOMER,            KEY | DRY_RUN, &circuit_create, NULL},
    {GET,    "/v1/circuits",           CUSTOMER | OPERATOR, 0,             &circuit_list, NULL},
    {GET,    "/v1/circuits/{id}",      CUSTOMER | OPERATOR, 0,
                                       &circuit_get, &circuit_get},
    {PATCH,  "/v1/circuits/{id}",      CUSTOMER,            DRY_RUN,
                                       &circuit_update, &circuit_get},
    {PATCH,  "/v1/circuits/{id}",      OPERATOR,            DRY_RUN,
                                       &circuit_status_set, &circuit_get},
    {DELETE, "/v1/circuits/{id}",      CUSTOMER,            DRY_RUN,
                                       &circuit_delete, &circuit_get},
    {POST,   "/v1/circuits/{id}/deprovision",
                                       CUSTOMER,            KEY | DRY_RUN,
                                       &circuit_deprovision_request, &circuit_get},
    {DELETE, "/v1/circuits/{id}/deprovision",
                                       CUSTOMER,            DRY_RUN,
                                       &circuit_deprovision_withdraw, &circuit_get},
    {POST,   "/v1/circuits/{id}/service-key",
                                       CUSTOMER,            KEY | DRY_RUN,
                                       &circuit_service_key_rotate, &circuit_get},
    {POST,   "/v1/circuits/{id}/authorizations",
                                       CUSTOMER,            KEY | DRY_RUN,
                                       &authorization_create, &circuit_get},
    {GET,    "/v1/circuits/{id}/authorizations",
                                       CUSTOMER,            0,
                                       &authorization_list, &circuit_get},
    {DELETE, "/v1/circuits/{id}/authorizations/{authorization}",
                                       CUSTOMER,            DRY_RUN,
                                       &authorization_delete, &circuit_get},
    {GET,    "/v1/circuits/{id}/events",
                                       CUSTOMER | OPERATOR, 0,
                                       &circuit_event_list, &circuit_get},
    {GET,    "/v1/events",             ANY_ROLE,            STREAM,        &event_list, NULL},
    {POST,   "/v1/vnets",              CUSTOMER,            KEY | DRY_RUN, &vnet_create, NULL},
    {GET,    "/v1/vnets",              CUSTOMER | OPERATOR, 0,             &vnet_list, NULL},
    {GET,    "/v1/vnets/{id}",         CUSTOMER | OPERATOR, 0,             &vnet_get, &vnet_get},
    {PATCH,  "/v1/vnets/{id}",         CUSTOMER,            DRY_RUN,       &vnet_update, &vnet_get},
    {DELETE, "/v1/vnets/{id}",         CUSTOMER,            DRY_RUN,       &vnet_delete, &vnet_get},
    {PUT,    "/v1/vnets/{id}/gateway", CUSTOMER,            DRY_RUN,
                                       &vnet_gateway_put, &vnet_get},
    {DELETE, "/v1/vnets/{id}/gateway", CUSTOMER,            DRY_RUN,
                                       &vnet_gateway_delete, &vnet_get},
    {POST,   "/v1/connections",        CUSTOMER,            KEY | DRY_RUN,
                                       &connection_create, NULL},
    {GET,    "/v1/connections",        CUSTOMER | OPERATOR, 0,             &connection_list, NULL},
    {GET,    "/v1/connections/{id}",   CUSTOMER | OPERATOR, 0,
                                       &connection_get, &connection_get},
    {DELETE, "/v1/connections/{id}",   CUSTOMER,            DRY_RUN,
                                       &connection_delete, &connection_get},
    {GET,    "/v1/limits",             CUSTOMER | OPERATOR, 0,             &limit_list, NULL},
    {PUT,    "/v1/limits",             OPERATOR,            0,             &vnet_limits_put, NULL},
    {POST,   "/v1/partner/circuits",   PARTNER,             KEY,
                                       &partner_circuit_quote, NULL},
    {GET,    "/v1/partner/circuits",   PARTNER,             0,
                                       &partner_circuit_list, NULL},
    {GET,    "/v1/partner/circuits/{id}",
                                       PARTNER,             0,
                                       &partner_circuit_get, &partner_circuit_get},
    {POST,   "/v1/webhooks",           ANY_ROLE,            KEY,           &webhook_create, NULL},
    {GET,    "/v1/webhooks",           ANY_ROLE,            0,             &webhook_list, NULL},
    {GET,    "/v1/webhooks/{id}",      ANY_ROLE,            0,
                                       &webhook_get, &webhook_get},
    {PATCH,  "/v1/webhooks/{id}",      ANY_ROLE,            0,
                                       &webhook_update, &webhook_get},
    {DELETE, "/v1/webhooks/{id}",      ANY_ROLE,            0,
                                       &webhook_delete, &webhook_get},
    {POST,   "/v1/webhooks/{id}/ping", ANY_ROLE,            KEY,
                                       &webhook_ping, &webhook_get},
    {POST,   "/v1/webhooks/{id}/secret",
                                       ANY_ROLE,            KEY,
                                       &webhook_secret_rotate, &webhook_get},
    {GET,    "/v1/webhooks/{id}/deliveries",
                                       ANY_ROLE,            0,
                                       &delivery_list, &webhook_get},
    {POST,   "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
                                       ANY_ROLE,            KEY,
                                       &delivery_redeliver, &webhook_get},
    {POST,   "/v1/webhooks/{id}/recover",
                                       ANY_ROLE,            KEY,
                                       &webhook_recover, &webhook_get},
    {GET,    "/healthz",               EVERYBODY,           0,
                                       NULL, NULL, health_serve},
    {GET,    "/readyz",                EVERYBODY,           0,
                                       &schema_ready, NULL, ready_serve},
    {GET,    "/openapi.yaml",          EVERYBODY,           0,
                                       NULL, NULL, openapi_serve},
};
/* clang-format on */

static const struct {
    const char *name;
    enum method method;
} methods[] = {
    {"GET", GET},         {"HEAD", HEAD},          {"POST", POST},
    {"PUT", PUT},         {"PATCH", PATCH},        {"DELETE", DELETE},
    {"OPTIONS", OPTIONS}, {"TRACE", METHOD_OTHER}, {"CONNECT", METHOD_OTHER},
};

const struct route *routes_all(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}

enum method method_read(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return METHOD_UNKNOWN;
}

static bool matches(const char *pattern, const struct target *target, struct bindings *bindings)
{
    bindings->count = 0;
    for (size_t i = 0; i < target->segment_count; i++) {
        if (*pattern++ != '/')
            return false;
        const char *segment = target->segments[i];
        if (*pattern != '{') {
            for (; *pattern != '/' && *pattern != '\0'; pattern++)
                if (*segment++ != *pattern)
                    return false;
            if (*segment != '\0')
                return false;
        } else if (*segment == '\0') {
            return false;
        } else {
            bindings->items[bindings->count].name = pattern + 1; /* up to the brace */
            bindings->items[bindings->count++].value = segment;
            pattern = strchr(pattern, '}') + 1;
        }
    }
    return target->segment_count > 0 && *pattern == '\0';
}

static void allow_add(char allow[ALLOW_MAX], const char *name)
{
    size_t used = strlen(allow);
    snprintf(allow + used, ALLOW_MAX - used, "%s%s", used ? ", " : "", name);
}

/* The names of the methods of a path, in the order of the table of methods. */
static void allow_write(char allow[ALLOW_MAX], enum method method, const struct target *target)
{
    unsigned has = 0;
    struct bindings ignored;
    bool any = method == OPTIONS && strcmp(target->path, "*") == 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (any || matches(routes[i].pattern, target, &ignored))
            has |= 1u << routes[i].method | (routes[i].method == GET ? 1u << HEAD : 0);
    has |= has ? 1u << OPTIONS : 0;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (has & 1u << methods[i].method)
            allow_add(allow, methods[i].name);
}

const struct route *route_for_role(const struct route *route, unsigned role)
{
    const struct route *end = routes + sizeof routes / sizeof *routes;
    for (const struct route *at = route;
         at < end && at->method == route->method && strcmp(at->pattern, route->pattern) == 0; at++)
        if (at->callers & role)
            return at;
    return route;
}

enum routing route_find(const struct route **out, struct bindings *bindings, char allow[ALLOW_MAX],
                        enum method method, const struct target *target)
{
    enum method wanted = method == HEAD ? GET : method;
    *out = NULL;
    allow[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].method == wanted && matches(routes[i].pattern, target, bindings)) {
            *out = &routes[i];
            return ROUTE_FOUND;
        }
    allow_write(allow, method, target);
    return allow[0] != '\0' ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
