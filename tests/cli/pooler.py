# SPDX-License-Identifier: Apache-2.0
"""What stands between the program and PostgreSQL, and takes the options out of connections when it is
told to, as pgbouncer does with ignore_startup_parameters = options."""

import os
import select
import shutil
import socket
import struct
import threading

from process import directory

NAME = ".s.PGSQL.5432"
PROTOCOL_3 = 196608


def _read(sock, count):
    octets = b""
    while len(octets) < count:
        more = sock.recv(count - len(octets))
        if not more:
            raise ConnectionError("it ended")
        octets += more
    return octets


def _without_options(startup):
    """A startup message (PostgreSQL, "Message Formats": StartupMessage) without its options."""
    fields = startup[8:].rstrip(b"\0").split(b"\0")
    kept = [(name, value) for name, value in zip(fields[::2], fields[1::2]) if name != b"options"]
    body = b"".join(name + b"\0" + value + b"\0" for name, value in kept) + b"\0"
    return struct.pack("!II", len(body) + 8, PROTOCOL_3) + body


class Pooler:
    def __init__(self, server):
        self.server = os.path.join(server, NAME)
        self.directory = directory()
        self.drops = True
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.directory, NAME))
        os.chmod(os.path.join(self.directory, NAME), 0o777)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client):
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(self.server)
                head = _read(client, 8)
                length, protocol = struct.unpack("!II", head)
                startup = head + _read(client, length - 8)
                if self.drops and protocol == PROTOCOL_3:
                    startup = _without_options(startup)
                server.sendall(startup)
                other = {client: server, server: client}
                while True:
                    for sock in select.select([client, server], [], [])[0]:
                        octets = sock.recv(65536)
                        if not octets:
                            return
                        other[sock].sendall(octets)
            except OSError:
                return

    def remove(self):
        self.listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)
