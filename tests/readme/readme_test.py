# SPDX-License-Identifier: Apache-2.0
"""The README's walk-through runs as pasted, and its answers have the members that are printed there.

Each ```sh block of the chapters below runs in one shell, in order; nothing in the last one is
refused, and it has a line for every operation of the contract. A ```json block behind it is what the
block printed when the README was written, one answer or header a line: the answers of this run must
have the same members and the same known words, with other ids and times. A ```text block is all that
was printed, and only its numbers may differ.
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
import yaml

HOUSE = pathlib.Path(__file__).resolve().parents[2]
API = "## The API, a line an operation"
CHAPTERS = ("## From an order to a connected VNet", "## Fifty circuits", "## Safe to retry",
            "## Following what happens", "## Webhooks", "## For a partner's engineer",
            "## Secrets at rest", "## What is kept, and for how long", API)
MARK = "==== end of block"
# What differs from run to run.
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")


def blocks(*chapters):
    """[(commands, kind, answers)], answers being the lines of the block behind the commands."""
    text = (HOUSE / "README.md").read_text()
    text = "".join(text.split(chapter + "\n")[1].split("\n## ")[0] for chapter in chapters)
    found = re.findall(r"```sh\n(.*?)```(?:\s*```(json|text)\n(.*?)```)?", text, re.S)
    return [(commands, kind, answers.splitlines()) for commands, kind, answers in found]


def requests():
    """[(method, path)] of the lines of the API's chapter, with {} for what the shell fills in."""
    found = []
    for line in "".join(block[0] for block in blocks(API)).splitlines():
        target = re.search(r"\$ONRAMP_URL(/[^\s\"?]*)", line)
        if target:
            method = re.search(r"-X (\w+)", line)
            posts = "POST" if "--json" in line else "GET"
            path = re.sub(r"\$\w+", "{}", target[1])
            found.append((method[1] if method else posts, path))
    return found


def constant(answer, kind):
    if kind == "text":
        return re.sub(r"[\d.]*\d", "N", answer)
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
    pasted = blocks(*CHAPTERS)
    assert len(pasted) >= 12
    script = "set -eu\n" + "".join(f"{commands}\necho '{MARK}'\n" for commands, _, _ in pasted)
    ran = subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, text=True,
                         timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outputs = ran.stdout.split(MARK + "\n")
    compared = 0
    for output in outputs[-1 - len(blocks(API)):]:
        assert "/problems/" not in output, output
    for (commands, kind, answers), output in zip(pasted, outputs):
        got = [line for line in output.splitlines()
               if kind == "text" or line.startswith(("{", "HTTP", "Idem"))]
        if not answers:
            continue
        assert ([constant(line, kind) for line in got]
                == [constant(line, kind) for line in answers]), commands
        compared += len(answers)
    assert compared >= 6


def test_every_operation_has_a_line():
    document = yaml.safe_load((HOUSE / "openapi/openapi.yaml").read_text())
    lines = requests()
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in item:
            asked = [p for m, p in lines if m == method.upper() and pattern.fullmatch(p)]
            assert asked, f"README.md, chapter 'The API': no line is {method.upper()} {path}"
