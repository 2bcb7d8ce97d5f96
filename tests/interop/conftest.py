# SPDX-License-Identifier: Apache-2.0
"""Node and its libraries, which are for these tests alone. Where they cannot be had the tests are
skipped, and say so."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from process import BINARY

HERE = pathlib.Path(__file__).resolve().parent
UNREACHABLE = r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"


def install():
    """The folder with node_modules, in the build's; installed when the lock file has changed."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool} here, so the libraries cannot be had")
    folder = pathlib.Path(BINARY).resolve().parent / "interop"
    lock = (HERE / "package-lock.json").read_bytes() + (HERE / "package.json").read_bytes()
    stamp, digest = folder / "installed", hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(["npm", "ci", "--prefix", str(folder)], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False)
    if done.returncode != 0 and re.search(UNREACHABLE, done.stdout):
        pytest.skip("npm reaches no registry, so the libraries cannot be had")
    assert done.returncode == 0, done.stdout
    stamp.write_text(digest)
    return folder


class Node:
    """A program of ours in JavaScript: a line in, a line out."""

    def __init__(self, program, modules):
        self.process = subprocess.Popen(
            ["node", str(HERE / program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "ONRAMP_INTEROP_MODULES": str(modules)})

    def line(self):
        text = self.process.stdout.readline()
        assert text.endswith("\n"), "it has ended"
        return text

    def ask(self, question):
        self.process.stdin.write((json.dumps(question) if question is not None else "") + "\n")
        self.process.stdin.flush()
        return json.loads(self.line() or "null")

    def tell(self, fact):
        self.process.stdin.write(json.dumps(fact) + "\n")
        self.process.stdin.flush()
        self.line()

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="session")
def modules():
    return install()


@pytest.fixture(scope="module")
def libraries(modules):
    node = Node("libraries.js", modules)
    yield node
    node.end()


@pytest.fixture(scope="module")
def receiver(modules):
    node = Node("receiver.js", modules)
    node.port = int(node.line())
    yield node
    node.end()
