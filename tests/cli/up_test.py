# SPDX-License-Identifier: Apache-2.0
"""Starting, starting again, stopping."""

import json
import os
import re
import signal
import socket
import subprocess
import time

from place import BINARY, alive, answer, environment, loopback
from polling import eventually, patience


def test_up_says_step_by_step_what_it_does_and_ends_with_ready(place):
    lines = place.start(fresh=True).splitlines()
    steps = [line.split()[0] for line in lines]
    assert steps == ["database", "migrations", "secrets", "catalogue", "credentials", "ready"]
    assert "105 peering locations, 175 partners" in lines[3]
    assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+", lines[-1])
    assert answer(lines[-1].split()[1]) == 200


def test_a_detached_start_holds_nothing_of_its_caller(place):
    """$(onramp up --detach) returns: the daemon keeps neither the pipe nor other descriptors."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    began = time.monotonic()
    shell = subprocess.run(
        ["/bin/sh", "-c", f'said=$("{BINARY}" up --detach --port 0 --state "{place.state}"'
         f' 2>&1); echo "$said" | tail -n 1'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True,
        env=environment(), pass_fds=[writer])
    assert shell.stdout.startswith("ready http://")
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b"", "the daemon still has the descriptor"
    os.close(reader)
    pid = place.status()["pid"]
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/fd/1").endswith("/log/onramp.log")
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert time.monotonic() - began < 50


def test_up_again_is_no_change_and_says_so(place):
    place.start()
    before = place.status()
    again = place.must("up")
    assert f"already, as process {before['pid']}" in again
    assert again.splitlines()[-1] == f"ready {before['url']}"
    assert place.must("up", "--detach") == again
    port = before["url"].rsplit(":", 1)[1]
    assert place.must("up", "--port", port, "--listen", "127.0.0.1") == again
    assert place.status() == before


def test_up_with_other_options_is_refused_while_it_runs(place):
    place.start()
    before = place.status()
    for option, value in (("--port", "1"), ("--listen", "0.0.0.0"),
                          ("--database", "postgresql://nowhere.invalid/x")):
        done = place.run("up", option, value)
        assert done.returncode == 1
        assert option in done.stderr and value.rsplit("/", 1)[-1] in done.stderr
        assert "stop it first" in done.stderr
    assert place.status() == before


def test_two_starts_at_once_make_one_daemon(place):
    both = [place.start_foreground("--detach") for _ in range(4)]
    said = [child.communicate(timeout=90) for child in both]
    assert [child.returncode for child in both] == [0] * 4, said
    status = place.status()
    assert status["ready"]
    for out, _ in said:
        assert out.splitlines()[-1] == f"ready {status['url']}"
    assert sum("already" in out for out, _ in said) == 3
    assert len(place.postmasters()) == 1
    assert place.sql("SELECT count(*) FROM customers") == "1"


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_behind(place):
    address = loopback()
    with socket.create_server((address, 0)) as taken:
        port = str(taken.getsockname()[1])
        where = ("--listen", address, "--port", port)
        done = place.run("up", *where)
        assert done.returncode == 1
        assert port in done.stderr
        assert "ready http" not in done.stdout
        detached = place.run("up", "--detach", *where)
        assert detached.returncode == 1
        assert port in detached.stderr
    assert place.postmasters() == []
    assert place.status()["phase"] == "stopped"
    assert place.must("up", "--detach", *where).endswith(f"{address}:{port}\n")


def test_status_and_down(place):
    assert place.run("status").returncode == 3
    assert place.status() == {"pid": None, "postgresPid": None, "url": None, "state": place.state,
                              "ready": False, "phase": "stopped", "database": None}
    place.start()
    status = place.status()
    assert place.run("status").returncode == 0
    assert set(status) == {"pid", "postgresPid", "url", "state", "ready", "phase", "database"}
    assert alive(status["pid"]) and alive(status["postgresPid"])
    assert (status["state"], status["ready"]) == (place.state, True)
    for line in place.must("status").splitlines():
        name, value = line.split(maxsplit=1)
        shown = {True: "yes"}.get(status[name], status[name])
        assert str(shown) == value
    place.must("down")
    assert not alive(status["pid"]) and not alive(status["postgresPid"])
    assert answer(status["url"]) is None
    assert place.run("status").returncode == 3
    place.must("down")


def test_a_signal_ends_a_foreground_start_cleanly(place):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child = place.start_foreground()
        url = eventually("it has an address", lambda: place.status()["url"], seconds=patience(60))
        assert answer(url) == 200
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
        assert child.returncode == 0, err
        assert f"ready {url}" in out
        assert place.postmasters() == []
        assert not place.path("running").exists()
    log = "".join(path.read_text() for path in place.path("log").glob("postgres-*.log"))
    assert "not properly shut down" not in log


def test_down_while_it_starts_stops_the_start(place):
    child = place.start_foreground()
    eventually("it starts", place.path("running").exists)
    place.must("down")
    _, err = child.communicate(timeout=30)
    assert child.returncode in (0, 1)
    if child.returncode == 1:
        assert "told to stop before it was ready" in err
    assert place.postmasters() == []
    assert place.start().splitlines()[-1].startswith("ready ")


def test_status_reaches_every_listening_address(place):
    place.must("up", "--detach", "--port", "0", "--listen", "0.0.0.0")
    assert place.status()["url"].startswith("http://127.0.0.1:")
    assert place.status()["ready"]
    place.must("down")
    place.must("up", "--detach", "--port", "0", "--listen", "::1")
    assert place.status()["url"].startswith("http://[::1]:")
    assert place.status()["ready"]


def test_a_pid_that_has_come_round_again_is_not_taken_for_the_daemon(place):
    """The file names a process that lives, but that is not the one that wrote it."""
    place.start()
    place.must("down")
    other = subprocess.Popen(["sleep", "60"])
    try:
        place.path("running").write_text(json.dumps(
            {"pid": other.pid, "began": 1, "phase": "ready", "url": "http://127.0.0.1:1"}))
        os.chmod(place.path("running"), 0o644)
        assert place.status()["phase"] == "stopped"
        place.must("down")
        assert other.poll() is None
        assert place.start().splitlines()[-1].startswith("ready ")
    finally:
        other.kill()
        other.wait()
