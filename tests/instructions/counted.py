# SPDX-License-Identifier: Apache-2.0
"""The real server under callgrind: how many instructions it takes between two moments.

Unlike time they are nearly the same at every run. PostgreSQL is not counted: what it does is
another program's. A GET /readyz marks a moment: whenever the server comes to answer one, callgrind
writes down its count and begins anew."""

import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

import process  # noqa: E402
from client import Client  # noqa: E402

MARK = "ready_serve"


class CountedServer(process.Server):
    def start(self):
        super().start()  # the first start makes the database; that is not to take long
        self.stop()
        counts = os.path.join(self.directory, "counts")
        os.mkdir(counts)
        os.chmod(counts, 0o777)  # started as root the server becomes another user
        self.counts = pathlib.Path(counts)
        plain = process.BINARY
        process.BINARY = os.path.join(self.directory, "counted")
        with open(process.BINARY, "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\n"
                         f"exec valgrind --tool=callgrind --vgdb=no --quiet --log-file=/dev/null"
                         f" --callgrind-out-file={counts}/out --dump-before={MARK}"
                         f" '{plain}' \"$@\"\n")
        os.chmod(process.BINARY, 0o755)
        try:
            self.launch()
        finally:
            process.BINARY = plain
        return self.greet()

    def mark(self):
        """What was counted since the mark before."""
        Client(self.url).get("/readyz").must(200)
        dumps = [path for path in self.counts.glob("out.*") if path.stat().st_size > 0]
        total = re.search(r"^totals: (\d+)", max(dumps, key=number).read_text(), re.M)
        for dump in dumps:
            dump.unlink()
        return int(total[1])

    def count(self, work):
        """Instructions of the server while work() runs, and for the answer to one GET /readyz."""
        self.mark()
        work()
        return self.mark()


def number(path):
    return int(path.suffix[1:])
