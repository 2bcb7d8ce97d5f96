# SPDX-License-Identifier: Apache-2.0
"""A secret that was shown once is nowhere else: not in a log at its most talkative, of the server
or of a PostgreSQL that logs every statement with its parameters; not in a dump; not in any answer.
"""

import base64
import glob
import os
import pathlib
import re
import subprocess
import sys

import pytest

import contract
from client import Client
from place import ROOT
from process import Server
from tenant import Customer, Partner, unique

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster  # noqa: E402


def traces(secret):
    """Every form in which it might lie about."""
    text = secret.removeprefix("whsec_")
    key = base64.b64decode(text)
    return {
        secret, text, text.rstrip("="), text.rstrip("=").replace("+", "-").replace("/", "_"),
        key.hex(), key.hex().upper(), base64.b64encode(text.encode()).decode().rstrip("="),
        text.replace("+", "%2B").replace("/", "%2F").rstrip("="), text.replace("/", "\\/"),
    }


def found(secrets, haystack):
    return [secret for secret in secrets if any(trace in haystack for trace in traces(secret))]


def dump(url):
    tool = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_dump"))[-1]
    done = subprocess.run([tool, "--dbname", url], capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


class Played:
    """A server that has issued every kind of secret, been asked for the answers again, and used
    them; what it may show of it, and where it may have left traces."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.url = cluster.database("canary")
        subprocess.run(
            ["psql", "-X", "-q", "-d", self.url, "-c", "ALTER SYSTEM SET log_statement = 'all'",
             "-c", "ALTER SYSTEM SET log_min_duration_statement = 0",
             "-c", "ALTER SYSTEM SET log_parameter_max_length_on_error = -1",
             "-c", "SELECT pg_reload_conf()"], capture_output=True, check=True, timeout=30)
        self.server = Server("--database", self.url, environment={"ONRAMP_LOG_LEVEL": "debug"})
        self.secrets, self.answers = [], []
        try:
            self.server.start()
            self.play()
        except BaseException:
            self.server.remove()
            raise

    def issue(self, client, path, body, member):
        """A secret is shown once; asked again with the same Idempotency-Key it is null."""
        headers = {"Idempotency-Key": unique("key")}
        send = client.post if body is not None else client.send
        words = (path, body, headers) if body is not None else ("POST", path, b"", headers)
        first = send(*words).must(201)
        secret = first.json[member]
        assert secret.startswith("whsec_") and found([secret], first.text)
        again = send(*words).must(201)
        assert again.headers["Idempotent-Replayed"] == "true" and again.json[member] is None
        self.answers.append(again)
        self.secrets.append(secret)
        return {**first.json, "again": again.json}

    def play(self):
        made = self.server.credentials
        self.operator = Client(self.server.url, made["ONRAMP_OPERATOR_TOKEN"])
        self.secrets.append(made["ONRAMP_PARTNER_SECRET"])
        slug = unique("canary")
        self.issue(self.operator, "/v1/partners",
                   {"name": slug, "displayName": "Canary", "offers": []}, "callbackSecret")
        self.partner, self.customer = Partner(self.operator), Customer(self.operator)
        self.secrets.append(self.partner.secret)
        for client in (self.operator, self.partner.client):
            issued = self.issue(client, f"/v1/partners/{self.partner.slug}/callback-secrets",
                                {"keepOldSeconds": 3600}, "callbackSecret")
        circuit = self.customer.circuit(self.partner)
        self.ids = {"/v1/circuits/{id}": circuit["id"], "/v1/partner/circuits/{id}": circuit["id"]}
        self.partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
        self.partner.secret = issued["callbackSecret"]
        self.partner.callback("circuit.progress", circuit["serviceKey"], note="x").must(200)
        # What is wrong is logged most eagerly.
        body = self.partner.payload("circuit.progress", circuit["serviceKey"])
        headers = self.partner.signed(body)
        headers["webhook-signature"] = "v1,AAAA"
        self.partner.anonymous.send("POST", self.partner.path, body, headers).must(401)
        vnet = self.customer.vnet()
        connection = self.customer.connect(circuit, vnet).must(201).json
        self.ids["/v1/vnets/{id}"] = vnet["id"]
        self.ids["/v1/connections/{id}"] = connection["id"]
        self.hooks = {}
        for client in (self.operator, self.customer.client, self.partner.client):
            hook = self.issue(client, "/v1/webhooks",
                              {"url": "https://example.net/hook", "eventTypes": ["*"]}, "secret")
            self.issue(client, f"/v1/webhooks/{hook['id']}/secret", None, "secret")
            client.send("POST", f"/v1/webhooks/{hook['id']}/ping", b"").must(202)
            self.hooks[client] = hook["id"]

    def id_of(self, path, client):
        if path.startswith("/v1/webhooks/{id}"):
            return self.hooks[client]
        return next((found for start, found in self.ids.items() if path.startswith(start)), None)

    def read(self):
        """Every GET of the contract, by every role."""
        seen = set()
        for client in (self.operator, self.customer.client, self.partner.client):
            for path, item in contract.DOCUMENT["paths"].items():
                if "get" not in item:
                    continue
                target = path.replace("{partner}", self.partner.slug)
                target = target.replace("{id}", str(self.id_of(path, client)))
                assert "{" not in target, f"{path}: what stands there is not known here"
                answer = client.send("GET", target, checked=False)
                self.answers.append(answer)
                if answer.status == 200:
                    seen.add(path)
        return seen


@pytest.fixture(scope="module")
def played():
    cluster = Cluster()
    made = None
    try:
        made = Played(cluster)
        yield made
    finally:
        if made:
            made.server.remove()
        cluster.remove()


def test_no_answer_but_the_first_shows_a_secret(played):
    seen = played.read()
    assert seen == {path for path, item in contract.DOCUMENT["paths"].items() if "get" in item}
    assert len(played.secrets) == 11
    for answer in played.answers:
        text = answer.text + str(answer.headers)
        assert not found(played.secrets, text), answer


def test_the_database_has_no_secret(played):
    text = dump(played.url)
    for table in ("idempotency_keys", "callback_secrets", "webhook_secrets", "circuit_events",
                  "deliveries", "feed"):
        assert re.search(rf"COPY onramp\.{table}(_\d{{4}}_\d\d)? ", text), table
    # That it would be found: the sealed ones are there, and so is what is no secret.
    assert len(re.findall(r"\tv1\.[\w-]+\.[\w-]+\t", text)) >= 11
    assert played.partner.slug in text
    assert not found(played.secrets, text)


def test_no_log_has_a_secret(played):
    ours = played.server.log_text()
    assert re.search(r"debug POST /v1/partners/\S+/callbacks 401", ours), ours[:2000]
    assert not found(played.secrets, ours)
    theirs = pathlib.Path(played.cluster.directory, "log").read_text()
    # Every call stands there with its parameters, which is more than anybody logs.
    assert "callback_secret_rotate" in theirs and "webhook_create" in theirs
    assert re.search(r"= '?v1\.[\w-]+\.", theirs)
    assert not found(played.secrets, theirs)


def test_what_lies_in_the_state_has_a_secret_in_the_credentials_alone(played):
    for folder, _, names in os.walk(played.server.state):
        for name in names:
            path = pathlib.Path(folder, name)
            if path.is_file() and path.name != "credentials":
                assert not found(played.secrets, path.read_bytes().decode("latin-1")), path
    made = pathlib.Path(played.server.state, "credentials").read_text()
    assert found(played.secrets, made) == [played.server.credentials["ONRAMP_PARTNER_SECRET"]]
