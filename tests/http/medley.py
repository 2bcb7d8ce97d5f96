# SPDX-License-Identifier: Apache-2.0
"""Clients whose pieces come in in any order: what each says, and what it has to hear, which is what it
hears alone."""

import contextlib
import dataclasses
import json
import select
import socket
import struct
import time

import wire
from keepalive_test import connected
from polling import patience

SOON = 15  # seconds until whoever waits is answered
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


@dataclasses.dataclass
class Request:
    octets: bytes
    status: int
    code: str = None
    makes: str = None  # a VNet of that name
    wants: str = None  # one that must not be made
    closes: bool = False
    head: bool = False

    def check(self, reply):
        status, headers, body = reply
        assert status == self.status, f"{status} {body[:300]} for {self.octets!r}"
        if self.code and not self.head:
            assert json.loads(body)["code"] == self.code, f"{body[:300]} for {self.octets!r}"
        if self.makes:
            assert json.loads(body)["name"] == self.makes, body
        closing = headers.get("connection", "").lower() == "close"
        assert closing == self.closes, f"closing is {closing} for {self.octets!r}"


class Requests:
    """Draws requests of a customer. Each VNet has a name of its own."""

    VALID = ("health", "health", "listing", "head", "stranger", "create", "create_in_chunks",
             "create_with_faults", "create_by_a_stranger", "create_by_a_stranger_in_chunks", "last")
    # A write each, that is refused for its framing: what stands in the head, the body, the code.
    FRAMINGS = {
        "two lengths": ("Content-Length: {length}\r\nContent-Length: {length}", "{body}",
                        400, "malformed_request"),
        "length and chunks": ("Content-Length: {length}\r\nTransfer-Encoding: chunked", "{chunks}",
                              400, "malformed_request"),
        "chunks and length": ("Transfer-Encoding: chunked\r\nContent-Length: {length}", "{chunks}",
                              400, "malformed_request"),
        "another coding": ("Transfer-Encoding: gzip, chunked", "{chunks}", 501, "not_implemented"),
        "chunks twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "{chunks}",
                         501, "not_implemented"),
        "a signed length": ("Content-Length: +{length}", "{body}", 400, "malformed_request"),
        "two tokens": ("Authorization: Bearer x\r\nContent-Length: {length}", "{body}",
                       400, "malformed_request"),
        "a bare line feed": ("Content-Length: {length}\nX: y", "{body}", 400, "malformed_request"),
        "a folded line": ("Content-Length: {length}\r\n x: y", "{body}", 400, "malformed_request"),
        "a blank before a colon": ("Content-Length : {length}", "{body}", 400, "malformed_request"),
        "two hosts": ("Host: y\r\nContent-Length: {length}", "{body}", 400, "malformed_request"),
        "a nul": ("X: \0\r\nContent-Length: {length}", "{body}", 400, "malformed_request"),
        "a chunk too long": ("Transfer-Encoding: chunked", "{size}\r\n{body}x\r\n0\r\n\r\n",
                             400, "malformed_request"),
        "a size with a blank": ("Transfer-Encoding: chunked", "{size} \r\n{body}\r\n0\r\n\r\n",
                                400, "malformed_request"),
        "a size with a prefix": ("Transfer-Encoding: chunked", "0x{size}\r\n{body}\r\n0\r\n\r\n",
                                 400, "malformed_request"),
        "a size with a line feed": ("Transfer-Encoding: chunked", "{size}\n{body}\r\n0\r\n\r\n",
                                    400, "malformed_request"),
        "a trailer that is none": ("Transfer-Encoding: chunked",
                                   "{size}\r\n{body}\r\n0\r\nX\r\n\r\n", 400, "malformed_request"),
        "a body too large": ("Content-Length: 65537", "{body}", 413, "content_too_large"),
    }
    HEADS = {
        "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        "half a target": (b"GET /aaa\r\n\r\n", 400, "malformed_request"),
        "another version": (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505,
                            "http_version_not_supported"),
        "a line feed before": (b"\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400,
                               "malformed_request"),
        "too long a target": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414,
                              "uri_too_long"),
        "too many fields": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 70 + b"\r\n",
                            431, "headers_too_large"),
        "a HEAD": (b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nX\r\n\r\n", 400, "malformed_request"),
    }

    def __init__(self, draw, token, prefix):
        self.draw = draw
        self.token = token
        self.prefix = prefix
        self.count = 0

    def valid(self):
        return getattr(self, self.draw.choice(self.VALID))()

    def refused(self):
        if self.draw.random() < 0.3:
            return self.bad_head(self.draw.choice(list(self.HEADS)))
        return self.bad_write(self.draw.choice(list(self.FRAMINGS)))

    def every(self):
        """One of each kind."""
        return ([getattr(self, kind)() for kind in dict.fromkeys(self.VALID)]
                + [self.bad_head(kind) for kind in self.HEADS]
                + [self.bad_write(kind) for kind in self.FRAMINGS] + [self.cut()])

    # --- kinds ------------------------------------------------------------------------------------

    def health(self):
        return Request(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200)

    def head(self):
        return Request(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, head=True)

    def last(self):
        return Request(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200,
                       closes=True)

    def listing(self):
        return Request(b"GET /v1/circuits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                       + self.token.encode() + b"\r\n\r\n", 200)

    def stranger(self):
        return Request(b"GET /v1/circuits HTTP/1.1\r\nHost: x\r\n\r\n", 401, "unauthenticated")

    def create(self):
        name, body = self.network()
        return Request(self.post(f"Content-Length: {len(body)}", body), 201, makes=name)

    def create_in_chunks(self):
        name, body = self.network()
        return Request(self.post("Transfer-Encoding: chunked", self.chunks(body)), 201, makes=name)

    def create_with_faults(self):
        name, body = self.network()
        body = body[:-1] + b',"unknown":1}'
        return Request(self.post(f"Content-Length: {len(body)}", body), 422, "invalid_request",
                       wants=name)

    def create_by_a_stranger(self):
        name, body = self.network()
        return Request(self.post(f"Content-Length: {len(body)}", body, token="onr_wrong"), 401,
                       "unauthenticated", wants=name)

    def create_by_a_stranger_in_chunks(self):
        name, body = self.network()
        return Request(self.post("Transfer-Encoding: chunked", self.chunks(body), token="onr_wrong"),
                       401, "unauthenticated", wants=name)

    def bad_head(self, kind):
        octets, status, code = self.HEADS[kind]
        return Request(octets, status, code, closes=True, head=octets.startswith(b"HEAD"))

    def bad_write(self, kind):
        fields, content, status, code = self.FRAMINGS[kind]
        name, body = self.network()
        parts = {"length": len(body), "size": f"{len(body):x}", "body": body.decode(),
                 "chunks": self.chunks(body).decode()}
        octets = self.post(fields.format(**parts), content.format(**parts).encode())
        return Request(octets, status, code, wants=name, closes=True)

    def cut(self):
        """A write whose body ends too soon."""
        name, body = self.network()
        octets = self.post(f"Content-Length: {len(body)}", body)
        return Request(octets[:-self.draw.randint(1, len(body))], 400, "malformed_request",
                       wants=name, closes=True)

    def network(self):
        self.count += 1
        name = f"{self.prefix}-{self.count}"
        return name, json.dumps({"name": name, "addressSpace": ["10.0.0.0/16"]}).encode()

    def chunks(self, body):
        octets = b""
        while body:
            size = self.draw.randint(1, 30)
            octets += b"%x\r\n%s\r\n" % (len(body[:size]), body[:size])
            body = body[size:]
        return octets + self.draw.choice((b"0\r\n\r\n", b"00;a=b\r\nX-Trailer: x\r\n\r\n"))

    def post(self, fields, body, token=None):
        head = ("POST /v1/vnets HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {token or self.token}\r\n"
                "Content-Type: application/json\r\n"
                f"Idempotency-Key: {self.prefix}-{self.count}\r\n{fields}\r\n\r\n")
        return head.encode() + body


class Voice:
    """One client."""

    def __init__(self, address, requests, ending, draw):
        self.address = address
        self.requests = requests
        self.ending = ending  # "stays", "ends", "closes", "resets"
        octets = b"".join(request.octets for request in requests)
        places = sorted(draw.choices(range(len(octets) + 1), k=draw.randint(0, 5)))
        self.pieces = [octets[start:end]
                       for start, end in zip([0, *places], [*places, len(octets)])]
        self.socket = None
        self.heard = b""

    def __repr__(self):
        return f"<{self.ending}, unsaid {self.pieces}, heard {self.heard!r}, of {self.requests}>"

    @property
    def leaves(self):
        return self.ending in ("closes", "resets")

    def speak(self):
        self.socket = self.socket or connected(self.address)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(self.pieces.pop(0))
        if self.pieces or self.ending == "stays":
            return
        with contextlib.suppress(OSError):
            if self.ending == "ends":
                self.socket.shutdown(socket.SHUT_WR)
            elif self.ending == "resets":
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if self.leaves:
            self.socket.close()

    def expected(self):
        """Those that are answered, and whether the connection ends then."""
        answered = []
        for request in self.requests:
            answered.append(request)
            if request.closes:
                return answered, True
        return answered, self.ending == "ends"

    def hear(self):
        """Check that it hears what it has to, and nothing else."""
        answered, ends = self.expected()
        for request in answered:
            self.hear_one(request)
        if ends:
            assert not self.heard and not self.more(), "something stands behind the last answer"
        else:
            assert not self.heard and not select.select([self.socket], [], [], 0)[0]
        self.socket.close()

    def hear_one(self, request):
        """Check the next answer, which has to be that to this request."""
        while True:
            try:
                reply, self.heard = wire.reply(self.heard, request.head)
                break
            except ValueError:
                assert self.more(), f"the end in place of the answer to {request}"
        request.check(reply)

    def more(self):
        """Read on; False at the end."""
        began = time.monotonic()
        while not select.select([self.socket], [], [], 0.5)[0]:
            assert time.monotonic() - began < patience(SOON), "nothing came"
        try:
            octets = self.socket.recv(65536)
        except ConnectionResetError:
            octets = b""
        self.heard += octets
        return bool(octets)
