# SPDX-License-Identifier: Apache-2.0
"""The real thing: two servers on one database, so that what is sent at once is decided at once, and
kept-alive connections that can all be waited on together. No answer is checked here but its form."""

import json
import pathlib
import socket
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "http"), str(TESTS / "faults")]

from client import Client  # noqa: E402
from cluster import Cluster  # noqa: E402
from process import Server  # noqa: E402

SERVERS = 2
AT_ONCE = 8  # connections to each server


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = json.loads(body) if body else None

    def __repr__(self):
        return f"{self.status} {json.dumps(self.body)}"


class Wire:
    """One kept-alive connection: a request goes out by `send`, its answer comes in by `receive`."""

    def __init__(self, host, port):
        self.address = (host, port)
        self.socket = socket.create_connection(self.address, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = f"{host}:{port}"

    def send(self, method, target, headers, body=None):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode() + (body or b""))

    def receive(self):
        octets = b""
        while b"\r\n\r\n" not in octets:
            octets += self.read()
        head, _, body = octets.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            body += self.read()
        if headers.get("connection", "").lower() == "close":
            raise AssertionError(f"the server closes: {octets[:2000]!r}")
        return Reply(int(first.split()[1]), headers, body)

    def read(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise AssertionError("the server has closed a connection")
        return chunk

    def close(self):
        self.socket.close()


class Rig:
    """Servers on a database of their own, in a cluster that others may share."""

    def __init__(self, cluster, name):
        self.url = cluster.database(name)
        self.servers, self.wires = [], []
        try:
            for _ in range(SERVERS):
                keys = cluster.shared(f"{name}.key")
                server = Server("--database", self.url, "--secrets-key", keys)
                self.servers.append(server)
                server.start()
                self.wires.append([Wire(server.host, server.port) for _ in range(AT_ONCE)])
        except BaseException:
            self.remove()
            raise
        first = Client(self.servers[0].url, self.servers[0].credentials["ONRAMP_OPERATOR_TOKEN"])
        made = first.post("/v1/tokens", {"role": "operator", "description": "model"}).must(201)
        self.operator = first.with_token(made.json["token"])
        self.operator.checked = False

    def talk(self, requests, first=0):
        """Send all requests at once, by turns to one server and the other; the answers in order."""
        turns = [self.wires[(first + i) % SERVERS][i // SERVERS] for i in range(len(requests))]
        for wire, request in zip(turns, requests):
            wire.send(*request)
        return [wire.receive() for wire in turns]

    def remove(self):
        for wires in self.wires:
            for wire in wires:
                wire.close()
        for server in self.servers:
            server.remove()


__all__ = ["Cluster", "Rig"]
