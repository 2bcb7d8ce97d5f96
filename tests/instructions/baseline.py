# SPDX-License-Identifier: Apache-2.0
"""What each kind of request is to cost, and what it costs now. Run, it writes the former anew."""

import pathlib
import subprocess
import time

from counted import CountedServer  # first: it finds the tests' client
from client import Client
from sequence import Sequence

PATH = pathlib.Path(__file__).with_name("baseline.tsv")
WARM, REQUESTS, TURNS = 20, 100, 3
IDLE_SECONDS = 3
# What is counted is code of these too, and the C library chooses its own by the processor.
PACKAGES = ("gcc-12", "libc6", "libmicrohttpd12", "libjansson4", "libpq5", "libssl3", "zlib1g",
            "valgrind")
FEATURES = ("avx2", "bmi2", "erms")


def surroundings():
    """What the counts depend on besides our code."""
    versions = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES],
        capture_output=True, text=True, check=False).stdout.split("\n")
    has = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return [*sorted(filter(None, versions)), *(name for name in FEATURES if name in has)]


def read():
    """The surroundings that the baseline was counted in, and {kind: instructions a request}."""
    lines = [line.split("\t") for line in PATH.read_text(encoding="utf-8").splitlines()]
    within = [kind for kind, *count in lines if not count]
    return within, {kind: int(count[0]) for kind, *count in lines if count}


def kept():
    return read()[1]


def idle(server):
    """Instructions a second of a server that nobody asks anything."""
    server.count(lambda: time.sleep(1))  # it comes to rest
    began = time.monotonic()
    # What is counted is what it does by itself in that time.
    return server.count(lambda: time.sleep(IDLE_SECONDS)) / (time.monotonic() - began)


def measured():
    """The same, now. What the server does by the clock, asked or not, is taken off; of some turns
    the least counts, for what else comes in between (a token that is asked for again) only adds."""
    server = CountedServer("--log-level", "warning")
    try:
        server.start()
        operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
        sequence = Sequence(server, operator)
        counts, by_the_clock = {}, idle(server)
        for kind, request in sequence.kinds.items():
            for _ in range(WARM):
                request()
            turns = []
            for _ in range(TURNS):
                began = time.monotonic()
                spent = server.count(lambda: [request() for _ in range(REQUESTS)])
                turns.append(spent - by_the_clock * (time.monotonic() - began))
            counts[kind] = round(min(turns) / REQUESTS)
        return counts
    finally:
        server.remove()


if __name__ == "__main__":
    lines = [f"{name}\n" for name in surroundings()]
    lines += [f"{kind}\t{count}\n" for kind, count in measured().items()]
    PATH.write_text("".join(lines), encoding="utf-8")
    print("".join(lines), end="")
