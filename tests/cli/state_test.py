# SPDX-License-Identifier: Apache-2.0
"""psql, reset, and how the embedded PostgreSQL is set up."""

import os
import pathlib
import subprocess

from place import BINARY, environment


def test_psql_is_a_session_of_the_owner(running):
    assert running.sql("SELECT current_user, current_database()") == "onramp_owner|onramp"
    assert running.sql("SET ROLE NONE; SELECT usesuper FROM pg_user WHERE usename ="
                       " current_user") == "t"
    assert running.must("psql", "--", "-Atc", "SELECT 'a b'") == "a b\n"
    done = running.run("psql", "--", "-v", "ON_ERROR_STOP=1", "-c", "SELECT nonsense")
    assert done.returncode != 0
    assert running.run("psql", stdin="SELECT 7;\n").stdout.split()[2] == "7"


def test_psql_needs_a_daemon(place):
    done = place.run("psql")
    assert done.returncode == 3
    assert "up --detach" in done.stderr


def test_the_embedded_postgresql_is_private_durable_and_checksummed(running):
    def show(name):
        return running.sql(f"SHOW {name}")
    assert show("listen_addresses") == ""
    assert show("unix_socket_permissions") == "0700"
    assert show("data_checksums") == "on"
    assert [show(name) for name in ("fsync", "synchronous_commit", "full_page_writes")] == \
        ["on"] * 3
    assert show("deadlock_timeout") == "100ms"
    assert show("jit") == "off"
    assert show("server_encoding") == "UTF8"
    assert running.sql("SET ROLE NONE; SELECT count(*) FROM pg_authid"
                       " WHERE rolpassword IS NOT NULL") == "0"
    assert running.sql("SET ROLE NONE; SELECT count(*) FROM pg_hba_file_rules"
                       " WHERE auth_method <> 'peer' OR type <> 'local'") == "0"


def test_the_environment_of_libpq_does_not_lead_astray(place):
    wrong = {"PGHOST": "/nowhere", "PGUSER": "nobody", "PGPORT": "1", "PGDATABASE": "wrong",
             "PGOPTIONS": "-c statement_timeout=1", "PGSERVICE": "none", "PGSSLMODE": "require",
             "PGPASSWORD": "x", "PGTZ": "Asia/Tokyo", "PGAPPNAME": "x"}
    place.start(env=wrong, fresh=True)
    assert place.status()["ready"]
    assert place.must("psql", "--", "-Atc", "SELECT 1", env=wrong) == "1\n"


def test_the_operators_settings_win_where_they_may(place):
    place.start()
    place.must("down")
    settings = place.path("postgres/local.conf")
    settings.write_text("work_mem = 7MB\nlisten_addresses = '*'\n")
    os.chmod(settings, 0o644)
    place.start()
    assert place.sql("SHOW work_mem") == "7MB"
    assert place.sql("SHOW listen_addresses") == ""


def test_reset_asks_refuses_while_it_runs_and_removes_all(place):
    place.start()
    assert place.run("reset").returncode == 1
    done = place.run("reset", "--yes")
    assert done.returncode == 1 and "stop it first" in done.stderr
    assert place.status()["ready"]
    place.must("down")
    done = place.run("reset")
    assert done.returncode == 1 and "--yes" in done.stderr
    assert place.path("postgres").exists()
    first = place.path("credentials").read_text()
    place.must("reset", "--yes")
    assert not pathlib.Path(place.state).exists() or not os.listdir(place.state)
    place.must("reset", "--yes")
    place.start()
    assert place.path("credentials").read_text() != first


def test_reset_asks_at_a_terminal(place):
    place.start()
    place.must("down")
    for typed, gone in (("no\n", False), ("yes\n", True)):
        leader, follower = os.openpty()
        os.write(leader, typed.encode())
        done = subprocess.run([BINARY, "reset", "--state", place.state], stdin=follower,
                              capture_output=True, text=True, timeout=30, env=environment(),
                              check=False)
        os.close(leader)
        os.close(follower)
        assert "Type yes" in done.stdout
        assert (done.returncode == 0) == gone
        assert place.path("postgres").exists() != gone


def test_reset_leaves_alone_what_is_no_state(place):
    os.makedirs(place.state)
    os.chmod(place.state, 0o777)
    place.path("precious").write_text("kept")
    assert "no state" in place.must("reset", "--yes")
    assert place.path("precious").read_text() == "kept"


def test_links_in_the_state_are_removed_not_followed(place):
    outside = pathlib.Path(place.directory, "outside")
    outside.mkdir()
    (outside / "precious").write_text("kept")
    outside.chmod(0o777)
    place.start()
    place.must("down")
    place.path("log/link").symlink_to(outside)
    place.must("reset", "--yes")
    assert (outside / "precious").read_text() == "kept"
