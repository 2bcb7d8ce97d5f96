# SPDX-License-Identifier: Apache-2.0
"""The keys of secrets at rest: made once, never missed silently; and a database of before them."""

import base64
import os
import pathlib
import stat
import subprocess
import sys

import pytest

from keys import client, credentials, keys, secret_works, spoil_secret
from place import ROOT, Place
from polling import eventually
from tenant import Partner

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster  # noqa: E402

# What a secret of a program from before sealing looks like, and the constraint as it was then.
UNSEALED = """
ALTER TABLE onramp.callback_secrets DROP CONSTRAINT a_callback_secret_is_sealed;
{};
ALTER TABLE onramp.callback_secrets ADD CONSTRAINT a_callback_secret_is_sealed
    CHECK (onramp.sealed_with(secret) IS NOT NULL) NOT VALID;
DELETE FROM onramp.seal_keys
"""
VALIDATED = ("SELECT convalidated FROM pg_constraint WHERE conname = 'a_callback_secret_is_sealed'")


def refused(place, *sentences, options=()):
    done = place.run("up", "--port", "0", *options)
    assert done.returncode == 1
    for sentence in sentences:
        assert sentence in done.stderr, done.stderr
    assert "ready http" not in done.stdout
    return done.stderr


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()
    try:
        yield made
    finally:
        made.remove()


# --- the file ---

def test_the_first_start_makes_a_key_for_its_user_alone(place):
    said = place.start(fresh=True)
    path = place.path("secrets.key")
    assert f"new key {keys(path)[0]} in {path}" in said
    there, state = os.stat(path), os.stat(place.state)
    assert stat.S_IMODE(there.st_mode) == 0o600
    assert (there.st_uid, there.st_gid) == (state.st_uid, state.st_gid)
    assert place.sql("SELECT key_id FROM callback_secrets") == keys(path)[0]
    secret_works(place)
    before = path.read_text()
    place.must("down")
    assert "secrets" not in place.start()
    assert path.read_text() == before


def test_another_file_may_be_given_in_three_ways(place, tmp_path):
    key = base64.b64encode(os.urandom(32)).decode()
    mine = os.path.join(place.directory, "mine")
    config = os.path.join(place.directory, "config")
    pathlib.Path(mine).write_text(f"# of mine\nmine {key}\n")
    pathlib.Path(config).write_text(f"secrets-key = {mine}\n")
    os.chmod(mine, 0o600)
    place.start(fresh=True)
    place.sql("DELETE FROM callback_secrets; DELETE FROM seal_keys")
    place.must("down")
    owner = os.stat(place.state)
    os.chown(mine, owner.st_uid, owner.st_gid)
    place.path("secrets.key").unlink()
    for words, env in ((["--secrets-key", mine], {}), ([], {"ONRAMP_SECRETS_KEY": mine}),
                       (["--config", config], {})):
        place.start(*words, env=env)
        assert place.sql("SELECT id FROM seal_keys") == "mine"
        place.must("down")
    assert not place.path("secrets.key").exists()


SPOILT = [
    (lambda path: path.unlink(), ["sealed with the key {id}", "which is not in {path}",
                                  "--secrets-key FILE"]),
    (lambda path: path.write_text("other " + base64.b64encode(bytes(32)).decode() + "\n"),
     ["sealed with the key {id}", "which is not in {path}"]),
    (lambda path: path.write_text(keys(path)[0] + " " + base64.b64encode(bytes(32)).decode()
                                  + "\n"),
     ["the key {id} in {path} is not the one that the database knows by this id"]),
    (lambda path: path.chmod(0o640), ["others than its owner may use it (mode 0640)",
                                      "chmod 600"]),
    (lambda path: path.write_text(path.read_text()[:-3] + "\n"),
     ["{path}, line 3: the key is not the base64 of 32 octets"]),
    (lambda path: path.write_text("# nothing\n"), ["{path} has no key"]),
]


def test_a_server_that_lacks_a_key_does_not_start(place):
    place.start()
    place.must("down")
    path = place.path("secrets.key")
    whole, key, owner = path.read_text(), keys(path)[0], os.stat(path)
    material = whole.split()[-1][:-4]
    for spoil, sentences in SPOILT:
        spoil(path)
        said = refused(place, *(sentence.format(id=key, path=path) for sentence in sentences))
        assert material not in said
        path.write_text(whole)
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)
    path.write_text(whole[:-3] + "\n")
    done = place.run("secrets", "rotate")
    assert done.returncode == 1 and "line 3" in done.stderr and material not in done.stderr
    # With the right one it goes on as if nothing had been.
    path.write_text(whole)
    place.start()
    secret_works(place)


def test_a_key_that_does_not_open_a_callbacks_secret_is_our_fault_not_the_partners(place):
    """Changed in the database, by hand: 503, and the log says which."""
    place.start()
    partner = Partner(client(place))
    spoil_secret(place, partner.slug)
    answer = partner.callback("circuit.progress", "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10")
    answer.must(503, "unavailable")
    assert answer.headers["Retry-After"]
    # Said once, not for every callback that somebody may send.
    for _ in range(3):
        partner.callback("circuit.progress", "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10").must(503)
    log = place.path("log/onramp.log").read_text()
    assert log.count(f"a callback secret of {partner.slug} does not open") == 1
    # A start says so too, as long as nobody rotates that partner's secret, but serves the others.
    secret_works(place)
    secret = partner.client.post(f"/v1/partners/{partner.slug}/callback-secrets",
                                 {"keepOldSeconds": 0}).must(201).json["callbackSecret"]
    partner.secret = secret
    partner.callback("circuit.progress", "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10").must(404)


# --- a database of before ---

def test_secrets_of_before_are_sealed_by_the_next_start(place):
    place.start()
    plain = credentials(place)["partnerSecret"]
    place.must("down")
    place.start()
    # 1201 more than live: more than two batches.
    place.sql(UNSEALED.format(
        f"UPDATE onramp.callback_secrets SET secret = '{plain}';"
        "INSERT INTO onramp.callback_secrets (partner, secret, expires_at)"
        f" SELECT 'megaport', '{plain}', now() FROM generate_series(1, 1201)"))
    place.must("down")
    said = place.start()
    key = keys(place.path("secrets.key"))[0]
    assert f"1202 sealed with the key {key}" in said
    assert place.sql(VALIDATED) == "t"
    assert place.sql("SELECT count(*) FROM callback_secrets WHERE secret LIKE 'whsec%'") == "0"
    assert place.sql("SELECT count(DISTINCT secret) FROM callback_secrets") == "1202"
    secret_works(place)
    place.must("down")
    assert "secrets" not in place.start()


def count_sealed(url):
    return subprocess.run(
        ["psql", "-XAtq", "-d", url, "-c",
         "SELECT count(*) FROM onramp.callback_secrets WHERE key_id IS NOT NULL"],
        capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def settled(url):
    """How many are sealed, once no daemon is connected any more."""
    sessions = subprocess.run(
        ["psql", "-XAtq", "-d", url, "-c",
         "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
         " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"],
        capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    return int(count_sealed(url)) if sessions == "0" else None


def test_starts_at_once_and_one_that_is_killed_seal_what_is_there_once(cluster):
    url = cluster.database("before")
    first, second = Place(), Place()
    options = ("--port", "0", "--detach", "--database", url, "--secrets-key",
               cluster.shared("before.key"))
    try:
        first.must("up", *options)
        made = credentials(first)
        for one in (first, second):
            if one is first:
                one.must("down")
        done = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", UNSEALED.format(
                f"UPDATE onramp.callback_secrets SET secret = '{made['partnerSecret']}';"
                "INSERT INTO onramp.callback_secrets (partner, secret, expires_at)"
                f" SELECT 'megaport', '{made['partnerSecret']}', now()"
                " FROM generate_series(1, 4000)")],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        killed = first.start_verb("up", *options[:2], *options[3:])  # in the foreground
        sealed = eventually("a secret is sealed", lambda: int(count_sealed(url)))
        killed.kill()
        killed.wait()
        sealed = eventually("its transaction has ended", lambda: settled(url))
        assert 0 < sealed < 4001
        both = [one.start_verb("up", *options) for one in (first, second)]
        said = [child.communicate(timeout=90) for child in both]
        assert [child.returncode for child in both] == [0, 0], said
        counts = [int(line.split()[1]) for out, _ in said for line in out.splitlines()
                  if line.startswith("secrets") and "sealed with" in line]
        assert sealed + sum(counts) == 4001, said
        for one in (first, second):
            secret_works(one, made)
    finally:
        first.remove()
        second.remove()


def test_a_server_with_a_key_of_its_own_does_not_join(cluster):
    url = cluster.database("joined")
    first, second = Place(), Place()
    try:
        first.start("--database", url, fresh=True)
        key = keys(first.path("secrets.key"))[0]
        refused(second, f"sealed with the key {key}", options=("--database", url))
        assert not second.path("secrets.key").exists()
        second.must("up", "--detach", "--port", "0", "--database", url, "--secrets-key",
                    str(first.path("secrets.key")))
        secret_works(second, credentials(first))
    finally:
        second.remove()
        first.remove()
