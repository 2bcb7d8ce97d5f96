# SPDX-License-Identifier: Apache-2.0
"""Pins the limits through the API under 64 concurrent callers: 40 circuits x 60 VNets, at most 10
VNets a circuit and 4 circuits a VNet at any moment, filled in the end to the most that is
possible, and refusals that carry limit, used and scope."""

import collections
import random
import threading
from concurrent.futures import ThreadPoolExecutor

CIRCUITS, VNETS, CALLERS = 40, 60, 64
PER_CIRCUIT, PER_VNET = 10, 4
POSSIBLE = min(CIRCUITS * PER_CIRCUIT, VNETS * PER_VNET)


class Observer(threading.Thread):
    """Looks all the while, each look one statement's snapshot; keeps the highest it has seen."""

    def __init__(self, customer, operator, circuits, vnets):
        super().__init__()
        self.customer, self.operator = customer, operator
        self.circuits, self.vnets = circuits, vnets
        self.stop = threading.Event()
        self.looks = self.circuit_most = self.vnet_most = self.connections_most = 0
        self.error = None

    def run(self):
        chance = random.Random(7)
        try:
            while not self.stop.is_set():
                self.look(chance)
                self.looks += 1
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def look(self, chance):
        query = {"customerId": self.customer.id, "limit": 200}
        for circuit in self.operator.get("/v1/circuits", **query).must(200).json["items"]:
            self.circuit_most = max(self.circuit_most, circuit["connections"]["used"])
        for vnet in self.operator.get("/v1/vnets", **query).must(200).json["items"]:
            self.vnet_most = max(self.vnet_most, vnet["circuits"]["used"])
        for name, ids in (("circuitId", self.circuits), ("vnetId", self.vnets)):
            query = {name: chance.choice(ids)["id"], "limit": 200}
            rows = len(self.operator.get("/v1/connections", **query).must(200).json["items"])
            limit = PER_CIRCUIT if name == "circuitId" else PER_VNET
            assert rows <= limit, (name, rows)


def many(function, items):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, items))


def test_no_caller_of_64_gets_above_the_limits(customer, partner, operator):
    circuits = many(
        lambda n: customer.circuit_at(partner, "Provisioned", name=f"c{n}"), range(CIRCUITS)
    )
    vnets = many(lambda n: customer.vnet(name=f"v{n}"), range(VNETS))
    pairs = [(circuit, vnet) for circuit in circuits for vnet in vnets]
    random.Random(1).shuffle(pairs)

    observer = Observer(customer, operator, circuits, vnets)
    observer.start()
    answers = collections.Counter()
    refusals = []

    def attempt(pair):
        answer = customer.connect(*pair)
        answers[answer.status, answer.code] += 1
        if answer.status == 409:
            refusals.append(answer)
        # Some go again at once, so that places are freed and taken while all others press on.
        if answer.status == 201 and answer.json["id"][-1] in "048c":
            customer.client.delete(f"/v1/connections/{answer.json['id']}").must(204)

    try:
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(attempt, pairs))
            # And once more, for the places that were freed after their last suitor had gone.
            for again in range(1, 9):
                free = open_pairs(customer, pairs)
                if not free:
                    break
                list(pool.map(lambda pair: customer.connect(*pair), free))
    finally:
        observer.stop.set()
        observer.join(60)
    print(
        f"{sum(answers.values())} attempts of {CALLERS} callers: {dict(answers)}; {observer.looks} "
        f"looks, at most {observer.circuit_most} VNets on a circuit and {observer.vnet_most} "
        f"circuits on a VNet"
    )  # the figures: pytest -rP
    assert observer.error is None, observer.error
    assert observer.looks >= 3
    assert set(answers) <= {
        (201, None),
        (409, "circuit_vnet_limit_reached"),
        (409, "vnet_circuit_limit_reached"),
    }, answers
    assert observer.circuit_most <= PER_CIRCUIT and observer.vnet_most <= PER_VNET

    for refusal in refusals:
        problem = refusal.json
        limit = PER_CIRCUIT if problem["code"] == "circuit_vnet_limit_reached" else PER_VNET
        assert problem["limit"] == limit and problem["used"] == limit, problem
        assert problem["scope"], problem

    connections = customer.client.pages("/v1/connections")
    assert len(connections) == POSSIBLE
    by_circuit = collections.Counter(c["circuitId"] for c in connections)
    by_vnet = collections.Counter(c["vnetId"] for c in connections)
    assert max(by_circuit.values()) <= PER_CIRCUIT and max(by_vnet.values()) == PER_VNET
    assert len({(c["circuitId"], c["vnetId"]) for c in connections}) == POSSIBLE
    for circuit in customer.client.pages("/v1/circuits"):
        assert circuit["connections"]["used"] == by_circuit[circuit["id"]]
    for vnet in customer.client.pages("/v1/vnets"):
        assert vnet["circuits"]["used"] == by_vnet[vnet["id"]]


def open_pairs(customer, pairs):
    """Pairs that are not connected and where neither side is full."""
    connections = customer.client.pages("/v1/connections")
    there = {(c["circuitId"], c["vnetId"]) for c in connections}
    by_circuit = collections.Counter(c["circuitId"] for c in connections)
    by_vnet = collections.Counter(c["vnetId"] for c in connections)
    return [
        (circuit, vnet)
        for circuit, vnet in pairs
        if by_circuit[circuit["id"]] < PER_CIRCUIT
        and by_vnet[vnet["id"]] < PER_VNET
        and (circuit["id"], vnet["id"]) not in there
    ]


def test_an_eleventh_vnet_is_refused_until_one_leaves(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    vnets = [customer.vnet() for _ in range(11)]
    made = [customer.connect(circuit, vnet).must(201).json for vnet in vnets[:10]]
    refusal = customer.connect(circuit, vnets[10]).must(409, "circuit_vnet_limit_reached").json
    assert (refusal["limit"], refusal["used"]) == (10, 10) and refusal["scope"]
    customer.client.delete(f"/v1/connections/{made[3]['id']}").must(204)
    customer.connect(circuit, vnets[10]).must(201)
    customer.connect(circuit, vnets[3]).must(409, "circuit_vnet_limit_reached")


def test_a_fifth_circuit_is_refused_until_one_leaves(customer, partner):
    vnet = customer.vnet()
    circuits = [customer.circuit_at(partner, "Provisioned") for _ in range(5)]
    made = [customer.connect(circuit, vnet).must(201).json for circuit in circuits[:4]]
    refusal = customer.connect(circuits[4], vnet).must(409, "vnet_circuit_limit_reached").json
    assert (refusal["limit"], refusal["used"]) == (4, 4) and refusal["scope"]
    customer.client.delete(f"/v1/connections/{made[0]['id']}").must(204)
    customer.connect(circuits[4], vnet).must(201)
    read = customer.client.get(f"/v1/vnets/{vnet['id']}").must(200).json
    assert read["circuits"] == {"used": 4, "limit": 4}
