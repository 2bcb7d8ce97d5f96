# SPDX-License-Identifier: Apache-2.0
"""Pins the feed as Server-Sent Events: the same events as its pages in the same order, a stream
that is resumed where it broke off, a reader that does not read and hurts nobody, and what ends a
stream: a server that stops, a token that is no longer live."""

import json
import os
import socket
import threading
import time

import pytest

import contract
import wire
from client import Answer, Client
from feed_test import read, rest, types, until
from polling import eventually, patience
from process import Server
from tenant import Customer, Partner
from wait_test import Waiter, descriptors, path, soon, waiting

ACCEPT = "text/event-stream"


class Stream:
    """A stream that is being read; an event is (id, type, item), a comment (id, None, None)."""

    def __init__(self, client, target="/v1/events", accept=ACCEPT, over=None, **headers):
        address = client.host, client.port
        self.socket = over or socket.create_connection(address, timeout=30)
        fields = {"Host": "x", "Authorization": f"Bearer {client.token}", "Accept": accept}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.socket.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        self.octets = self.raw = b""
        self.ended = False
        while b"\r\n\r\n" not in self.octets:
            self._more()
        head, self.octets = self.octets.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        pairs = [line.split(": ", 1) for line in lines[1:]]
        self.headers = wire.Headers((name.lower(), value) for name, value in pairs)
        if self.headers.get("Content-Type") == ACCEPT:
            answer = Answer("GET", target, 200, self.headers, b"")
            contract.check(answer)
        self.text = b""
        self.last_id = None

    def _more(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            self.ended = True
            raise EOFError("the stream was cut off")
        self.octets += chunk
        self.raw += chunk

    def _chunk(self):
        """Take one chunk of the body into the text."""
        while b"\r\n" not in self.octets:
            self._more()
        size, left = self.octets.split(b"\r\n", 1)
        size = int(size, 16)
        while len(left) < size + 2:
            self._more()
            left = self.octets.split(b"\r\n", 1)[1]
        self.text += left[:size]
        self.octets = left[size + 2 :]
        if size == 0:
            self.ended = True

    def block(self):
        """The next block, or None at the end."""
        while b"\n\n" not in self.text:
            if self.ended:
                assert self.text == b""
                return None
            self._chunk()
        block, self.text = self.text.split(b"\n\n", 1)
        fields = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        item = json.loads(fields["data"]) if "data" in fields else None
        return fields.get("id"), fields.get("event"), item

    def events(self, count):
        """The next so many events, comments left out."""
        found = []
        while len(found) < count:
            block = self.block()
            assert block is not None, "the stream has ended"
            if block[2] is not None:
                found.append(block)
        return found

    def drained(self):
        """Everything up to the end."""
        blocks = []
        while (block := self.block()) is not None:
            blocks.append(block)
        return blocks

    def close(self):
        self.socket.close()


def test_a_stream_says_what_the_pages_say(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    customer.connect(circuit, customer.vnet()).must(201)
    items, _ = until(customer.client, None, 3)
    stream = Stream(customer.client)
    assert stream.status == 200
    assert stream.headers.get("Content-Type") == ACCEPT
    heard = stream.events(3)
    assert [item for _, _, item in heard] == items
    assert [event for _, event, _ in heard] == types(items)
    # The id of each is the cursor behind it.
    for number, (cursor, _, _) in enumerate(heard):
        assert rest(customer.client, cursor)[0] == items[number + 1 :]
    stream.close()


def test_what_happens_comes_at_once(customer, partner):
    circuit = customer.circuit(partner)
    partner.quote(circuit["serviceKey"]).must(200)
    until(customer.client, None, 2)
    streams = [Stream(customer.client), Stream(partner.client)]
    streams[0].events(2)
    streams[1].events(1)
    for number in range(5):
        began = time.monotonic()
        bandwidth = {"bandwidthMbps": (2000, 5000, 10000)[number]} if number < 3 else {}
        body = bandwidth or {"name": f"name {number}"}
        customer.client.patch(path(circuit), body).must(200)
        for stream in streams if bandwidth else streams[:1]:
            [(_, event, item)] = stream.events(1)
            assert event == "circuit.updated" and item["circuitId"] == circuit["id"]
        assert time.monotonic() - began < soon()
    for stream in streams:
        stream.close()


def test_a_stream_goes_on_where_it_broke_off(customer, partner):
    circuit = customer.circuit(partner)
    heard, last = [], None
    for number in range(6):
        headers = {"Last_Event_ID": last} if last else {}
        stream = Stream(customer.client, **headers)
        heard += stream.events(1)
        last = stream.last_id
        stream.close()
        customer.client.patch(path(circuit), {"name": f"name {number}"}).must(200)
    assert [item["sequence"] for _, _, item in heard] == list(range(1, 7))


def test_last_event_id_goes_before_after(customer, partner):
    for _ in range(3):
        customer.circuit(partner)
    items, _ = until(customer.client, None, 3)
    _, second = read(customer.client, limit=2)
    _, first = read(customer.client, limit=1)
    stream = Stream(customer.client, f"/v1/events?after={first}", Last_Event_ID=second)
    assert stream.events(1)[0][2] == items[2]
    stream.close()
    stream = Stream(customer.client, f"/v1/events?after={first}")
    assert [item for _, _, item in stream.events(2)] == items[1:]
    stream.close()


def test_types_choose(customer, partner):
    circuit = customer.circuit(partner)
    until(customer.client, None, 1)
    stream = Stream(customer.client, "/v1/events?types=circuit.deleted")
    customer.client.patch(path(circuit), {"name": "renamed"}).must(200)
    customer.client.delete(path(circuit)).must(204)
    assert stream.events(1)[0][1] == "circuit.deleted"
    stream.close()


def test_a_long_history_comes_page_by_page(customer, partner):
    circuit = customer.circuit(partner)
    for number in range(130):
        customer.client.patch(path(circuit), {"name": f"name {number}"}).must(200)
    stream = Stream(customer.client, "/v1/events?limit=7")
    heard = stream.events(131)
    assert [item["sequence"] for _, _, item in heard] == list(range(1, 132))
    stream.close()


@pytest.mark.parametrize(
    "accept, media",
    [
        ("text/event-stream", ACCEPT),
        ("text/event-stream, */*;q=0.5", ACCEPT),
        ("application/json;q=0.5, text/event-stream", ACCEPT),
        ("text/event-stream;q=0.5, application/json", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/*", None),
        ("text/event-stream;q=0", None),
        ("*/*", "application/json"),
    ],
)
def test_accept_chooses(customer, accept, media):
    stream = Stream(customer.client, accept=accept)
    if media is None:
        assert stream.status == 406
    else:
        assert stream.status == 200 and stream.headers.get("Content-Type") == media
    stream.close()


def test_other_paths_have_no_stream(customer):
    headers = {"Accept": ACCEPT}
    customer.client.get("/v1/circuits", headers).must(406, "not_acceptable")


def test_a_refusal_is_a_problem_and_no_stream(customer, anonymous):
    headers = {"Accept": ACCEPT, "Last-Event-ID": "x"}
    answer = customer.client.get("/v1/events", headers).must(400, "malformed_cursor")
    assert answer.pointers == ["last-event-id"]
    customer.client.get("/v1/events", {"Accept": ACCEPT}, types="x").must(422, "invalid_request")
    anonymous.get("/v1/events", {"Accept": ACCEPT}).must(401, "unauthenticated")


def test_head_has_no_events(customer):
    answer = customer.client.send("HEAD", "/v1/events", headers={"Accept": ACCEPT}, checked=False)
    assert answer.status == 200 and answer.media == ACCEPT
    customer.client.get("/v1/events").must(200)


@pytest.fixture
def lean_server():
    """A server whose memory can be measured: a sanitizer would keep what was freed."""
    running = Server(environment={"ASAN_OPTIONS": "quarantine_size_mb=1"})
    try:
        yield running.start()
    finally:
        running.remove()


def test_a_reader_that_does_not_read_hurts_nobody(lean_server):
    """It is given as much as its socket takes and one page; others go on, and hear everything."""
    operator = Client(lean_server.url, lean_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    circuit = customer.circuit(partner)
    asleep = [Stream(customer.client, "/v1/events?limit=200") for _ in range(20)]
    for stream in asleep:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    awake = Stream(customer.client)
    target = path(circuit)
    before = resident(lean_server)
    for number in range(3):
        lean_server.sql(
            "INSERT INTO onramp.circuit_events (circuit_id, sequence, type, from_status, "
            "to_status, actor_role, actor_name, reason) SELECT id, last_sequence + n, "
            "'circuit.updated', 'NotProvisioned', 'NotProvisioned', 'operator', 'x', "
            f"repeat('{number}', 900) FROM onramp.circuits, generate_series(1, 3000) n "
            f"WHERE id = '{circuit['id']}'"
        )
    heard = awake.events(9001)
    assert [item["sequence"] for _, _, item in heard] == list(range(1, 9002))
    customer.client.patch(target, {"name": "renamed"}).must(200)
    assert awake.events(1)[0][2]["sequence"] == 9002
    # Nine megabytes of events, twenty readers that take none of them.
    assert resident(lean_server) - before < 40 * 1024 * 1024
    for stream in asleep:
        stream.close()
    awake.close()


def resident(server):
    with open(f"/proc/{server.status()['pid']}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_sign_of_life_comes_and_moves_on(customer, operator, partner):
    stream = Stream(customer.client)
    assert stream.block() == (None, None, None)
    Customer(operator).circuit(partner)
    began = time.monotonic()
    cursor, event, item = stream.block()
    assert 10 < time.monotonic() - began < patience(25)
    assert cursor is not None and event is None and item is None
    # Past what the other customer heard.
    customer.circuit(partner)
    assert len(until(customer.client, cursor, 1)[0]) == 1
    stream.close()


def test_a_stream_ends_when_its_token_is_revoked(operator, partner):
    customer = Customer(operator)
    customer.circuit(partner)
    until(customer.client, None, 1)
    stream = Stream(customer.client)
    stream.events(1)
    operator.delete(f"/v1/tokens/{customer.token_id}").must(204)
    began = time.monotonic()
    stream.drained()
    assert time.monotonic() - began < patience(30)
    assert stream.ended
    stream.close()


def test_streams_end_when_the_server_stops(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    customer.circuit(partner)
    until(customer.client, None, 1)
    streams = [Stream(customer.client) for _ in range(10)]
    for stream in streams:
        stream.events(1)
    began = time.monotonic()
    own_server.terminate()
    for stream in streams:
        stream.drained()
    assert own_server.wait() == 0
    assert time.monotonic() - began < patience(10)


def test_a_stream_that_is_asked_for_while_the_server_stops_ends_with_its_page(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    circuit = customer.circuit(partner)
    until(customer.client, None, 1)
    waiter = Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=120)
    waiting(waiter)
    idle = socket.create_connection((customer.client.host, customer.client.port), timeout=30)
    began = time.monotonic()
    own_server.terminate()
    waiter.joined().must(200)  # it stops by now
    stream = Stream(customer.client, over=idle)
    stream.events(1)
    stream.drained()
    assert stream.ended
    assert own_server.wait() == 0
    assert time.monotonic() - began < patience(10)


def test_streams_whose_clients_have_gone_are_let_go(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer = Customer(operator)
    before = descriptors(own_server)
    streams = [Stream(customer.client) for _ in range(100)]
    assert descriptors(own_server) >= before + 100
    for stream in streams:
        stream.close()
    eventually("they are let go", lambda: descriptors(own_server), lambda left: left <= before + 10)


def test_a_stream_that_is_slow_to_begin_goes_on(own_server):
    """Its first page may take longer than it is until those who wait are looked over."""
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer = Customer(operator)
    locked = ("BEGIN; LOCK TABLE onramp.feed IN ACCESS EXCLUSIVE MODE;"
              " SELECT pg_sleep(1.2); COMMIT;")
    holder = threading.Thread(target=own_server.sql, args=(locked,))
    holder.start()
    held = ("SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
            " WHERE relname = 'feed' AND mode = 'AccessExclusiveLock' AND granted")
    eventually("the lock is held", lambda: own_server.sql(held).strip(), "1")
    stream = Stream(customer.client)
    holder.join()
    circuit = customer.circuit(Partner(operator))
    [(_, _, item)] = stream.events(1)
    assert item["circuitId"] == circuit["id"]
    stream.close()
