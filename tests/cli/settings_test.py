# SPDX-License-Identifier: Apache-2.0
"""Settings from the command line, the environment and a file: which goes first, and what is said
about a mistake in each.
"""

import os
import re
import subprocess
import urllib.request

import pytest

from place import BINARY, ROOT, environment, prepared
from polling import eventually


@pytest.fixture
def config(tmp_path):
    """Write a file of settings that any user can read; its path."""
    def write(text, name="onramp.conf"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


def call(*words, env=None, cwd="/"):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=30, check=False,
                          cwd=cwd, env=environment(**(env or {})))


def state_of(*words, env=None, cwd="/"):
    """The state directory that a command looks at."""
    done = call("status", *words, env=env, cwd=cwd)
    assert done.returncode == 3, done
    return dict(line.split(None, 1) for line in done.stdout.splitlines() if " " in line)["state"]


@pytest.fixture(scope="module")
def states():
    """Three state directories, one a source, none of them with a server."""
    origin = prepared()
    made = [f"{origin.directory}/{name}" for name in ("first", "second", "third")]
    for state in made:
        subprocess.run(["cp", "-a", "--", origin.state, state], check=True)
    return made


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(states, config):
    first, second, third = states
    path = config(f"# where\n\n  state  =  {third}  \n")
    assert state_of("--config", path) == third
    assert state_of(env={"ONRAMP_CONFIG": path}) == third
    assert state_of("--config", path, env={"ONRAMP_STATE": second}) == second
    assert state_of("--config", path, "--state", first, env={"ONRAMP_STATE": second}) == first
    assert state_of("--state", first, env={"ONRAMP_STATE": second}) == first


def test_an_empty_variable_counts_as_none(states, config):
    path = config(f"state = {states[2]}\n")
    assert state_of("--config", path, env={"ONRAMP_STATE": "", "ONRAMP_PORT": ""}) == states[2]
    assert state_of("--state", states[0], env={"ONRAMP_CONFIG": ""}) == states[0]


def test_a_path_is_relative_to_where_the_command_was_given(states):
    folder, name = os.path.split(states[0])
    assert state_of("--state", name, cwd=folder) == states[0]


@pytest.mark.parametrize("text, said", [
    ("port = 0\ncolour = red\n", ":2: there is no setting 'colour'"),
    ("role = operator\n", ":1: there is no setting 'role'"),
    ("config = other\n", ":1: there is no setting 'config'"),
    ("--port = 1\n", ":1: there is no setting '--port'"),
    ("\n# port\nport\n", ":3: expected 'name = value'"),
    ("= 8480\n", ":1: expected 'name = value'"),
    ("port = 65536\n", ":1: port takes a number from 0 to 65535, not '65536'"),
    ("port = 1 # mine\n", ":1: port takes a number from 0 to 65535, not '1 # mine'"),
    ("listen =\n", ":1: listen needs a value"),
    ("port = 1\nlisten = ::\nport = 2\n", ":3: port is set already, at "),
    ("listen = nowhere\n", ":1: listen takes an IP address such as 127.0.0.1 or [::1], or localhost,"
                           " not 'nowhere'"),
    ("listen = [127.0.0.1]\n", ":1: listen takes an IP address"),
    ("log-level = loud\n", ":1: log-level takes error, warning, notice, info or debug, not 'loud'"),
    ("webhook-allow-cidr = 10.0.0.1/8\n", ":1: webhook-allow-cidr takes an address block"),
    ("rate-limit = 100\n", ":1: rate-limit takes requests by time, such as 1000/10s, or off"),
    (b"port = 1\0\n", " is no file of settings: it holds a NUL"),
    ("#" * 65 * 1024, " is no file of settings: it is longer than 64 KiB"),
])
def test_a_mistake_in_the_file_is_shown_with_its_line(config, text, said):
    path = config(text)
    done = call("status", "--config", path)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith(f"onramp: {path}{said}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mistake_is_one_also_where_another_source_goes_first(config):
    done = call("up", "--config", config("port = many\n"), "--port", "1")
    assert done.returncode == 64 and "port takes a number" in done.stderr


def test_a_file_that_cannot_be_read_is_named(config, tmp_path):
    missing = str(tmp_path / "missing")
    for done in (call("status", "--config", missing),
                 call("status", env={"ONRAMP_CONFIG": missing})):
        assert done.returncode == 64
        assert done.stderr == f"onramp: cannot read {missing}: No such file or directory\n"


@pytest.mark.parametrize("variable, value, said", [
    ("ONRAMP_PORT", "80a", "ONRAMP_PORT takes a number from 0 to 65535, not '80a'"),
    ("ONRAMP_LOG_LEVEL", "loud", "ONRAMP_LOG_LEVEL takes error, warning, notice"),
    ("ONRAMP_WEBHOOK_ALLOW_CIDR", "::1, 10.0.0.0/8,nowhere",
     "ONRAMP_WEBHOOK_ALLOW_CIDR takes an address block such as 10.0.0.0/8 or fd00::/8, not "
     "'nowhere'"),
])
def test_a_mistake_in_the_environment_is_shown_with_its_variable(variable, value, said):
    done = call("status", env={variable: value})
    assert done.returncode == 64 and done.stderr.startswith(f"onramp: {said}"), done.stderr
    assert call("--help", env={variable: value}).returncode == 0


@pytest.mark.parametrize("variable, nearest", [
    ("ONRAMP_PROT", "ONRAMP_PORT"), ("ONRAMP_port", "ONRAMP_PORT"),
    ("ONRAMP_DATABASE", "ONRAMP_DATABASE_URL"), ("ONRAMP_LOGLEVEL", "ONRAMP_LOG_LEVEL"),
    ("ONRAMP_PARTNERS_SECRET", "ONRAMP_PARTNER_SECRET"), ("ONRAMP_URI", "ONRAMP_URL"),
    ("ONRAMP_PORT_", "ONRAMP_PORT"), ("ONRAMP_" + "X" * 80, None),
])
def test_a_variable_that_is_not_known_is_refused_with_the_nearest(variable, nearest):
    for verb in ("status", "env"):
        done = call(verb, env={variable: "1"})
        assert (done.returncode, done.stdout) == (64, "")
        said = f"onramp: there is no variable {variable}; the nearest is {nearest or 'ONRAMP_'}"
        assert done.stderr.startswith(said) and done.stderr.count("\n") == 1, done.stderr
    assert call("--help", env={variable: "1"}).returncode == 0
    assert call("status", env={variable: ""}).returncode == 3


def test_every_variable_that_something_of_ours_reads_is_known():
    """What env prints, what the tests and the benchmarks read, and the script."""
    files = [ROOT / "onramp", ROOT / "cli/command_env.c"]
    for folder in ("tests", "bench"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    reads = re.compile(r'(?:environ(?:\.get)?[\[(]"|getenv\("|suite_number\("|process\.env\.|\$\{?'
                       r'|^    {"|, {")(ONRAMP_[A-Z_]+)\b', re.M)
    found = {name for path in files for name in reads.findall(path.read_text(errors="replace"))}
    assert {"ONRAMP_URL", "ONRAMP_CUSTOMER_ID", "ONRAMP_PRESET", "ONRAMP_TEST_JOBS",
            "ONRAMP_INTEROP_MODULES"} <= found
    unknown = [name for name in sorted(found)
               if "there is no variable" in call("status", env={name: "1"}).stderr]
    assert not unknown


def test_a_server_takes_its_settings_from_the_file(place, config):
    path = config("listen = 127.0.0.2\nlog-level = debug\n")
    place.start("--config", path)
    url = place.status()["url"]
    assert url.startswith("http://127.0.0.2:")
    with urllib.request.urlopen(url + "/healthz", timeout=5) as got:
        assert got.status == 200
    # The line is written when the answer is on its way.
    eventually("the line of the request",
               lambda: "GET /healthz" in place.path("log/onramp.log").read_text())


@pytest.mark.parametrize("listen, host", [("localhost", "127.0.0.1"), ("[::1]", "[::1]"),
                                          ("::1", "[::1]")])
def test_an_address_is_taken_as_it_is_written_elsewhere(place, listen, host):
    place.start()
    place.must("down")
    done = place.run("up", "--detach", "--port", "0", "--listen", listen)
    assert done.returncode == 0 and "encrypted" not in done.stderr, done
    url = place.status()["url"]
    assert url.startswith(f"http://{host}:") and place.status()["ready"]
    assert "already" in place.must("up", "--detach", "--listen", host.strip("[]"))


@pytest.mark.parametrize("listen, host", [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"),
                                          ("[::]", "[::1]")])
def test_an_api_that_is_open_to_everybody_is_warned_of(place, listen, host):
    place.start()
    place.must("down")
    done = place.run("up", "--detach", "--port", "0", "--listen", listen)
    assert done.returncode == 0, done
    assert (f"onramp: --listen {listen.strip('[]')}: the API can be reached from everywhere, and is "
            "not encrypted; a proxy with TLS belongs before it\n") in done.stderr
    assert place.status()["url"].startswith(f"http://{host}:")
