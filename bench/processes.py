# SPDX-License-Identifier: Apache-2.0
"""Programs that are run, and what they cost in processor time and memory."""

import ctypes
import glob
import os
import pathlib
import re
import resource
import select
import shlex
import signal
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def die_with_parent():
    LIBC.prctl(1, signal.SIGTERM)


def command(words, timeout=120, **more):
    """What a program writes, which has to end well."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False,
                          preexec_fn=die_with_parent, **more)
    if done.returncode != 0:
        raise SystemExit(f"bench: {shlex.join(map(str, words))}: exit {done.returncode}\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Daemon:
    """A program that says on a line of its own, beginning with "ready", that it serves."""

    def __init__(self, words, log, seconds=60, **more):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=out,
                                            preexec_fn=die_with_parent, **more)
        self.pid = self.process.pid
        try:
            self.await_readiness(seconds)
        except BaseException:
            self.stop()
            raise

    def await_readiness(self, seconds):
        seen, end = b"", time.monotonic() + seconds
        while not re.search(rb"^ready.*\n", seen, re.M):
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise SystemExit(f"bench: {self.process.args[0]} does not get ready\n"
                                 f"{seen.decode()}" + pathlib.Path(self.log).read_text()[-2000:])
            seen += piece

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def stat_fields(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text.rsplit(")", 1)[1].split()


def seconds_of(pid, with_children=False):
    fields = stat_fields(pid)
    ticks = int(fields[11]) + int(fields[12])
    if with_children:  # those that have ended and were waited for
        ticks += int(fields[13]) + int(fields[14])
    return ticks / TICKS


def children_of(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            child = int(path[6:])
            if int(stat_fields(child)[1]) == pid:
                found.append(child)
        except (OSError, IndexError):
            pass
    return found


def seconds_of_family(parent):
    total = seconds_of(parent, with_children=True)
    for child in children_of(parent):
        try:
            total += seconds_of(child)
        except OSError:
            pass
    return total


def busy_seconds():
    """Of all processors, whoever used them."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6)) / TICKS


def own_children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def forget_peak(pid):
    """Count the peak of a program's memory from now on."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_of(pid):
    """RSS, its peak, and PSS, in MB. PSS counts a shared page by halves, thirds ...: it adds up."""
    try:
        text = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                + pathlib.Path(f"/proc/{pid}/status").read_text())
    except OSError:  # an autovacuum worker may have ended meanwhile
        return {"rss": 0.0, "peak": 0.0, "pss": 0.0}
    found = re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)
    values = {name: int(size) / 1024 for name, size in found}
    return {"rss": values["Rss"], "peak": values["VmHWM"], "pss": values["Pss"]}
