# SPDX-License-Identifier: Apache-2.0
"""onramp with a PostgreSQL of its own, filled, and the credentials to use it."""

import glob
import http.client
import json
import os
import pathlib
import shlex

from processes import Daemon, children_of, command, memory_of, say

BENCH = pathlib.Path(__file__).resolve().parent
# pgbench and a pool of connections hold some besides the server's own.
SETTINGS = "max_connections = 128\n"


class Server:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.state = os.path.join(directory, "state")
        self.log = os.path.join(directory, "log")
        self.tokens = os.path.join(directory, "tokens")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("ONRAMP_", "PG"))}
        self.daemon = None

    def start(self):
        # On, for what it costs; higher than any token can ask.
        self.daemon = Daemon([self.binary, "up", "--state", self.state, "--port", "0",
                              "--rate-limit", "1000000/1s"], self.log, cwd="/",
                             env=self.environment)
        status = json.loads(self.ask("status", "--json"))
        self.pid, self.postmaster = status["pid"], status["postgresPid"]
        self.port = int(status["url"].rsplit(":", 1)[1])

    def stop(self):
        if self.daemon:
            self.daemon.stop()
        self.daemon = None

    def ask(self, verb, *words, timeout=120):
        return command([self.binary, verb, "--state", self.state, *words], timeout,
                       env=self.environment, cwd="/")

    def psql(self, *words, timeout=120):
        return self.ask("psql", "--", "-XqAt", *words, timeout=timeout)

    def credentials(self):
        words = shlex.split(self.ask("env"), comments=True)
        return dict(word.split("=", 1) for word in words if "=" in word)

    def prepare(self, customers, each):
        """Start for the first time, and fill: customers with so many circuits each."""
        self.start()
        local = os.path.join(self.state, "postgres", "local.conf")
        self.stop()
        pathlib.Path(local).write_text(SETTINGS)
        os.chmod(local, 0o644)
        self.start()
        say(f"filling: {customers * each:,} circuits of {customers:,} customers ...")
        self.psql("-v", f"customers={customers}", "-v", f"each={each}", "-f",
                  str(BENCH / "fill.sql"), timeout=3600)
        self.make_tokens(customers // 10)
        self.secret = self.credentials()["ONRAMP_PARTNER_SECRET"]
        self.secret_id = self.psql("-c", "SELECT id FROM callback_secrets"
                                   " WHERE partner = 'equinix'").strip()

    def make_tokens(self, acting):
        operator = self.credentials()["ONRAMP_OPERATOR_TOKEN"]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        tokens = []
        for number in range(1, acting + 1):
            body = json.dumps({"role": "customer",
                               "customerId": f"00000000-0000-7000-8001-{number * 10:012x}"})
            connection.request("POST", "/v1/tokens", body, {"Authorization": f"Bearer {operator}",
                                                            "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                raise SystemExit(f"bench: no token: {answer.status} {text.decode()}")
            tokens.append(json.loads(text)["token"])
        connection.close()
        with open(os.open(self.tokens, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write("\n".join(tokens) + "\n")

    def database(self):
        """How another program reaches the database as onramp does: environment and user."""
        owner = os.stat(f"/proc/{self.postmaster}")  # the socket lets in whom PostgreSQL runs as
        environment = {**self.environment, "PGHOST": os.path.join(self.state, "socket"),
                       "PGUSER": "onramp_daemon", "PGDATABASE": "onramp"}
        if os.geteuid() != 0:
            return {"env": environment}
        return {"env": environment, "user": owner.st_uid, "group": owner.st_gid,
                "extra_groups": []}

    def give(self, path):
        """Let that user write there."""
        owner = os.stat(f"/proc/{self.postmaster}")
        os.chown(path, owner.st_uid, owner.st_gid)

    def postgres_memory(self):
        pids = [self.postmaster, *children_of(self.postmaster)]
        return sum(memory_of(pid)["pss"] for pid in pids)


def newest(pattern):
    found = sorted(glob.glob(pattern))
    return found[-1] if found else None
