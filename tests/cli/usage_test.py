# SPDX-License-Identifier: Apache-2.0
"""What the command line takes, and what it says to the rest."""

import subprocess

import pytest

from place import BINARY, ROOT

VERBS = ["up", "down", "status", "env", "psql", "migrate", "reset", "token create", "secrets rotate",
         "retention", "callback"]
USAGE = (ROOT / "cli/usage.txt").read_text()


def call(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("words", [
    [], ["launch"], ["up", "now"], ["up", "--bogus"], ["up", "-x"], ["token"],
    ["token", "create", "twice"], ["token", "destroy"], ["up", "--port", "65536"],
    ["up", "--port", "-1"], ["up", "--loops", "65"], ["up", "--port", "80a"], ["up", "--port", ""], ["up", "--state", ""],
    ["status", "--state"], ["up", "--detach=yes"],
], ids=" ".join)
def test_what_is_not_known_is_refused_with_the_usage(words):
    done = call(*words)
    assert done.returncode == 64
    assert done.stdout == ""
    assert done.stderr.startswith("onramp: ")
    if words != ["token", "destroy"]:
        assert USAGE in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_every_option(verb):
    """--help is looked at last: the options before it were all understood."""
    values = ["--state", "--database", "--secrets-key", "--listen", "--role", "--customer",
              "--partner", "--description", "--expires-at", "--secret", "--type", "--service-key", "--note",
              "--reason", "--primary-port", "--secondary-port", "--s-tag", "--partner-reference",
              "--expected-by", "--timestamp", "--webhook-id", "--url", "--events"]
    flags = ["--detach", "--json", "--yes", "--print-curl"]
    words = [word for option in values for word in (option, "x")] + flags + ["--port", "0", "--loops", "2"] + [
        "--log-level", "info", "--webhook-allow-cidr", "::1",
        "--webhook-schedule", "0", "--webhook-timeout", "1s", "--webhook-ca", "x",
        "--webhook-disable-after", "1d", "--config", "x"]
    done = call(*verb.split(), *words, "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, USAGE, "")


def test_the_usage_names_every_verb_and_every_option():
    table = (ROOT / "cli/options.c").read_text()
    names = [line.split('"')[1] for line in table.splitlines()
             if line.startswith('    {"') and "offsetof" in line]
    assert len(names) > 20
    for name in names:
        assert f"--{name}" in USAGE
    for verb in VERBS + ["test"]:
        assert f"onramp {verb}" in USAGE


def test_the_version_is_that_of_the_project():
    done = call("--version")
    assert done.returncode == 0
    assert f"VERSION {done.stdout.split()[1]} " in (ROOT / "CMakeLists.txt").read_text()
