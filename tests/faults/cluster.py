# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the test's own, on a unix socket, for servers that are given a database."""

import glob
import os
import pwd
import signal
import subprocess

from process import directory


def _binary(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    assert found, f"{name} is not installed"
    return found[-1]


def _unprivileged():
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class _Frozen:
    def __init__(self, data):
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as file:
            self.postmaster = int(file.readline())

    def _send(self, number):
        path = f"/proc/{self.postmaster}/task/{self.postmaster}/children"
        with open(path, encoding="utf-8") as file:
            children = [int(word) for word in file.read().split()]
        for pid in [self.postmaster, *children]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:  # it ended by itself
                pass

    def __enter__(self):
        self._send(signal.SIGSTOP)

    def __exit__(self, *_):
        self._send(signal.SIGCONT)


class Cluster:
    def __init__(self, settings=""):
        self.settings = settings  # more of them, as options of postgres
        self.directory = directory()
        self.data = os.path.join(self.directory, "data")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "--no-instructions"
        )
        self.start()

    def _run(self, name, *arguments):
        done = subprocess.run(
            _unprivileged() + [_binary(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}"

    def start(self):
        options = (
            f"-c listen_addresses= -c unix_socket_directories={self.directory} -c fsync=off "
            f"-c max_connections=60 -c shared_buffers=32MB {self.settings}"
        )
        log = os.path.join(self.directory, "log")
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-l", log, "-o", options, "start")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def frozen(self):
        """A context in which all of its processes are stopped: connections stand, and nothing comes."""
        return _Frozen(self.data)

    def database(self, name):
        """The URL of a new, empty database."""
        self._run("createdb", "-h", self.directory, "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.directory}"

    def sql(self, name, statement):
        """What a statement answers in a database, as its superuser."""
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.directory]
        command += ["-U", "postgres", "-d", name, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def shared(self, name):
        """The path of a file that servers of any user may make."""
        folder = os.path.join(self.directory, "shared")
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o777)
        return os.path.join(folder, name)

    def remove(self):
        try:
            self.stop()
        finally:
            subprocess.run(["rm", "-rf", self.directory], check=False)
