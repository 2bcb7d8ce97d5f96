# SPDX-License-Identifier: Apache-2.0
"""Pins that bench/attacks goes on to work: each attack is what it says, and the victim is answered. How
long that takes is for a quiet machine to say."""

import os
import re
import subprocess

from process import BINARY, ROOT


def test_each_attack_is_made_and_its_victim_is_answered():
    done = subprocess.run(
        [ROOT / "bench/attacks", "--quick"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "ONRAMPD": BINARY},
    )
    assert done.returncode == 0, done
    rows = re.findall(r"^\| (\w+) \| (read|write) \| ([\d.]+) / ([\d.]+) \|", done.stdout, re.M)
    names = ("authorizations", "secrets", "catalogue", "lock")
    assert [row[:2] for row in rows] == [(n, s) for n in names for s in ("read", "write")], done
    assert all(float(figure) > 0 for row in rows for figure in row[2:])
    answered = dict(re.findall(r"^(\w+) was answered: (.*)$", done.stdout, re.M))
    assert re.fullmatch(r"attack \d+ x 409", answered["authorizations"]), answered
    assert re.fullmatch(r"attack \d+ x 401; rotation \d+ x 201, \d+ x 409", answered["secrets"])
    assert re.fullmatch(r"attack \d+ x 200", answered["catalogue"]), answered
    assert re.fullmatch(r"attack \d+ x 503", answered["lock"]), answered
