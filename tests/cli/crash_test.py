# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each process, at each moment: the next start carries on."""

import json
import os
import signal
import subprocess
import time
import urllib.request

import pytest

from place import alive, answer
from polling import eventually, patience

TOKENS = "SELECT string_agg(role, ' ' ORDER BY role) FROM tokens"


def works(place):
    """The place answers, with the credentials that env names, and with no others."""
    v = place.variables()
    for name, path in (("OPERATOR", "/v1/customers"), ("CUSTOMER", "/v1/circuits"),
                       ("PARTNER", "/v1/partner/circuits")):
        request = urllib.request.Request(
            v["ONRAMP_URL"] + path,
            headers={"Authorization": "Bearer " + v[f"ONRAMP_{name}_TOKEN"]})
        with urllib.request.urlopen(request, timeout=10) as got:
            assert got.status == 200
    assert place.sql(TOKENS) == "customer operator partner"
    assert place.sql("SELECT count(*) FROM customers") == "1"
    assert place.sql("SELECT count(*) FROM callback_secrets") == "1"
    assert not place.path("credentials.new").exists()


def test_a_postgresql_that_is_killed_is_back_within_5_seconds(place):
    def losses():
        return place.path("log/onramp.log").read_text().count("database connections: not ready")

    place.start()
    before = place.status()
    for _ in range(2):
        killed, seen = place.status()["postgresPid"], losses()
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        eventually("not ready", losses, lambda now: now > seen, seconds=patience(5))
        eventually("ready again", lambda: answer(before["url"]), 200, seconds=patience(5))
        assert time.monotonic() - began < patience(5)
        assert place.status()["postgresPid"] != killed
    assert place.status()["pid"] == before["pid"]
    works(place)
    log = place.path("log/onramp.log").read_text()
    assert log.count("PostgreSQL died") == 2
    assert log.count("PostgreSQL answers again") == 2


def test_a_worker_that_is_killed_costs_no_restart_of_ours(place):
    """PostgreSQL itself starts over when one of its processes crashes; we must not interfere."""
    place.start()
    before = place.status()
    worker = int(place.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'onramp_daemon'"
                           " LIMIT 1"))
    os.kill(worker, signal.SIGKILL)
    eventually("not ready", place.path("log/onramp.log").read_text,
               lambda text: "database connections: not ready" in text, seconds=patience(5))
    eventually("ready again", lambda: answer(before["url"]), 200, seconds=patience(5))
    assert place.status() == before


def test_a_daemon_that_is_killed_takes_its_postgresql_along_and_up_carries_on(place):
    place.start()
    before = place.status()
    credentials = place.path("credentials").read_text()
    os.kill(before["pid"], signal.SIGKILL)
    eventually("it has gone", lambda: alive(before["pid"]), False)
    assert place.status()["phase"] == "stopped"
    place.start()   # at once: the old PostgreSQL is still stopping
    assert not alive(before["postgresPid"])
    assert place.path("credentials").read_text() == credentials
    works(place)


def test_both_killed_at_once(place):
    place.start()
    before = place.status()
    os.kill(before["pid"], signal.SIGSTOP)    # so that it cannot react
    os.kill(before["postgresPid"], signal.SIGKILL)
    os.kill(before["pid"], signal.SIGKILL)
    eventually("it has gone", lambda: alive(before["pid"]), False)
    place.start()
    works(place)


def test_a_stale_mark_that_names_a_living_process_is_no_obstacle(place):
    """After a power cut the pid in postmaster.pid may belong to anybody; here it is a process of the
    same user that works in the data directory, as a person's shell may."""
    place.start()
    place.must("down")
    owner = os.stat(place.state).st_uid
    data = place.path("postgres")
    bystander = subprocess.Popen(["sh", "-c", f"cd '{data}' && exec sleep 60"],
                                 preexec_fn=lambda: os.setuid(owner))
    try:
        eventually("it stands in the data directory",
                   lambda: os.readlink(f"/proc/{bystander.pid}/cwd"), str(data))
        mark = data / "postmaster.pid"
        mark.write_text(f"{bystander.pid}\n{data}\n0\n5432\n{place.path('socket')}\n\n")
        os.chown(mark, owner, owner)
        place.start()
        works(place)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_postgresql_that_cannot_start_is_tried_again_and_again(place):
    place.start()
    before = place.status()
    settings = place.path("postgres/local.conf")
    settings.write_text("shared_buffers = nonsense\n")
    os.chmod(settings, 0o644)
    os.kill(before["postgresPid"], signal.SIGKILL)
    eventually("four deaths", place.path("log/onramp.log").read_text,
               lambda text: text.count("PostgreSQL died") >= 4, seconds=patience(60))
    assert answer(before["url"], "/healthz") == 200
    assert answer(before["url"]) == 503
    settings.unlink()
    eventually("ready again", lambda: answer(before["url"]), 200, seconds=patience(60))
    assert place.status()["pid"] == before["pid"]


def interrupted(place, condition):
    """Start, and kill -9 the daemon as soon as the condition holds."""
    child = place.start_foreground()
    eventually("the moment of the kill", condition, seconds=patience(60), pause=0.001)  # what it waits for may be there for 40 ms
    pid = json.loads(place.path("running").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    child.wait(timeout=30)


@pytest.mark.parametrize("moment", [
    "log/initdb.log", "postgres/PG_VERSION", "postgres/postmaster.pid", "secrets.key",
    "credentials.new", "credentials"])
def test_a_first_start_that_is_killed_is_completed_by_the_next(place, moment):
    # credentials.new may have gone again before it is seen: then there are credentials.
    interrupted(place, lambda: place.path(moment).exists() or place.path("credentials").exists())
    place.start()
    works(place)
    assert not list(place.path("").glob("postgres.new.*"))


def test_a_first_start_that_had_not_committed_leaves_no_credentials_alive(place):
    """credentials.new is there and the database knows nothing of it."""
    place.start()
    place.must("down")
    made = json.loads(place.path("credentials").read_text())
    place.start()
    place.sql("DELETE FROM tokens")
    place.sql("DELETE FROM callback_secrets")
    place.sql("DELETE FROM customers")
    place.must("down")
    place.path("credentials").rename(place.path("credentials.new"))
    place.start()
    works(place)
    assert place.variables()["ONRAMP_OPERATOR_TOKEN"] == made["operatorToken"]


def test_a_first_start_that_had_committed_is_only_written_down(place):
    """The database knows credentials.new; only the renaming was missing."""
    place.start()
    place.must("down")
    made = json.loads(place.path("credentials").read_text())
    partial = {name: value for name, value in made.items() if name != "customerId"}
    owner = os.stat(place.state)
    place.path("credentials").unlink()
    place.path("credentials.new").write_text(json.dumps(partial))
    os.chown(place.path("credentials.new"), owner.st_uid, owner.st_gid)
    place.start()
    works(place)
    assert json.loads(place.path("credentials").read_text()) == made


def test_credentials_that_were_removed_are_not_made_again(place):
    place.start()
    place.path("credentials").unlink()
    place.must("down")
    place.start()
    done = place.run("env")
    assert done.returncode == 0
    assert "token create" in done.stderr
    assert [line.split("=")[0] for line in done.stdout.splitlines()] == ["export ONRAMP_URL"]
    assert place.sql(TOKENS) == "customer operator partner"


def test_a_revoked_operator_token_stays_revoked(place):
    place.start()
    place.sql("DELETE FROM tokens WHERE role = 'operator'")
    place.must("down")
    place.start()
    assert place.sql(TOKENS) == "customer partner"


def test_what_was_committed_survives_a_kill_of_everything(place):
    place.start()
    v = place.variables()
    body = json.dumps({"name": "hq", "partner": "equinix", "peeringLocation": "Amsterdam",
                       "bandwidthMbps": 1000}).encode()
    request = urllib.request.Request(
        v["ONRAMP_URL"] + "/v1/circuits", data=body,
        headers={"Authorization": "Bearer " + v["ONRAMP_CUSTOMER_TOKEN"],
                 "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as got:
        circuit = json.load(got)
    status = place.status()
    os.kill(status["postgresPid"], signal.SIGKILL)
    os.kill(status["pid"], signal.SIGKILL)
    place.start()
    assert place.sql("SELECT id FROM circuits") == circuit["id"]
