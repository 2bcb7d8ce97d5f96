# SPDX-License-Identifier: Apache-2.0
"""The contract, openapi/openapi.yaml, as the tests use it.

Every answer that a test's client sees goes through `check`: the status is one that the operation
documents, the media type too, the headers that it promises are there, and the body fits its schema.
The document leaves answers open for later members; here they are closed, so that a member which no
line of the contract knows (another tenant's, say) fails the test that meets it.
"""

import copy
import functools
import json
import os
import pathlib
import re
import urllib.parse

import jsonschema
import yaml

PATH = pathlib.Path(__file__).resolve().parents[2] / "openapi" / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
# A directory: each worker notes there, in a file of its own, what it met. reached.py compares that
# with the document when all tests have run.
REACHED = os.environ.get("ONRAMP_REACHED")


def _load():
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(PATH.read_text(encoding="utf-8"), Loader=loader)


DOCUMENT = _load()


def resolve(node):
    """Follow a $ref of the document, if the node is one."""
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


class Operation:
    """One method on one path."""

    def __init__(self, path, method, node):
        self.path = path
        self.method = method.upper()
        self.id = node["operationId"]
        self.node = node
        self.parameters = [resolve(p) for p in node.get("parameters", ())]
        self.path_names = re.findall(r"\{(\w+)\}", path)
        self.pattern = re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$")
        self.public = node.get("security") == []

    def __repr__(self):
        return self.id

    @property
    def media(self):
        """Media types of the request body, () without one."""
        return tuple(self.node.get("requestBody", {}).get("content", ()))

    @property
    def body_schema(self):
        return self.node["requestBody"]["content"][self.media[0]]["schema"]

    def example(self):
        """A body that fits the schema, or None."""
        if not self.media:
            return None
        return copy.deepcopy(resolve(self.body_schema).get("example", {}))

    def query(self):
        return [p for p in self.parameters if p["in"] == "query"]

    def url(self, **values):
        return self.path.format(**values)


OPERATIONS = [
    Operation(path, method, node)
    for path, item in DOCUMENT["paths"].items()
    for method, node in item.items()
    if method in METHODS
]
BY_ID = {operation.id: operation for operation in OPERATIONS}


def methods_of(path):
    """The methods that the document gives a path template."""
    return {o.method for o in OPERATIONS if o.path == path}


def find(method, target):
    """(operation or None, whether the path is known at all) for a request target."""
    path = urllib.parse.urlsplit(target).path
    known = False
    for operation in OPERATIONS:
        if operation.pattern.match(path):
            known = True
            if operation.method == method:
                return operation, True
    return None, known


def _closed(node):
    if isinstance(node, dict):
        node = {key: _closed(value) for key, value in node.items()}
        if node.get("type") == "object" and isinstance(node.get("properties"), dict):
            node.setdefault("additionalProperties", False)
        return node
    if isinstance(node, list):
        return [_closed(value) for value in node]
    return node


_SCHEMAS = {name: _closed(schema) for name, schema in DOCUMENT["components"]["schemas"].items()}


@functools.lru_cache(maxsize=None)
def _validator(reference, closed):
    schemas = _SCHEMAS if closed else DOCUMENT["components"]["schemas"]
    schema = {"$ref": reference, "components": {"schemas": schemas}}
    return jsonschema.Draft202012Validator(schema)


def faults(schema, value, closed=True):
    """What is wrong with a value by a schema of the document, as sentences."""
    reference = schema["$ref"]
    return [
        f"/{'/'.join(str(p) for p in error.absolute_path)}: {error.message[:300]}"
        for error in _validator(reference, closed).iter_errors(value)
    ]


def accepts(schema, value):
    """Whether a request body fits the schema (not closed: it says itself where it is)."""
    return _validator(schema["$ref"], False).is_valid(value)


# Refusals that any request may meet, known path or not, before an operation is found.
BEFORE_ROUTING = {400, 404, 405, 406, 411, 413, 414, 431, 501, 503, 505}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
OPTIONAL_HEADERS = {"Link", "Retry-After", "Idempotent-Replayed", "Dry-Run"}
# What only some answers may leave out: (member, the header of those that do).
WITHHELD = {
    "id": "Dry-Run",
    "serviceKey": "Dry-Run",
    "token": "Idempotent-Replayed",
    "callbackSecret": "Idempotent-Replayed",
}


# Header fields that any answer may have; some come from a proxy in front, and those of limits stand
# in every answer to a verified caller.
EVERYWHERE = {
    "date", "content-type", "content-length", "transfer-encoding", "connection", "x-request-id",
    "cache-control", "x-content-type-options", "dry-run", "server", "via",
    "ratelimit", "ratelimit-policy",
}


def _undocumented(answer, response):
    """Names of header fields that the response does not promise."""
    names = {name.lower() for name in answer.headers.keys()}
    return sorted(names - EVERYWHERE - {name.lower() for name in response.get("headers", ())})


_noted = set()


def _note(operation, status, code=None):
    """Note an answer that was found right, once each kind."""
    line = f"{operation} {status} {code or '-'}\n"
    if REACHED and line not in _noted:
        _noted.add(line)
        with open(os.path.join(REACHED, str(os.getpid())), "a", encoding="utf-8") as file:
            file.write(line)


def check(answer):
    """Raise AssertionError unless the answer is one that the contract documents."""
    what = f"{answer.method} {answer.target} -> {answer.status} {answer.text[:400]}"
    operation, known = find(answer.method, answer.target)
    assert answer.headers.get("X-Request-Id"), f"no X-Request-Id: {what}"
    if answer.status >= 400:
        if operation is None:
            expected = BEFORE_ROUTING - ({404} if known else {405})
            assert answer.status in expected, f"an undocumented status: {what}"
        else:
            documented = operation.node["responses"]
            assert str(answer.status) in documented, f"an undocumented status: {what}"
            surplus = _undocumented(answer, resolve(documented[str(answer.status)]))
            assert not surplus, f"undocumented header fields {surplus}: {what}"
        check_problem(answer, what)
        return _note(operation and operation.id, answer.status, answer.code)

    assert operation is not None, f"an undocumented operation: {what}"
    response = operation.node["responses"].get(str(answer.status))
    assert response is not None, f"an undocumented status: {what}"
    response = resolve(response)
    surplus = _undocumented(answer, response)
    assert not surplus, f"undocumented header fields {surplus}: {what}"
    for name in response.get("headers", ()):
        if name in ("Location", "ETag") and answer.headers.get("Dry-Run"):
            assert answer.headers.get(name) is None, f"{name} in a dry run: {what}"
        elif name not in OPTIONAL_HEADERS:
            value = answer.headers.get(name)
            assert value is not None, f"no {name}: {what}"
            pattern = resolve(response["headers"][name])["schema"].get("pattern")
            assert pattern is None or re.search(pattern, value), f"{name}: {value}: {what}"
    content = response.get("content")
    if content is None:
        assert answer.body == b"", f"a body where there is none: {what}"
        return _note(operation.id, answer.status)
    assert answer.media in content, f"media type {answer.media}: {what}"
    if answer.media == "application/json":
        wrong = faults(content[answer.media]["schema"], answer.json)
        assert not wrong, f"{wrong}: {what}"
        for member, header in WITHHELD.items():
            withheld = member in answer.json and answer.json[member] is None
            assert withheld == (member in answer.json and header in answer.headers), what
    return _note(operation.id, answer.status)


def check_problem(answer, what=""):
    """A refusal has the shape of RFC 9457 and of this API."""
    assert answer.media == "application/problem+json", f"media type {answer.media}: {what}"
    wrong = faults(PROBLEM, answer.json)
    assert not wrong, f"{wrong}: {what}"
    assert answer.json["status"] == answer.status, what
    assert answer.json["requestId"] == answer.headers["X-Request-Id"], what
    if answer.status == 405:
        assert answer.headers.get("Allow"), f"405 without Allow: {what}"
    if answer.status == 401:
        assert answer.headers.get("WWW-Authenticate"), f"401 without WWW-Authenticate: {what}"
    if answer.status in (429, 503) or answer.json["code"] in (
        "illegal_transition",
        "idempotency_key_in_progress",
    ):
        assert answer.headers.get("Retry-After"), f"no Retry-After: {what}"
    text = json.dumps(answer.json)
    for word in ("SQLSTATE", "PL/pgSQL", "pg_", "onramp."):
        assert word not in text, f"{word} leaks: {what}"
    _note(None, answer.status, answer.json["code"])
