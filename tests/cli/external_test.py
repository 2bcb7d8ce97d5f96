# SPDX-License-Identifier: Apache-2.0
"""--database: a PostgreSQL that is there already, with no more rights than it takes."""

import subprocess
import sys

import pytest

from place import ROOT, Place, answer

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    try:
        yield made
    finally:
        made.remove()


def sql(cluster, database, text, user="postgres"):
    done = subprocess.run(
        ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.directory, "-U",
         user, "-d", database, "-c", text], capture_output=True, text=True, timeout=30,
        check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def url(cluster, database, user):
    return f"postgresql://{user}@/{database}?host={cluster.directory}"


def test_a_role_that_may_create_roles_is_enough(cluster, place):
    cluster.database("plain")
    sql(cluster, "plain", "CREATE ROLE app LOGIN CREATEROLE")
    sql(cluster, "plain", "GRANT CREATE ON DATABASE plain TO app")
    here = url(cluster, "plain", "app")
    said = place.start("--database", here, fresh=True)
    assert f"plain at {cluster.directory}" in said
    status = place.status()
    assert status["ready"] and status["postgresPid"] is None
    assert answer(status["url"]) == 200
    assert place.postmasters() == [] and not place.path("postgres").exists()
    # The daemon's own sessions act as onramp_daemon, which can read no table.
    assert sql(cluster, "plain", "SELECT has_table_privilege('onramp_daemon', 'onramp.circuits',"
                                 " 'SELECT')") == "f"
    assert place.variables()["ONRAMP_PARTNER"] == "equinix"
    assert place.must("migrate", "--database", here) == "migrations  up to date\n"
    token = place.must("token", "create", "--role", "operator", "--database", here)
    assert token.startswith("onro_")
    done = place.run("token", "create", "--role", "operator")
    assert done.returncode == 1 and "--database" in done.stderr
    assert place.must("psql", "--database", here, "--", "-Atc", "SELECT current_user") == "app\n"
    place.must("down")
    again = place.start(env={"ONRAMP_DATABASE_URL": here})
    assert "up to date" in again and "credentials" not in again


def test_a_role_that_may_not_is_told_what_to_grant(cluster, place):
    cluster.database("bare")
    sql(cluster, "bare", "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
    done = place.run("migrate", "--database", url(cluster, "bare", "weak"))
    if sql(cluster, "bare", "SELECT count(*) FROM pg_roles WHERE rolname = 'onramp_owner'") == "0":
        assert "ALTER ROLE weak CREATEROLE;" in done.stderr
    assert done.returncode == 1
    assert "GRANT CREATE ON DATABASE bare TO weak;" in done.stderr
    for line in done.stderr.splitlines():
        if line.startswith("  "):
            sql(cluster, "bare", line)
    said = place.must("migrate", "--database", url(cluster, "bare", "weak"))
    assert "functions applied" in said


def test_the_daemons_own_role_may_serve_what_another_has_migrated(cluster, place):
    cluster.database("split")
    place.must("migrate", "--database", url(cluster, "split", "postgres"))
    said = place.start("--database", url(cluster, "split", "onramp_daemon"), fresh=True)
    assert "not checked" in said
    assert place.status()["ready"]


def test_a_second_daemon_on_the_same_database_makes_no_second_credentials(cluster, place):
    cluster.database("shared")
    here = url(cluster, "shared", "postgres")
    other = Place()
    options = ("--database", here, "--secrets-key", cluster.shared("secrets.key"))
    try:
        # Both at once: one of them makes the credentials and the key, and they are whole.
        both = [one.start_foreground("--detach", *options) for one in (place, other)]
        said = [child.communicate(timeout=60) for child in both]
        assert [child.returncode for child in both] == [0, 0], said
        assert place.status()["ready"] and other.status()["ready"]
        assert sql(cluster, "shared", "SELECT string_agg(role, ' ' ORDER BY role) FROM"
                                      " onramp.tokens") == "customer operator partner"
        have = [one for one in (place, other) if one.path("credentials").exists()]
        assert len(have) == 1
        assert not [one for one in (place, other) if one.path("credentials.new").exists()]
        assert len(have[0].variables()) == 7
    finally:
        other.remove()


def test_two_databases_of_one_cluster_migrate_at_once(cluster):
    places = [Place() for _ in range(4)]
    try:
        runners = []
        for number, one in enumerate(places):
            cluster.database(f"twin{number}")
            runners.append(one.start_verb("migrate", "--database",
                                          url(cluster, f"twin{number}", "postgres")))
        said = [runner.communicate(timeout=60) for runner in runners]
        assert [runner.returncode for runner in runners] == [0] * 4, said
    finally:
        for one in places:
            one.remove()


@pytest.mark.parametrize("wrong, sentence", [
    ("nonsense", "cannot be read"),
    ("postgresql://postgres@/nowhere?host={}", 'database "nowhere" does not exist'),
    ("postgresql://u:hunter2@127.0.0.1:1/x?connect_timeout=2", "refused"),
])
def test_a_database_that_is_not_there_is_said_without_its_password(cluster, place, wrong, sentence):
    done = place.run("up", "--port", "0", "--database", wrong.format(cluster.directory))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_what_migrates_looks_for_the_host_that_takes_writes(cluster, place):
    """As the sessions of requests do: a standby comes first in the URL."""
    standby = Cluster()
    try:
        for host in (standby, cluster):
            host.database("hosts")
        sql(standby, "hosts", "ALTER DATABASE hosts SET default_transaction_read_only = on")
        both = f"postgresql://postgres@/hosts?host={standby.directory},{cluster.directory}"
        assert "functions applied" in place.must("migrate", "--database", both)
        assert sql(cluster, "hosts", "SELECT count(*) > 0 FROM onramp.partners") == "f"
        assert sql(standby, "hosts", "SELECT to_regnamespace('onramp') IS NULL") == "t"
    finally:
        standby.remove()
