# SPDX-License-Identifier: Apache-2.0
"""The real binary as a child process, with a state directory of its own.

Whatever happens to the test, the server, its PostgreSQL and the directory are gone afterwards: by
the fixture, by atexit, and by the kernel (the child is told when its parent dies).
"""

import atexit
import ctypes
import json
import os
import pathlib
import re
import secrets
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from polling import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ONRAMPD") or str(ROOT / "build" / "release" / "onrampd")
START_SECONDS = 90
STOP_SECONDS = 30

_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(1, signal.SIGTERM)


def directory():
    """A directory under /tmp that an unprivileged server can reach; short, for unix sockets."""
    path = tempfile.mkdtemp(prefix="onramp-", dir="/tmp")
    os.chmod(path, 0o755)
    return path


def loopback():
    """An address of this machine that no other test has: a port there that was ours once is nobody
    else's afterwards, neither for whom still asks it nor for who wants it again."""
    return f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


def sanitized():
    """Whether the server is built with a sanitizer."""
    program = pathlib.Path(BINARY).read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False


class Server:
    """One onrampd. The state outlives stop() and kill(), so that start() can come again."""

    def __init__(self, *options, environment=None):
        self.directory = directory()
        self.state = os.path.join(self.directory, "state")
        self.log = os.path.join(self.directory, "log")
        self.address = loopback()
        self.options = options
        # Higher than any test asks; those of the limit itself name their own.
        if "--rate-limit" not in options:
            self.options += ("--rate-limit", "1000000/1s")
        # As on larger machines: what one connection does, another one's loop has to hear of.
        if "--loops" not in options:
            self.options += ("--loops", os.environ.get("ONRAMP_TEST_LOOPS", "2"))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ONRAMP_")}
        self.environment = {**inherited, **(environment or {})}
        self.process = None
        self.url = self.host = self.port = None
        self.credentials = {}
        atexit.register(self.remove)

    def start(self):
        self.launch()
        return self.greet()

    def launch(self):
        """Start it without waiting. From the main thread only: the kernel takes the end of the
        thread that started a child for the death of its parent."""
        command = [BINARY, "up", "--state", self.state, "--port", "0", "--listen", self.address]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command + list(self.options),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd="/",
                preexec_fn=_die_with_parent,
            )

    def greet(self):
        """Wait until it is ready."""
        self.url = self._wait_ready()
        self.host, _, port = self.url.removeprefix("http://").partition(":")
        self.port = int(port)
        self.credentials = self.env()
        return self

    def _wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        seen = b""
        descriptor = self.process.stdout.fileno()
        while time.monotonic() < deadline:
            readable, _, _ = select.select([descriptor], [], [], 0.5)
            if readable:
                chunk = os.read(descriptor, 4096)
                seen += chunk
                found = re.search(rb"^ready (http://\S+)\s*$", seen, re.M)
                if found:
                    return found.group(1).decode()
                if not chunk:
                    break
            if self.process.poll() is not None:
                break
        raise AssertionError(
            f"the server was not ready: exit {self.process.poll()}, it said {seen!r}\n"
            + self.log_text()[-4000:]
        )

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return log.read()
        except OSError:
            return ""

    def _ask(self, verb, *options, statuses=(0,)):
        done = subprocess.run(
            [BINARY, verb, "--state", self.state, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd="/",
            timeout=30,
            check=False,
        )
        assert done.returncode in statuses, f"{verb}: {done}"
        return done.stdout

    def env(self):
        """What `onrampd env` prints, as a dictionary."""
        words = shlex.split(self._ask("env"), comments=True)
        return dict(word.split("=", 1) for word in words if "=" in word)

    def rotate_keys(self):
        """`onrampd secrets rotate`: everything that is sealed, under a new key."""
        return self._ask("secrets", "rotate")

    def status(self):
        """What `onrampd status --json` prints: pid, postgresPid, url, state, ready.

        Its exit status says whether the server is ready, which is not the question here."""
        return json.loads(self._ask("status", "--json", statuses=range(128)))

    def sql(self, statement):
        """What a statement answers, as the owner of the embedded database."""
        return self._ask("psql", "--", "-X", "-Atq", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        """kill -9, as a power cut would for this process alone."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM, and the exit status; it must not need more."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.terminate()
        return self.wait()

    def wait(self):
        """The exit status of a server that has been told to stop; a second signal would insist."""
        status = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        return status

    def postmasters(self):
        """Pids of PostgreSQL servers whose data directory is in our state."""
        pids = []
        for path in pathlib.Path(self.directory).glob("**/postmaster.pid"):
            try:
                pids.append(int(path.read_text().split()[0]))
            except (OSError, ValueError, IndexError):
                pass
        return [pid for pid in pids if alive(pid)]

    def remove(self):
        """Nothing of this server is left, however it stands."""
        atexit.unregister(self.remove)
        try:
            if self.process is not None:
                try:
                    self.stop()
                except subprocess.TimeoutExpired:
                    self.kill()
        finally:
            for pid in self.postmasters():
                os.kill(pid, signal.SIGQUIT)
            eventually("PostgreSQL has gone", self.postmasters, [])
            shutil.rmtree(self.directory, ignore_errors=True)
