# SPDX-License-Identifier: Apache-2.0
"""A keep-alive connection, and requests for it that are drawn at random, each of which knows the
answer that it has to get."""

import dataclasses
import json
import select
import time

import wire
from keepalive_test import connected
from polling import patience

# Seconds in which whoever waits is answered. What is lost stays so until the connection ends, 75 s
# later; this is long enough for a machine that suddenly has much else to do.
SOON = 10
LONG = (700, 850, 900, 1000, 1100, 2000, 3000, 5000, 8000, 10000)  # of a field, in octets


@dataclasses.dataclass
class Request:
    id: str
    method: str = "GET"
    target: str = "/healthz"
    status: int = 200
    fields: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    version: str = "1.1"
    wait: int = 0  # seconds that the answer may be held back
    closes: bool = False  # the answer ends the connection; None: it may
    named: bool = True  # the answer bears the id
    blank: bytes = b""  # an empty line before it

    def __repr__(self):
        return f"<{self.id} {self.method} {self.target[:60]}, {len(self.head)} + {len(self.body)}>"

    @property
    def head(self):
        lines = [f"{self.method} {self.target} HTTP/{self.version}", *self.fields, "", ""]
        return self.blank + "\r\n".join(lines).encode()

    @property
    def octets(self):
        return self.head + self.body

    @property
    def creates(self):
        return self.status == 201

    def check(self, reply):
        """That this is the answer to it."""
        status, headers, body = reply
        assert status == self.status, f"{self} was answered {status} {headers} {body[:300]}"
        name = headers.get("x-request-id")
        assert name == self.id or not self.named, f"{self} got the answer to {name}"
        assert not self.creates or json.loads(body)["name"] == self.id, f"{self} made {body}"
        closing = headers.get("connection", "").lower() == "close"
        assert self.closes in (closing, None), f"{self}: closing is {closing}"


class Requests:
    """Draws requests of a customer, who has a circuit that nobody provisions and has read the feed
    as far as the cursor."""

    # What may be sent without waiting for the answer to the one before.
    SMALL = ("health", "health", "listing", "refused", "network", "head", "missing")
    ALONE = SMALL * 9 + 3 * (
        "health", "unknown_path", "unknown_member", "head_of_listing", "wrong_method", "expecting",
        "last", "old",
    ) + ("chunked", "poll", "waiting")

    def __init__(self, draw, name, customer, circuit, cursor):
        self.draw = draw
        self.name = name
        self.token = f"Authorization: Bearer {customer.token}"
        self.circuit = circuit
        self.cursor = cursor
        self.count = 0

    def alone(self):
        """Whatever may be sent by a client that waits for the answer."""
        request = getattr(self, self.draw.choice(self.ALONE))()
        request.fields += self.draw.choice((list, list, self.many, self.cookies))()
        request.fields += self.draw.choice((list, list, list, self.long))()
        request.blank = self.draw.choice((b"",) * 9 + (b"\r\n",))
        return self.shuffled(request)

    def small(self):
        return self.shuffled(getattr(self, self.draw.choice(self.SMALL))())

    def large(self):
        request = getattr(self, self.draw.choice(("health", "listing", "network")))()
        request.fields += self.long()
        return self.shuffled(request)

    def shuffled(self, request):
        if self.draw.random() < 0.5:
            self.draw.shuffle(request.fields)
        return request

    # --- what a head may have more of -------------------------------------------------------------

    def many(self):
        count, size = self.draw.randrange(1, 55), self.draw.randrange(90)
        return [f"X-{number}: {'v' * size}" for number in range(count)]

    def cookies(self):
        count, size = self.draw.randrange(1, 31), self.draw.randrange(1, 150)
        return ["Cookie: " + "; ".join(f"c{number}={'v' * size}" for number in range(count))]

    def long(self):
        return ["X-Long: " + "x" * self.draw.choice(LONG)]

    # --- kinds ------------------------------------------------------------------------------------

    def request(self, *fields, **members):
        self.count += 1
        name = f"{self.name}-{self.count}"
        return Request(name, fields=["Host: x", f"X-Request-Id: {name}", *fields], **members)

    def health(self):
        return self.request()

    def head(self):
        return self.request(method="HEAD")

    def last(self):
        return self.request("Connection: close", closes=True)

    def old(self):
        return self.request("Connection: keep-alive", version="1.0")

    def wrong_method(self):
        return self.request(method="DELETE", status=405)

    def unknown_path(self):
        size = self.draw.randrange(600)
        return self.request(target="/v1/nothing" + "x" * size, status=404)

    def refused(self):
        return self.request(target="/v1/circuits", status=401)

    def listing(self):
        query = self.draw.choice(("", "?limit=1", "?limit=2"))
        return self.request(self.token, target="/v1/circuits" + query)

    def head_of_listing(self):
        return self.request(self.token, method="HEAD", target="/v1/circuits")

    def missing(self):
        target = "/v1/vnets/0199aa00-0000-7000-8000-000000000001"
        return self.request(self.token, method="DELETE", target=target, status=404)

    def poll(self):
        return self.request(self.token, target=f"/v1/events?wait=1&after={self.cursor}", wait=1)

    def waiting(self):
        target = f"/v1/circuits/{self.circuit['id']}?waitFor=Provisioned&timeout=1"
        return self.request(self.token, target=target, wait=1)

    def post(self, *fields, **members):
        fields = (self.token, "Content-Type: application/json", *fields)
        return self.request(*fields, method="POST", target="/v1/vnets", **members)

    def with_body(self, request, **members):
        request.body = json.dumps({"name": request.id, **members}).encode()
        request.fields.append(f"Content-Length: {len(request.body)}")
        return request

    def network(self):
        return self.with_body(self.post(status=201), addressSpace=["10.0.0.0/16"])

    def unknown_member(self, *fields):
        size = self.draw.choice((0, 1, 500, 2000, 2900, 3000, 3100, 6000, 16000, 60000))
        return self.with_body(self.post(*fields, status=422), unknown="y" * size)

    def expecting(self):
        return self.unknown_member("Expect: 100-continue")

    def chunked(self):
        """A network whose length nobody announces."""
        request = self.post("Transfer-Encoding: chunked", status=201)
        octets = json.dumps({"name": request.id, "addressSpace": ["10.0.0.0/16"]}).encode()
        while octets:
            size = self.draw.randrange(1, 20)
            request.body += b"%x\r\n%s\r\n" % (len(octets[:size]), octets[:size])
            octets = octets[size:]
        request.body += self.draw.choice((b"0\r\n\r\n", b"00;last\r\nX-Trailer: x\r\n\r\n"))
        return request


class Conversation:
    """One connection, whose answers are read in the order of the requests."""

    def __init__(self, client, draw):
        self.socket = connected(client)
        self.draw = draw
        self.octets = b""  # what has come and has not been looked at
        self.sent = []
        self.awaited = None

    def __repr__(self):
        return f"<waiting for {self.awaited} of {self.sent[-8:]}, unread: {self.octets[:300]!r}>"

    def send(self, *requests, at_once=False):
        """In one piece, one by one, or cut anywhere, with pauses between the pieces or without."""
        self.sent += requests
        ways = (self.whole,) if at_once else (self.whole, self.whole, self.each, self.cut)
        pieces = self.draw.choice(ways)(requests)
        pauses = [self.draw.choice((0, 0, 0, 0, 0.0002, 0.001, 0.005, 0.02, 0.1)) for _ in pieces]
        try:
            for piece, pause in zip(pieces, [0, *pauses[1:]]):
                time.sleep(pause)  # so that the pieces come by themselves, or do not
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was closed before all was sent; what was answered, if anything, is still read

    def whole(self, requests):
        return [b"".join(request.octets for request in requests)]

    def each(self, requests):
        return [request.octets for request in requests]

    def cut(self, requests):
        [octets] = self.whole(requests)
        places = [0, *self.draw.choices(range(1, len(octets)), k=4), len(octets)]
        places.sort()
        return [octets[start:end] for start, end in zip(places, places[1:])]

    def send_when_told(self, request):
        """The body only when the server asks for it."""
        self.sent.append(request)
        self.socket.sendall(request.head)
        began = time.monotonic()
        while not self.octets.startswith(b"HTTP/1.1 100 "):
            self.more(began, SOON)
        self.socket.sendall(request.body)

    def receive(self, request):
        """Check the next answer, which has to be that to this request."""
        began = time.monotonic()
        while True:
            try:
                reply, self.octets = wire.reply(self.octets, request.method == "HEAD")
            except ValueError:
                self.awaited = request
                self.more(began, SOON + request.wait)
            else:
                request.check(reply)
                return

    def more(self, began, seconds):
        """Read on; EOFError when the server has closed."""
        while not select.select([self.socket], [], [], 0.5)[0]:
            assert time.monotonic() - began < patience(seconds), "nothing came"
        try:
            chunk = self.socket.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise EOFError("the server has closed")
        self.octets += chunk

    def must_end(self):
        self.awaited, began = "the end", time.monotonic()
        try:
            while not self.octets:
                self.more(began, SOON)
        except EOFError:
            return
        raise AssertionError("something stands behind the last answer")

    def close(self):
        self.socket.close()
