# SPDX-License-Identifier: Apache-2.0
"""Pins whom a request comes from: the address of the connection, unless that is a trusted proxy's,
which may name the client by the PROXY protocol or by X-Forwarded-For. The log tells."""

import re
import socket
import struct

import pytest

import wire
from fixtures import lifetime
from polling import eventually
from process import Server

PROXY, STRANGER = "127.200.1.1", "127.1.1.1"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def behind():
    """A server that trusts a network of proxies."""
    yield from lifetime(Server("--trusted-proxy", "127.200.0.0/16", "--trusted-proxy",
                               "2001:db8::/32", "--log-level", "debug"))


def request(name, *fields):
    lines = [f"X-Request-Id: {name}", *fields, "Connection: close"]
    return ("GET /healthz HTTP/1.1\r\nHost: x\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


def told(server, source, octets):
    """All that comes back to what is sent from that address."""
    with socket.create_connection((server.host, server.port), 20, (source, 0)) as sock:
        sock.settimeout(20)
        sock.sendall(octets)
        back = b""
        while chunk := sock.recv(4096):
            back += chunk
    return wire.replies(back)


def seen(server, name):
    """The address that the log names for a request."""
    line = re.compile(rf"\(request {name} from ([0-9a-f.:]+)\)")
    text = eventually(f"the line of request {name}", server.log_text, line.search)
    return line.search(text)[1]


def four(client):
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1")
    return SIGNATURE + b"\x21\x11" + struct.pack("!H", 12) + addresses + struct.pack("!HH", 1, 2)


def six(client):
    addresses = socket.inet_pton(socket.AF_INET6, client) + bytes(16)
    more = b"\x04\0\x03abc"  # an addition, which is passed over
    return (SIGNATURE + b"\x21\x21" + struct.pack("!H", 36 + len(more)) + addresses
            + struct.pack("!HH", 1, 2) + more)


LOCAL = SIGNATURE + b"\x20\0\0\0"

NAMED = {
    "nobody": (b"", [], PROXY),
    "one": (b"", ["192.0.2.1"], "192.0.2.1"),
    "the last of several": (b"", ["6.6.6.6, 192.0.2.2"], "192.0.2.2"),
    "in several fields": (b"", ["6.6.6.6", "192.0.2.3"], "192.0.2.3"),
    "before other proxies": (b"", ["6.6.6.6, 192.0.2.4 ,127.200.9.9, 2001:db8::7"], "192.0.2.4"),
    "with a port": (b"", ["192.0.2.5:4711"], "192.0.2.5"),
    "in brackets with a port": (b"", ["[2001:d00::5]:4711"], "2001:d00::5"),
    "nonsense": (b"", ["6.6.6.6, unknown"], PROXY),
    "nonsense before another proxy": (b"", ["unknown, 127.200.9.9"], "127.200.9.9"),
    "by the PROXY protocol": (four("198.51.100.1"), [], "198.51.100.1"),
    "by it for IPv6": (six("2001:d00::1"), [], "2001:d00::1"),
    "by both": (four("198.51.100.2"), ["6.6.6.6"], "198.51.100.2"),
    "by it for itself": (LOCAL, [], PROXY),
}


@pytest.mark.parametrize("preface,fields,client", NAMED.values(), ids=NAMED.keys())
def test_a_trusted_proxy_names_the_client(behind, request_name, preface, fields, client):
    octets = request(request_name, *(f"X-Forwarded-For: {field}" for field in fields))
    [(status, _, _)] = told(behind, PROXY, preface + octets)
    assert status == 200 and seen(behind, request_name) == client


@pytest.fixture
def request_name(request):
    return "named-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


def test_a_stranger_names_nobody(behind):
    [(status, _, _)] = told(behind, STRANGER, request("stranger", "X-Forwarded-For: 192.0.2.1"))
    assert status == 200 and seen(behind, "stranger") == STRANGER
    [(status, _, _)] = told(behind, STRANGER, four("198.51.100.1") + request("never"))
    assert status == 400


@pytest.mark.parametrize("header", [SIGNATURE + b"\x11\x11\0\x0c" + bytes(12),  # another version
                                    SIGNATURE + b"\x21\x11\0\x04" + bytes(4),  # too short
                                    SIGNATURE + b"\x22\x11\0\x0c" + bytes(12)])  # no such command
def test_a_malformed_proxy_header_is_refused(behind, header):
    [(status, _, body)] = told(behind, PROXY, header + request("never"))
    assert status == 400 and b"PROXY" in body


def test_each_request_of_a_proxy_has_its_client(behind):
    """A proxy sends those of several clients on one connection."""
    octets = b"".join(request(f"shared-{n}", f"X-Forwarded-For: 192.0.2.{n}").replace(
        b"Connection: close\r\n", b"" if n < 9 else b"Connection: close\r\n") for n in range(1, 10))
    assert [status for status, _, _ in told(behind, PROXY, octets)] == [200] * 9
    assert [seen(behind, f"shared-{n}") for n in range(1, 10)] == [f"192.0.2.{n}"
                                                                     for n in range(1, 10)]
