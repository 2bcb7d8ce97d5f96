# SPDX-License-Identifier: Apache-2.0
"""Pins the refusals of the HTTP layer itself - 404, 405, 406, 411, 413, 414, 415, 431, 501 - each a
problem of RFC 9457 with the request's id, and that refusing does not spoil a connection."""

import json
import socket

import pytest

import contract
import wire
from client import Answer

SHAPE = {"type", "title", "status", "detail", "instance", "code", "requestId"}


def raw(anonymous, octets):
    """One request in octets; its one answer, checked against the contract."""
    said = wire.talk((anonymous.host, anonymous.port), octets)
    assert len(said.replies) == 1, said
    status, headers, body = said.replies[0]
    method, target = octets.split(b" ", 2)[:2]
    answer = Answer(method.decode(), target.decode("latin-1"), status, wire.Headers(headers), body)
    contract.check(answer)
    return answer


def test_a_problem_has_all_members_and_says_where_it_arose(customer):
    answer = customer.client.get("/v1/circuits/none?x=1").must(404)
    assert set(answer.json) == SHAPE
    assert answer.json["instance"].startswith("/v1/circuits/none")
    assert answer.json["title"] and "{" not in answer.json["title"]
    assert answer.json["detail"].endswith(".")


def test_only_json_can_be_had(customer):
    for accept in (
        "text/html",
        "application/xml",
        "image/*",
        "application/json;q=0",
        "text/*,*/*;q=0",
    ):
        answer = customer.client.get("/v1/circuits", {"Accept": accept})
        assert answer.status == 406, (accept, answer)
        assert answer.media == "application/problem+json"
    for accept in (
        "*/*",
        "application/*",
        "application/json",
        "APPLICATION/JSON",
        "text/html, application/json;q=0.5",
        "text/html, */*;q=0.1",
        "application/json; charset=utf-8",
        "application/problem+json, application/json",
        "",
    ):
        answer = customer.client.get("/v1/circuits", {"Accept": accept})
        assert answer.status == 200, (accept, answer)


@pytest.mark.parametrize(
    "media",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "application/json-patch+json",
        "json",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_415(customer, media):
    body = json.dumps({"name": "x", "addressSpace": ["10.0.0.0/8"]}).encode()
    headers = {} if media is None else {"Content-Type": media}
    customer.client.send("POST", "/v1/vnets", body, headers).must(415)
    vnet = customer.vnet()
    target = f"/v1/vnets/{vnet['id']}"
    customer.client.send("PATCH", target, b'{"name": "y"}', headers).must(415)
    assert customer.client.get(target).must(200).json == vnet


@pytest.mark.parametrize(
    "media",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
)
def test_json_may_be_declared_with_a_charset_and_in_any_case(customer, media):
    body = json.dumps({"name": "x", "addressSpace": ["10.0.0.0/8"]}).encode()
    customer.client.send("POST", "/v1/vnets", body, {"Content-Type": media}).must(201)


def test_a_merge_patch_is_for_patch_alone(customer):
    headers = {"Content-Type": "application/merge-patch+json"}
    body = json.dumps({"name": "x", "addressSpace": ["10.0.0.0/8"]}).encode()
    customer.client.send("POST", "/v1/vnets", body, headers).must(415)


def test_a_body_without_a_length_is_411(anonymous, customer):
    token = b"Authorization: Bearer " + customer.token.encode() + b"\r\n"
    head = b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + token
    assert raw(anonymous, head + b"\r\n").status == 411


def test_too_large_a_body_is_413_before_it_is_sent(anonymous, customer):
    token = b"Authorization: Bearer " + customer.token.encode() + b"\r\n"
    head = b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + token
    answer = raw(anonymous, head + b"Content-Length: 65537\r\n\r\n")
    assert answer.status == 413
    answer = raw(anonymous, head + b"Content-Length: 1000000000000\r\n\r\n{")
    assert answer.status == 413


def test_too_long_a_target_is_414_and_too_large_a_head_431(anonymous):
    answer = raw(anonymous, b"GET /v1/" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status in (414, 431)
    answer = raw(anonymous, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100000 + b"\r\n\r\n")
    assert answer.status == 431


def test_a_moderately_long_target_is_414(anonymous):
    answer = raw(anonymous, b"GET /v1/" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 414


def test_a_coding_that_is_not_known_is_501(anonymous):
    head = b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    assert raw(anonymous, head + b"Transfer-Encoding: gzip\r\n\r\n").status == 501


def test_a_version_of_http_that_is_not_ours_is_505(anonymous):
    answer = raw(anonymous, b"GET /v1/none HTTP/2.0\r\nHost: x\r\n\r\n")
    answer.must(505, "http_version_not_supported")


@pytest.mark.parametrize("given", ["abc-123", "0199aa00-0000-7000-8000-000000000001", "a" * 64])
def test_a_request_id_is_taken_over(customer, given):
    for target, status in (("/v1/circuits", 200), ("/v1/none", 404), ("/v1/circuits/x", 404)):
        answer = customer.client.get(target, {"X-Request-Id": given}).must(status)
        assert answer.headers["X-Request-Id"] == given
        if status == 404:
            assert answer.json["requestId"] == given
    answer = customer.client.post("/v1/vnets", {}, {"X-Request-Id": given}).must(422)
    assert answer.json["requestId"] == given


def test_a_request_id_is_made_when_there_is_none(customer):
    answers = [customer.client.get("/v1/circuits") for _ in range(5)]
    assert len({a.headers["X-Request-Id"] for a in answers}) == 5


@pytest.mark.parametrize("given", ["", "a" * 5000, "a b\tc", "ü", '"<script>"', "a,b;c=d"])
def test_an_odd_request_id_breaks_nothing(customer, given):
    answer = customer.client.get("/v1/none", {"X-Request-Id": given.encode()})
    answer.must(404)
    assert 1 <= len(answer.headers["X-Request-Id"]) <= 256


def test_refusals_keep_the_connection(customer):
    """One refused request costs no reconnect: only what is ambiguous is cut off."""
    connection = customer.client.connection()
    connection.sock.getsockname()
    port = connection.sock.getsockname()[1]
    customer.client.get("/v1/none").must(404)
    customer.client.delete("/v1/circuits").must(405)
    customer.client.post("/v1/vnets", {}).must(422)
    customer.client.post("/v1/vnets", b"{").must(400)
    customer.client.post("/v1/customers", {"name": "x"}).must(403)
    customer.client.get("/v1/circuits", colour="red").must(400)
    connection = customer.client.connection()
    assert connection.sock is not None and connection.sock.getsockname()[1] == port


def test_the_server_answers_where_it_listens_and_nowhere_else(server, anonymous):
    other = [
        a[4][0]
        for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not a[4][0].startswith("127.")
    ]
    for address in other:
        with pytest.raises(OSError):
            socket.create_connection((address, anonymous.port), timeout=2)
