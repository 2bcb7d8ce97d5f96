# SPDX-License-Identifier: Apache-2.0
"""Pins what connecting needs, refusal by refusal, and what each says; and that disconnecting gives
all of it back."""

import pytest


@pytest.mark.parametrize("status", ["NotProvisioned", "Provisioning", "Deprovisioning"])
def test_a_circuit_that_is_not_provisioned_is_refused(customer, partner, status):
    circuit, vnet = customer.circuit_at(partner, status), customer.vnet()
    answer = customer.connect(circuit, vnet).must(409, "circuit_not_provisioned")
    assert answer.json.get("providerStatus", status) == status
    assert customer.read(circuit) == circuit


def test_a_vnet_without_a_gateway_is_refused(customer, partner):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet(gateway=False)
    customer.connect(circuit, vnet).must(409, "vnet_has_no_gateway")
    customer.client.put(
        f"/v1/vnets/{vnet['id']}/gateway", {"subnet": vnet["addressSpace"][0].split("/")[0] + "/27"}
    ).must(200)
    customer.connect(circuit, vnet).must(201)


def test_a_vnet_connects_to_a_circuit_once(customer, partner):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
    made = customer.connect(circuit, vnet).must(201).json
    customer.connect(circuit, vnet).must(409, "already_connected")
    customer.client.delete(f"/v1/connections/{made['id']}").must(204)
    again = customer.connect(circuit, vnet).must(201).json
    assert again["id"] != made["id"]


@pytest.mark.parametrize(
    "one,two",
    [
        (["10.0.0.0/16"], ["10.0.0.0/16"]),
        (["10.0.0.0/16"], ["10.0.128.0/17"]),
        (["10.0.128.0/17"], ["10.0.0.0/8"]),
        (["10.0.0.0/16", "10.9.0.0/16"], ["10.8.0.0/16", "10.9.1.0/24"]),
    ],
)
def test_address_spaces_on_one_circuit_do_not_overlap(customer, partner, one, two):
    circuit = customer.circuit_at(partner, "Provisioned")
    first, second = customer.vnet(space=one), customer.vnet(space=two)
    made = customer.connect(circuit, first).must(201).json
    customer.connect(circuit, second).must(409, "address_space_overlap")
    assert customer.read(circuit)["connections"]["used"] == 1
    # On another circuit, or when the first one has gone, they may.
    customer.connect(customer.circuit_at(partner, "Provisioned"), second).must(201)
    customer.client.delete(f"/v1/connections/{made['id']}").must(204)
    customer.connect(circuit, second).must(201)


def test_neighbours_do_not_overlap(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    for space in (["10.0.0.0/17"], ["10.0.128.0/17"], ["10.1.0.0/27"], ["10.1.0.32/27"]):
        customer.connect(circuit, customer.vnet(space=space)).must(201)


def test_a_connection_can_be_read_listed_and_deleted(customer, partner, operator):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
    made = customer.connect(circuit, vnet).must(201).json
    assert (made["circuitId"], made["vnetId"]) == (circuit["id"], vnet["id"])
    target = f"/v1/connections/{made['id']}"
    assert customer.client.get(target).must(200).json == made
    assert operator.get(target).must(200).json == made
    assert customer.client.pages("/v1/connections") == [made]
    before = customer.read(circuit)
    customer.client.delete(target).must(204)
    customer.client.get(target).must(404, "not_found")
    customer.client.delete(target).must(404, "not_found")
    after = customer.read(circuit)
    assert after["connections"] == {"used": 0, "limit": 10}
    assert after["version"] > before["version"]
    assert customer.client.get(f"/v1/vnets/{vnet['id']}").json["circuits"]["used"] == 0
    types = [e["type"] for e in customer.events(circuit)]
    assert types[-2:] == ["connection.created", "connection.deleted"]


def test_connecting_raises_both_versions(customer, partner):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
    customer.connect(circuit, vnet).must(201)
    assert customer.read(circuit)["version"] > circuit["version"]
    after = customer.client.get(f"/v1/vnets/{vnet['id']}").must(200).json
    assert after["version"] > vnet["version"]


def test_a_deleted_vnet_or_circuit_cannot_be_connected(customer, partner):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
    gone = customer.circuit(partner)
    customer.client.delete(f"/v1/circuits/{gone['id']}").must(204)
    customer.connect(gone, vnet).must(404, "not_found")
    customer.client.delete(f"/v1/vnets/{vnet['id']}").must(204)
    customer.connect(circuit, vnet).must(404, "not_found")


def test_the_version_of_a_circuit_counts_its_events(customer, partner):
    """Every change of what is shown is exactly one event, so that a history explains a version."""
    circuit = customer.circuit_at(partner, "Provisioned")
    for _ in range(3):
        customer.connect(circuit, customer.vnet()).must(201)
    partner.callback("circuit.progress", circuit["serviceKey"], note="x").must(200)
    assert customer.read(circuit)["version"] == len(customer.events(circuit))
