# SPDX-License-Identifier: Apache-2.0
"""Pins two servers on one database that is not theirs: they start at once, see each other's writes,
and together keep the limits, apply a callback once, and honour each other's tokens and revocations.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import Client
from cluster import Cluster
from polling import eventually
from process import Server
from tenant import Customer, Partner


@pytest.fixture(scope="module")
def pair():
    """Clients of two operators, one a server, and the servers; both started at the same moment."""
    cluster, servers = Cluster(), []
    try:
        url = cluster.database("shared")
        options = ("--database", url, "--secrets-key", cluster.shared("secrets.key"))
        servers = [Server(*options) for _ in range(2)]
        for server in servers:
            server.launch()
        for server in servers:
            server.greet()
        # The first start on a database makes the credentials; the second one finds them made.
        made = [s.credentials for s in servers if "ONRAMP_OPERATOR_TOKEN" in s.credentials]
        assert len(made) == 1, [s.credentials.keys() for s in servers]
        token = made[0]["ONRAMP_OPERATOR_TOKEN"]
        yield [Client(s.url, token) for s in servers], servers
    finally:
        for server in servers:
            server.remove()
        cluster.remove()


@pytest.fixture
def both(pair):
    """A customer and a partner, made through the first, each with a client to either server."""
    operators, _ = pair
    customer, partner = Customer(operators[0]), Partner(operators[0])
    return (
        customer,
        [Client(o.url, customer.token) for o in operators],
        partner,
        [Client(o.url, None) for o in operators],
    )


def test_they_start_no_postgres_of_their_own(pair):
    _, servers = pair
    assert all(not server.postmasters() for server in servers)


def test_each_sees_what_the_other_wrote(both):
    customer, clients, partner, _ = both
    circuit = customer.circuit_at(partner, "Provisioned")
    seen = [c.get(f"/v1/circuits/{circuit['id']}").must(200).json for c in clients]
    assert seen[0] == seen[1]


def test_a_token_of_one_is_a_token_of_the_other(pair, both):
    operators, _ = pair
    body = {"role": "operator", "description": "of the second"}
    second = operators[1].post("/v1/tokens", body).must(201).json["token"]
    for operator in operators:
        operator.get("/v1/customers").must(200)
        Client(operator.url, second).get("/v1/customers").must(200)
    customer, clients, _, _ = both
    for client in clients:
        client.get("/v1/circuits").must(200)
    customer.client.delete(f"/v1/tokens/{customer.token_id}").must(204)

    eventually("the token is refused", lambda: clients[1].get("/v1/circuits").status, 401,
               seconds=5.5)
    clients[1].get("/v1/circuits").must(401)


@pytest.mark.parametrize("ids", [1, 20])
def test_twenty_callbacks_to_both_apply_once(both, ids):
    customer, _, partner, senders = both
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"])
    barrier = threading.Barrier(20)

    def send(number):
        sender = senders[number % 2]
        headers = partner.signed(body, f"msg_{number % ids}")
        sender.connection()
        barrier.wait(20)
        return sender.send("POST", partner.path, body, headers)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert [a.status for a in answers] == [200] * 20
    assert sum(a.json["applied"] for a in answers) == 1
    types = [e["type"] for e in customer.events(circuit)]
    assert types.count("circuit.provisioned") == 1


def test_together_they_keep_the_limits(both):
    customer, clients, partner, _ = both
    circuits = [customer.circuit_at(partner, "Provisioned") for _ in range(6)]
    vnets = [customer.vnet() for _ in range(14)]
    pairs = [(c, v) for v in vnets for c in circuits]

    def connect(item):
        number, (circuit, vnet) = item
        body = {"circuitId": circuit["id"], "vnetId": vnet["id"]}
        answer = clients[number % 2].post("/v1/connections", body)
        assert answer.status in (201, 409), answer
        return answer.status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(connect, enumerate(pairs)))
    connections = clients[1].pages("/v1/connections")
    assert len(connections) == statuses.count(201)
    for circuit in circuits:
        used = customer.read(circuit)["connections"]["used"]
        assert used == sum(c["circuitId"] == circuit["id"] for c in connections) <= 10
    for vnet in vnets:
        used = customer.client.get(f"/v1/vnets/{vnet['id']}").must(200).json["circuits"]["used"]
        assert used == sum(c["vnetId"] == vnet["id"] for c in connections) <= 4


@pytest.mark.parametrize(("what", "body", "cap"), [
    ("tokens", {"role": "customer", "description": "x"}, 100 - 1),  # the customer's own is there
    ("webhooks", {"url": "https://hooks.example.com/"}, 20),
    ("authorizations", {"name": "x"}, 20),
])
def test_together_they_keep_the_caps(both, what, body, cap):
    customer, clients, partner, _ = both
    path = f"/v1/{what}"
    if what == "authorizations":
        path = f"/v1/circuits/{customer.circuit(partner)['id']}/{what}"
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: clients[n % 2].post(path, body), range(cap + 20)))
    assert sorted(answer.status for answer in answers) == [201] * cap + [409] * 20
    assert all(a.code.endswith("_limit_reached") for a in answers if a.status == 409)


def test_one_leaves_and_the_other_serves_on(both, pair):
    customer, clients, partner, _ = both
    _, servers = pair
    circuit = customer.circuit(partner)
    assert servers[0].stop() == 0
    clients[1].get(f"/v1/circuits/{circuit['id']}").must(200)
    servers[0].start()
    Client(servers[0].url, customer.token).get(f"/v1/circuits/{circuit['id']}").must(200)
