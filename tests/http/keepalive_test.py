# SPDX-License-Identifier: Apache-2.0
"""Pins that connections live on: no `Connection: close` on GET, POST or refusals, one socket serves
one request after the other, and closing is done when it is asked for."""

import http.client
import json

import pytest

import wire


def exchange(connection, method, target, token, body=None):
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection.request(method, target, body, headers)
    response = connection.getresponse()
    response.read()
    return response


REQUESTS = {
    "GET": ("GET", "/v1/circuits", None, 200),
    "GET of nothing in the database": ("GET", "/healthz", None, 200),
    "POST": ("POST", "/v1/vnets", {"name": "x", "addressSpace": ["10.0.0.0/16"]}, 201),
    "POST with faults": ("POST", "/v1/vnets", {}, 422),
    "POST that may not": ("POST", "/v1/customers", {"name": "x"}, 403),
    "DELETE": ("DELETE", "/v1/vnets/0199aa00-0000-7000-8000-000000000001", None, 404),
    "an unknown path": ("GET", "/none", None, 404),
    "a wrong method": ("DELETE", "/v1/circuits", None, 405),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_one_socket_serves_many_requests(customer, request_):
    method, target, body, status = request_
    octets = None if body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(customer.client.host, customer.client.port, timeout=10)
    connection.connect()
    sock = connection.sock
    try:
        for _ in range(5):
            response = exchange(connection, method, target, customer.token, octets)
            assert response.status == status
            assert (response.headers.get("Connection") or "").lower() != "close"
            assert connection.sock is sock and not response.will_close
    finally:
        connection.close()


def test_a_socket_serves_a_mix_of_all(customer):
    connection = http.client.HTTPConnection(customer.client.host, customer.client.port, timeout=10)
    connection.connect()
    sock = connection.sock
    try:
        for method, target, body, status in list(REQUESTS.values()) * 3:
            octets = None if body is None else json.dumps(body).encode()
            response = exchange(connection, method, target, customer.token, octets)
            assert response.status == status and connection.sock is sock
    finally:
        connection.close()


@pytest.mark.parametrize("target,status", [("/v1/circuits", 200), ("/v1/none", 404)])
def test_head_is_get_without_the_body(customer, target, status):
    connection = http.client.HTTPConnection(customer.client.host, customer.client.port, timeout=10)
    try:
        got = exchange(connection, "GET", target, customer.token)
        for _ in range(2):
            head = exchange(connection, "HEAD", target, customer.token)
            assert (head.status, got.status) == (status, status)
            assert head.headers["Content-Type"] == got.headers["Content-Type"]
            assert status != 200 or head.headers["Content-Length"] == got.headers["Content-Length"]
        assert exchange(connection, "GET", target, customer.token).status == status
    finally:
        connection.close()


def test_a_client_that_asks_to_close_is_closed(anonymous):
    address = anonymous.host, anonymous.port
    said = wire.talk(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.statuses == [200] and said.closed
    assert said.replies[0][1]["connection"].lower() == "close"
    said = wire.talk(address, b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
    assert said.statuses == [200] and said.closed
