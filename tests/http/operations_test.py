# SPDX-License-Identifier: Apache-2.0
"""Pins that the contract and the server's tables say the same of every operation: who may call it, what
a request may ask for, which parameters it reads and which members it answers."""

import pytest

import contract
from contract import resolve
from roles_test import MAY, PUBLIC, SIGNED
from served import OPERATIONS, ROUTES

LETTERS = {"customer": "C", "partner": "P", "operator": "O"}
by_name = pytest.mark.parametrize("route", OPERATIONS, ids=lambda route: route["name"])


def documented(route):
    """The operation of the contract at the route, which two roles may share."""
    [found] = [o for o in contract.OPERATIONS
               if (o.method, o.path) == (route["method"], route["path"])]
    return found


def names(route, where):
    return {p["name"] for p in route["parameters"] if p["where"] == where}


def properties(schema):
    """The members that a schema knows, whatever branch it takes, with those of its objects."""
    schema, found = resolve(schema), set()
    for branch in [schema, *(one for key in ("allOf", "anyOf", "oneOf") for one in schema.get(key, ()))]:
        branch = resolve(branch)
        for name, inner in branch.get("properties", {}).items():
            found |= {name} | {f"{name}/{below}" for below in properties(inner)}
        if branch is not schema:
            found |= properties(branch)
    return found


def test_the_roles_are_those_of_the_matrix():
    may = {}
    for route in ROUTES:
        roles = route["roles"]
        one = PUBLIC if roles == ["everybody"] else SIGNED if roles == ["signature"] else {
            LETTERS[role] for role in roles}
        name = documented(route).id
        may[name] = may[name] | one if name in may else one
    assert may == {name: one if one in (PUBLIC, SIGNED) else set(one) for name, one in MAY.items()}


@by_name
def test_a_request_may_ask_for_what_is_documented(route):
    operation = documented(route)
    parameters = {p["name"] for p in operation.parameters}
    assert route["idempotencyKey"] == ("Idempotency-Key" in parameters)
    assert route["dryRun"] == ("dryRun" in parameters)
    media = resolve(operation.node["responses"].get("200", {})).get("content", {})
    assert route["stream"] == ("text/event-stream" in media)


@by_name
@pytest.mark.parametrize("where", ["query", "path"])
def test_the_parameters_are_those_that_are_documented(route, where):
    known = {p["name"] for p in documented(route).parameters
             if p["in"] == where and p["name"] != "dryRun"}
    assert names(route, where) == known


@by_name
def test_the_fields_that_an_operation_reads_are_documented(route):
    known = {p["name"].lower() for p in documented(route).parameters if p["in"] == "header"}
    assert names(route, "header") <= known


def same_members(declared, known):
    """Each value is documented, and what is documented is a value, an object that holds one, or within
    one that is handed on as JSON."""
    objects = {name.rsplit("/", n)[0] for name in declared for n in range(1, name.count("/") + 1)}
    assert declared <= known
    within = tuple(name + "/" for name in declared)
    assert {name for name in known - declared - objects if not name.startswith(within)} == set()


def sharing(route):
    """It and the one that does the same method of the path for another role: one body, one answer."""
    return [other for other in OPERATIONS
            if (other["method"], other["path"]) == (route["method"], route["path"])]


@by_name
def test_the_body_has_the_members_that_are_documented(route):
    operation = documented(route)
    declared = set().union(*(names(one, "body") for one in sharing(route)))
    same_members(declared, properties(operation.body_schema) if operation.media else set())


@by_name
def test_the_answer_has_the_members_that_are_documented(route):
    response = resolve(documented(route).node["responses"][str(route["success"])])
    if route["answer"] == "nothing":
        assert "content" not in response
        return
    schema = resolve(response["content"]["application/json"]["schema"])
    if route["answer"] in ("list", "feed"):
        schema = resolve(schema["properties"]["items"])["items"]
    same_members(set(route["members"]), properties(schema))
