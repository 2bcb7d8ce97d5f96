# SPDX-License-Identifier: Apache-2.0
"""A state directory of its own, and the program run on it.

Whatever a test does, what it started is gone afterwards: the daemon that the state names, its
PostgreSQL, and the directory.
"""

import atexit
import functools
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

from polling import eventually
from process import BINARY, ROOT, alive, directory, loopback

NOBODY = 65534
# For tests that look again and again whether something has come true.
UNLIMITED = ("--rate-limit", "1000000/1s")


def as_nobody(command):
    """The command as an ordinary user, when we are root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


def environment(**more):
    """Ours, without what would lead the program elsewhere; the PATH of a bare machine."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ONRAMP_", "PG", "XDG_"))}
    return {**kept, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **more}


def answer(url, path="/readyz"):
    """The status of a GET, None when nobody answers."""
    try:
        with urllib.request.urlopen(url + path, timeout=3) as got:
            return got.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@functools.cache
def prepared():
    """A state after its first start, stopped; made once for all tests that only need one."""
    made = Place()
    atexit.register(shutil.rmtree, made.directory, ignore_errors=True)
    made.start(fresh=True)
    made.must("down")
    return made


class Place:
    def __init__(self):
        self.directory = directory()
        self.state = os.path.join(self.directory, "state")
        self.children = []

    def run(self, *words, user=None, timeout=90, env=None, stdin=None):
        command = self._words(words)
        return subprocess.run(
            as_nobody(command) if user == NOBODY else command,
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=timeout, check=False, cwd="/",
            env=environment(**(env or {})))

    def must(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def start(self, *words, fresh=False, **options):
        """A daemon in the background; what up printed. fresh: from nothing."""
        if not fresh and not os.path.exists(self.state):
            os.makedirs(os.path.dirname(self.state), exist_ok=True)
            subprocess.run(["cp", "-a", "--", prepared().state, self.state], check=True)
        return self.must("up", "--detach", "--port", "0", *words, **options)

    def _words(self, words):
        """With our state among the options; what stands behind -- stays there."""
        at = words.index("--") if "--" in words else len(words)
        return [BINARY, *words[:at], "--state", self.state, *words[at:]]

    def start_verb(self, *words, env=None):
        """A child of ours, with pipes; not waited for."""
        child = subprocess.Popen(
            self._words(words), cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment(**(env or {})))
        self.children.append(child)
        return child

    def start_foreground(self, *words, env=None):
        """up as a child of ours."""
        return self.start_verb("up", "--port", "0", *words, env=env)

    def status(self):
        done = self.run("status", "--json")
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(done.stdout)

    def variables(self):
        words = shlex.split(self.must("env"))
        return dict(word.split("=", 1) for word in words if word != "export")

    def sql(self, text):
        return self.must("psql", "--", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c",
                         text).strip()

    def path(self, name):
        return pathlib.Path(self.state, name)

    def postmasters(self):
        found = []
        for file in pathlib.Path(self.directory).glob("**/postmaster.pid"):
            pid = int(file.read_text().split()[0])
            if alive(pid):
                found.append(pid)
        return found

    def remove(self):
        try:
            running = json.loads(self.path("running").read_text())
        except (OSError, ValueError):
            running = {}
        if running.get("pid") and alive(running["pid"]):
            if self.run("down").returncode != 0:
                os.kill(running["pid"], signal.SIGKILL)
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()
        for pid in self.postmasters():
            os.kill(pid, signal.SIGQUIT)
        eventually("PostgreSQL has gone", self.postmasters, [])
        shutil.rmtree(self.directory, ignore_errors=True)


__all__ = ["BINARY", "NOBODY", "ROOT", "Place", "alive", "answer", "as_nobody", "directory",
           "environment", "loopback", "prepared"]
