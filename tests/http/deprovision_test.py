# SPDX-License-Identifier: Apache-2.0
"""Pins the request to tear a circuit down: when it can be made and withdrawn, what is in its way,
whom the circuit waits for, deletion in the same stroke, and the partner's late retries after it."""

import pytest

import wire


def request(customer, circuit, body=None):
    return customer.client.post(f"/v1/circuits/{circuit['id']}/deprovision", body or {})


def withdraw(customer, circuit):
    return customer.client.delete(f"/v1/circuits/{circuit['id']}/deprovision")


def test_a_request_that_says_nothing_needs_no_body_at_all(customer, partner):
    """As `curl -X POST` sends it: neither a body nor the length of one."""
    circuit = customer.circuit_at(partner, "Provisioned")
    head = (
        f"POST /v1/circuits/{circuit['id']}/deprovision HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {customer.token}\r\n\r\n"
    )
    said = wire.talk((customer.client.host, customer.client.port), head.encode())
    assert said.statuses == [200], said
    assert customer.read(circuit)["deprovisionRequestedAt"]


@pytest.mark.parametrize("status", ["NotProvisioned", "Deprovisioning"])
def test_there_may_be_nothing_to_deprovision(customer, partner, status):
    circuit = customer.circuit_at(partner, status)
    refused = request(customer, circuit).must(409, "nothing_to_deprovision")
    assert refused.json["providerStatus"] == status
    assert customer.read(circuit) == circuit


@pytest.mark.parametrize("status", ["Provisioning", "Provisioned"])
def test_a_request_waits_on_the_partner_until_it_is_withdrawn(customer, partner, status):
    circuit = customer.circuit_at(partner, status)
    asked = request(customer, circuit).must(200).json
    assert asked["deprovisionRequestedAt"] and asked["deleteWhenDeprovisioned"] is False
    assert asked["waitingOn"] == "partner" and asked["version"] == circuit["version"] + 1
    seen = partner.client.get(f"/v1/partner/circuits/{circuit['id']}").must(200).json
    assert seen["deprovisionRequestedAt"] == asked["deprovisionRequestedAt"]
    assert request(customer, circuit).must(200).json == asked
    withdraw(customer, circuit).must(204)
    after = customer.read(circuit)
    assert after["deprovisionRequestedAt"] is None and after["waitingOn"] == circuit["waitingOn"]
    withdraw(customer, circuit).must(404, "not_found")
    types = [e["type"] for e in customer.events(circuit)]
    assert types[-2:] == ["circuit.deprovision_requested", "circuit.deprovision_withdrawn"]
    assert after["version"] == len(types)


def test_asking_again_updates_the_flag(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    first = request(customer, circuit).must(200).json
    flagged = request(customer, circuit, {"deleteWhenDeprovisioned": True}).must(200).json
    assert flagged["deleteWhenDeprovisioned"] is True
    assert flagged["deprovisionRequestedAt"] == first["deprovisionRequestedAt"]
    assert flagged["version"] == first["version"] + 1
    assert request(customer, circuit).must(200).json == flagged
    cleared = request(customer, circuit, {"deleteWhenDeprovisioned": False}).must(200).json
    assert cleared["deleteWhenDeprovisioned"] is False
    assert customer.events(circuit)[-1]["type"] == "circuit.updated"
    for body in ({"deleteWhenDeprovisioned": None}, {"deleteWhenDeprovisioned": "yes"}, {"x": 1}):
        request(customer, circuit, body).must(422, "invalid_request")


def test_a_request_needs_no_body(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    target = f"/v1/circuits/{circuit['id']}/deprovision"
    customer.client.send("POST", target, b"").must(200)


def test_it_cannot_be_withdrawn_once_the_partner_has_begun(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    request(customer, circuit).must(200)
    partner.callback("circuit.deprovisioning", circuit["serviceKey"]).must(200)
    refused = withdraw(customer, circuit).must(409, "illegal_transition")
    assert refused.json["providerStatus"] == "Deprovisioning"
    assert customer.read(circuit)["deprovisionRequestedAt"]
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    after = customer.read(circuit)
    assert after["deprovisionRequestedAt"] is None and after["waitingOn"] == "customer"
    withdraw(customer, circuit).must(404, "not_found")


def test_the_partner_may_reject_the_request(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    request(customer, circuit, {"deleteWhenDeprovisioned": True}).must(200)
    partner.callback("circuit.rejected", circuit["serviceKey"], reason="Term not over.").must(200)
    after = customer.read(circuit)
    assert (after["providerStatus"], after["waitingOn"]) == ("Provisioned", "nobody")
    assert after["deprovisionRequestedAt"] is None and after["deleteWhenDeprovisioned"] is False
    assert after["lastRejection"]["reason"] == "Term not over."


def test_what_is_to_be_deleted_has_to_be_empty_and_stays_so(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    made = {customer.connect(circuit, customer.vnet()).must(201).json["id"] for _ in range(2)}
    body = {"deleteWhenDeprovisioned": True}
    refused = request(customer, circuit, body).must(409, "circuit_in_use")
    assert {(b["type"], b["id"]) for b in refused.json["blockers"]} == {
        ("connection", one) for one in made
    }
    assert customer.read(circuit)["deprovisionRequestedAt"] is None
    # Without the flag connections are no obstacle, and more may come.
    request(customer, circuit).must(200)
    more = customer.connect(circuit, customer.vnet()).must(201).json["id"]
    request(customer, circuit, body).must(409, "circuit_in_use")
    for one in made | {more}:
        customer.client.delete(f"/v1/connections/{one}").must(204)
    request(customer, circuit, body).must(200)
    customer.connect(circuit, customer.vnet()).must(409, "circuit_deprovision_requested")
    withdraw(customer, circuit).must(204)
    customer.connect(circuit, customer.vnet()).must(201)


@pytest.mark.parametrize(
    "status,events",
    [
        ("Provisioned", ["circuit.deprovisioned"]),
        ("Provisioned", ["circuit.deprovisioning", "circuit.deprovisioned"]),
        ("Provisioning", ["circuit.deprovisioned"]),
        ("Provisioning", ["circuit.rejected"]),
        ("Provisioning", ["circuit.provisioned", "circuit.deprovisioned"]),
    ],
    ids=str,
)
def test_whatever_brings_it_to_not_provisioned_deletes_it(customer, partner, operator, status, events):
    circuit = customer.circuit_at(partner, status)
    request(customer, circuit, {"deleteWhenDeprovisioned": True}).must(200)
    for event in events:
        assert customer.read(circuit)["deletedAt"] is None
        answer = partner.callback(event, circuit["serviceKey"]).must(200).json
        assert answer["applied"] is True
    target = f"/v1/circuits/{circuit['id']}"
    customer.client.get(target).must(404, "not_found")
    for call in (request, withdraw):
        call(customer, circuit).must(404, "not_found")
    read = operator.get(target).must(200).json
    assert read["deletedAt"] and read["providerStatus"] == "NotProvisioned"
    types = [e["type"] for e in operator.pages(target + "/events")]
    assert types[-2:] == [events[-1], "circuit.deleted"] and types.count("circuit.deleted") == 1
    assert customer.client.pages("/v1/circuits") == []
    assert [c["id"] for c in operator.pages("/v1/circuits", deleted="true", customerId=customer.id)] == [
        circuit["id"]
    ]


def test_late_retries_after_a_deletion(customer, partner, operator):
    circuit = customer.circuit_at(partner, "Provisioned")
    request(customer, circuit, {"deleteWhenDeprovisioned": True}).must(200)
    key = circuit["serviceKey"]
    body = partner.payload("circuit.deprovisioned", key)
    partner.post(body, "the-last").must(200)
    target = f"/v1/circuits/{circuit['id']}"
    before = operator.get(target).must(200).json
    again = partner.post(body, "the-last").must(200).json
    assert (again["applied"], again["reason"]) == (False, "duplicate")
    anew = partner.callback("circuit.deprovisioned", key).must(200).json
    assert (anew["applied"], anew["reason"]) == (False, "already")
    for event in ("circuit.progress", "circuit.provisioning", "circuit.provisioned",
                  "circuit.rejected", "circuit.deprovisioning"):
        partner.callback(event, key).must(404, "not_found")
    partner.quote(key).must(404, "not_found")
    partner.client.get(f"/v1/partner/circuits/{circuit['id']}").must(404, "not_found")
    assert operator.get(target).must(200).json == before
