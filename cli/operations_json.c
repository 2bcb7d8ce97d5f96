/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/operations_json.h"

#include "api/route.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_PATH_MAX = 256 };

struct word {
    unsigned value;
    const char *text;
};

static const struct word methods[] = {{GET, "GET"},     {POST, "POST"},     {PUT, "PUT"},
                                      {PATCH, "PATCH"}, {DELETE, "DELETE"}, {0, NULL}};
static const struct word roles[] = {{ROLE_CUSTOMER, "customer"}, {ROLE_PARTNER, "partner"},
                                    {ROLE_OPERATOR, "operator"}, {EVERYBODY, "everybody"},
                                    {SIGNATURE, "signature"},    {0, NULL}};
static const struct word lanes[] = {
    {LANE_READ, "read"}, {LANE_WRITE, "write"}, {LANE_ALONE, "alone"}, {0, NULL}};
static const struct word answers[] = {{ANSWER_ONE, "one"},
                                      {ANSWER_LIST, "list"},
                                      {ANSWER_FEED, "feed"},
                                      {ANSWER_NOTHING, "nothing"},
                                      {0, NULL}};
static const struct word sources[] = {{FROM_BODY, "body"},
                                      {FROM_QUERY, "query"},
                                      {FROM_PATH, "path"},
                                      {FROM_HEADER, "header"},
                                      {FROM_CALLER, "caller"},
                                      {FROM_HOOK, "hook"},
                                      {0, NULL}};
static const struct word locks[] = {{LOCK_CIRCUIT, "circuit"},
                                    {LOCK_SERVICE_KEY, "serviceKey"},
                                    {LOCK_VNET, "vnet"},
                                    {LOCK_CONNECTION, "connection"},
                                    {LOCK_CUSTOMER, "customer"},
                                    {LOCK_DELIVERY, "delivery"},
                                    {LOCK_AUTHORIZATION, "authorization"},
                                    {0, NULL}};

/* The text of a value; NULL, which is JSON's null, for one without. */
static const char *text_of(const struct word *words, unsigned value)
{
    for (; words->text; words++)
        if (words->value == value)
            return words->text;
    return NULL;
}

static json_t *parameter_json(const struct parameter *parameter)
{
    return json_pack("{s:s, s:s, s:b, s:s?}", "where", text_of(sources, parameter->source), "name",
                     parameter->name, "required", parameter->required, "locks",
                     text_of(locks, parameter->locks));
}

static json_t *parameters_json(const struct operation *operation)
{
    json_t *list = json_array();
    for (size_t i = 0; i < operation->parameter_count; i++)
        json_array_append_new(list, parameter_json(&operation->parameters[i]));
    const struct waiting *waiting = operation->waiting;
    if (waiting && waiting->what.name)
        json_array_append_new(list, parameter_json(&waiting->what));
    if (waiting)
        json_array_append_new(list, parameter_json(&waiting->seconds));
    return list;
}

/* Values; those in an object stand behind its name and a slash. */
static json_t *members_json(const struct operation *operation)
{
    json_t *list = json_array();
    char path[MEMBER_PATH_MAX] = "";
    for (size_t i = 0; i < operation->member_count; i++) {
        const struct member *member = &operation->members[i];
        if (member->kind == MEMBER_CLOSE) {
            path[strlen(path) - 1] = '\0';
            char *parent = strrchr(path, '/');
            *(parent ? parent + 1 : path) = '\0';
        } else if (member->kind == MEMBER_OPEN || member->kind == MEMBER_OPEN_IF) {
            strncat(path, member->name, sizeof path - strlen(path) - 2);
            strcat(path, "/");
        } else if (member->kind != MEMBER_KEY) {
            json_array_append_new(list, json_sprintf("%s%s", path, member->name));
        }
    }
    return list;
}

static json_t *roles_json(unsigned callers)
{
    json_t *list = json_array();
    for (const struct word *role = roles; role->text; role++)
        if (callers & role->value)
            json_array_append_new(list, json_string(role->text));
    return list;
}

static json_t *route_json(const struct route *route)
{
    /* One that is served at once has no operation of its own; it may ask one on the way. */
    const struct operation *operation = route->serve ? NULL : route->operation;
    json_t *shown =
        json_pack("{s:s?, s:s, s:s, s:o, s:b, s:b, s:b, s:s?}", "name",
                  operation ? operation->name : NULL, "method", text_of(methods, route->method),
                  "path", route->pattern, "roles", roles_json(route->callers), "idempotencyKey",
                  (route->takes & KEY) != 0, "dryRun", (route->takes & DRY_RUN) != 0, "stream",
                  (route->takes & STREAM) != 0, "owner", route->owner ? route->owner->name : NULL);
    if (operation)
        json_object_update_new(
            shown, json_pack("{s:s, s:s, s:i, s:o, s:o}", "lane", text_of(lanes, operation->lane),
                             "answer", text_of(answers, operation->answer), "success",
                             operation->success, "parameters", parameters_json(operation),
                             "members", members_json(operation)));
    return shown;
}

int operations_json(FILE *out)
{
    size_t count;
    const struct route *all = routes_all(&count);
    json_t *list = json_array();
    int failed = 0;
    for (size_t i = 0; i < count; i++)
        failed |= json_array_append_new(list, route_json(&all[i]));
    failed |= json_dumpf(list, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(list);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
