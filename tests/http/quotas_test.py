# SPDX-License-Identifier: Apache-2.0
"""Pins limits as data: what GET /v1/limits shows, how operators set them, that they hold at once and
are never set below what is used, and quotas of circuits under concurrent orders."""

import collections
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenant import BANDWIDTHS, LOCATION, Customer, Partner, unique

OTHER = "London"
# Of the caps, those that everybody sees.
CAPS = ("authorizations_per_circuit", "tokens", "vnets", "webhooks")


def limits(client, **query):
    return {item["name"]: item for item in client.pages("/v1/limits", **query)}


def quota(operator, customer, **body):
    return operator.put(f"/v1/customers/{customer.id}/limits", body)


def order(customer, partner, location=LOCATION):
    body = {
        "name": unique("circuit"),
        "partner": partner.slug,
        "peeringLocation": location,
        "bandwidthMbps": 1000,
    }
    return customer.client.post("/v1/circuits", body)


@pytest.fixture
def everywhere(operator):
    return Partner(
        operator,
        offers=[{"peeringLocation": l, "bandwidthsMbps": BANDWIDTHS} for l in (LOCATION, OTHER)],
    )


@pytest.fixture
def table(operator):
    """A way to set cells of the table of VNets, which are put back."""
    touched = {}

    def put(*cells):
        for tier, mbps, _ in cells:
            touched[tier, mbps] = 10
        body = [{"tier": t, "bandwidthMbps": b, "limit": n} for t, b, n in cells]
        return operator.put("/v1/limits", {"vnetsPerCircuit": body})

    yield put
    if touched:
        put(*[(t, b, n) for (t, b), n in touched.items()])


# --- what is shown -------------------------------------------------------------------------------


def test_a_customer_sees_every_quota_with_what_it_uses(customer, everywhere):
    circuit = customer.circuit_at(everywhere, "Provisioned")
    customer.client.post(f"/v1/circuits/{circuit['id']}/authorizations", {"name": "x"}).must(201)
    customer.circuit(everywhere, peeringLocation=OTHER)
    customer.client.post("/v1/webhooks", {"url": "https://hooks.example.com/"}).must(201)
    for _ in range(3):
        customer.connect(circuit, customer.vnet()).must(201)
    shown = limits(customer.client)
    assert set(shown) == {"circuits", "circuits_per_location", "circuits_per_vnet", *CAPS} | {
        f"circuits_per_location/{l}" for l in (LOCATION, OTHER)
    } | {f"vnets_per_circuit/{t}/{b}" for t in ("Local", "Standard", "Premium") for b in BANDWIDTHS}
    used = {name: (item["used"], item["limit"], item["scope"]) for name, item in shown.items()}
    assert used["circuits"] == (2, None, "customer")
    assert used["circuits_per_location"] == (1, None, "peering_location")
    assert used[f"circuits_per_location/{OTHER}"] == (1, None, "peering_location")
    assert used["circuits_per_vnet"] == (1, 4, "vnet")
    assert used["webhooks"] == (1, 20, "customer")
    assert used["vnets"] == (3, 1000, "customer")
    assert used["tokens"] == (1, 100, "customer")
    assert used["authorizations_per_circuit"] == (1, 20, "circuit")
    assert used["vnets_per_circuit/Standard/1000"] == (3, 10, "circuit")
    assert used["vnets_per_circuit/Premium/50"] == (0, 10, "circuit")
    assert all(item["rule"].endswith(".") for item in shown.values())
    gone = customer.circuit(everywhere)
    customer.client.delete(f"/v1/circuits/{gone['id']}").must(204)
    assert limits(customer.client)["circuits"]["used"] == 2
    # Page by page it is the same list.
    assert {item["name"] for item in customer.client.pages("/v1/limits", limit=3)} == set(shown)


def test_an_operator_sees_the_place_and_any_customer(customer, everywhere, operator):
    customer.circuit(everywhere)
    quota(operator, customer, circuits=7).must(200)
    place = limits(operator)
    assert "circuits" not in place and place["circuits_per_vnet"]["limit"] == 4
    assert {name: place[name]["scope"] for name in CAPS} == {
        "authorizations_per_circuit": "circuit", "tokens": "operator", "vnets": "customer",
        "webhooks": "operator"}
    secrets = place["callback_secrets_per_partner"]
    assert (secrets["limit"], secrets["scope"]) == (5, "partner") and secrets["used"] >= 1
    assert limits(operator, customerId=customer.id) == limits(customer.client)
    assert limits(operator, customerId=customer.id)["circuits"]["limit"] == 7


def test_no_customer_sees_anothers_quotas(customer, everywhere, operator):
    other = Customer(operator)
    customer.circuit(everywhere, peeringLocation=OTHER)
    quota(operator, customer, circuits=7).must(200)
    assert other.client.pages("/v1/limits", customerId=customer.id) == []
    mine = limits(other.client)
    assert (mine["circuits"]["used"], mine["circuits"]["limit"]) == (0, None)
    assert f"circuits_per_location/{OTHER}" not in mine
    used = {name: item["used"] for name, item in mine.items() if item["used"]}
    assert used == {"tokens": 1}


# --- the table of VNets --------------------------------------------------------------------------


def test_premium_goes_above_10_when_the_table_says_so(customer, partner, operator, table):
    sku = {"tier": "Premium", "family": "MeteredData"}
    circuit = customer.circuit_at(partner, "Provisioned", sku=sku, bandwidthMbps=5000)
    assert circuit["connections"] == {"used": 0, "limit": 10}
    for _ in range(10):
        customer.connect(circuit, customer.vnet()).must(201)
    customer.connect(circuit, customer.vnet()).must(409, "circuit_vnet_limit_reached")
    before = customer.read(circuit)
    answer = table(("Premium", 5000, 12)).must(200)
    cell = {i["name"]: i for i in answer.json["items"]}["vnets_per_circuit/Premium/5000"]
    assert cell["limit"] == 12 and cell["used"] >= 10
    after = customer.read(circuit)
    assert after["connections"] == {"used": 10, "limit": 12}
    assert after["version"] == before["version"] + 1
    event = customer.events(circuit)[-1]
    assert event["type"] == "circuit.updated" and event["actor"]["role"] == "operator"
    for _ in range(2):
        customer.connect(circuit, customer.vnet()).must(201)
    refused = customer.connect(circuit, customer.vnet()).must(409, "circuit_vnet_limit_reached")
    assert (refused.json["limit"], refused.json["used"]) == (12, 12)

    lower = table(("Premium", 5000, 11)).must(409, "circuit_vnet_limit_reached").json
    assert (lower["limit"], lower["used"], lower["scope"]) == (11, 12, "circuit")
    assert customer.read(circuit)["connections"] == {"used": 12, "limit": 12}
    # Nor by a change of the circuit itself.
    target = f"/v1/circuits/{circuit['id']}"
    for body in ({"sku": {"tier": "Standard"}}, {"bandwidthMbps": 10000}):
        refused = customer.client.patch(target, body).must(409, "circuit_vnet_limit_reached").json
        assert (refused["limit"], refused["used"], refused["scope"]) == (10, 12, "circuit")
    for connection in customer.client.pages("/v1/connections")[:2]:
        customer.client.delete(f"/v1/connections/{connection['id']}").must(204)
    moved = customer.client.patch(target, {"sku": {"tier": "Standard"}}).must(200).json
    assert moved["connections"] == {"used": 10, "limit": 10}


def test_a_lower_limit_holds_at_once_for_all(customer, partner, table):
    one = customer.circuit_at(partner, "Provisioned", bandwidthMbps=200)
    two = customer.circuit(partner, bandwidthMbps=200)
    customer.connect(one, customer.vnet()).must(201)
    table(("Standard", 200, 2), ("Local", 200, 5)).must(200)
    assert customer.read(one)["connections"] == {"used": 1, "limit": 2}
    assert customer.read(two)["connections"] == {"used": 0, "limit": 2}
    assert customer.circuit(partner, bandwidthMbps=200)["connections"]["limit"] == 2
    customer.connect(one, customer.vnet()).must(201)
    refused = customer.connect(one, customer.vnet()).must(409, "circuit_vnet_limit_reached")
    assert refused.json["limit"] == 2
    version = customer.read(two)["version"]
    table(("Standard", 200, 2)).must(200)
    assert customer.read(two)["version"] == version


@pytest.mark.parametrize(
    "cells,where",
    [
        ([], "/vnetsPerCircuit"),
        ([("Standard", 50, 11)], "/vnetsPerCircuit/0/limit"),
        ([("Local", 50, 11)], "/vnetsPerCircuit/0/limit"),
        ([("Premium", 50, 101)], "/vnetsPerCircuit/0/limit"),
        ([("Premium", 50, 0)], "/vnetsPerCircuit/0/limit"),
        ([("Premium", 60, 10)], "/vnetsPerCircuit/0/bandwidthMbps"),
        ([("Gold", 50, 10)], "/vnetsPerCircuit/0/tier"),
        ([("Premium", 50, 10), ("Premium", 50, 11)], "/vnetsPerCircuit/1/bandwidthMbps"),
    ],
    ids=str,
)
def test_what_the_table_does_not_take(operator, cells, where):
    before = limits(operator)
    body = [{"tier": t, "bandwidthMbps": b, "limit": n} for t, b, n in cells]
    refused = operator.put("/v1/limits", {"vnetsPerCircuit": body}).must(422, "invalid_request")
    assert refused.pointers == [where]
    after = limits(operator)
    assert {n: i["limit"] for n, i in after.items()} == {n: i["limit"] for n, i in before.items()}


# --- quotas of circuits --------------------------------------------------------------------------


def test_a_quota_is_refused_with_limit_used_and_scope(customer, everywhere, operator):
    quota(operator, customer, circuits=3, circuitsPerLocation=2).must(200)
    order(customer, everywhere).must(201)
    second = order(customer, everywhere).must(201).json
    refused = order(customer, everywhere).must(409, "location_circuit_limit_reached").json
    assert (refused["limit"], refused["used"], refused["scope"]) == (2, 2, "peering_location")
    third = order(customer, everywhere, OTHER).must(201).json
    refused = order(customer, everywhere, OTHER).must(409, "customer_circuit_limit_reached").json
    assert (refused["limit"], refused["used"], refused["scope"]) == (3, 3, "customer")
    # A deleted circuit frees its place, by hand or with its deprovisioning.
    customer.client.delete(f"/v1/circuits/{third['id']}").must(204)
    order(customer, everywhere).must(409, "location_circuit_limit_reached")
    everywhere.callback("circuit.provisioned", second["serviceKey"]).must(200)
    target = f"/v1/circuits/{second['id']}/deprovision"
    customer.client.post(target, {"deleteWhenDeprovisioned": True}).must(200)
    everywhere.callback("circuit.deprovisioned", second["serviceKey"]).must(200)
    order(customer, everywhere).must(201)
    shown = limits(customer.client)
    assert (shown["circuits"]["used"], shown["circuits"]["limit"]) == (2, 3)


def test_a_quota_counts_what_was_there_and_is_not_set_below_it(customer, everywhere, operator):
    for _ in range(2):
        order(customer, everywhere).must(201)
    order(customer, everywhere, OTHER).must(201)
    refused = quota(operator, customer, circuits=2).must(409, "customer_circuit_limit_reached").json
    assert (refused["limit"], refused["used"], refused["scope"]) == (2, 3, "customer")
    refused = quota(operator, customer, circuitsPerLocation=1)
    refused = refused.must(409, "location_circuit_limit_reached").json
    assert (refused["limit"], refused["used"], refused["scope"]) == (1, 2, "peering_location")
    order(customer, everywhere).must(201)
    shown = quota(operator, customer, circuits=4, circuitsPerLocation=3).must(200).json["items"]
    assert {i["name"]: (i["used"], i["limit"]) for i in shown if i["scope"] != "circuit"} == {
        "circuits": (4, 4),
        "circuits_per_location": (3, 3),
        f"circuits_per_location/{LOCATION}": (3, 3),
        f"circuits_per_location/{OTHER}": (1, 3),
        "circuits_per_vnet": (0, 4),
        "tokens": (1, 100),
        "vnets": (0, 1000),
        "webhooks": (0, 20),
    }
    order(customer, everywhere, OTHER).must(409, "customer_circuit_limit_reached")
    quota(operator, customer, circuits=2).must(409)
    quota(operator, customer, circuits=5, circuitsPerLocation=3).must(200)
    order(customer, everywhere).must(409, "location_circuit_limit_reached")
    order(customer, everywhere, OTHER).must(201)
    # Absent or null is no limit.
    quota(operator, customer, circuits=None).must(200)
    for _ in range(2):
        order(customer, everywhere).must(201)
    assert limits(customer.client)["circuits"]["used"] == 7


def test_a_quota_of_none_stops_orders_and_nothing_else(customer, partner, operator):
    circuit = customer.circuit(partner)
    other = Customer(operator)
    quota(operator, other, circuits=0).must(200)
    order(other, partner).must(409, "customer_circuit_limit_reached")
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    order(customer, partner).must(201)
    unknown = "0199aa00-0000-7000-8000-000000000001"
    operator.put(f"/v1/customers/{unknown}/limits", {"circuits": 1}).must(404, "not_found")


def test_no_more_than_the_quota_whoever_presses(everywhere, operator):
    """Twelve customers, sixteen callers, orders and deletions in one another's way."""
    customers = [Customer(operator) for _ in range(12)]
    for customer in customers:
        quota(operator, customer, circuits=5, circuitsPerLocation=3).must(200)
    answers = collections.Counter()

    def press(n):
        customer = customers[n % len(customers)]
        answer = order(customer, everywhere, OTHER if n // 12 % 4 == 3 else LOCATION)
        answers[answer.status, answer.code] += 1
        if answer.status == 201 and n % 5 == 0:
            customer.client.delete(f"/v1/circuits/{answer.json['id']}").must(204)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(press, range(12 * 20)))
    assert set(answers) == {
        (201, None),
        (409, "customer_circuit_limit_reached"),
        (409, "location_circuit_limit_reached"),
    }
    for customer in customers:
        circuits = customer.client.pages("/v1/circuits")
        places = collections.Counter(c["peeringLocation"] for c in circuits)
        assert len(circuits) <= 5 and max(places.values()) <= 3
        assert limits(customer.client)["circuits"]["used"] == len(circuits)
        # The counters agree with the circuits: as many more as there is room for.
        room = 5 - len(circuits)
        got = [order(customer, everywhere, l).status for l in (LOCATION, OTHER) for _ in range(4)]
        assert got.count(201) == min(room, sum(3 - places[l] for l in (LOCATION, OTHER)))


def test_a_quota_that_is_set_during_orders_begins_with_the_right_count(everywhere, operator):
    for _ in range(4):
        customer = Customer(operator)
        with ThreadPoolExecutor(9) as pool:
            orders = [pool.submit(order, customer, everywhere) for _ in range(12)]
            setting = pool.submit(quota, operator, customer, circuits=6, circuitsPerLocation=6)
            made = sum(o.result().status == 201 for o in orders)
            answer = setting.result()
        if answer.status == 200:
            assert made == 6
        else:
            answer.must(409, "customer_circuit_limit_reached")
            assert made == 12
        circuits = customer.client.pages("/v1/circuits")
        assert len(circuits) == made
        quota(operator, customer, circuits=made + 1).must(200)
        order(customer, everywhere).must(201)
        order(customer, everywhere).must(409, "customer_circuit_limit_reached")
