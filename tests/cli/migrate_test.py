# SPDX-License-Identifier: Apache-2.0
"""The migrations: once each, in order, never edited, never backwards."""

import re
import time

from place import ROOT
from polling import eventually

FILES = sorted(path.stem for path in (ROOT / "migrations").glob("*.sql"))
FUNCTIONS = sorted(path.stem for path in (ROOT / "migrations/functions").glob("*.sql"))


def refused(place, *sentences):
    """Both verbs refuse, in these words, and change nothing."""
    place.must("down")
    for verb in (["migrate"], ["up", "--port", "0"]):
        done = place.run(*verb)
        assert done.returncode == 1
        for sentence in sentences:
            assert sentence in done.stderr
        assert "ready http" not in done.stdout
    assert place.postmasters() == []


def test_every_file_is_applied_in_order_and_twice_is_no_change(place):
    first = place.must("migrate")
    assert first == f"migrations  {len(FILES)} of {len(FILES)} applied, functions applied\n"
    assert place.must("migrate") == "migrations  up to date\n"
    assert place.postmasters() == []
    place.start()
    rows = place.sql("SELECT name FROM migrations WHERE name <> 'functions' ORDER BY applied_at")
    assert rows.split() == FILES
    assert place.must("migrate") == "migrations  up to date\n"
    there = place.sql("SELECT proname FROM pg_proc WHERE pronamespace = 'onramp'::regnamespace")
    assert set(FUNCTIONS) <= set(there.split())


def test_a_fresh_state_is_not_given_credentials_by_migrate(place):
    place.must("migrate")
    place.start()
    assert place.sql("SELECT count(*) FROM tokens") == "3"


def test_an_edited_migration_is_refused(place):
    place.start()
    place.sql("UPDATE migrations SET sha256 = sha256('edited') WHERE name = '0002_values'")
    refused(place, "The migration 0002_values was edited after it had been applied here",
            "put the change into a new file")


def test_a_database_of_a_newer_program_is_refused(place):
    place.start()
    place.sql("INSERT INTO migrations VALUES ('9999_later', sha256('later'))")
    refused(place, "9999_later", "a newer onramp has migrated it")


def test_a_migration_that_comes_before_one_that_ran_is_refused(place):
    place.start()
    place.sql("DELETE FROM migrations WHERE name = '0003_customers'")
    refused(place, "The migration 0003_customers has not been applied here but",
            "takes the next number")


ROUTINES = """SELECT oid::regprocedure || ' ' || pg_get_function_result(oid) FROM pg_proc
              WHERE pronamespace = 'onramp'::regnamespace ORDER BY 1"""


def test_functions_are_applied_again_when_their_text_has_changed(place):
    place.start()
    place.sql("DROP FUNCTION schema_ready")
    assert place.must("migrate") == "migrations  up to date\n"
    place.sql("UPDATE migrations SET sha256 = sha256('other') WHERE name = 'functions'")
    assert place.must("migrate") == f"migrations  0 of {len(FILES)} applied, functions applied\n"
    assert place.sql("SELECT outcome FROM schema_ready()") == "ok"
    assert place.must("migrate") == "migrations  up to date\n"


def test_earlier_forms_of_functions_make_way(place):
    """One with other parameters, one with another result, one that there is no more; what somebody
    has made a view of stays, and so does what is not ours."""
    place.start()
    before = place.sql(ROUTINES)
    place.sql("""
        SET ROLE onramp_owner;
        CREATE FUNCTION onramp.circuit_get(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
        DROP FUNCTION onramp.limit_list;
        CREATE FUNCTION onramp.limit_list() RETURNS int LANGUAGE sql AS 'SELECT 1';
        DROP FUNCTION onramp.feed_sweep;
        CREATE FUNCTION onramp.feed_sweep(p_limit int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION onramp.circuit_gone() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION onramp.viewed() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW onramp.by_hand AS SELECT onramp.viewed();
        SET ROLE NONE;
        CREATE FUNCTION onramp.of_somebody() RETURNS int LANGUAGE sql AS 'SELECT 1'""")
    place.sql("UPDATE migrations SET sha256 = sha256('other') WHERE name = 'functions'")
    assert place.must("migrate") == f"migrations  0 of {len(FILES)} applied, functions applied\n"
    after = set(place.sql(ROUTINES).splitlines())
    assert after - set(before.splitlines()) == {"viewed() integer", "of_somebody() integer"}
    assert not set(before.splitlines()) - after


def test_a_migration_that_fails_leaves_nothing_of_itself(place):
    """The last file that makes a table has run already, and the table is in its way."""
    place.start()
    last = max(name for name in FILES if "CREATE TABLE" in (ROOT / f"migrations/{name}.sql").read_text())
    before = place.sql("SELECT count(*) FROM pg_class WHERE relnamespace ="
                       " 'onramp'::regnamespace")
    place.sql(f"DELETE FROM migrations WHERE name >= '{last}' AND name ~ '^[0-9]'")
    done = place.run("migrate")
    assert done.returncode == 1
    assert re.search(rf"The file {last}\.sql(, line \d+)? could not be applied: .*"
                     "(already exists|does not exist)", done.stderr)
    assert place.sql("SELECT count(*) FROM pg_class WHERE relnamespace ="
                     " 'onramp'::regnamespace") == before
    assert place.sql(f"SELECT count(*) FROM migrations WHERE name = '{last}'") == "0"


def test_runners_take_turns(place):
    """One after the other; who comes late finds nothing left to do."""
    place.start()
    place.sql("UPDATE migrations SET sha256 = sha256('other') WHERE name = 'functions'")
    runners = [place.start_verb("migrate") for _ in range(3)]
    said = [runner.communicate(timeout=60) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0, 0], said
    lines = sorted(out for out, _ in said)
    assert lines[0].endswith("functions applied\n")
    assert lines[1:] == ["migrations  up to date\n"] * 2


def test_a_runner_waits_for_the_lock(place):
    place.start()
    holder = place.start_verb("psql", "--", "-X", "-q", "-c",
                              "SELECT pg_advisory_lock(122524684610928), pg_sleep(600)")
    eventually("the lock is held", lambda: place.sql(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"), "1")
    runner = place.start_verb("migrate")
    time.sleep(1)  # it has had the time to go on, and has not
    assert runner.poll() is None
    place.sql("SET ROLE NONE; SELECT pg_terminate_backend(pid) FROM pg_locks"
              " WHERE locktype = 'advisory'")
    holder.communicate(timeout=30)
    assert runner.communicate(timeout=30)[0] == "migrations  up to date\n"


def test_the_table_of_migrations_is_commented_and_not_the_daemons(place):
    place.start()
    assert place.sql("SELECT count(*) FROM pg_description WHERE objoid ="
                     " 'onramp.migrations'::regclass") == "4"
    assert place.sql("SELECT has_table_privilege('onramp_daemon', 'onramp.migrations',"
                     " 'SELECT')") == "f"
    assert place.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'migrations'") == \
        "onramp_owner"
