# SPDX-License-Identifier: Apache-2.0
"""Who is measured: each takes a turn of a workload and says how many requests it did, how fast."""

import glob
import json
import os
import pathlib
import re
import shutil
import socket

from processes import Daemon, command, say, seconds_of
from server import newest

BENCH = pathlib.Path(__file__).resolve().parent
CLIENTS = 64
MIX = {"get": 70, "list": 10, "create": 8, "callback": 8, "connect": 4}
WRITES = ("create", "callback", "connect")
MOVING = ("callback", "mix")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """What answers HTTP: the load generator asks it."""

    def __init__(self, name, port, pid, load, server=None):
        self.name, self.port, self.pid, self.load, self.server = name, port, pid, load, server

    def cpu(self):
        return seconds_of(self.pid)

    def words(self, size, workload, turn, clients):
        words = [self.load, "--port", str(self.port), "--work", workload, "--turn", str(turn),
                 "--connections", str(clients), "--seconds", str(size.seconds)]
        if self.server:
            words += ["--tokens", self.server.tokens, "--secret", self.server.secret,
                      "--callbacks-each", str(size.callbacks_each), "--circuits-each",
                      str(size.each)]
        return words

    def take(self, size, workload, turn, clients=CLIENTS):
        words = self.words(size, workload, turn, clients)
        told = json.loads(command(words, timeout=size.seconds + 30))
        return {**{name: told[name] for name in ("requests", "written", "least", "most")},
                "rate": told["requests"] / told["seconds"],
                **{name: told[name] / 1000 for name in ("p50", "p99", "p999")}}


class Peer(Served):
    """Another program that answers HTTP, started for this."""

    def __init__(self, name, words, port, directory, load, server=None, **more):
        self.daemon = Daemon(words, os.path.join(directory, "peers.log"), **more)
        super().__init__(name, port, self.daemon.pid, load, server)

    def stop(self):
        self.daemon.stop()


def epoll(binary, directory, load):
    port = free_port()
    return Peer("epoll", [binary, "--port", str(port)], port, directory, load)


def fastify(build, directory, load, server):
    """With the packages of its lock file, installed into the build folder; None without Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        say("no node and npm: nothing is measured against fastify")
        return None
    source, place = BENCH / "peers" / "fastify", pathlib.Path(build) / "peers" / "fastify"
    lock, installed = source / "package-lock.json", place / "node_modules" / ".installed"
    place.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, place)
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        say("installing the packages of the fastify peer ...")
        command([npm, "ci", "--omit=dev"], cwd=place)
        installed.write_bytes(lock.read_bytes())
    # Whom the database lets in may not be let into our home.
    copy = os.path.join(directory, "fastify")
    shutil.copytree(place, copy)
    port, database = free_port(), server.database()
    database["env"].update(NODE_ENV="production", CALLBACK_SECRET=server.secret,
                           CALLBACK_SECRET_ID=server.secret_id)
    return Peer("fastify", [node, "server.js", str(port)], port, directory, load, server, cwd=copy,
                **database)


class Pgbench:
    """The same SQL functions without HTTP, JSON and authentication."""

    def __init__(self, clients, server, directory):
        self.name, self.clients, self.server = f"pgbench {clients}", clients, server
        self.program = newest("/usr/lib/postgresql/*/bin/pgbench")
        self.logs = os.path.join(directory, "logs")
        if not os.path.isdir(self.logs):
            os.mkdir(self.logs)
            server.give(self.logs)

    def cpu(self):
        return 0.0

    def take(self, size, workload, turn):
        prefix = os.path.join(self.logs, "pgbench")
        scripts = MIX if workload == "mix" else {workload: 1}
        variables = {"acting": size.acting, "clients": self.clients, "each": size.each,
                     "turn": turn, "secret": self.server.secret_id, "creates": 0, "callbacks": 0,
                     "connects": 0, "callbacks_each": size.callbacks_each * CLIENTS // self.clients}
        words = [self.program, "-n", "-M", "prepared", "-c", str(self.clients),
                 "-j", str(min(self.clients, 2)), "-T", str(size.seconds), "--log",
                 f"--log-prefix={prefix}", f"--sampling-rate={0.2 if 'get' in scripts else 1}"]
        for name, weight in scripts.items():
            words += ["-f", f"{BENCH / 'pgbench' / name}.sql@{weight}"]
        for name, value in variables.items():
            words += ["-D", f"{name}={value}"]
        told = command(words, timeout=size.seconds + 60, cwd="/", **self.server.database())
        if not re.search(r"failed transactions: 0 ", told):
            raise SystemExit(f"bench: pgbench has failed transactions\n{told}")
        requests = int(re.search(r"transactions actually processed: (\d+)", told)[1])
        return {"requests": requests, "written": written_of(told, scripts, requests),
                "rate": float(re.search(r"tps = ([\d.]+) \(without", told)[1]),
                **self.percentiles(prefix)}

    def percentiles(self, prefix):
        latencies = []
        for path in glob.glob(prefix + ".*"):
            with open(path) as log:
                latencies += [int(line.split()[2]) for line in log]
            os.unlink(path)
        latencies.sort()
        last = len(latencies) - 1
        return {name: latencies[min(int(len(latencies) * share), last)] / 1000
                for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}


def written_of(told, scripts, requests):
    """How many of the requests wrote, from what pgbench says of each script."""
    if len(scripts) == 1:
        return requests if set(scripts) & set(WRITES) else 0
    each = re.findall(r"^SQL script \d+: .*/(\w+)\.sql\n.*\n - (\d+) transactions", told, re.M)
    if len(each) != len(scripts):
        raise SystemExit(f"bench: pgbench does not say what each script did\n{told}")
    return sum(int(count) for name, count in each if name in WRITES)
