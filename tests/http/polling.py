# SPDX-License-Identifier: Apache-2.0
"""Waiting for what comes about by itself, in every suite: looked for again and again, never slept for."""

import os
import pathlib
import time

SECONDS = 30


def patience(seconds):
    """What is promised on a machine that has time for it; longer on one that has not: by the load
    of the last minute, or of this moment."""
    words = pathlib.Path("/proc/loadavg").read_text().split()
    load = max(float(words[0]), int(words[3].split("/")[0]))
    return seconds * max(1, load / len(os.sched_getaffinity(0)))


def eventually(what, look, wanted=bool, *, seconds=None, pause=0.02):
    """What look() returns, as soon as it is what is wanted: a value, or a predicate of it. A promise
    names its seconds; otherwise there is time enough, and more on a busy machine."""
    if seconds is None:
        seconds = patience(SECONDS)
    holds = wanted if callable(wanted) else lambda value: value == wanted
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= deadline
        value = look()
        if holds(value):
            return value
        assert not late, f"not within {seconds:.4g} s: {what}; last seen: {repr(value)[-2000:]}"
        time.sleep(pause)  # and looked again
