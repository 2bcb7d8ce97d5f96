# SPDX-License-Identifier: Apache-2.0
"""secrets rotate: all secrets under a new key, while servers go on and whatever is interrupted."""

import base64
import os
import random
import stat
import subprocess
import sys
import threading
import time

import pytest

from client import Client
from keys import client, credentials, keys, secret_works, spoil_secret
from place import ROOT, UNLIMITED, Place
from polling import eventually
from tenant import Customer, Partner, unique

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    try:
        yield made
    finally:
        made.remove()


class Traffic:
    """Callbacks from partners of ours, one after the other, to some servers; wrong signatures in
    between, so that secrets are read again and again and not only every five seconds."""

    def __init__(self, places, token):
        operator = Client(places[0].status()["url"], token)
        self.clients = [Client(place.status()["url"]) for place in places]
        self.partners = [Partner(operator) for _ in range(6)]
        self.keys = [Customer(operator).circuit(partner)["serviceKey"]
                     for partner in self.partners]
        self.answers, self.ends = [], threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        turn = 0
        while not self.ends.is_set():
            partner, key = self.partners[turn % 6], self.keys[turn % 6]
            sender = self.clients[turn % len(self.clients)]
            body = partner.payload("circuit.progress", key, note=f"turn {turn}")
            headers = partner.signed(body)
            if turn % 3 == 2:
                headers["webhook-signature"] = headers["webhook-signature"][:-5] + "AAAA="
            answer = sender.send("POST", partner.path, body, headers)
            self.answers.append((turn % 3 == 2, answer.status, answer.text[:300]))
            turn += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def all_well(self):
        wrong = [answer for answer in self.answers
                 if answer[1] != (401 if answer[0] else 200)]
        assert not wrong, (len(wrong), len(self.answers), wrong[:3])
        return len(self.answers)


def test_a_rotation_seals_everything_anew_and_drops_the_old_key(place):
    place.start()
    path = place.path("secrets.key")
    old, mode = keys(path), os.stat(path)
    client(place).post("/v1/webhooks", {"url": "https://example.net/"}).must(201)
    secrets = ("SELECT string_agg(secret, ' ') FROM (SELECT secret FROM callback_secrets"
               " UNION ALL SELECT secret FROM webhook_secrets) AS all_of_them")
    before = place.sql(secrets).split()
    assert len(before) == 2
    said = place.must("secrets", "rotate")
    new = keys(path)
    assert len(new) == 1 and new != old
    assert f"sealing with the key {new[0]}" in said and "2 sealed anew" in said
    assert place.sql("SELECT id FROM seal_keys") == new[0]
    after = place.sql(secrets).split()
    assert len(after) == 2 and not set(after) & set(before)
    assert all(secret.startswith(f"v1.{new[0]}.") for secret in after)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.stat(path).st_uid == mode.st_uid
    secret_works(place)
    # Without a server that runs it is the same.
    place.must("down")
    place.must("secrets", "rotate")
    assert place.postmasters() == []
    assert keys(path) not in (old, new)
    place.start()
    secret_works(place)


def test_no_callback_is_refused_while_keys_are_rotated(place):
    place.start(*UNLIMITED)
    operator = client(place)
    issued = []
    with Traffic([place], operator.token) as traffic:
        ends = time.monotonic() + 7  # longer than any secret is cached
        while time.monotonic() < ends:
            rotation = place.start_verb("secrets", "rotate")
            while rotation.poll() is None:
                # Issuing goes on as well; it may be asked to come again, and then does nothing.
                slug = unique("late")
                body = {"name": slug, "displayName": slug, "offers": []}
                answer = operator.post("/v1/partners", body)
                if answer.status == 503:
                    answer.must(503, "unavailable")
                else:
                    issued.append((slug, answer.must(201).json["callbackSecret"]))
            said = rotation.communicate()
            assert rotation.returncode == 0, said
    count = traffic.all_well()
    assert count > 100 and issued
    for slug, secret in issued[-50:]:
        secret_works(place, {"partner": slug, "partnerSecret": secret})
    place.must("down")
    place.start()
    secret_works(place)


def test_two_servers_go_on_while_keys_are_rotated(cluster):
    url = cluster.database("rotated")
    first, second = Place(), Place()
    options = ("--port", "0", "--detach", "--database", url, "--secrets-key",
               cluster.shared("rotated.key"), *UNLIMITED)
    try:
        first.must("up", *options)
        second.must("up", *options)
        with Traffic([first, second], credentials(first)["operatorToken"]) as traffic:
            for number in range(6):
                # The file is that of the server that runs from the state.
                one = (first, second)[number % 2]
                said = one.must("secrets", "rotate", "--database", url)
                assert "sealed anew" in said
                time.sleep(0.5)  # traffic goes on with each key for that long
        assert traffic.all_well() > 50
        assert len(keys(cluster.shared("rotated.key"))) == 1
    finally:
        first.remove()
        second.remove()


def test_one_rotation_at_a_time(cluster, place):
    url = cluster.database("alone")
    place.start("--database", url, fresh=True)
    holder = subprocess.Popen(
        ["psql", "-X", "-q", "-d", url, "-c",
         "SELECT pg_advisory_lock(1919906913); SELECT pg_sleep(60)"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place.children.append(holder)
    eventually("the lock is held", lambda: subprocess.run(
        ["psql", "-XAtq", "-d", url, "-c",
         "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1919906913"],
        capture_output=True, text=True, check=True).stdout.strip(), "1")
    done = place.run("secrets", "rotate", "--database", url)
    assert done.returncode == 1 and "another rotation is under way" in done.stderr
    holder.kill()


def interrupted_before_the_file(place):
    """The database has heard of the new key, the file has not."""
    place.sql("INSERT INTO seal_keys (id, proof) VALUES ('lost', 'x')")


def interrupted_behind_the_file(place):
    """The file has both keys, the new one in front; some secrets are sealed with it."""
    path = place.path("secrets.key")
    place.sql("INSERT INTO callback_secrets (partner, secret, expires_at) SELECT partner, secret,"
              " now() FROM callback_secrets, generate_series(1, 3)")
    place.must("down")
    lines = path.read_text().splitlines(True)
    path.write_text("".join(
        lines[:2] + ["new " + base64.b64encode(os.urandom(32)).decode() + "\n"] + lines[2:]))
    place.start()
    client(place).post("/v1/partners", {"name": "between", "displayName": "B", "offers": []}
                       ).must(201)
    assert place.sql("SELECT string_agg(DISTINCT key_id, ' ' ORDER BY key_id) FROM"
                     " callback_secrets").endswith(" new")


def interrupted_before_the_database_confirmed(place):
    """The file has the new key alone, the database still knows the old one."""
    place.must("secrets", "rotate")
    place.sql("INSERT INTO seal_keys (id, proof) VALUES ('old', 'x')")


@pytest.mark.parametrize("interrupted", [
    interrupted_before_the_file, interrupted_behind_the_file,
    interrupted_before_the_database_confirmed])
def test_a_rotation_that_was_interrupted_is_carried_on_with(place, interrupted):
    place.start()
    interrupted(place)
    place.must("down")
    place.start()
    secret_works(place)
    place.must("secrets", "rotate")
    left = keys(place.path("secrets.key"))
    assert len(left) == 1
    if interrupted is interrupted_behind_the_file:
        assert left == ["new"]
    assert place.sql("SELECT string_agg(id, ' ') FROM seal_keys") == left[0]
    assert place.sql("SELECT string_agg(DISTINCT key_id, ' ') FROM callback_secrets") == left[0]
    secret_works(place)


def test_a_rotation_goes_over_to_a_key_that_was_put_into_the_file(place):
    """Behind the old one, where no server seals with it yet: as for servers with a copy each."""
    place.start()
    path = place.path("secrets.key")
    with path.open("a") as file:
        file.write("mine " + base64.b64encode(os.urandom(32)).decode() + "\n")
    secret_works(place)
    place.must("secrets", "rotate")
    assert keys(path) == ["mine"]
    secret_works(place)


def test_a_rotation_that_is_killed_again_and_again_loses_nothing(place):
    place.start(*UNLIMITED)
    path = place.path("secrets.key")
    place.sql("UPDATE caps SET most = 100000 WHERE kind = 'callback_secrets'")
    place.sql("INSERT INTO callback_secrets (partner, secret, expires_at) SELECT partner, secret,"
              " now() FROM callback_secrets, generate_series(1, 1500)")
    began = time.monotonic()
    place.must("secrets", "rotate")
    whole = time.monotonic() - began
    chance = random.Random(47)
    killed, deadline = 0, time.monotonic() + 120
    with Traffic([place], credentials(place)["operatorToken"]) as traffic:
        while killed < 8:
            assert time.monotonic() < deadline, f"{killed} killed: they end too soon"
            rotation = place.start_verb("secrets", "rotate")
            time.sleep(chance.uniform(0.01, whole))  # the moment of the kill, drawn at random
            if rotation.poll() is None:
                rotation.kill()
                killed += 1
            rotation.communicate()
            assert 1 <= len(keys(path)) <= 2
    traffic.all_well()
    place.must("down")
    place.start()
    said = place.must("secrets", "rotate")
    assert "sealed anew" in said
    assert len(keys(path)) == 1
    assert place.sql("SELECT string_agg(DISTINCT key_id, ' ') FROM callback_secrets"
                     ) == keys(path)[0] == place.sql("SELECT string_agg(id, ' ') FROM seal_keys")
    secret_works(place)


def test_a_rotation_that_cannot_open_a_secret_keeps_the_old_key(place):
    place.start()
    path = place.path("secrets.key")
    old = keys(path)[0]
    spoil_secret(place, "equinix")
    done = place.run("secrets", "rotate")
    assert done.returncode == 1
    assert "callback:equinix does not open" in done.stderr
    assert "old keys are kept" in done.stderr
    assert len(keys(path)) == 2 and keys(path)[1] == old
    place.must("down")
    place.start()
