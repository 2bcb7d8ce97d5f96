# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest: a line when the last test of a file has ended, with the seconds that its tests
took (of all workers together) and their counts. tests/run loads it, and reads the lines."""

import collections
import os
import pathlib

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]


class File:
    def __init__(self):
        self.left = 0
        self.seconds = 0.0
        self.counts = collections.Counter()

    def __str__(self):
        counts = ", ".join(f"{self.counts[word]} {word}" for word in ("passed", "failed", "skipped")
                           if self.counts[word])
        return f"{self.seconds:.2f} s, {counts}"


class Progress:
    def __init__(self, config):
        self.config = config
        self.files = collections.defaultdict(File)
        self.spread = False

    def collected(self, ids):
        for one in ids:
            self.files[one.split("::")[0]].left += 1

    def pytest_collection_finish(self, session):
        self.collected(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        """Each worker collects all; those of the first are counted."""
        if not self.spread:
            self.spread = True
            self.collected(ids)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::")[0]
        file = self.files[name]
        file.seconds += report.duration
        if report.failed or report.skipped or report.when == "call":
            file.counts[report.outcome] += 1
        if report.when == "teardown":
            file.left -= 1
            if file.left == 0:
                self.show(report.location[0], file)

    def show(self, location, file):
        path = os.path.relpath((self.config.rootpath / location).resolve(), TESTS)
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(f"\n=== {path} {file}")  # after the dots


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "progress of files")
