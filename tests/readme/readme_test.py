# SPDX-License-Identifier: Apache-2.0
"""The README's walk-through runs as pasted, and its answers have the members that are printed there.

Each ```sh block of the chapters "From an order to a connected VNet" and "Safe to retry" runs in
one shell, in order. A ```json block behind it is what the block printed when the README was
written, one answer or header a line: the answers of this run must have the same members and the
same known words, with other ids and times.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import pytest

HOUSE = pathlib.Path(__file__).resolve().parents[2]
CHAPTERS = ("## From an order to a connected VNet", "## Safe to retry")
MARK = "==== end of block"
# What differs from run to run.
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")


def blocks():
    """[(commands, answers)], answers being the lines of the json block behind the commands."""
    text = (HOUSE / "README.md").read_text()
    chapters = "".join(text.split(chapter)[1].split("\n## ")[0] for chapter in CHAPTERS)
    found = re.findall(r"```sh\n(.*?)```(?:\s*```json\n(.*?)```)?", chapters, re.S)
    return [(commands, answers.splitlines()) for commands, answers in found]


def constant(answer):
    if not answer.startswith("{"):
        return answer
    return CHANGING.sub("*", json.dumps(json.loads(answer), sort_keys=True))


@pytest.fixture
def place():
    """A directory with an `onramp` that keeps its state there and takes any free port."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="onramp-readme-"))
    os.chmod(directory, 0o755)
    program = os.environ.get("ONRAMPD", str(HOUSE / "build/release/onrampd"))
    state = directory / "state"
    script = directory / "onramp"
    script.write_text("#!/bin/sh\n"
                      f"exec {shlex.quote(program)} \"$@\" --state {state} --port 0\n")
    script.chmod(0o755)
    yield directory
    subprocess.run([script, "down"], stdout=subprocess.DEVNULL, timeout=60, check=False)
    shutil.rmtree(directory)


def test_the_walk_through_runs_as_pasted(place):
    pasted = blocks()
    assert len(pasted) >= 7
    script = "set -eu\n" + "".join(f"{commands}\necho '{MARK}'\n" for commands, _ in pasted)
    ran = subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, text=True,
                         timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outputs = ran.stdout.split(MARK + "\n")
    compared = 0
    for (commands, answers), output in zip(pasted, outputs):
        got = [line for line in output.splitlines() if line.startswith(("{", "HTTP", "Idem"))]
        if not answers:
            continue
        assert [constant(line) for line in got] == [constant(line) for line in answers], commands
        compared += len(answers)
    assert compared >= 6
