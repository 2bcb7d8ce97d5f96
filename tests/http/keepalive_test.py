# SPDX-License-Identifier: Apache-2.0
"""Pins that connections live on: no `Connection: close` on GET, POST or refusals, one socket serves
one request after the other, and closing is done when it is asked for."""

import http.client
import json
import re
import socket
import time

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
    said = wire.talk(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     quiet=5)
    assert said.statuses == [200] and said.closed
    assert said.replies[0][1]["connection"].lower() == "close"
    said = wire.talk(address, b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n", quiet=5)
    assert said.statuses == [200] and said.closed


@pytest.mark.parametrize("size", [900, 1100, 3000, 8000, 16000])
def test_a_head_may_be_larger_than_all_before_it(anonymous, size):
    """However soon it comes: it is not only moved to where there is room when there is time."""
    small = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    large = small[:-2] + b"X-Long: " + b"x" * (size - len(small) - 10) + b"\r\n\r\n"
    assert len(large) == size
    with socket.create_connection((anonymous.host, anonymous.port), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octets in [small] * 3 + [large, small] * 50:
            sock.sendall(octets)
            assert answer(sock)[0] == 200
        sock.sendall(large[:size // 2])
        time.sleep(0.05)  # so that the pieces come by themselves
        sock.sendall(large[size // 2:] + large + small)
        assert [answer(sock)[0] for _ in range(3)] == [200] * 3


def test_a_body_may_be_larger_than_all_before_it(customer):
    connection = http.client.HTTPConnection(customer.client.host, customer.client.port, timeout=10)
    connection.connect()
    sock = connection.sock
    try:
        for size in (10, 60000, 2500, 60000, 10):
            body = json.dumps({"name": "x", "unknown": "y" * size}).encode()
            response = exchange(connection, "POST", "/v1/vnets", customer.token, body)
            assert response.status == 422 and connection.sock is sock
    finally:
        connection.close()


@pytest.mark.parametrize("pause", [0, 0.0001, 0.001, 0.01])
def test_who_does_not_wait_for_answers_gets_all(anonymous, pause):
    """Cut anywhere, so that the server has read a part of the next request or has not."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    octets, count = request * 40, 0
    with socket.create_connection((anonymous.host, anonymous.port), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(octets), len(request) + 7):
            sock.sendall(octets[start:start + len(request) + 7])
            time.sleep(pause)  # the pace of the pieces
        while count < 40:
            assert answer(sock)[0] == 200
            count += 1


def test_a_last_request_may_come_with_the_end(customer):
    """Who sends no more is closed when it has its answer, and not when it has been idle."""
    for request in (HEALTH, listing(customer)):
        for before in range(3):
            with connected(customer.client) as sock:
                for _ in range(before):
                    sock.sendall(request)
                    assert answer(sock)[0] == 200
                time.sleep(0.02)  # the connection is at rest for that long
                sock.sendall(request)
                sock.shutdown(socket.SHUT_WR)
                assert answer(sock)[0] == 200
                sock.settimeout(10)
                assert sock.recv(1) == b""


@pytest.mark.parametrize("pause", [0, 0.4])
def test_an_empty_line_before_a_request_costs_nothing(customer, pause):
    """The library counts it to no head; still it is known where the next one begins."""
    for request in (HEALTH, listing(customer)):
        with connected(customer.client) as sock:
            for octets in (request, b"\r\n" + request, larger(5000), b"\r\n" + larger(5000), request):
                sock.sendall(octets)
                assert answer(sock)[0] == 200
                time.sleep(pause)  # the connection is at rest for that long


def test_the_end_is_seen_whenever_it_comes(anonymous):
    """Also from who has not waited for answers before, or has sent larger requests."""
    for before in (HEALTH, HEALTH + HEALTH, larger(5000)):
        for turn in range(25):
            with connected(anonymous) as sock:
                sock.sendall(before)
                for _ in range(before.count(b"GET ")):
                    assert answer(sock)[0] == 200
                sock.sendall(HEALTH)
                later = time.perf_counter() + turn * 0.00002
                while time.perf_counter() < later:
                    pass
                sock.shutdown(socket.SHUT_WR)
                assert answer(sock)[0] == 200
                sock.settimeout(10)
                assert sock.recv(1) == b""


def test_who_has_not_waited_once_may_send_more_later(anonymous):
    """However the first of its requests came to be read: those that it waits for are answered."""
    for turn in range(40):
        with connected(anonymous) as sock:
            for _ in range(3):
                sock.sendall(HEALTH)
                sock.sendall(HEALTH)
                assert [answer(sock)[0] for _ in range(2)] == [200] * 2
            for _ in range(10):
                sock.sendall(larger(900 + 100 * turn))
                assert answer(sock)[0] == 200


def test_http_1_0_may_ask_to_be_kept_and_send_more_later(anonymous):
    old = HEALTH.replace(b"1.1", b"1.0")[:-2] + b"Connection: keep-alive\r\n"
    with connected(anonymous) as sock:
        for size in (10, 900, 5000, 10, 15000) * 5:
            sock.sendall(old + b"X-Long: " + b"x" * size + b"\r\n\r\n")
            assert answer(sock)[0] == 200


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def larger(size):
    """The same with a head of that size."""
    return HEALTH[:-2] + b"X-Long: " + b"x" * (size - len(HEALTH) - 10) + b"\r\n\r\n"


def listing(customer):
    """A request that asks the database."""
    token = f"Authorization: Bearer {customer.token}\r\n".encode()
    return b"GET /v1/circuits HTTP/1.1\r\nHost: x\r\n" + token + b"\r\n"


def connected(client):
    sock = socket.create_connection((client.host, client.port), timeout=20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def answer(sock):
    """The next answer, octet by octet as far as its head goes, so that nothing behind it is lost."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        octet = sock.recv(1)
        assert octet, f"closed after {head!r}"
        head += octet
    length = int(re.search(rb"\r\nContent-Length: (\d+)", head, re.I)[1])
    body = b""
    while len(body) < length:
        body += sock.recv(length - len(body))
    return int(head.split()[1]), body
