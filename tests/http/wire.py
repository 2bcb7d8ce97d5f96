# SPDX-License-Identifier: Apache-2.0
"""Raw octets to the server and all that comes back: requests that no HTTP library would send."""

import re
import socket
import time

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Headers(dict):
    """Header fields by their names in any case, as http.client's are."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)

    def __getitem__(self, name):
        return super().__getitem__(name.lower())


class Talk:
    """What one connection said back."""

    def __init__(self, octets, closed, seconds):
        self.octets = octets
        self.closed = closed  # by the server, within the time given
        self.seconds = seconds
        self.replies = replies(octets)

    def __repr__(self):
        return f"<{len(self.replies)} replies, closed {self.closed}, {self.octets[:600]!r}>"

    @property
    def statuses(self):
        return [status for status, _, _ in self.replies]


def replies(octets):
    """[(status, headers, body)] of complete replies; ValueError for what cannot be read as one."""
    found = []
    while octets:
        status, headers, octets = head(octets)
        if status < 200:
            continue
        body, octets = cut(headers, octets)
        found.append((status, headers, body))
    return found


def reply(octets, bodiless=False):
    """((status, headers, body) of the first reply, what follows it); ValueError likewise. One to HEAD
    is bodiless."""
    status, headers, octets = head(octets)
    if status < 200:
        return reply(octets, bodiless)
    body, octets = (b"", octets) if bodiless else cut(headers, octets)
    return (status, headers, body), octets


def head(octets):
    """(status, headers) of a complete head, and what follows it."""
    first, separator, rest = octets.partition(b"\r\n\r\n")
    match = STATUS_LINE.match(first)
    if not match or not separator:
        raise ValueError(f"no reply: {octets[:200]!r}")
    headers = {}
    for line in first.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name = name.decode("latin-1").lower()
        if name in headers and name in ("content-length", "content-type", "connection"):
            raise ValueError(f"the header {name} comes twice: {first!r}")
        headers[name] = value.strip().decode("latin-1")
    return int(match.group(1)), headers, rest


def cut(headers, octets):
    """The body that belongs to a head, and what follows it."""
    length = int(headers.get("content-length", 0))
    if len(octets) < length:
        raise ValueError(f"a cut reply: {headers} {octets[:200]!r}")
    return octets[:length], octets[length:]


def talk(address, *pieces, wait=5.0, quiet=0.3, pause=0.0, finish=False):
    """Send pieces, then read until the server closes, is quiet after a reply, or time is up. Who
    counts on more than the first reply, or on the end, gives it the time (quiet) to come."""
    started = time.monotonic()
    received, closed = b"", False
    with socket.create_connection(address, timeout=wait) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                sock.sendall(piece)
                if pause:
                    time.sleep(pause)  # so that the pieces come by themselves
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed before all of it was sent
        if finish:  # nothing more will come: an unfinished request is given up
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        deadline = started + wait + pause * len(pieces)
        while time.monotonic() < deadline:
            whole = bool(received) and complete(received)
            sock.settimeout(quiet if whole else max(0.01, deadline - time.monotonic()))
            try:
                chunk = sock.recv(65536)
            except socket.timeout:
                break
            except ConnectionResetError:
                closed = True
                break
            if not chunk:
                closed = True
                break
            received += chunk
    return Talk(received, closed, time.monotonic() - started)


def complete(octets):
    try:
        return bool(replies(octets))
    except ValueError:
        return False
