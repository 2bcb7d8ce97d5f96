# SPDX-License-Identifier: Apache-2.0
"""Whose processes and files they are."""

import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

from place import BINARY, NOBODY, as_nobody, environment

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def owners(pid):
    """Real, effective, saved and file system uid of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return set(map(int, line.split()[1:]))
    raise AssertionError(pid)


def groups(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Groups:"):
            return set(map(int, line.split()[1:]))
    raise AssertionError(pid)


@root_only
def test_root_gives_itself_up_for_the_user_onramp(place):
    place.start(fresh=True)
    onramp = pwd.getpwnam("onramp")
    status = place.status()
    for pid in (status["pid"], status["postgresPid"]):
        assert owners(pid) == {onramp.pw_uid}
        assert groups(pid) <= {onramp.pw_gid}
    for path in [pathlib.Path(place.state), *pathlib.Path(place.state).rglob("*")]:
        assert path.lstat().st_uid == onramp.pw_uid, path
    assert onramp.pw_shell.endswith("nologin")


@root_only
def test_starts_at_once_on_a_new_machine_make_one_user(place):
    """useradd looks whether there is such a user before it locks the files, and gives one that came
    meanwhile another id: whoever had become the first one had no name any more."""
    shutil.copytree("/etc", place.directory + "/etc", symlinks=True)
    for name in ("passwd", "shadow", "group", "gshadow"):
        file = pathlib.Path(place.directory, "etc", name)
        if file.exists():
            lines = file.read_text().splitlines(True)
            file.write_text("".join(line for line in lines if not line.startswith("onramp:")))
    # In a mount namespace of its own, where /etc knows no such user yet. No database answers there:
    # each start ends when it has become the user and made its state.
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", """
            mount --bind "$1/etc" /etc || exit 77
            ! id onramp 2>/dev/null || exit 78
            for start in 1 2 3 4 5 6 7 8; do
                "$2" up --state "$1/state$start" --port 0 \\
                    --database 'host=127.0.0.1 port=1 dbname=none' &
            done
            wait
            stat -c %U "$1"/state*
            """, "sh", place.directory, BINARY],
        env=environment(), capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("no mount namespace can be made here")
    assert done.stdout.split()[-8:] == ["onramp"] * 8, done


@root_only
def test_an_ordinary_user_runs_it_all_and_root_helps_as_that_user(place):
    os.chown(place.directory, NOBODY, NOBODY)
    place.start(user=NOBODY, fresh=True)
    status = place.status()
    assert owners(status["pid"]) == owners(status["postgresPid"]) == {NOBODY}
    assert place.variables()["ONRAMP_PARTNER"] == "equinix"
    place.must("down")
    assert place.run("status", user=NOBODY).returncode == 3
    assert "up to date" in place.must("up", "--detach", "--port", "0")
    assert owners(place.status()["pid"]) == {NOBODY}


@root_only
def test_another_user_is_kept_out(place):
    place.start()
    for verb in ("status", "env", "down"):
        done = place.run(verb, user=NOBODY)
        assert done.returncode == 1
        assert "cannot use the state directory" in done.stderr
        assert "export" not in done.stdout
    reached = subprocess.run(
        as_nobody(["psql", "-h", str(place.path("socket")), "-U", "onramp_admin", "-d", "onramp",
                   "-c", "SELECT 1"]), capture_output=True, text=True, check=False)
    assert reached.returncode != 0


@root_only
def test_peer_authentication_knows_the_owner_alone(place):
    """Even with the socket's folder open, PostgreSQL itself turns others away."""
    place.start()
    place.path("").chmod(0o755)
    place.path("socket").chmod(0o755)
    for file in place.path("socket").iterdir():
        file.chmod(0o777)
    for role in ("onramp_admin", "onramp_daemon", "onramp_owner", "postgres"):
        reached = subprocess.run(
            as_nobody(["psql", "-w", "-h", str(place.path("socket")), "-U", role, "-d", "onramp",
                       "-c", "SELECT 1"]), capture_output=True, text=True, check=False)
        assert reached.returncode != 0
        assert "Peer authentication failed" in reached.stderr or \
            "no pg_hba.conf entry" in reached.stderr
    place.path("").chmod(0o700)


@root_only
@pytest.mark.parametrize("content", [[], ["precious"]])
def test_a_directory_of_roots_is_taken_only_when_it_is_empty(place, content):
    os.mkdir(place.state, 0o755)
    for name in content:
        place.path(name).write_text("kept")
    done = place.run("up", "--detach", "--port", "0")
    if content:
        assert done.returncode == 1
        assert "is not empty" in done.stderr
        assert os.stat(place.state).st_uid == 0
        assert place.path("precious").read_text() == "kept"
    else:
        assert done.returncode == 0, done.stderr


@root_only
def test_a_state_that_the_user_cannot_reach_is_refused(place):
    os.chmod(place.directory, 0o700)
    done = place.run("up", "--detach", "--port", "0")
    assert done.returncode == 1
    assert "the user onramp cannot use the state directory" in done.stderr
    os.chmod(place.directory, 0o755)


def where(home=None, xdg=None, words=()):
    """The state directory that status names for an ordinary user with this environment."""
    env = environment()
    env.pop("HOME", None)
    if home is not None:
        env["HOME"] = home
    if xdg is not None:
        env["XDG_STATE_HOME"] = xdg
    done = subprocess.run(as_nobody([BINARY, "status", *words]), capture_output=True, text=True,
                          cwd="/tmp", env=env, check=False)
    assert done.returncode == 3, done.stderr
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())["state"]


def test_the_state_of_an_ordinary_user_is_where_such_things_are():
    assert where(home="/h", xdg="/x") == "/x/onramp"
    assert where(home="/h") == "/h/.local/state/onramp"
    assert where(home="/h", xdg="") == "/h/.local/state/onramp"
    assert where(home="/h", xdg="relative") == "/h/.local/state/onramp"
    assert where(home="/h", words=["--state", "near"]) == "/tmp/near"
    assert where(home="/h", words=["--state", "/far/"]) == "/far"


def test_a_long_path_puts_the_socket_elsewhere(place):
    """A unix socket's address holds 107 characters; the place for it is then made below /tmp."""
    place.state = os.path.join(place.directory, "a" * 60, "b" * 60, "state")
    place.start(fresh=True)
    assert place.status()["ready"]
    assert not place.path("socket").exists()
    folder = pathlib.Path(place.sql("SET ROLE NONE; SHOW unix_socket_directories"))
    assert folder.parent == pathlib.Path("/tmp")
    assert folder.stat().st_mode & 0o777 == 0o700
    place.must("down")
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()
