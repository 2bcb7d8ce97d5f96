# SPDX-License-Identifier: Apache-2.0
"""Pins who may hold how many connections: the one that is idle longest makes room when all are taken,
an address has a share, and a trusted proxy has none."""

import contextlib
import re
import resource
import socket
import time

import pytest

import wire
from client import Client
from fixtures import lifetime
from polling import eventually, patience
from process import Server, sanitized
from tenant import Customer, Partner
from wait_test import Waiter, path, waiting

HELD = 10400  # more than the 10,000 that a server keeps
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SHARE = 5


@pytest.fixture
def descriptors_for_all():
    """As many open files as connections are held."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HELD + 1000
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        except (ValueError, PermissionError):
            pytest.skip(f"this process may open {hard} files, and the crowd needs {wanted}")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, before[1])))


def connected(server, source=None):
    sock = socket.create_connection((server.host, server.port), 20, source and (source, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def asked(sock):
    """The answer to a look at the health on this connection, or None when it was closed."""
    sock.settimeout(20)
    try:
        sock.sendall(HEALTH)
        octets = b""
        while not wire.complete(octets):
            more = sock.recv(4096)
            if not more:
                return None
            octets += more
    except (ConnectionResetError, BrokenPipeError):
        return None
    return wire.replies(octets)[0]


def test_a_new_client_is_answered_while_10400_idle_ones_are_held(descriptors_for_all):
    with contextlib.ExitStack() as stack:
        server = Server("--connections-per-address", "0", "--loops", "1")
        stack.callback(server.remove)
        server.start()
        operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
        circuit = Customer(operator).circuit(Partner(operator))
        waiter = Waiter(operator, path(circuit), waitFor="Provisioned", timeout=120)
        waiting(waiter)
        held = []
        for number in range(HELD):
            sock = stack.enter_context(connected(server))
            held.append(sock)
            if number % 100 == 0:
                assert asked(sock)[0] == 200
        for _ in range(10):
            began = time.monotonic()
            with connected(server) as sock:
                assert asked(sock)[0] == 200
            assert time.monotonic() - began < patience(1)
        assert asked(held[0]) is None  # the first to stand idle made room
        assert asked(held[-1])[0] == 200
        waiting(waiter, 0)  # it has a request under way, and is not idle
        said = [line for line in server.log_text().splitlines() if "make room" in line]
        assert len(said) == 1, said  # and is said once a minute


def test_the_loops_share_one_limit(descriptors_for_all):
    """The kernel wakes nearly always the same loop: it must not take its part for the whole."""
    with contextlib.ExitStack() as stack:
        server = Server("--connections-per-address", "0", "--loops", "4")
        stack.callback(server.remove)
        server.start()
        held = []
        for _ in range(3600):  # more than a fourth of 10,000
            held.append(stack.enter_context(connected(server)))
            assert asked(held[-1])[0] == 200
        assert all(asked(sock) for sock in held)
        assert "connections are taken" not in server.log_text()


def test_bodies_that_do_not_come_make_room(descriptors_for_all):
    """Of who sends no more of its request the one that does so longest goes first."""
    half = (b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 60000\r\n\r\n{")
    with contextlib.ExitStack() as stack:
        server = Server("--connections-per-address", "0", "--loops", "1")
        stack.callback(server.remove)
        server.start()
        for _ in range(HELD):
            stack.enter_context(connected(server)).sendall(half)
        for _ in range(5):
            began = time.monotonic()
            with connected(server) as sock:
                assert asked(sock)[0] == 200
            assert time.monotonic() - began < patience(2)


@pytest.fixture(scope="module")
def sharing():
    yield from lifetime(Server("--connections-per-address", str(SHARE), "--trusted-proxy",
                               "127.200.0.0/16", "--log-level", "debug", "--loops", "2"))


def test_an_address_may_hold_its_share_and_no_more(sharing):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(sharing, "127.1.1.1")) for _ in range(SHARE)]
        assert all(asked(sock)[0] == 200 for sock in held)
        with connected(sharing, "127.1.1.1") as sock:
            sock.settimeout(20)
            octets = b""
            while chunk := sock.recv(4096):  # and it is closed
                octets += chunk
            [(status, headers, body)] = wire.replies(octets)
            assert status == 503 and headers["retry-after"] and b'"code":"overloaded"' in body
        with connected(sharing, "127.1.1.2") as sock:
            assert asked(sock)[0] == 200  # others have their own
        held.pop().close()

        def admitted():
            with connected(sharing, "127.1.1.1") as sock:
                answer = asked(sock)
                return answer and answer[0]

        eventually("one more is admitted", admitted, 200)


def test_a_trusted_proxy_may_hold_more_than_a_share(sharing):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(sharing, "127.200.1.1")) for _ in range(3 * SHARE)]
        assert all(asked(sock)[0] == 200 for sock in held)


def resident(server):
    """Memory of the server, in octets."""
    with open(f"/proc/{server.status()['pid']}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what is freed")
def test_what_a_crowd_of_bodies_took_is_given_back(descriptors_for_all):
    body = b'{"name": "x", "unknown": "' + b"y" * 60000 + b'"}'
    head = (b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n")
    with contextlib.ExitStack() as stack:
        server = Server("--connections-per-address", "0", "--loops", "1")
        stack.callback(server.remove)
        server.start()
        octets = head % (server.credentials["ONRAMP_CUSTOMER_TOKEN"].encode(), len(body)) + body
        with connected(server) as sock:
            assert asked(sock)[0] == 200
        before = resident(server)
        crowd = [stack.enter_context(connected(server)) for _ in range(2000)]
        for sock in crowd:
            sock.sendall(octets[:-1])
        eventually("the bodies are there", lambda: resident(server),
                   lambda now: now > before + 2000 * 60000)
        for start in range(0, len(crowd), 200):  # fewer than the database's queue takes
            group = crowd[start:start + 200]
            for sock in group:
                sock.sendall(octets[-1:])
            for sock in group:
                sock.settimeout(60)
                assert sock.recv(100000).startswith(b"HTTP/1.1 422 ")
        # The connections are still there, and what is kept for the next requests.
        eventually("what they took is given back", lambda: resident(server),
                   lambda now: now < before + 40 * 1024 * 1024)
