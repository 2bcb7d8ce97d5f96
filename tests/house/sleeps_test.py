# SPDX-License-Identifier: Apache-2.0
"""A test waits for a condition (tests/http/polling.py). It sleeps only where time itself is what it is
about: in these files, with a comment beside each sleep."""
import pathlib
import re

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
SLEEP = re.compile(r"\bsleep\(")
MAY_SLEEP = {
    "cli/migrate_test.py": "a runner that has to wait is watched while it does",
    "cli/rotation_test.py": "kills come at a moment that is drawn; traffic goes on with each key",
    "cli/simulate_partner_test.py": "input comes in pieces; a server is away for a while",
    "cli/simulate_requests_test.py": "nothing happens for a while",
    "faults/drain_test.py": "load, a late body and a second signal take their time",
    "faults/kill_postgres_test.py": "under load before and after a kill",
    "faults/kill_server_test.py": "under load before and after a kill",
    "faults/load.py": "the pause of a client that asks again",
    "faults/once_test.py": "the pause of a client that asks again; the moment of a kill",
    "faults/waiting_test.py": "rates are counted; nobody is woken for a while",
    "faults/webhook_names_scene.py": "pings are sent one by one",
    "faults/webhook_storm.py": "the pace of what is sent, and between kills",
    "faults/webhook_storm_test.py": "a server that was told to stop does not for a while",
    "http/conversation.py": "requests come in pieces",
    "http/conversation_test.py": "the end comes after the request or with it",
    "http/feed_test.py": "followers wait, and the server does not say so",
    "http/filters_test.py": "an age is counted in whole seconds",
    "http/keepalive_test.py": "requests come in pieces, connections rest",
    "http/polling.py": "it is the one that polls",
    "http/polling_test.py": "a machine that stands still",
    "http/rate_limit_test.py": "a client waits as Retry-After tells it",
    "http/sender_test.py": "a slow receiver; no further attempt for a while",
    "http/signatures_test.py": "a secret is kept for a second",
    "http/wait_test.py": "a token is believed for seconds; a wait has begun",
    "http/wire.py": "octets come in pieces",
    "instructions/baseline.py": "what a server at rest costs in a while",
}


def sleeps(path):
    """(line, whether a comment is on it or before it) of each."""
    lines = path.read_text().splitlines()
    return [(number + 1, "#" in line or number > 0 and lines[number - 1].lstrip().startswith("#"))
            for number, line in enumerate(lines) if SLEEP.search(line.split("#")[0])]


def wrong(folder, may_sleep):
    found = {str(path.relative_to(folder)): sleeps(path) for path in sorted(folder.rglob("*.py"))
             if "house" not in path.relative_to(folder).parts}
    return ([f"{name}:{line} sleeps; wait with polling.eventually, or put the file on the list"
             for name, lines in found.items() if name not in may_sleep for line, _ in lines]
            + [f"{name}:{line} sleeps without a comment that says why"
               for name, lines in found.items() if name in may_sleep
               for line, explained in lines if not explained]
            + [f"{name} sleeps no more; take it off the list"
               for name in may_sleep if not found.get(name)])


def test_a_test_sleeps_only_where_time_is_what_it_is_about():
    assert not wrong(TESTS, MAY_SLEEP)


@pytest.mark.parametrize("text,found", [
    ("import time\ntime.sleep(1)\n", "x.py:2 sleeps; wait"),
    ("from time import sleep\nsleep(1)  # why\n", "x.py:2 sleeps; wait"),
    ("await asyncio.sleep(0.1)\n", "x.py:1 sleeps; wait"),
])
def test_a_bare_sleep_is_found(tmp_path, text, found):
    (tmp_path / "x.py").write_text(text)
    assert wrong(tmp_path, {})[0].startswith(found)


def test_a_sleep_without_a_comment_is_found_and_so_is_a_name_too_many(tmp_path):
    (tmp_path / "x.py").write_text("time.sleep(1)\n# why\ntime.sleep(2)\ntime.sleep(3)  # why\n")
    assert wrong(tmp_path, {"x.py": "why", "y.py": "why"}) == [
        "x.py:1 sleeps without a comment that says why", "y.py sleeps no more; take it off the list"]
