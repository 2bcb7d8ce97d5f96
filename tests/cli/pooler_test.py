# SPDX-License-Identifier: Apache-2.0
"""Pins that a session which is not the one that was asked for is refused, by name: without its role it may
do anything, and without its limits it waits for ever."""

import os
import shutil
import subprocess
import sys

import pytest

from place import ROOT, Place, answer
from polling import eventually
from pooler import Pooler

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster, _unprivileged  # noqa: E402

SAYS = "something in between drops them, as pgbouncer does"


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def pooler(cluster):
    made = Pooler(cluster.directory)
    try:
        yield made
    finally:
        made.remove()


def url(host, database, port=5432):
    return f"postgresql://postgres@/{database}?host={host}&port={port}"


def test_no_verb_goes_on_without_what_it_asked_for(cluster, pooler, place):
    cluster.database("verbs")
    direct, dropped = url(cluster.directory, "verbs"), url(pooler.directory, "verbs")
    done = place.run("migrate", "--database", dropped)
    assert done.returncode != 0 and SAYS in done.stderr, done
    done = place.run("up", "--database", dropped)
    assert done.returncode != 0 and SAYS in done.stderr, done
    place.must("migrate", "--database", direct)
    for verb in (("token", "create", "--role", "operator"), ("retention",)):
        done = place.run(*verb, "--database", dropped)
        assert done.returncode != 0 and SAYS in done.stderr, done
        assert "role" in done.stderr, done
    pooler.drops = False
    assert place.must("migrate", "--database", dropped) == "migrations  up to date\n"


def test_a_server_does_not_work_on_sessions_without_what_they_asked_for(cluster, pooler, place):
    cluster.database("serves")
    pooler.drops = False
    place.start("--database", url(pooler.directory, "serves"), fresh=True)
    at = place.status()["url"]
    assert answer(at) == 200
    pooler.drops = True
    lose = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = 'serves' AND pid <> pg_backend_pid()"
    )
    cluster.sql("serves", lose)
    eventually("it has lost its sessions, and gets no others", lambda: said(place))
    assert answer(at) == 503
    line = said(place)[0]
    assert "role" in line and "statement_timeout" in line and "lock_timeout" in line
    pooler.drops = False
    eventually("it has what it asked for", lambda: answer(at), 200)
    place.must("down")


def said(place):
    return [line for line in place.path("log/onramp.log").read_text().splitlines() if SAYS in line]


def test_pgbouncer_that_ignores_options_is_refused(cluster, place):
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("pgbouncer is not installed")
    cluster.database("bounced")
    folder = os.path.join(cluster.directory, "pgbouncer")
    os.makedirs(folder)
    os.chmod(folder, 0o777)
    settings = os.path.join(folder, "ini")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(
            f"[databases]\n* = host={cluster.directory} port=5432 user=postgres\n[pgbouncer]\n"
            f"unix_socket_dir = {folder}\nlisten_addr =\nlisten_port = 6432\npool_mode = session\n"
            "auth_type = any\nignore_startup_parameters = options, extra_float_digits\n"
        )
    bouncer = subprocess.Popen(
        _unprivileged() + [program, settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        eventually("it is there", lambda: os.path.exists(os.path.join(folder, ".s.PGSQL.6432")))
        done = place.run("migrate", "--database", url(folder, "bounced", 6432))
        assert done.returncode != 0 and SAYS in done.stderr, done
    finally:
        bouncer.terminate()
        bouncer.wait()
