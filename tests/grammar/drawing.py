# SPDX-License-Identifier: Apache-2.0
"""Requests drawn from the grammar, and near misses: wrong in one place that is known."""

from verdicts import GRAMMAR

PLAIN_NAMES = (b"Accept", b"User-Agent", b"If-Match", b"X-A", b"Content-Type", b"Webhook-Id",
               b"Authorization", b"Hos", b"Hostt", b"Content-Lengt", b"Transfer-Encodin")
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")
BLANKS = (b"", b"", b" ", b" ", b"\t", b"  \t ")
LONG_AGO = b"\x00\x01\x08\x0b\x0c\x1f\x7f"  # control characters that stand nowhere in a head


def cased(rng, text):
    return bytes(rng.choice((octet, ord(chr(octet).swapcase()))) if chr(octet).isalpha() else octet
                 for octet in text)


class Head:
    """The parts of a valid head."""

    def __init__(self, rng):
        self.rng = rng
        self.leading = rng.choice((b"", b"", b"", b"\r\n"))
        self.method = rng.choice((rng.choice(METHODS), GRAMMAR.draw("method", rng, 8)))
        self.target = self._target()
        self.version = rng.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.%d"
                                   % rng.randint(0, 9)))
        self.fields = [self._plain() for _ in range(rng.choice((0, 0, 1, 2, 3, 5, 12)))]
        singles = set()
        self.fields = [field for field in self.fields
                       if field[0].lower() not in (b"authorization", b"content-type", b"webhook-id")
                       or not (field[0].lower() in singles or singles.add(field[0].lower()))]
        if self.version != b"HTTP/1.0" or rng.random() < 0.5:
            self.add(b"Host", GRAMMAR.draw("Host-field", rng).replace(b"%00", b"%01"))
        framing = rng.choice(("", "", "length", "chunked"))
        if framing == "length":
            self.add(b"Content-Length", b"0" * rng.choice((0, 0, 3))
                     + b"%d" % rng.choice((0, 1, 9, 10, 65535, 65536, rng.randint(0, 65536))))
        elif framing == "chunked" and self.version != b"HTTP/1.0":
            self.add(b"Transfer-Encoding", cased(rng, b"chunked"))
        for _ in range(rng.choice((0, 0, 1, 2))):
            items = [cased(rng, rng.choice((b"close", b"keep-alive", b"upgrade", b"closed", b"")))
                     for _ in range(rng.randint(1, 3))]
            self.add(b"Connection", b",".join(rng.choice(BLANKS) + item + rng.choice(BLANKS)
                                              for item in items).strip(b" \t"))
        if rng.random() < 0.1:
            self.add(b"Expect", rng.choice((cased(rng, b"100-continue"), b"other")))

    def _target(self):
        while True:
            target = GRAMMAR.draw("request-target", self.rng, self.rng.choice((1, 3, 6)))
            if b"%00" not in target:
                return target

    def _plain(self):
        while True:
            name = self.rng.choice((self.rng.choice(PLAIN_NAMES),
                                    GRAMMAR.draw("field-name", self.rng, 8)))
            if name.lower() not in (b"host", b"te"):
                return (name, b":" + self.rng.choice(BLANKS), GRAMMAR.draw("field-value", self.rng),
                        self.rng.choice(BLANKS))

    def add(self, name, value):
        at = self.rng.randint(0, len(self.fields))
        self.fields.insert(at, (cased(self.rng, name), b":" + self.rng.choice(BLANKS), value,
                                self.rng.choice(BLANKS)))

    def lines(self):
        return [b" ".join((self.method, self.target, self.version)),
                *(b"".join(field) for field in self.fields), b""]

    def octets(self):
        return self.leading + b"".join(line + b"\r\n" for line in self.lines())

    def has(self, name):
        return any(field[0].lower() == name for field in self.fields)


# --- near misses of heads: each makes a valid head one that has to be refused ---


def _at_a_line_end(head, rng, mark):
    lines = head.lines()
    # In place of the end of one of the lines; the empty one that ends the head among them.
    where = rng.randrange(len(lines))
    return head.leading + b"".join(line + (mark if index == where else b"\r\n")
                                   for index, line in enumerate(lines)) + b"\r\n\r\n"


def a_bare_line_feed(head, rng):
    return _at_a_line_end(head, rng, b"\n")


def a_bare_carriage_return(head, rng):
    return _at_a_line_end(head, rng, b"\r" + rng.choice((b"x", b" ", b"\r\n")))


def a_leading_line_feed(head, rng):
    head.leading = rng.choice((b"\n", b"\r\n\n", b"\r\n\r\n", b" ", b"\r", b"\r\n\r"))
    return head.octets()


def a_folded_line(head, rng):
    line = rng.choice((b" folded", b"\tfolded", b" ", b" a: b"))
    lines = head.lines()
    lines.insert(rng.randint(1, len(lines) - 1), line)
    return head.leading + b"\r\n".join(lines) + b"\r\n"


def a_blank_before_a_colon(head, rng):
    head.add(b"A" + rng.choice((b" ", b"\t")), b"b")
    return head.octets()


def a_line_without_a_colon(head, rng):
    lines = head.lines()
    lines.insert(rng.randint(1, len(lines) - 1), GRAMMAR.draw("token", rng))
    return head.leading + b"\r\n".join(lines) + b"\r\n"


def a_name_that_is_none(head, rng):
    at = rng.choice((b"(", b")", b"/", b"@", b"[", b"\x80", b"\xc3\xa9", b"{", b'"', b",", b";"))
    head.add(rng.choice((b"", at + b"a", b"a" + at, b"a" + at + b"b")), b"v")
    return head.octets()


def a_control_character_in_a_value(head, rng):
    head.add(b"A", b"b" + bytes([rng.choice(LONG_AGO)]) + b"c")
    return head.octets()


def a_second_host(head, rng):
    if not head.has(b"host"):
        head.add(b"Host", b"x")
    head.add(b"Host", rng.choice((b"x", b"", b"y")))
    return head.octets()


def no_host(head, rng):
    del rng
    head.version = b"HTTP/1.1"
    head.fields = [field for field in head.fields if field[0].lower() != b"host"]
    return head.octets()


def a_host_that_is_none(head, rng):
    head.fields = [field for field in head.fields if field[0].lower() != b"host"]
    head.add(b"Host", rng.choice((b"a b", b"a/b", b"a@b", b"a?b", b"a,b", b"a\tb", b"a#b", b"a\\b",
                                  b"<a>", b'"a"', b"a\xc3\xa9", b"{a}", b"a:b", b"a:1:1", b"a:1x", b"[::1",
                                  b"::1", b"[1:2:3:4:5:6:7:8:9]", b"[zz]", b"[]", b"a%", b"a%zz",
                                  b"a]b", b"[::1]x", b"[::1.2.3]", b"[v1.a]", b"a:-1", b"%00",
                                  b"[::1%25lo]", b"[12345::]", b"[1::2::3]", b"[::1]:x")))
    return head.octets()


def a_second_length(head, rng):
    if not head.has(b"content-length"):
        head.add(b"Content-Length", b"5")
    head.add(b"Content-Length", b"5")
    return head.octets()


def a_length_that_is_none(head, rng):
    head.fields = [field for field in head.fields
                   if field[0].lower() not in (b"content-length", b"transfer-encoding")]
    head.add(b"Content-Length", rng.choice((b"", b"+1", b"-1", b"1,1", b"1, 1", b"0x1", b"1 1", b"1a",
                                            b"1.0", b"1_0", b'"1"', b"\xb2", b"1;", b"chunked",
                                            b"65537", b"18446744073709551616", b"9" * 40)))
    return head.octets()


def a_length_beside_a_coding(head, rng):
    if not head.has(b"content-length"):
        head.add(b"Content-Length", b"5")
    if not head.has(b"transfer-encoding"):
        head.add(b"Transfer-Encoding", b"chunked")
    return head.octets()


def another_coding(head, rng):
    head.version = b"HTTP/1.1"
    head.fields = [field for field in head.fields
                   if field[0].lower() not in (b"content-length", b"transfer-encoding")]
    head.add(b"Transfer-Encoding", rng.choice((
        b"gzip", b"", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
        b"chunked;a=b", b"chunked,", b",chunked", b"xchunked", b'"chunked"', b"chunke", b"chunkedd",
        b"chun ked", b"\x0bchunked")))
    return head.octets()


def a_second_coding(head, rng):
    head.version = b"HTTP/1.1"
    if not head.has(b"transfer-encoding"):
        head.add(b"Transfer-Encoding", b"chunked")
    head.add(b"Transfer-Encoding", rng.choice((b"chunked", b"", b"gzip")))
    return head.octets()


def a_coding_in_http_1_0(head, rng):
    head.version = b"HTTP/1.0"
    if not head.has(b"transfer-encoding"):
        head.add(b"Transfer-Encoding", rng.choice((b"chunked", b"gzip")))
    return head.octets()


def a_second_single_field(head, rng):
    name = rng.choice((b"Authorization", b"Content-Type", b"Webhook-Id"))
    for _ in range(2):
        head.add(name, rng.choice((b"a", b"b")))
    return head.octets()


def another_separator(head, rng):
    line = rng.choice((b"%s  %s %s", b"%s %s  %s", b"%s\t%s %s", b"%s %s\t%s", b" %s %s %s",
                       b"%s %s %s ", b"%s\x0b%s %s", b"%s,%s %s", b"\t%s %s %s", b"%s %s %s\t"))
    return head.leading + b"\r\n".join([line % (head.method, head.target, head.version),
                                        *head.lines()[1:]]) + b"\r\n"


def a_part_of_the_request_line_missing(head, rng):
    parts = [head.method, head.target, head.version]
    del parts[rng.randrange(3)]
    return head.leading + b"\r\n".join([b" ".join(parts), *head.lines()[1:]]) + b"\r\n"


def another_version(head, rng):
    head.version = rng.choice((b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.1", b"http/1.1", b"HTTP/1.10",
                               b"HTTP/11", b"HTTP/1", b"HTTP/.1", b"HTTP/1,1", b"HTTPS/1.1", b"XTTP/1.1",
                               b"HTTP /1.1", b"HTTP/1. 1", b"HTTP/01.1", b"HTTP/-1.1", b"H\xd4TP/1.1"))
    return head.octets()


def a_target_that_is_none(head, rng):
    octet = rng.choice((b"#", b"<", b">", b'"', b"\\", b"^", b"`", b"{", b"|", b"}", b"\x80", b"\xff",
                        b"%", b"%4", b"%zz", b"%0g", b"%00", b"\x00", b"\x7f", b"\r", b"\n"))
    head.target = rng.choice((
        b"/" + octet, b"/a" + octet + b"z", b"/?" + octet, b"http://x/" + octet, b"a/b", b"x:443",
        b"**", b"*a", b"?a", b"ftp://x/", b"http:/x", b"http:x", b"http:///x", b"https://?x",
        b"http://", b"mailto:a@b", b"http://:80/", b"http://a@b/", b"http://[/", b"http://a:b:c/",
        b"http://[::1/", b"https://a:x/", b"http://a,b/", b"http://[v1.a]/", b"http://a%zz/"))
    return head.octets()


def too_long_a_method(head, rng):
    head.method = b"M" * rng.choice((33, 34, 100, 5000))
    return head.octets()


def too_long_a_target(head, rng):
    head.target = b"/" + b"a" * rng.choice((4096, 4097, 10000, 17000))
    return head.octets()


def too_many_fields(head, rng):
    head.fields += [(b"A", b":", b"b", b"")] * rng.choice((65, 66, 200))
    return head.octets()


def too_many_octets(head, rng):
    head.fields.append((b"A", b":", b"b" * rng.choice((16384, 17000, 40000)), b""))
    return head.octets()


NEAR_MISSES = (
    a_bare_line_feed, a_bare_carriage_return, a_leading_line_feed, a_folded_line,
    a_blank_before_a_colon, a_line_without_a_colon, a_name_that_is_none,
    a_control_character_in_a_value, a_second_host, no_host, a_host_that_is_none, a_second_length,
    a_length_that_is_none, a_length_beside_a_coding, another_coding, a_second_coding,
    a_coding_in_http_1_0, a_second_single_field, another_separator,
    a_part_of_the_request_line_missing, another_version, a_target_that_is_none, too_long_a_method,
    too_long_a_target, too_many_fields, too_many_octets,
)


# --- bodies in chunks ---


class Chunks:
    """The parts of a valid body in chunks."""

    def __init__(self, rng):
        self.rng = rng
        self.chunks = []  # (size, extensions, data)
        for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
            data = rng.randbytes(rng.choice((1, 2, 9, 10, 15, 16, 17, rng.randint(1, 300))))
            size = b"0" * rng.choice((0, 0, 0, 2, 20)) + cased(rng, b"%x" % len(data))
            self.chunks.append((size, self._extensions(), data))
        self.last = b"0" * rng.choice((1, 1, 1, 2, 17)) + self._extensions()
        self.trailers = [GRAMMAR.draw("field-line", rng) for _ in range(rng.choice((0, 0, 0, 1, 3)))]

    def _extensions(self):
        return GRAMMAR.draw("chunk-ext", self.rng, 3) if self.rng.random() < 0.4 else b""

    def data(self):
        return b"".join(data for _, _, data in self.chunks)

    def octets(self):
        return (b"".join(b"%s%s\r\n%s\r\n" % chunk for chunk in self.chunks) + self.last + b"\r\n"
                + b"".join(line + b"\r\n" for line in self.trailers) + b"\r\n")


def chunks_miss(rng):
    """A body that has to be refused."""
    body = Chunks(rng)
    if not body.chunks:
        body.chunks.append((b"1", b"", b"x"))
    at = rng.randrange(len(body.chunks))
    size, extensions, data = body.chunks[at]
    kind = rng.randrange(7)
    if kind == 0:
        size = rng.choice((b"", b"+", b"-", b"0x", b" ", b"\t", b"\r\n", b"_", b"g")) + size
        if size == body.chunks[at][0]:
            return b"\r\n" + body.octets()
    elif kind == 1:
        extensions = rng.choice((b" ", b"\t", b";", b"; ", b";=", b";a=", b";a= ", b";a =", b" x", b";a b",
                                 b';a="', b';a="b" ', b';a="b"c', b";a=b ", b";a ", b";a\x00",
                                 b';a="\x01"', b';a="\\\x7f"', b";;", b";a==b", b"\n", b"\r"))
    elif kind == 2:
        size = rng.choice((b"1", b"f")) + b"0" * rng.choice((16, 17, 30))
    elif kind == 3:
        extra = rng.choice((b"x", b"\r", b"\n"))
        return (b"".join(b"%s%s\r\n%s\r\n" % chunk for chunk in body.chunks[:at])
                + b"%s%s\r\n%s%s" % (size, extensions, data, extra) + b"x\r\n0\r\n\r\n")
    elif kind == 4:
        return body.octets()[:-2] + rng.choice((b"\n\n", b"\r\r", b"\rx", b" \r\n", b":\r\n", b"a\r\n",
                                                b"a b: c\r\n", b"a: b\x00\r\n", b"a: b\n\r\n"))
    elif kind == 5:
        return body.octets().replace(b"\r\n", b"\n", 1)
    else:
        extensions = b";a=" + b"b" * rng.choice((1100, 5000))
    body.chunks[at] = (size, extensions, data)
    return body.octets()


# --- anything at random ---

TELLING = b"\r\n \t:;=,/%\"\\0a\x00\x7f\xffGH1*?[]-"


def mutated(rng, octets):
    out = bytearray(octets)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(out) + 1)
        octet = rng.choice(TELLING) if rng.random() < 0.8 else rng.randrange(256)
        kind = rng.randrange(5)
        if kind == 0:
            out.insert(at, octet)
        elif kind == 1 and at < len(out):
            out[at] = octet
        elif kind == 2:
            del out[at:at + rng.choice((1, 1, 2, 5))]
        elif kind == 3:
            end = at + rng.randint(1, 20)
            out[at:at] = out[at:end]
        else:
            end = rng.randrange(len(out) + 1)
            out[at:at] = out[end:end + rng.randint(1, 12)]
    return bytes(out)
