# SPDX-License-Identifier: Apache-2.0
"""webhook_receiver.py ENDPOINTS FAIL SEED LOG - endpoints that fail, as a program of their own.

Listens on as many ports of 127.0.0.1 as there are endpoints and prints them as a JSON array. FAIL
percent of the requests get no 2xx: 500, 503, a redirect, or the end of the connection. One line a
request is written to LOG: endpoint, milliseconds since the epoch, status answered (0: none),
webhook-id, circuit, sequence, milliseconds from the event to its arrival, digest of the body. Ends,
with all of it written, at the end of its standard input.
"""

import asyncio
import datetime
import hashlib
import json
import random
import sys
import time

FAILURES = [500, 500, 503, 302, 0]
REASONS = {200: b"OK", 500: b"Internal Server Error", 503: b"Service Unavailable", 302: b"Found"}


class Endpoint(asyncio.Protocol):
    def __init__(self, number, fail, chance, log):
        self.number, self.fail, self.chance, self.log = number, fail, chance, log
        self.octets = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, octets):
        self.octets += octets
        while True:
            end = self.octets.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.octets[:end].decode("latin-1").lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in head[1:])
            length = int(fields["content-length"])
            if len(self.octets) < end + 4 + length:
                return
            body = self.octets[end + 4:end + 4 + length]
            self.octets = self.octets[end + 4 + length:]
            self.answer(fields["webhook-id"], body)

    def answer(self, message, body):
        now = time.time() * 1000
        failing = self.chance.random() * 100 < self.fail
        status = self.chance.choice(FAILURES) if failing else 200
        event = json.loads(body)
        data = event["data"]
        begun = datetime.datetime.fromisoformat(event["timestamp"]).timestamp() * 1000
        self.log.write(f"{self.number} {now:.0f} {status} {message} {data['circuitId']} "
                       f"{data['sequence']} {now - begun:.0f} {hashlib.md5(body).hexdigest()}\n")
        if status == 0:
            self.transport.abort()
            return
        self.transport.write(b"HTTP/1.1 %d %s\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
                             % (status, REASONS[status]))


async def main(endpoints, fail, seed, path):
    loop = asyncio.get_running_loop()
    chance = random.Random(seed)
    with open(path, "w", buffering=1 << 16, encoding="ascii") as log:
        servers = [await loop.create_server(lambda n=n: Endpoint(n, fail, chance, log),
                                            "127.0.0.1", 0, backlog=512)
                   for n in range(endpoints)]
        print(json.dumps([s.sockets[0].getsockname()[1] for s in servers]), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
