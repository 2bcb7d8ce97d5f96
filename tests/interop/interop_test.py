# SPDX-License-Identifier: Apache-2.0
"""Two libraries of Standard Webhooks, each with an implementation of its own, and the real server:
what they sign is taken by it, what it signs is taken by them, also while secrets are rotated, and
with one bit changed nothing is taken by anybody.
"""

import base64
import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import Client
from polling import eventually
from process import Server
from tenant import Customer, Partner

LIBRARIES = ("standardwebhooks", "svix")
MESSAGES = 10_000  # in each direction, half before and half after the rotations
FLIPPED = 10_000
CUSTOMERS, CIRCUITS = 10, 4  # four each: as many as are on their way to one endpoint
SENDERS = 4
chance = random.Random(20261126)


class Wire:
    """Raw octets on one kept-alive connection: http.client would not send what was flipped."""

    def __init__(self, server):
        self.address = (server.host, server.port)
        self.socket, self.opened = None, 0

    def open(self):
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.opened += 1

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def post(self, path, headers, body):
        """The status; headers are octets."""
        lines = [b"POST " + path.encode() + b" HTTP/1.1", b"Host: onramp",
                 b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
        lines += [name.encode() + b": " + value for name, value in headers.items()]
        self.open()
        self.socket.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self.socket.recv(65536)
            if not piece:
                break
            answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = head.lower()
        length = int(fields.split(b"content-length:")[1].split(b"\r\n")[0]) if rest or head else 0
        while len(rest) < length:
            rest += self.socket.recv(65536)
        if b"connection: close" in fields or not head:
            self.close()
        return int(head.split()[1]) if head else 0


def note():
    """Text of every kind of character: a visible one, and 1 to 400 others."""
    kinds = ["abc xyz 0189", "\u00e9\u00fc\u0153\u0141\u017c", "\u4e2d\u6587\u0435\u0436\u05d0",
             "\U0001f6f0\U0001f50c", "\"\\/", "<&>'%+"]
    return "n" + "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 400)))


def spelled(value):
    """One of the ways in which JSON may be written."""
    return json.dumps(value, ensure_ascii=chance.random() < 0.5,
                      indent=chance.choice([None, None, 2]),
                      separators=chance.choice([None, (",", ":")])).encode()


def flipped(octets):
    changed = bytearray(octets)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


class World:
    """A server, a partner that calls back about forty circuits, and the customers' endpoints."""

    def __init__(self, libraries, receiver):
        self.libraries, self.receiver = libraries, receiver
        self.server = Server("--webhook-allow-cidr", "127.0.0.0/8")
        self.server.start()
        self.operator = Client(self.server.url, self.server.credentials["ONRAMP_OPERATOR_TOKEN"])
        self.partner = Partner(self.operator)
        self.customers = [Customer(self.operator) for _ in range(CUSTOMERS)]
        self.keys, self.hooks = [], {}
        for number, customer in enumerate(self.customers):
            self.keys += [customer.circuit(self.partner)["serviceKey"] for _ in range(CIRCUITS)]
            path = f"/hook/{number}"
            made = customer.client.post("/v1/webhooks", {
                "url": f"http://127.0.0.1:{receiver.port}{path}",
                "eventTypes": ["circuit.progress"]}).must(201).json
            self.hooks[path] = (customer, made["id"], [made["secret"]])
            receiver.tell({"path": path, "secrets": [made["secret"]]})
        self.statuses = {}

    def message(self, number):
        circuit = number % len(self.keys)
        data = {"serviceKey": self.keys[circuit], "note": note()}
        if number % 500 == 0:
            data["ofNoConcern"] = "x" * 40_000
        body = spelled({"type": "circuit.progress", "timestamp": self.partner.now(), "data": data})
        return {"circuit": circuit,
                "id": f"msg_{number:06d}_{chance.randrange(1 << 40):x}",
                "timestamp": str(int(time.time()) + chance.randint(-200, 200)),
                "body": base64.b64encode(body).decode()}

    def signed(self, library, secrets, numbers):
        """Messages with the signatures of a library, one a secret, in one header."""
        messages = [self.message(number) for number in numbers]
        made = [self.libraries.ask({"library": library, "secret": secret, "sign": messages})
                for secret in secrets]
        for message, *signatures in zip(messages, *made):
            message["signature"] = " ".join(signatures)
        return messages

    def send(self, messages):
        """All of them, over a few connections, those of one circuit in their order."""
        wires = [Wire(self.server) for _ in range(SENDERS)]
        shares = [[m for m in messages if m["circuit"] * SENDERS // len(self.keys) == number]
                  for number in range(SENDERS)]

        def run(number):
            return [wires[number].post(self.partner.path, {
                "webhook-id": m["id"].encode(), "webhook-timestamp": m["timestamp"].encode(),
                "webhook-signature": m["signature"].encode()}, base64.b64decode(m["body"]))
                    for m in shares[number]]

        with ThreadPoolExecutor(SENDERS) as pool:
            for statuses in pool.map(run, range(SENDERS)):
                for status in statuses:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
        assert all(wire.opened <= 1 for wire in wires), "a connection was not kept alive"
        for wire in wires:
            wire.close()

    def delivered(self, count):
        """What the receiver has counted when that many have come, or no more are coming."""
        counts = {"messages": -1}
        while counts["messages"] < count:
            before = counts
            counts = eventually(f"one more of {count} deliveries", lambda: self.receiver.ask(None),
                                lambda now: now != before)
        return counts

    def rotate_callback_secret(self, keep):
        path = f"/v1/partners/{self.partner.slug}/callback-secrets"
        made = self.partner.client.post(path, {"keepOldSeconds": keep}).must(201)
        return made.json["callbackSecret"]

    def rotate_webhook_secrets(self):
        for path, (customer, hook, secrets) in self.hooks.items():
            made = customer.client.send("POST", f"/v1/webhooks/{hook}/secret", b"").must(201)
            secrets.append(made.json["secret"])
            self.receiver.tell({"path": path, "secrets": secrets})


@pytest.fixture(scope="module")
def world(libraries, receiver):
    made = World(libraries, receiver)
    try:
        half = MESSAGES // 2
        old = made.partner.secret
        for at, library in enumerate(LIBRARIES):
            made.send(made.signed(library, [old], range(at, half, 2)))
        made.before = made.delivered(half)
        assert "sealed anew" in made.server.rotate_keys()
        new = made.rotate_callback_secret(3600)
        made.rotate_webhook_secrets()
        # While both live: signed with either, and with both in either order.
        styles = [[new], [old], [old, new], [new, old]]
        for at, (library, secrets) in enumerate(
                (library, secrets) for library in LIBRARIES for secrets in styles):
            made.send(made.signed(library, secrets, range(half + at, MESSAGES, 8)))
        made.after = made.delivered(MESSAGES)
        made.old, made.partner.secret = old, new
        yield made
    finally:
        made.server.remove()


def test_what_the_libraries_sign_is_taken(world):
    assert world.statuses == {200: MESSAGES}
    events = sum(len([e for e in customer.events({"id": circuit["id"]})
                      if e["type"] == "circuit.progress"])
                 for customer in world.customers
                 for circuit in customer.client.pages("/v1/circuits"))
    assert events == MESSAGES


def test_what_is_delivered_is_taken_by_the_libraries(world):
    counts = world.after
    assert counts["failed"] == 0, counts["failures"]
    assert counts["messages"] == MESSAGES
    half = MESSAGES // 2
    assert world.before["several"] == 0 and world.before["verified"] == half * len(LIBRARIES)
    # After the rotation each has two signatures, and whoever knows one of the secrets takes it.
    assert counts["several"] == half
    assert counts["verified"] == (half + 2 * half) * len(LIBRARIES)


def test_nothing_that_was_flipped_on_its_way_to_them_is_taken_by_the_libraries(world):
    counts = world.after
    assert counts["flipped"] == MESSAGES >= FLIPPED
    assert counts["flippedAccepted"] == 0, counts["failures"]


def test_nothing_that_was_flipped_on_its_way_to_us_is_taken(world):
    statuses, lock = {}, threading.Lock()
    messages = [message for at, library in enumerate(LIBRARIES)
                for message in world.signed(library, [world.partner.secret],
                                            range(MESSAGES + at, MESSAGES + FLIPPED, 2))]
    parts = ("webhook-id", "webhook-timestamp", "webhook-signature", "body")

    def change(number, message):
        whole = {"webhook-id": message["id"].encode(),
                 "webhook-timestamp": message["timestamp"].encode(),
                 "webhook-signature": message["signature"].encode(),
                 "body": base64.b64decode(message["body"])}
        part = parts[number % len(parts)]
        whole[part] = flipped(whole[part])
        return whole.pop("body"), whole

    changed = [change(number, message) for number, message in enumerate(messages)]

    def run(number):
        wire = Wire(world.server)
        for body, headers in changed[number::SENDERS]:
            status = wire.post(world.partner.path, headers, body)
            with lock:
                statuses[status] = statuses.get(status, 0) + 1
        wire.close()

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(run, range(SENDERS)))
    assert sum(statuses.values()) == FLIPPED
    # Most are well-formed and do not fit; some are no HTTP any more.
    assert set(statuses) <= {400, 401} and statuses[401] > FLIPPED * 0.9, statuses
    # As they were they are taken, so that it is the bit that was refused.
    world.statuses.clear()
    world.send(messages[:40])
    assert world.statuses == {200: 40}


@pytest.mark.parametrize("spelled_as", [
    "{}abc", "{} ", " {}", "+{}", "{}.0", "{}.9", "0{}", "00{}", "{},1", "{}e0", "\t{}"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_timestamp_that_the_libraries_let_pass_is_refused(world, library, spelled_as):
    """They read the number that the text begins with and sign that; we take plain digits alone, at
    either reading."""
    message = world.message(MESSAGES + FLIPPED)
    number = message["timestamp"]
    text = spelled_as.format(number)
    for content in (number, text):
        sent = {**message, "timestamp": content}
        if content == number:
            signature, = world.libraries.ask({"library": library, "secret": world.partner.secret,
                                              "sign": [sent]})
            verdict, = world.libraries.ask({
                "library": library, "secret": world.partner.secret,
                "verify": [{**message, "timestamp": text, "signature": signature}]})
            assert verdict == "accepted"
        else:
            signature = world.partner.signed(base64.b64decode(message["body"]), message["id"],
                                             at=text)["webhook-signature"]
        wire = Wire(world.server)
        status = wire.post(world.partner.path, {
            "webhook-id": message["id"].encode(), "webhook-timestamp": text.encode(),
            "webhook-signature": signature.encode()}, base64.b64decode(message["body"]))
        wire.close()
        # Blanks around a header's value are no part of it (RFC 9110 section 5.5).
        if text.strip() == number and content == number:
            assert status == 200
        else:
            assert status == 401


def test_a_secret_that_was_rotated_away_is_dead_for_the_libraries_too(world):
    newest = world.rotate_callback_secret(0)
    for library in LIBRARIES:
        for secret, status in ((world.old, 401), (world.partner.secret, 401), (newest, 200)):
            world.statuses.clear()
            world.send(world.signed(library, [secret], range(4)))
            assert world.statuses == {status: 4}
