# SPDX-License-Identifier: Apache-2.0
"""What the command line takes, and what it says to the rest."""

import functools
import re
import subprocess

import pytest

from place import BINARY, ROOT, environment

VERBS = ["up", "down", "status", "env", "psql", "migrate", "reset", "token create", "secrets rotate",
         "retention", "callback", "simulate-partner"]
USAGE = (ROOT / "cli/usage.txt").read_text()
PARAGRAPHS = USAGE.split("\n\n")
EVERY, = [text for text in PARAGRAPHS if text.startswith("Every verb takes")]


def call(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=20, check=False,
                          env=environment())


def paragraph(verb):
    found, = [text for text in PARAGRAPHS if text.startswith(f"onramp {verb} [")]
    return found


def options_in(text):
    return set(re.findall(r"--([a-z][a-z-]*)", text))


@functools.cache
def names():
    """Every option in the sources' tables or in the usage."""
    tables = [re.findall(r'\{+"([a-z-]+)", OPTION_', path.read_text())
              for path in (ROOT / "cli").glob("*.c")]
    found = {name for table in tables for name in table}
    assert len(found) > 50
    return found | options_in(USAGE)


@functools.cache
def answers(verb):
    """What is said to each option. With a value a flag is refused as such, and nothing is done
    where --help stands beside it."""
    return {name: call(*verb.split(), "--help", f"--{name}=x").stderr for name in names()}


def taken(verb):
    return {name for name, said in answers(verb).items() if "is not an option of" not in said}


def refused(*words):
    done = call(*words)
    assert (done.returncode, done.stdout) == (64, ""), done
    assert done.stderr.startswith("onramp: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr[len("onramp: "):-1]


@pytest.mark.parametrize("words, said", [
    ("", "what to do? A verb is missing; see: onramp --help"),
    ("--state x", "what to do? A verb is missing; see: onramp --help"),
    ("--role", "what to do? A verb is missing; see: onramp --help"),
    ("launch", "there is no 'launch'; see: onramp --help"),
    ("upp", "there is no 'upp'; see: onramp --help"),
    ("--bogus x up", "there is no option --bogus; see: onramp --help"),
    ("up --bogus", "--bogus is not an option of up; see: onramp up --help"),
    ("up --bogus=x", "--bogus is not an option of up; see: onramp up --help"),
    ("up -x", "-x is not an option of up; see: onramp up --help"),
    ("-x up", "-x is not an option of up; see: onramp up --help"),
    ("up --web x", "--web is not an option of up; see: onramp up --help"),
    ("up --det", "--det is not an option of up; see: onramp up --help"),
    ("up --por 0", "--por is not an option of up; see: onramp up --help"),
    ("secrets rotate --secret x", "--secret is not an option of secrets rotate but of callback, "
                                  "simulate-partner; see: onramp secrets rotate --help"),
    ("up --port", "--port needs a value; see: onramp up --help"),
    ("up --detach=yes", "--detach takes no value; see: onramp up --help"),
    ("token", "'token' is not a verb, but 'token create' is; see: onramp token create --help"),
    ("token destroy",
     "'token destroy' is not a verb, but 'token create' is; see: onramp token create --help"),
    ("token create --s-tag 5", "--s-tag is not an option of token create but of callback; "
                               "see: onramp token create --help"),
    ("--s-tag 5 token create", "--s-tag is not an option of token create but of callback; "
                               "see: onramp token create --help"),
    ("up --json", "--json is not an option of up but of status, retention, simulate-partner; "
                  "see: onramp up --help"),
    ("status --port 1", "--port is not an option of status but of up; see: onramp status --help"),
    ("up --port 65536", "--port takes a number from 0 to 65535, not '65536'"),
    ("up --port -1", "--port takes a number from 0 to 65535, not '-1'"),
    ("up --port 80a", "--port takes a number from 0 to 65535, not '80a'"),
    ("up --port=", "--port takes a number from 0 to 65535, not ''"),
    ("up --loops 65", "--loops takes a number from 0 to 64, not '65'"),
    ("up --state=", "--state needs a value"),
    ("status --state", "--state needs a value; see: onramp status --help"),
])
def test_what_is_not_known_is_refused_in_one_line(words, said):
    assert refused(*words.split()) == said


@pytest.mark.parametrize("verb", VERBS)
def test_a_word_too_many_is_refused_also_behind_two_hyphens(verb):
    said = f"'more' is one word too many for {verb}; see: onramp {verb} --help"
    assert refused(*verb.split(), "more") == said
    assert refused("more", *verb.split()) == "there is no 'more'; see: onramp --help"
    if verb != "psql":
        assert refused(*verb.split(), "--", "more") == said


@pytest.mark.parametrize("verb", VERBS)
def test_the_usage_of_a_verb_has_its_options_and_no_other(verb):
    assert taken(verb) == options_in(paragraph(verb)) | options_in(EVERY)


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_the_options_of_the_verb(verb):
    expected = (0, f"{paragraph(verb)}\n\n{EVERY}\n\n", "")
    for words in ([*verb.split(), "--help"], ["--help", *verb.split()],
                  ["--state", "x", verb.split()[0], "--help"]):
        done = call(*words)
        assert (done.returncode, done.stdout, done.stderr) == expected


def test_help_without_a_verb_shows_all():
    done = call("--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, USAGE, "")
    overview = PARAGRAPHS[1]
    for verb in VERBS + ["test"]:
        assert f"\n  onramp {verb} " in "\n" + overview
        assert paragraph(verb)


def test_an_option_takes_a_value_for_every_verb_or_for_none():
    """Which word is the verb depends on it, before the verb is known."""
    flags = {}
    for verb in VERBS:
        for name in taken(verb):
            flags.setdefault(name, set()).add("takes no value" in answers(verb)[name])
    assert not [name for name, found in flags.items() if len(found) > 1]


def test_the_verb_may_stand_behind_options_and_between_them():
    for words in (["--state", "/none/up", "status"], ["--json", "status", "--state", "/none/up"],
                  ["--state=/none/up", "--json", "status"]):
        done = call(*words)
        assert (done.returncode, "/none/up" in done.stdout) == (3, True), done
    assert "--role: " in call("token", "--role", "king", "create").stderr
    assert "--role: " in call("--role", "king", "token", "create").stderr


def test_the_version_is_that_of_the_project():
    for words in (["--version"], ["status", "--version"], ["--version", "token"]):
        done = call(*words)
        assert done.returncode == 0
        assert f"VERSION {done.stdout.split()[1]} " in (ROOT / "CMakeLists.txt").read_text()
