# SPDX-License-Identifier: Apache-2.0
"""Pins what malformed and ambiguous HTTP gets: exactly one reply or none and a closed connection,
never a second reply (that would be a smuggled request), never a hang, never a 500. Where the
request is ambiguous the connection is closed, so that what follows can't be read as another
request."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wire
from polling import patience

SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n"
LENGTH = str(len(SMUGGLED)).encode()
SOON = 5  # seconds in which a connection that is to be closed is closed, left idle it lives for 75
JSON = b"Content-Type: application/json\r\n"


def get(*lines, target=b"/healthz", host=b"Host: x\r\n", after=b""):
    return b"GET " + target + b" HTTP/1.1\r\n" + host + b"".join(lines) + b"\r\n" + after


def post(*lines, body=b"", host=b"Host: x\r\n", target=b"/v1/circuits"):
    return b"POST " + target + b" HTTP/1.1\r\n" + host + JSON + b"".join(lines) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST = b"0\r\n\r\n"
TOKEN = b"Authorization: Bearer onro_x\r\n"

# Ambiguous about where the body ends: refused, and the connection closed.
AMBIGUOUS = {
    "CL and TE": post(b"Content-Length: 5\r\n", CHUNKED, body=LAST + SMUGGLED),
    "TE and CL": post(CHUNKED, b"Content-Length: 5\r\n", body=LAST + SMUGGLED),
    "CL and TE on GET": get(b"Content-Length: 5\r\n", CHUNKED, after=LAST + SMUGGLED),
    "two CLs": post(
        b"Content-Length: 0\r\nContent-Length: " + LENGTH + b"\r\n", body=SMUGGLED
    ),
    "two CLs the other way": post(
        b"Content-Length: " + LENGTH + b"\r\nContent-Length: 0\r\n", body=SMUGGLED
    ),
    "two equal CLs": post(b"Content-Length: 2\r\nContent-Length: 2\r\n", body=b"{}" + SMUGGLED),
    "a list of CLs": post(b"Content-Length: 0, " + LENGTH + b"\r\n", body=SMUGGLED),
    "a list of equal CLs": post(b"Content-Length: 2, 2\r\n", body=b"{}" + SMUGGLED),
    "a space before the colon": post(b"Content-Length : 5\r\n", body=b"12345" + SMUGGLED),
    "a tab before the colon": post(b"Content-Length\t: 5\r\n", body=b"12345" + SMUGGLED),
    "TE with a space before the colon": post(
        b"Transfer-Encoding : chunked\r\n", b"Content-Length: 5\r\n", body=LAST + SMUGGLED
    ),
    "a signed CL": post(b"Content-Length: +5\r\n", body=b"12345" + SMUGGLED),
    "a negative CL": post(b"Content-Length: -5\r\n", body=SMUGGLED),
    "a hexadecimal CL": post(b"Content-Length: 0x5\r\n", body=b"12345" + SMUGGLED),
    "a CL with a fraction": post(b"Content-Length: 5.0\r\n", body=b"12345" + SMUGGLED),
    "a CL in words": post(b"Content-Length: five\r\n", body=b"12345" + SMUGGLED),
    "an empty CL": post(b"Content-Length: \r\n", body=SMUGGLED),
    "a CL with a space in it": post(b"Content-Length: 1 0\r\n", body=b"1234567890" + SMUGGLED),
    "a CL beyond 64 bits": post(b"Content-Length: 18446744073709551621\r\n", body=b"12345"),
    "TE twice": post(CHUNKED, CHUNKED, body=LAST + SMUGGLED),
    "TE chunked and identity": post(
        CHUNKED, b"Transfer-Encoding: identity\r\n", body=LAST + SMUGGLED
    ),
    "TE chunked, chunked": post(b"Transfer-Encoding: chunked, chunked\r\n", body=LAST + SMUGGLED),
    "TE gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", body=LAST + SMUGGLED),
    "TE identity": post(b"Transfer-Encoding: identity\r\n", body=SMUGGLED),
    "TE gzip": post(b"Transfer-Encoding: gzip\r\n", body=SMUGGLED),
    "TE xchunked": post(b"Transfer-Encoding: xchunked\r\n", body=LAST + SMUGGLED),
    "TE with a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", body=LAST + SMUGGLED),
    "TE quoted": post(b'Transfer-Encoding: "chunked"\r\n', body=LAST + SMUGGLED),
    "TE with a parameter": post(b"Transfer-Encoding: chunked;x=y\r\n", body=LAST + SMUGGLED),
    "an empty TE": post(b"Transfer-Encoding: \r\n", body=LAST + SMUGGLED),
    "TE with HTTP/1.0": b"POST /v1/circuits HTTP/1.0\r\nHost: x\r\n" + CHUNKED + b"\r\n" + LAST
    + SMUGGLED,
    "a chunk size that is none": post(CHUNKED, body=b"zz\r\n{}\r\n" + LAST + SMUGGLED),
    "a chunk size with a sign": post(CHUNKED, body=b"+2\r\n{}\r\n" + LAST + SMUGGLED),
    "a chunk size with 0x": post(CHUNKED, body=b"0x2\r\n{}\r\n" + LAST + SMUGGLED),
    "a negative chunk size": post(CHUNKED, body=b"-2\r\n{}\r\n" + LAST + SMUGGLED),
    "a chunk size beyond 64 bits": post(CHUNKED, body=b"fffffffffffffffff\r\n{}\r\n" + SMUGGLED),
    "a chunk longer than its size": post(CHUNKED, body=b"1\r\n{}\r\n" + LAST + SMUGGLED),
    "two Hosts": get(host=b"Host: a\r\nHost: b\r\n", after=SMUGGLED),
    "two equal Hosts": get(host=b"Host: a\r\nHost: a\r\n", after=SMUGGLED),
    "no Host": get(host=b"", after=SMUGGLED),
    "no Host on POST": post(b"Content-Length: 2\r\n", body=b"{}" + SMUGGLED, host=b""),
    "a header name with a space": get(b"X Y: z\r\n", after=SMUGGLED),
    "a header name in brackets": get(b"X[Y]: z\r\n", after=SMUGGLED),
    "a header name with a control character": get(b"X\x01Y: z\r\n", after=SMUGGLED),
    "a header name beyond ASCII": get("Ü: z\r\n".encode(), after=SMUGGLED),
    "a header without a colon": get(b"Content-Length 5\r\n", after=SMUGGLED),
    "a header without a name": get(b": x\r\n", after=SMUGGLED),
    "a NUL in a header": get(b"X: a\x00b\r\n", after=SMUGGLED),
    "a NUL in a header name": get(b"X\x00Y: b\r\n", after=SMUGGLED),
    "a bare CR in a header": get(b"X: a\rb\r\n", after=SMUGGLED),
}

# Malformed or merely odd, where one right reply may leave the connection open.
ODD = {
    "a folded CL": (
        post(b"Content-Length:\r\n 2\r\n", TOKEN, body=b"{}"),
        {400, 401, 411},
    ),
    "a folded TE": (
        post(b"Transfer-Encoding:\r\n chunked\r\n", TOKEN, body=LAST),
        {400, 401, 411, 501},
    ),
    "TE hidden behind a fold": (
        post(
            b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", TOKEN, body=LAST
        ),
        {400, 401},
    ),
    "a folded header": (get(b"X: y\r\n z\r\n"), {200, 400}),
    "a fold in the first header": (b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", {200, 400}),
    "a space in the target": (b"GET /healthz x HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 505}),
    "two spaces": (b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400}),
    "no version": (b"GET /healthz\r\nHost: x\r\n\r\n", {400, 505}),
    "version 0.9": (b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n", {400, 505}),
    "version 1.2": (b"GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n", {200, 400, 505}),
    "version 2.0": (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", {400, 505}),
    "version 11": (b"GET /healthz HTTP/11\r\nHost: x\r\n\r\n", {400, 505}),
    "version in small letters": (b"GET /healthz http/1.1\r\nHost: x\r\n\r\n", {400, 505}),
    "HTTP/2 preface": (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        {400, 404, 405, 501, 505},
    ),
    "a TLS hello": (
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 160 + b"\r\n\r\n",
        {400, 404, 405, 501, 505},
    ),
    "absolute form": (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400, 404}),
    "absolute form of another host": (
        b"GET http://evil/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400, 404}),
    "authority form": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405, 501}),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {200, 204, 400, 404, 405, 501}),
    "no slash": (b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
    "%00": (get(target=b"/healthz%00"), {400, 404}),
    "%00 and more": (get(target=b"/healthz%00/x"), {400, 404}),
    "%2f": (get(target=b"/v1%2fcircuits"), {400, 404}),
    "%2e%2e": (get(target=b"/v1/%2e%2e/healthz"), {400, 404}),
    "a percent sign alone": (get(target=b"/healthz%"), {400, 404}),
    "%zz": (get(target=b"/healthz%zz"), {400, 404}),
    "a fragment": (get(target=b"/healthz#x"), {400, 404}),
    "a backslash": (get(target=b"\\healthz"), {400, 404}),
    "an octet beyond ASCII": (get(target=b"/health\xff"), {400, 404}),
    "a NUL in the target": (get(target=b"/health\x00z"), {400, 404}),
    "a tab in the target": (get(target=b"/health\tz"), {400, 404, 505}),
    "an encoded letter": (get(target=b"/health%7a"), {200, 400, 404}),
    "an empty query": (get(target=b"/healthz?"), {200, 400}),
    "a query with %00": (
        get(TOKEN, target=b"/v1/circuits?limit=%00"), {400, 401, 422}),
    "an unknown method": (b"FROB /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501}),
    "a method in small letters": (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501}),
    "a method of 5,000 letters": (
        b"A" * 5000 + b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        {400, 405, 414, 431, 501},
    ),
    "TRACE": (b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501}),
    "an oversize target": (get(target=b"/healthz?" + b"a" * 70000), {414, 431}),
    "an oversize header": (get(b"X: " + b"a" * 70000 + b"\r\n"), {431}),
    "an oversize header name": (get(b"X" * 70000 + b": a\r\n"), {431}),
    "5,000 headers": (get(b"".join(b"X-%d: y\r\n" % n for n in range(5000))), {431}),
    "an oversize Host": (get(host=b"Host: " + b"a" * 70000 + b"\r\n"), {400, 431}),
    "an empty Host": (get(host=b"Host: \r\n"), {200, 400}),
    "a Host with a slash": (get(host=b"Host: a/b\r\n"), {200, 400}),
    "a Host with a space": (get(host=b"Host: a b\r\n"), {200, 400}),
    "an unknown expectation": (
        post(b"Expect: the-spanish\r\n", b"Content-Length: 2\r\n", TOKEN, body=b"{}"),
        {401, 400, 417},
    ),
    "bare LF": (b"GET /healthz HTTP/1.1\nHost: x\n\n", {200, 400}),
    "bare LF and a smuggled header": (
        b"POST /v1/circuits HTTP/1.1\r\nHost: x\nContent-Length: 0\r\n\r\n", {200, 400, 401, 411}),
    "empty lines first": (b"\r\n\r\n" + get(), {200, 400}),
    "octets without sense": (bytes(range(256)) + b"\r\n\r\n", {400, 404, 405, 501, 505}),
    "only line breaks": (b"\r\n" * 1000 + get(), {200, 400, 431}),
    "a body on GET": (get(b"Content-Length: 2\r\n", after=b"{}"), {200, 400, 413}),
    "a chunked body on GET": (get(CHUNKED, after=LAST), {200, 400, 411, 413}),
    "Upgrade to h2c": (
        get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
        {200, 400}),
    "Upgrade to websocket": (
        get(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n"),
        {200, 400},
    ),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", {200, 400}),
    "HTTP/1.0 with a Host": (b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n", {200}),
    "a X-HTTP-Method-Override": (get(b"X-HTTP-Method-Override: DELETE\r\n"), {200}),
    "two Content-Types": (
        post(b"Content-Type: text/xml\r\n", b"Content-Length: 2\r\n", TOKEN, body=b"{}"),
        {400, 401, 415},
    ),
    "a POST without a length": (post(TOKEN), {401, 411}),
    "two Authorizations": (
        get(TOKEN, b"Authorization: Bearer y\r\n", target=b"/v1/circuits"),
        {400, 401},
    ),
    "chunked with an extension": (
        post(CHUNKED, TOKEN, body=b"2;a=b\r\n{}\r\n" + LAST),
        {400, 401, 411},
    ),
    "chunked with a trailer": (
        post(CHUNKED, TOKEN, body=b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"),
        {400, 401, 411},
    ),
    "a chunked body": (post(CHUNKED, TOKEN, body=b"2\r\n{}\r\n" + LAST), {400, 401, 411}),
    "a CL with leading zeros": (post(b"Content-Length: 002\r\n", TOKEN, body=b"{}"), {400, 401}),
    "a huge CL": (post(b"Content-Length: 9999999999\r\n", TOKEN, body=b"{}"), {401, 413}),
}


@pytest.fixture(scope="module")
def address(anonymous):
    return anonymous.host, anonymous.port


def test_there_are_more_than_60_requests():
    assert len(AMBIGUOUS) + len(ODD) >= 110


@pytest.mark.parametrize("octets", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_request_gets_one_refusal_and_is_cut_off(address, octets):
    said = wire.talk(address, octets, wait=8, quiet=SOON)
    assert said.closed, said
    assert len(said.replies) <= 1, said
    for status, headers, _ in said.replies:
        assert status in (400, 411, 413, 501), said
        assert headers["content-type"] == "application/problem+json", said
        assert headers["connection"].lower() == "close", said


@pytest.mark.parametrize("octets,expected", ODD.values(), ids=ODD.keys())
def test_an_odd_request_gets_one_reply_or_none(address, octets, expected):
    said = wire.talk(address, octets)
    assert len(said.replies) <= 1, said
    assert said.replies or said.closed, f"no reply and no close: {said}"
    for status, headers, _ in said.replies:
        assert status in expected, said
        if status >= 400:
            assert headers["content-type"] == "application/problem+json", said


@pytest.mark.parametrize("name", ["an oversize header", "5,000 headers", "an oversize target"])
def test_an_oversize_head_is_told_so(address, name):
    octets, expected = ODD[name]
    said = wire.talk(address, octets)
    assert len(said.replies) == 1 and said.statuses[0] in expected, said


@pytest.mark.parametrize(
    "piece",
    [get() * 3, post(b"Content-Length: 2\r\n", TOKEN, body=b"{}") * 3],
    ids=["GET", "POST"],
)
def test_pipelined_requests_are_answered_one_by_one(address, piece):
    """The counter-test: the reader of replies does see several, when several are due."""
    said = wire.talk(address, piece, wait=20, quiet=2)
    assert len(said.replies) == 3 and len(set(said.statuses)) == 1, said


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_comes_octet_by_octet_is_judged_the_same(address, name):
    octets = AMBIGUOUS[name]
    pieces = [octets[i : i + 1] for i in range(len(octets))]
    said = wire.talk(address, *pieces, pause=0.001, wait=8, quiet=SOON)
    assert said.closed and len(said.replies) <= 1, said
    assert not said.replies or said.statuses[0] in (400, 411, 413, 501), said


def test_a_request_with_a_few_octets_changed_breaks_nothing(address):
    """Whatever comes of it: replies that can be read, no 500, and one reply for one head."""
    good = [
        get(b"Connection: close\r\n"),
        get(TOKEN, b"Connection: close\r\n", target=b"/v1/circuits?limit=5&partner=equinix"),
        post(b"Content-Length: 2\r\n", TOKEN, b"Connection: close\r\n", body=b"{}"),
        post(CHUNKED, TOKEN, b"Connection: close\r\n", body=b"2\r\n{}\r\n" + LAST),
    ]
    change = st.tuples(
        st.integers(0, 200),
        st.integers(0, 3),
        st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\x00", b"%", b"\xff"])
        | st.binary(min_size=1, max_size=3),
    )

    @settings(max_examples=250)
    @given(octets=st.sampled_from(good), changes=st.lists(change, min_size=1, max_size=3))
    def run(octets, changes):
        for at, cut, instead in changes:
            octets = octets[:at] + instead + octets[at + cut :]
        said = wire.talk(address, octets, wait=1.0, quiet=0.02, finish=True)
        for status in said.statuses:
            assert status < 500 or status in (501, 505), (octets, said)
        assert len(said.replies) <= 1 + octets.count(b"\n\r\n") + octets.count(b"\n\n"), said

    run()


def test_readers_that_do_not_read_hold_up_nobody(address, operator):
    request = b"GET /v1/partners?limit=200 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
    request %= operator.token.encode()
    deaf = []
    try:
        for _ in range(30):
            sock = socket.create_connection(address, timeout=5)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            try:
                sock.send(request * 200)
            except BlockingIOError:
                pass
            deaf.append(sock)
        for _ in range(20):
            started = time.monotonic()
            operator.get("/v1/circuits", limit=1).must(200)
            assert time.monotonic() - started < patience(2)
    finally:
        for sock in deaf:
            sock.close()


def test_expect_100_continue_gets_its_continue(server, address, customer):
    body = b'{"name": "x", "addressSpace": ["10.9.0.0/16"]}'
    head = (
        b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + JSON
        + b"Authorization: Bearer " + customer.token.encode()
        + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(head)
        told = b""
        while b"\r\n\r\n" not in told:  # nothing else would be sent as long as there is no body
            octets = sock.recv(4096)
            assert octets, told
            told += octets
        assert told.startswith(b"HTTP/1.1 100 ") and told.endswith(b"\r\n\r\n"), told
        sock.sendall(body)
        reply = b""
        while not wire.complete(reply):
            octets = sock.recv(65536)
            assert octets, reply
            reply += octets
    assert [status for status, _, _ in wire.replies(reply)] == [201], reply


def test_a_head_that_never_ends_is_cut_off_in_10_seconds(address):
    """However slowly octets keep coming: a time-out of inactivity would never end this."""
    heads = [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", get()[:-2]]
    with ThreadPoolExecutor(len(heads)) as pool:
        taken = list(pool.map(lambda head: dripped(address, head), heads))
    for head, seconds in zip(heads, taken):
        assert seconds is not None and 8 < seconds < patience(13), (head, seconds)


def dripped(address, head):
    """The head at once, then an octet every half second."""
    started = time.monotonic()
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(head)
        sock.settimeout(0.5)
        while time.monotonic() - started < 60:
            try:
                if sock.recv(4096) == b"":
                    return time.monotonic() - started
            except socket.timeout:
                pass
            except ConnectionResetError:
                return time.monotonic() - started
            try:
                if head:
                    sock.sendall(b"a")
            except (BrokenPipeError, ConnectionResetError):
                return time.monotonic() - started
    return None


def test_others_are_served_while_slow_ones_hang_on(address, operator):
    slow = [socket.create_connection(address, timeout=5) for _ in range(200)]
    try:
        for sock in slow:
            sock.sendall(b"POST /v1/circuits HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        for _ in range(20):
            started = time.monotonic()
            operator.get("/v1/circuits", limit=1).must(200)
            assert time.monotonic() - started < patience(2)
    finally:
        for sock in slow:
            sock.close()
