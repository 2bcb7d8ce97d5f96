# SPDX-License-Identifier: Apache-2.0
"""What is to become of a head, or of a body in chunks: by the grammar, and by what http/head.h and
http/chunks.h declare beyond it. Shares nothing with the code that it judges."""

import pathlib
from dataclasses import dataclass, field

from abnf import Grammar

GRAMMAR = Grammar(pathlib.Path(__file__).with_name("request.abnf").read_bytes())

HEAD_MAX, TARGET_MAX, FIELDS_MAX, BODY_MAX, METHOD_MAX = 16384, 4096, 64, 65536, 32
CHUNK_LINE_MAX, CHUNK_EXTRAS_MAX = 1024, 16384
SINGLES = {b"authorization", b"content-type", b"webhook-id"}  # those of reader.c

TOKEN = GRAMMAR.recogniser("token")
TARGET = GRAMMAR.recogniser("request-target")
FIELD = GRAMMAR.recogniser("field-line-crlf")
HOST = GRAMMAR.recogniser("Host-field")
LENGTH = GRAMMAR.recogniser("Content-Length")
CHUNK = GRAMMAR.recogniser("chunk-head")
CRLF = b"\r\n"
# What one request target or another holds.
TARGET_OCTETS = frozenset(octet for octet in range(256)
                          if TARGET.holds(b"/" + bytes([octet])) or octet == ord("%"))


@dataclass
class Verdict:
    kind: str  # "complete", "refused", "incomplete"
    codes: set = field(default_factory=set)  # refused: one of these; incomplete: it may be already
    length: int = 0
    method: tuple = ()  # (at, length)
    target: tuple = ()
    fields: list = field(default_factory=list)  # (name at, length, value at, length)
    close: bool = False
    http10: bool = False
    sized: bool = False
    chunked: bool = False
    expects: bool = False
    content_length: int = 0


def judge_head(octets):
    verdict = _Head(octets[:HEAD_MAX]).judge()
    if verdict.kind == "incomplete" and len(octets) >= HEAD_MAX:
        return Verdict("refused", verdict.codes | {"headers_too_large"})
    return verdict


class _Head:
    def __init__(self, octets):
        self.octets = octets
        self.at = 0
        self.pending = set()  # it is refused for these, at the latest when it is whole
        self.out = Verdict("complete")
        self.seen = {}

    def _refused(self, code="malformed_request"):
        return Verdict("refused", self.pending | {code})

    def _incomplete(self, *codes):
        return Verdict("incomplete", self.pending | set(codes))

    def _line_end(self):
        """None behind CR LF."""
        there = self.octets[self.at:self.at + 2]
        if there == CRLF:
            self.at += 2
            return None
        return self._incomplete() if CRLF.startswith(there) else self._refused()

    def judge(self):
        if self.octets[:1] == b"\r":
            wrong = self._line_end()
            if wrong:
                return wrong
        wrong = self._method() or self._target() or self._version()
        while not wrong and self.octets[self.at:self.at + 1] not in (b"", b"\r"):
            wrong = self._field()
        return wrong or self._line_end() or self._framing()

    def _method(self):
        end, _ = TOKEN.longest(self.octets, self.at)
        length = end - self.at
        if length > METHOD_MAX:
            return self._refused("not_implemented")
        if end == len(self.octets):
            return self._incomplete()
        if length == 0 or self.octets[end:end + 1] != b" ":
            return self._refused()
        self.out.method = (self.at, length)
        self.at = end + 1
        return None

    def _target(self):
        end = self.at
        while end < len(self.octets) and self.octets[end] in TARGET_OCTETS:
            end += 1
        target = self.octets[self.at:end]
        if len(target) > TARGET_MAX:
            return self._refused("uri_too_long")
        reached, good = TARGET.longest(target)
        nul = b"%00" in target
        if end == len(self.octets):
            return self._incomplete(*["malformed_request"] * (reached < len(target) or nul))
        if self.octets[end:end + 1] != b" " or not good or nul:
            return self._refused()
        self.out.target = (self.at, len(target))
        self.at = end + 1
        return None

    def _version(self):
        for form in ("H", "T", "T", "P", "/", "0123456789", ".", "0123456789"):
            there = self.octets[self.at:self.at + 1].decode("latin-1")
            if not there:
                return self._incomplete()
            if there not in form:
                return self._refused()
            self.at += 1
        major, minor = self.octets[self.at - 3:self.at - 2], self.octets[self.at - 1:self.at]
        if major != b"1":
            return self._refused("http_version_not_supported")
        self.out.http10 = minor == b"0"
        return self._line_end()

    def _field(self):
        end, wrong = FIELD.first(self.octets, self.at)
        if end is None:
            return self._incomplete() if wrong is None else self._refused()
        line = self.octets[self.at:end - 2]
        name, _, rest = line.partition(b":")
        value = rest.strip(b" \t")
        begin = self.at + len(name) + 1 + len(rest) - len(rest.lstrip(b" \t"))
        if not value:
            begin = None  # anywhere between the colon and the end
        self.out.fields.append((self.at, len(name), begin, len(value)))
        self.at = end
        if len(self.out.fields) > FIELDS_MAX:
            self.pending.add("headers_too_large")
        self._note(name.lower(), value)
        return self._refused("headers_too_large") if len(self.out.fields) > FIELDS_MAX else None

    def _note(self, name, value):
        values = self.seen.setdefault(name, [])
        values.append(value)
        if name in SINGLES | {b"host", b"content-length"} and len(values) > 1:
            self.pending.add("malformed_request")
        if name == b"host" and (not HOST.holds(value) or b"%00" in value):
            self.pending.add("malformed_request")
        if name == b"content-length" and not LENGTH.holds(value):
            self.pending.add("malformed_request")

    def _items(self, name):
        return {item.strip(b" \t").lower()
                for value in self.seen.get(name, []) for item in value.split(b",")}

    def _framing(self):
        out, codes = self.out, self.pending
        codings = [value.lower() for value in self.seen.get(b"transfer-encoding", [])]
        lengths = self.seen.get(b"content-length", [])
        if not out.http10 and b"host" not in self.seen:
            codes.add("malformed_request")
        if codings and (lengths or out.http10):
            codes.add("malformed_request")
        if codings and codings != [b"chunked"]:
            codes.add("not_implemented")
        if any(LENGTH.holds(value) and int(value) > BODY_MAX for value in lengths):
            codes.add("content_too_large")
        if codes:
            return Verdict("refused", codes)
        out.length = self.at
        connection = self._items(b"connection")
        out.close = b"close" in connection or (out.http10 and b"keep-alive" not in connection)
        out.sized = bool(lengths)
        out.content_length = int(lengths[0]) if lengths else 0
        out.chunked = bool(codings)
        out.expects = any(value.lower() == b"100-continue" for value in self.seen.get(b"expect", []))
        return out


@dataclass
class Decoded:
    kind: str  # "done", "more", "malformed", "too_large", or "too_large?" where a limit is near
    used: int
    data: bytes


def judge_chunks(octets):
    at, data, extras = 0, bytearray(), 0
    while True:
        end, wrong = CHUNK.first(octets, at)
        # Sizes have 64 bits.
        digits = octets[at:end or wrong or len(octets)]
        size = len(digits) - len(digits.lstrip(b"0123456789abcdefABCDEF"))
        significant = len(digits[:size].lstrip(b"0"))
        length = (end if end is not None else wrong if wrong is not None else len(octets)) - at
        if significant > 16:
            over = at + size - significant + 17
            if over - at <= CHUNK_LINE_MAX - 8:
                return Decoded("malformed", over, bytes(data))
        if length > CHUNK_LINE_MAX - 8:
            return Decoded("too_large" if length > CHUNK_LINE_MAX + 8 else "too_large?", 0,
                           bytes(data))
        extras += max(0, length - size)
        if extras > CHUNK_EXTRAS_MAX - 64:
            return Decoded("too_large?", 0, bytes(data))
        if end is None:
            if wrong is None:
                return Decoded("more", len(octets), bytes(data))
            return Decoded("malformed", wrong + 1, bytes(data))
        at = end
        size = int(digits[:size], 16)
        if size == 0:
            return _trailers(octets, at, bytes(data), extras)
        data += octets[at:at + size]
        if len(octets) - at < size:
            return Decoded("more", len(octets), bytes(data))
        at += size
        for octet in CRLF:
            if at == len(octets):
                return Decoded("more", at, bytes(data))
            if octets[at] != octet:
                return Decoded("malformed", at + 1, bytes(data))
            at += 1


def _trailers(octets, at, data, extras):
    begin = at
    while octets[at:at + 1] not in (b"", b"\r"):
        end, wrong = FIELD.first(octets, at)
        if (end or wrong or len(octets)) - begin + extras > CHUNK_EXTRAS_MAX - 64:
            return Decoded("too_large?", 0, data)
        if end is None:
            if wrong is None:
                return Decoded("more", len(octets), data)
            return Decoded("malformed", wrong + 1, data)
        at = end
    for octet in CRLF:
        if at == len(octets):
            return Decoded("more", at, data)
        if octets[at] != octet:
            return Decoded("malformed", at + 1, data)
        at += 1
    return Decoded("done", at, data)
