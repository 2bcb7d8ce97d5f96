# SPDX-License-Identifier: Apache-2.0
"""Pins the contract as a document: it is served as it stands, it hangs together, and its words for
statuses and events are those of the database."""

import re

import contract

DOCUMENT = contract.DOCUMENT


def nodes(value, path=()):
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, (dict, list)):
        for key, item in children:
            yield from nodes(item, path + (key,)) if isinstance(item, (dict, list)) else [
                (path + (key,), item)
            ]


def test_the_server_serves_the_document_octet_by_octet(anonymous):
    answer = anonymous.get("/openapi.yaml").must(200)
    assert answer.body == contract.PATH.read_bytes()


def test_the_server_is_healthy_and_ready(anonymous):
    anonymous.get("/healthz").must(200)
    anonymous.get("/readyz").must(200)


def test_every_reference_leads_somewhere_and_nothing_is_left_over():
    used = set()
    for path, value in nodes(DOCUMENT):
        if path and path[-1] == "$ref":
            contract.resolve({"$ref": value})
            used.add(value)
    for kind in ("schemas", "parameters", "headers", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"{kind}/{name} is not used"


def test_operations_are_named_once_and_documented():
    ids = [o.id for o in contract.OPERATIONS]
    assert len(ids) == len(set(ids))
    for operation in contract.OPERATIONS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation.id)
        assert operation.node["summary"] and operation.node["description"], operation
        responses = operation.node["responses"]
        assert operation.public or "401" in responses
        assert {"400", "413", "414", "431", "501"} <= set(responses)
        # What everybody may have is given whatever Accept says, and needs no database.
        assert operation.public or {"406", "503"} <= set(responses)
        assert ("404" in responses) == bool(operation.path_names) or operation.id in (
            "connection_create",
            "partner_circuit_quote",
        )
        declared = {p["name"] for p in operation.parameters if p["in"] == "path"}
        assert declared == set(operation.path_names)
        if operation.media:
            assert {"413", "415", "422"} <= set(responses)
            # Without any sign of a body there is none, which may be wrong.
            assert ("411" in responses) == operation.node["requestBody"]["required"]


def test_request_bodies_are_closed_and_their_examples_fit():
    for operation in contract.OPERATIONS:
        if not operation.media:
            continue
        schema = contract.resolve(operation.body_schema)
        assert schema["additionalProperties"] is False
        wrong = contract.faults(operation.body_schema, operation.example(), closed=False)
        assert not wrong, (operation, wrong)


def test_every_body_has_an_example_whoever_sends_it():
    for operation in contract.OPERATIONS:
        bodies = {"request": operation.node.get("requestBody", {})}
        bodies.update(operation.node["responses"])
        for whose, body in bodies.items():
            for media, content in contract.resolve(body).get("content", {}).items():
                assert (
                    media == "application/yaml"
                    or "example" in content
                    or "example" in contract.resolve(content["schema"])
                ), f"{operation}, {whose}: the {media} has no example"


def test_the_examples_of_answers_fit():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if "example" in schema:
            reference = {"$ref": f"#/components/schemas/{name}"}
            assert not contract.faults(reference, schema["example"]), name
    for response in DOCUMENT["components"]["responses"].values():
        for media in response.get("content", {}).values():
            if "example" in media:
                assert not contract.faults(media["schema"], media["example"])


def test_the_codes_of_refusals_are_the_servers():
    source = (contract.PATH.parents[1] / "api" / "problem.c").read_text(encoding="utf-8")
    table = set(re.findall(r'^    \{"([a-z_]+)", [45][0-9]{2}, "', source, re.M))
    documented = set(DOCUMENT["components"]["schemas"]["ProblemCode"]["enum"])
    assert len(table) > 30 and documented <= table
    # Known to the server and not to be met yet.
    assert table - documented <= {"rate_limited", "bandwidth_decrease"}


def test_the_table_of_status_tested_here_is_the_one_documented():
    from provider_status_test import TABLE
    from tenant import STATUSES

    schemas = DOCUMENT["components"]["schemas"]
    assert list(STATUSES) == schemas["ProviderStatus"]["enum"]
    assert set(TABLE) == set(schemas["CallbackType"]["enum"])
    assert set(schemas["CallbackType"]["enum"]) <= set(schemas["EventType"]["enum"])
