# SPDX-License-Identifier: Apache-2.0
"""Events as fast as they can be made, endpoints that fail, a server that is killed, and the audit
of what arrived: nothing lost, hardly anything twice, the same octets each time, each circuit in
order.

webhook_storm_test.py runs it small, bench/webhooks in full.
"""

import asyncio
import collections
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from client import Client
from polling import eventually
from process import BINARY
from tenant import Customer, Partner, unique

HERE = pathlib.Path(__file__).resolve().parent
LANES = 16  # connections that events are made on
TICKS = os.sysconf("SC_CLK_TCK")


class Receiver:
    def __init__(self, endpoints, fail, path, seed=1):
        self.path = path
        self.process = subprocess.Popen(
            [sys.executable, HERE / "webhook_receiver.py", str(endpoints), str(fail), str(seed),
             path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def lines(self):
        """End it, and what it has noted."""
        self.end()
        with open(self.path, encoding="ascii") as log:
            for line in log:
                number, at, status, message, circuit, sequence, late, digest = line.split()
                yield (int(number), int(at), int(status), message, circuit, int(sequence),
                       int(late), digest)

    def end(self):
        if self.process.poll() is None:
            self.process.communicate()


class Maker:
    """Changes circuits, each on one connection, so that each change is an event of its own."""

    def __init__(self, url, token, circuits):
        self.url, self.token, self.circuits = url, token, circuits
        self.made = 0
        self.seconds = 0.0

    def run(self, events, pace=None):
        """Make so many events; pace: that many a second. Returns when all are acknowledged."""
        began = time.monotonic()
        asyncio.run(self._run(events, pace))
        self.seconds += time.monotonic() - began

    async def _run(self, events, pace):
        share = [events // LANES + (number < events % LANES) for number in range(LANES)]
        await asyncio.gather(*(self._lane(number, count, pace and pace / LANES)
                               for number, count in enumerate(share)))

    async def _lane(self, number, count, pace):
        circuits = self.circuits[number::LANES] or self.circuits[:1]
        reader = writer = None
        due = time.monotonic() + number / LANES / (pace or 1)
        turn = 0
        while turn < count:
            if pace:
                await asyncio.sleep(max(0, due - time.monotonic()))  # the pace that was asked for
                due += 1 / pace
            try:
                if writer is None:
                    where = urllib.parse.urlsplit(self.url)
                    reader, writer = await asyncio.open_connection(where.hostname, where.port)
                status = await self._change(reader, writer, circuits[turn % len(circuits)])
                if status == 200:
                    turn += 1
                    self.made += 1
                    continue
                await asyncio.sleep(0.05)  # before it asks again
            except (OSError, asyncio.IncompleteReadError):
                if writer:
                    writer.close()
                writer = None
                await asyncio.sleep(0.05)  # before it asks again
        if writer:
            writer.close()

    async def _change(self, reader, writer, circuit):
        body = b'{"tags":{"turn":"%d"}}' % time.monotonic_ns()
        writer.write(b"PATCH /v1/circuits/%s HTTP/1.1\r\nHost: onramp\r\n"
                     b"Authorization: Bearer %s\r\n"
                     b"Content-Type: application/merge-patch+json\r\nContent-Length: %d\r\n\r\n%s"
                     % (circuit.encode(), self.token.encode(), len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        return int(head[9:12])


class Storm:
    def __init__(self, server, endpoints, circuits, fail=0, seed=1):
        self.server = server
        self.receiver = Receiver(endpoints, fail, os.path.join(server.directory, "received"), seed)
        self.operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
        self.endpoints = [self.register(port) for port in self.receiver.ports]
        partner, self.customer = Partner(self.operator), Customer(self.operator)
        self.circuits = [self.customer.circuit(partner, name=unique("storm"))["id"]
                         for _ in range(circuits)]
        self.maker = Maker(server.url, self.customer.token, self.circuits)

    def register(self, port):
        """An endpoint that hears of circuits; its id."""
        body = {"url": f"http://127.0.0.1:{port}/events", "eventTypes": ["circuit.updated"]}
        return self.operator.post("/v1/webhooks", body).must(201).json["id"]

    def sql(self, text):
        done = subprocess.run([BINARY, "psql", "--state", self.server.state, "--", "-XAtqc", text],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill_and_start(self):
        """In the middle of whatever it does."""
        self.server.kill()
        self.server.start()
        self.maker.url = self.server.url
        self.operator = Client(self.server.url, self.server.credentials["ONRAMP_OPERATOR_TOKEN"])

    def run(self, events, kills=0, pause=3):
        """Make the events while the server is killed; returns when all is delivered. The kills are
        so many seconds apart, also when all is made and is still to be delivered."""
        began = time.monotonic()
        maker = threading.Thread(target=self.maker.run, args=(events,))
        maker.start()
        for _ in range(kills):
            time.sleep(pause)  # so long it may work between two kills
            self.kill_and_start()
        maker.join()
        self.drained()
        return time.monotonic() - began

    def pending(self, but=None):
        others = f" WHERE endpoint_id <> '{but}'" if but else ""
        return int(self.sql(f"SELECT (SELECT count(*) FROM onramp.delivery_queue{others})"
                            " + (SELECT count(*) FROM onramp.events_unpublished)"))

    def drained(self, seconds=180, but=None):
        """Wait until nothing is to be delivered (but to one endpoint); as long as there is
        progress."""
        left = self.pending(but)
        while left > 0:
            fewest = left
            left = eventually(f"fewer than {fewest} deliveries are left",
                              lambda: self.pending(but), lambda now: now < fewest,
                              seconds=seconds, pause=0.1 if left < 1000 else 1)

    def cpu(self):
        """Seconds of processor that the server, its sender and its PostgreSQL have used."""
        def used(path):
            words = pathlib.Path(path).read_text().rsplit(")", 1)[1].split()
            return sum(int(words[i]) for i in (11, 12, 13, 14)) / TICKS
        pid = self.server.process.pid
        sender = sum(used(task / "stat") for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                     if (task / "comm").read_text().strip() == "sender")
        [postmaster] = self.server.postmasters()
        postgres = used(f"/proc/{postmaster}/stat")
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
                postgres += used(stat) if parent == postmaster else 0
            except OSError:
                pass
        return used(f"/proc/{pid}/stat"), sender, postgres

    def audit(self):
        """What arrived beside what happened. Raises on octets that differ and on disorder."""
        happened = {tuple(line.split("|")) for line in self.sql(
            "SELECT circuit_id, sequence FROM onramp.circuit_events"
            " WHERE type = 'circuit.updated'").split()}
        accepted = collections.Counter()
        digests, ids, reached, requests = {}, {}, {}, 0
        for number, _, status, message, circuit, sequence, _, digest in self.receiver.lines():
            requests += 1
            key = (number, circuit, sequence)
            assert digests.setdefault(message, digest) == digest, f"{message} differs"
            assert ids.setdefault(key, message) == message, f"{key} has two ids"
            # Whatever is sent, all before it was accepted; what was accepted may come again.
            assert sequence <= reached.get((number, circuit), 1) + 1, f"{key} came too early"
            if 200 <= status <= 299:
                accepted[key] += 1
                reached[number, circuit] = max(reached.get((number, circuit), 1), sequence)
        expected = {(number, circuit, int(sequence))
                    for number in range(len(self.endpoints)) for circuit, sequence in happened}
        lost, unknown = expected - accepted.keys(), accepted.keys() - expected
        twice = sum(accepted.values()) - len(accepted)
        return {"events": len(happened), "deliveries": len(expected), "requests": requests,
                "lost": len(lost), "unknown": len(unknown), "duplicates": twice,
                "duplicates_percent": 100 * twice / max(1, len(expected))}

    def end(self):
        self.receiver.end()


class Hole:
    """A port of 127.0.0.1 that takes connections, reads, and never answers."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.server.getsockname()[1]
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.held.append(self.server.accept()[0])
            except OSError:
                return

    def end(self):
        self.server.close()
        for connection in self.held:
            connection.close()


def p99(values):
    return sorted(values)[len(values) * 99 // 100]


def black_hole(storm, rounds, events, pace):
    """The p99 of milliseconds from an event to the endpoints that answer, with a further one that
    never does and without it, in turns: without, with, with, without ..."""
    hole = Hole()
    dead = storm.register(hole.port)
    target = f"/v1/webhooks/{dead}"
    spans = []
    for number in range(2 * rounds):
        on = number % 4 in (1, 2)
        storm.operator.patch(target, {"enabled": on}).must(200)
        began = time.time() * 1000
        storm.maker.run(events, pace)
        time.sleep(1)  # a turn is compared with the next: it has to come to rest
        storm.drained(but=dead)
        spans.append((on, began, time.time() * 1000))
    held = len(hole.held)
    hole.end()
    storm.operator.delete(target).must(204)  # its queue would outlive this turn
    late = {span: [] for span in spans}
    for _, at, _, _, _, _, milliseconds, _ in storm.receiver.lines():
        for span in spans:
            if span[1] <= at - milliseconds < span[2]:
                late[span].append(milliseconds)
    for span, values in late.items():
        assert len(values) == events * len(storm.endpoints), (span, len(values))
    return {"with": p99([value for span in spans if span[0] for value in late[span]]),
            "without": p99([value for span in spans if not span[0] for value in late[span]]),
            "rounds": [("with" if span[0] else "without", p99(late[span])) for span in spans],
            "held": held}
