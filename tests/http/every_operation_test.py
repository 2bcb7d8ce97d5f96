# SPDX-License-Identifier: Apache-2.0
"""Pins what every operation alike refuses, on a resource that is there and by a caller who may: a
query parameter that nobody reads, an Accept that excludes the answer, a body without a length, too
large, or of another kind, too long a target or head, an unknown coding, a value out of its range, a
version that has gone. And that none of it changed anything."""

import pytest

import wire
from client import Answer
from contract import check
from roles_test import MAY, SIGNED
from scene import Scene, documented

NOBODYS = "01a203cb-5a1c-736b-ac07-37132f52dcf3"


@pytest.fixture(scope="module")
def scene(operator):
    return Scene(operator)


@pytest.fixture(scope="module", autouse=True)
def unchanged(scene):
    """All that was refused did nothing."""
    before = state(scene)
    yield
    assert state(scene) == before


def state(scene):
    """All that the customer, its partner and the operator of the scene see of it."""
    customer = scene.customer.client
    lists = [
        customer.pages(target)
        for target in (
            "/v1/circuits",
            "/v1/vnets",
            "/v1/connections",
            "/v1/tokens",
            "/v1/webhooks",
            f"/v1/circuits/{scene.circuit['id']}/events",
            f"/v1/circuits/{scene.circuit['id']}/authorizations",
        )
    ]
    partner = scene.partner.client
    lists.append(partner.pages("/v1/partner/circuits"))
    lists.append(partner.get(f"/v1/partners/{scene.partner.slug}").must(200).json)
    return lists


def raw(scene, octets):
    """The one answer to a request in octets, checked."""
    client = scene.customer.client
    said = wire.talk((client.host, client.port), octets)
    assert len(said.replies) == 1, said
    status, headers, body = said.replies[0]
    method, target = octets.decode("latin-1").split(" ", 2)[:2]
    answer = Answer(method, target, status, wire.Headers(headers), body)
    check(answer)
    return answer


def every(status):
    return pytest.mark.parametrize("operation", documented(status), ids=str)


@every(400)
def test_a_query_parameter_that_nobody_reads_is_400(scene, operation):
    target = scene.target(operation) + "?colour=red"
    answer = scene.send(operation, target, scene.body(operation))
    answer.must(400, "unknown_parameter")
    assert answer.pointers == ["?colour"]


@every(406)
def test_an_accept_that_excludes_json_is_406(scene, operation):
    headers = {"Accept": "text/html"}
    answer = scene.send(operation, body=scene.body(operation), headers=headers)
    answer.must(406, "not_acceptable")


@every(411)
def test_a_body_without_a_length_is_411(scene, operation):
    assert operation.node["requestBody"]["required"]  # without any sign of a body there is none
    head = scene.head(operation, f"Content-Type: {operation.media[0]}")
    raw(scene, head).must(411, "length_required")


@every(413)
def test_too_large_a_body_is_413(scene, operation):
    octets = scene.head(operation, "Content-Length: 65537")
    raw(scene, octets).must(413, "content_too_large")


@every(414)
def test_too_long_a_target_is_414(scene, operation):
    target = scene.target(operation) + "?cursor=" + "x" * 4096
    scene.send(operation, target).must(414, "uri_too_long")


@every(415)
def test_a_body_of_another_kind_is_415(scene, operation):
    headers = {"Content-Type": "text/plain"}
    answer = scene.send(operation, body=scene.body(operation), headers=headers)
    answer.must(415, "unsupported_media_type")


@every(431)
def test_too_large_a_head_is_431(scene, operation):
    octets = scene.head(operation, "X-Long: " + "x" * 16384)
    raw(scene, octets).must(431, "headers_too_large")


@every(501)
def test_an_unknown_coding_is_501(scene, operation):
    octets = scene.head(operation, "Transfer-Encoding: gzip")
    raw(scene, octets).must(501, "not_implemented")


@pytest.mark.parametrize(
    "operation",
    [
        o
        for o in documented(422)
        if o.media or {"limit", "dryRun", "timeout"} & {p["name"] for p in o.parameters}
    ],
    ids=str,
)
def test_a_value_out_of_range_is_422(scene, operation):
    names = {p["name"] for p in operation.parameters}
    target, headers, body = scene.target(operation), {}, scene.body(operation)
    if operation.media:
        body = b'{"colour": "red"}'
        pointer = "/colour"
    elif "limit" in names:
        target += "?limit=0"
        pointer = "?limit"
    elif "timeout" in names:
        target += "?timeout=0"
        pointer = "?timeout"
    else:
        target += "?dryRun=perhaps"
        pointer = "?dryRun"
    answer = scene.send(operation, target, body, headers).must(422, "invalid_request")
    assert pointer in answer.pointers, answer


@every(412)
def test_a_version_that_has_gone_is_412(scene, operation):
    headers = {"If-Match": '"0"'}
    if operation.id == "circuit_update":
        body = b'{"name": "renamed"}'
    else:
        body = scene.body(operation)
    answer = scene.send(operation, body=body, headers=headers)
    answer.must(412, "version_mismatch")


@pytest.mark.parametrize(
    "operation", [o for o in documented(200) if o.method == "GET"], ids=str
)
def test_head_is_get_without_its_body(scene, operation):
    target = scene.target(operation)
    client = scene.caller(operation)
    got = scene.send(operation)
    headed = client.send("HEAD", target, checked=False)
    assert headed.status == got.status and headed.body == b""
    for name in ("Content-Type", "Content-Length", "ETag", "Link"):
        assert headed.headers.get(name) == got.headers.get(name), name


@pytest.mark.parametrize(
    "operation", [o for o in documented(415) if o.path_names and MAY[o.id] != SIGNED], ids=str
)
def test_ownership_comes_before_what_is_wrong_with_the_body(scene, operation):
    """404 for what is not there, or not one's own, whatever else is wrong with the request."""
    values = dict.fromkeys(operation.path_names, NOBODYS)
    if "partner" in values:
        values["partner"] = "none-such"
    target = operation.url(**values)
    for media, body in (
        ("text/plain", b"{}"),
        (operation.media[0], b'{"colour": "red"}'),
        (operation.media[0], b"{"),
        (operation.media[0], b"[]"),
    ):
        headers = {"Content-Type": media}
        scene.send(operation, target, body, headers).must(404, "not_found")
    scene.send(operation, target + "?colour=red", b"{}").must(404, "not_found")


@every(412)
def test_ownership_comes_before_the_version(scene, operation):
    target = operation.url(**dict.fromkeys(operation.path_names, NOBODYS))
    for tag in ('"1"', '"0"', '"no version of ours"'):
        body = b'{"name": "x"}' if operation.id == "circuit_update" else scene.body(operation)
        headers = {"If-Match": tag}
        scene.send(operation, target, body, headers).must(404, "not_found")
