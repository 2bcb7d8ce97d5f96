# SPDX-License-Identifier: Apache-2.0
"""Load for the fault tests: callers who write all the while and remember what was acknowledged, and
the audit that holds what is there afterwards against what they remember."""

import collections
import http.client
import random
import threading
import time

from client import Client
from tenant import Customer, Partner

# What a caller may meet while the server or its database is away.
AWAY = (OSError, http.client.HTTPException)


class Acknowledged:
    """What was answered 2xx, by kind. Appending is atomic in CPython."""

    def __init__(self):
        self.circuits = []
        self.deleted_circuits = []
        self.vnets = []
        self.connections = []  # (id, circuit, vnet)
        self.deleted_connections = []
        self.callbacks = []  # (circuit, webhook-id, type, body)
        self.answers = collections.Counter()
        self.failures = []


class Load:
    """Callers in threads, each with a customer of its own, all with one partner."""

    def __init__(self, server, callers=8):
        operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
        self.partner = Partner(operator)
        self.customers = [Customer(operator) for _ in range(callers)]
        self.acknowledged = Acknowledged()
        self.stopping = threading.Event()
        self.threads = []
        self.urls = {"": server.url}

    def move(self, url):
        """Callers reach the server at another address from now on."""
        self.urls[""] = url

    def start(self):
        for number, customer in enumerate(self.customers):
            thread = threading.Thread(target=self._run, args=(number, customer), daemon=True)
            self.threads.append(thread)
            thread.start()
        return self

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hangs"

    def _run(self, number, customer):
        chance = random.Random(number)
        caller = Caller(self, customer, chance)
        while not self.stopping.is_set():
            try:
                caller.step()
            except AWAY:
                self.acknowledged.answers["away"] += 1
                caller.reconnect()
                time.sleep(0.02)  # a client's pause before it asks again
            except BaseException as error:  # pylint: disable=broad-except
                self.acknowledged.failures.append(repr(error)[:2000])
                return


class Caller:
    def __init__(self, load, customer, chance):
        self.load, self.customer, self.chance = load, customer, chance
        self.circuits = []  # (circuit, provisioned)
        self.vnets = []
        self.connections = []
        self.reconnect()

    def reconnect(self):
        url = self.load.urls[""]
        # After the server has gone a new one may answer on another port: same tokens, same tenants.
        self.customer.client = Client(url, self.customer.token, timeout=20)
        self.signer = Client(url, None, timeout=20)

    def note(self, answer):
        self.load.acknowledged.answers[answer.status] += 1
        assert answer.status in (200, 201, 204, 404, 409, 422, 503), answer
        if answer.status == 503:
            time.sleep(0.02)  # a client's pause before it asks again
        return answer.status < 300

    def step(self):
        done = self.load.acknowledged
        act = self.chance.random()
        client = self.customer.client
        if act < 0.25 or not self.circuits:
            body = {
                "name": "under load",
                "partner": self.load.partner.slug,
                "peeringLocation": "Amsterdam",
                "bandwidthMbps": 100,
            }
            answer = client.post("/v1/circuits", body)
            if self.note(answer):
                self.circuits.append(answer.json)
                done.circuits.append(answer.json["id"])
        elif act < 0.4 or not self.vnets:
            number = len(done.vnets) % 250
            space = f"10.{number}.0.0/16"
            answer = client.post("/v1/vnets", {"name": "v", "addressSpace": [space]})
            if self.note(answer):
                vnet = answer.json
                done.vnets.append(vnet["id"])
                gateway = client.put(
                    f"/v1/vnets/{vnet['id']}/gateway", {"subnet": f"10.{number}.0.0/27"}
                )
                if self.note(gateway):
                    self.vnets.append(vnet)
        elif act < 0.7:
            circuit = self.chance.choice(self.circuits[-6:])
            events = ("circuit.provisioned", "circuit.progress", "circuit.deprovisioning")
            event = self.chance.choices(events, (6, 3, 1))[0]
            body = self.load.partner.payload(event, circuit["serviceKey"], note="load")
            headers = self.load.partner.signed(body)
            answer = self.signer.send("POST", self.load.partner.path, body, headers)
            if self.note(answer) and answer.json["applied"]:
                done.callbacks.append((circuit["id"], headers["webhook-id"], event, body))
        elif act < 0.93 or not self.connections:
            circuit, vnet = self.chance.choice(self.circuits[-6:]), self.chance.choice(self.vnets)
            answer = self.customer.connect(circuit, vnet)
            if self.note(answer):
                done.connections.append((answer.json["id"], circuit["id"], vnet["id"]))
                self.connections.append(answer.json["id"])
        else:
            identity = self.connections.pop()
            done.deleted_connections.append(identity)  # from now on either answer is right
            self.note(client.delete(f"/v1/connections/{identity}"))


def audit(server, load):
    """Everything acknowledged is there, once; nothing is half there."""
    done = load.acknowledged
    assert not done.failures, done.failures
    operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
    partner = Client(server.url, None)
    circuits, vnets, connections = {}, {}, {}
    for customer in load.customers:
        query = {"customerId": customer.id}
        circuits.update((c["id"], c) for c in operator.pages("/v1/circuits", **query))
        vnets.update((v["id"], v) for v in operator.pages("/v1/vnets", **query))
        client = Client(server.url, customer.token)
        connections.update((c["id"], c) for c in client.pages("/v1/connections"))

    assert not set(done.circuits) - set(circuits), "an acknowledged circuit is lost"
    assert not set(done.vnets) - set(vnets), "an acknowledged VNet is lost"
    maybe_gone = set(done.deleted_connections)
    for identity, circuit, vnet in done.connections:
        if identity not in maybe_gone:
            assert identity in connections, "an acknowledged connection is lost"
        if identity in connections:
            assert connections[identity]["circuitId"] == circuit
            assert connections[identity]["vnetId"] == vnet

    used = collections.Counter(c["circuitId"] for c in connections.values())
    joined = collections.Counter(c["vnetId"] for c in connections.values())
    events = {}
    for identity, circuit in circuits.items():
        assert circuit["connections"]["used"] == used[identity] <= 10
        history = events[identity] = operator.pages(f"/v1/circuits/{identity}/events")
        assert [e["sequence"] for e in history] == list(range(1, len(history) + 1))
        assert history[0]["type"] == "circuit.created"
        assert history[-1]["to"] == circuit["providerStatus"], "status and last event disagree"
        for before, after in zip(history, history[1:]):
            assert after["from"] == before["to"]
        changes = collections.Counter(e["type"] for e in history)
        hanging = changes["connection.created"] - changes["connection.deleted"]
        assert hanging == used[identity], "connections and their events disagree"
        up = circuit["providerStatus"] == "Provisioned"
        for connection in connections.values():
            if connection["circuitId"] == identity:
                assert connection["status"] == ("Connected" if up else "Down")
    for identity, vnet in vnets.items():
        assert vnet["circuits"]["used"] == joined[identity] <= 4

    applied = collections.Counter((c, e) for c, _, e, _ in done.callbacks)
    for (identity, event), count in applied.items():
        there = sum(e["type"] == event for e in events[identity])
        assert there >= count, "an acknowledged callback is lost"
    # What was acknowledged is remembered: the same message again is a duplicate, no second change.
    for _, message_id, _, body in done.callbacks[-5:]:
        headers = load.partner.signed(body, message_id)
        again = partner.send("POST", load.partner.path, body, headers).must(200)
        assert again.json["reason"] == "duplicate"
    return len(circuits), len(connections), sum(len(h) for h in events.values())


def ready(url):
    try:
        return Client(url, timeout=2).send("GET", "/readyz", checked=False).status == 200
    except AWAY:
        return False
