# SPDX-License-Identifier: Apache-2.0
"""Pins the operator's switch on a circuit: Disabled takes connections down and lets none in, hides
nothing and stops nobody else; Enabled brings them up again; each with a reason and one event."""

import pytest

from tenant import without


def switch(operator, circuit, status, reason="Unpaid."):
    target = f"/v1/circuits/{circuit['id']}"
    return operator.patch(target, {"circuitStatus": status, "reason": reason})


def test_disabling_takes_connections_down_and_enabling_brings_them_up(customer, partner, operator):
    circuit = customer.circuit_at(partner, "Provisioned")
    made = [customer.connect(circuit, customer.vnet()).must(201).json for _ in range(2)]
    before = customer.read(circuit)
    after = switch(operator, circuit, "Disabled").must(200).json
    assert (after["circuitStatus"], after["waitingOn"]) == ("Disabled", "operator")
    assert after["providerStatus"] == "Provisioned" and after["since"] > before["since"]
    assert after == customer.read(circuit)
    assert {c["status"] for c in customer.client.pages("/v1/connections")} == {"Down"}
    customer.connect(circuit, customer.vnet()).must(409, "circuit_disabled")
    events = customer.events(circuit)[-3:]
    assert [e["type"] for e in events] == ["circuit.disabled"] + ["connection.down"] * 2
    assert events[0]["reason"] == "Unpaid." and events[0]["actor"]["role"] == "operator"
    assert after["version"] == before["version"] + 3

    again = switch(operator, circuit, "Disabled", "Still unpaid.").must(200).json
    assert again == after and len(customer.events(circuit)) == after["version"]

    up = switch(operator, circuit, "Enabled", "Paid.").must(200).json
    assert (up["circuitStatus"], up["waitingOn"]) == ("Enabled", "nobody")
    ids = {c["id"] for c in customer.client.pages("/v1/connections") if c["status"] == "Connected"}
    assert ids == {c["id"] for c in made}
    events = [e["type"] for e in customer.events(circuit)[-3:]]
    assert events == ["circuit.enabled"] + ["connection.up"] * 2
    customer.connect(circuit, customer.vnet()).must(201)


def test_a_disabled_circuit_goes_on_with_its_partner_and_ends(customer, partner, operator):
    circuit = customer.circuit(partner)
    switch(operator, circuit, "Disabled").must(200)
    key, target = circuit["serviceKey"], f"/v1/circuits/{circuit['id']}"
    partner.callback("circuit.provisioned", key).must(200)
    assert customer.read(circuit)["waitingOn"] == "operator"
    seen = partner.client.get(f"/v1/partner/circuits/{circuit['id']}").must(200).json
    assert (seen["circuitStatus"], seen["providerStatus"]) == ("Disabled", "Provisioned")
    customer.client.post(target + "/deprovision", {}).must(200)
    partner.callback("circuit.deprovisioned", key).must(200)
    customer.client.patch(target, {"name": "still mine"}).must(200)
    customer.client.delete(target).must(204)
    switch(operator, circuit, "Enabled").must(404, "not_found")


def test_connections_of_a_circuit_that_is_not_up_anyway_say_nothing_twice(customer, partner, operator):
    circuit = customer.circuit_at(partner, "Provisioned")
    customer.connect(circuit, customer.vnet()).must(201)
    partner.callback("circuit.deprovisioning", circuit["serviceKey"]).must(200)
    switch(operator, circuit, "Disabled").must(200)
    switch(operator, circuit, "Enabled").must(200)
    downs = [e["type"] for e in customer.events(circuit)]
    assert downs.count("connection.down") == 1 and "connection.up" not in downs


@pytest.mark.parametrize(
    "body,code,where",
    [
        ({"circuitStatus": "Disabled"}, "invalid_request", "/reason"),
        ({"reason": "x"}, "invalid_request", "/circuitStatus"),
        ({"circuitStatus": "Off", "reason": "x"}, "invalid_request", "/circuitStatus"),
        ({"circuitStatus": "Disabled", "reason": ""}, "invalid_request", "/reason"),
        ({"circuitStatus": "Disabled", "reason": "x", "name": "n"}, "immutable_field", "/name"),
        ({"circuitStatus": "Disabled", "reason": "x", "tags": {}}, "immutable_field", "/tags"),
        ({"circuitStatus": "Disabled", "reason": "x", "hue": 1}, "invalid_request", "/hue"),
    ],
)
def test_an_operator_changes_nothing_else(customer, partner, operator, body, code, where):
    circuit = customer.circuit(partner)
    refused = operator.patch(f"/v1/circuits/{circuit['id']}", body).must(422, code)
    assert refused.pointers == [where]
    assert customer.read(circuit) == circuit


def test_the_switch_is_the_operators_alone(customer, partner, operator):
    circuit = customer.circuit(partner)
    switch(customer.client, circuit, "Disabled").must(422)
    switch(operator, circuit, "Disabled").must(200)
    switch(customer.client, circuit, "Enabled").must(422)
    switch(partner.client, circuit, "Enabled").must(403, "forbidden")
    assert without(customer.read(circuit), "version")["circuitStatus"] == "Disabled"
