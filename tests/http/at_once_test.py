# SPDX-License-Identifier: Apache-2.0
"""Pins callbacks that arrive at the same instant: twenty of them make one change, one event, and
are twenty times 200, whether they carry one webhook-id or twenty."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

COUNT = 20


def at_once(calls):
    """Run calls from a barrier, one thread each, and give their answers."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        prepare, send = call
        prepare()
        barrier.wait(20)
        return send()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def posted(partner, body, message_id):
    headers = partner.signed(body, message_id)
    return (
        partner.anonymous.connection,
        lambda: partner.anonymous.send("POST", partner.path, body, headers),
    )


def outcome(customer, circuit, event, answers):
    assert [a.status for a in answers] == [200] * COUNT
    after = customer.read(circuit)
    events = [e for e in customer.events(circuit) if e["type"] == event]
    assert len(events) == 1
    assert sum(a.json["applied"] for a in answers) == 1
    for answer in answers:
        assert answer.json["circuit"]["id"] == circuit["id"]
        assert answer.json["circuit"]["providerStatus"] == after["providerStatus"]
    return sorted(a.json["reason"] for a in answers)


@pytest.mark.parametrize("quoted", [False, True], ids=["first seen", "quoted before"])
def test_twenty_with_one_id_apply_once(customer, partner, quoted):
    circuit = customer.circuit(partner)
    if quoted:
        partner.quote(circuit["serviceKey"]).must(200)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"])
    answers = at_once([posted(partner, body, "msg_same")] * COUNT)
    reasons = outcome(customer, circuit, "circuit.provisioned", answers)
    assert reasons == ["applied"] + ["duplicate"] * (COUNT - 1)


def test_twenty_with_twenty_ids_apply_once(customer, partner):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"])
    answers = at_once([posted(partner, body, f"msg_{n}") for n in range(COUNT)])
    reasons = outcome(customer, circuit, "circuit.provisioned", answers)
    assert reasons == ["already"] * (COUNT - 1) + ["applied"]


def test_twenty_with_rising_times_apply_once(customer, partner):
    circuit = customer.circuit(partner)
    bodies = [partner.payload("circuit.provisioned", circuit["serviceKey"]) for _ in range(COUNT)]
    answers = at_once([posted(partner, body, f"msg_{n}") for n, body in enumerate(bodies)])
    reasons = outcome(customer, circuit, "circuit.provisioned", answers)
    assert reasons.count("applied") == 1
    assert set(reasons) <= {"applied", "already", "stale"}


def test_one_id_with_twenty_bodies_applies_once(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    bodies = [partner.payload("circuit.progress", key, note=f"n{n}") for n in range(COUNT)]
    answers = at_once([posted(partner, body, "msg_same") for body in bodies])
    assert sorted(a.status for a in answers) == [200] + [422] * (COUNT - 1)
    assert {a.code for a in answers} == {None, "webhook_id_reused"}
    assert [e["type"] for e in customer.events(circuit)].count("circuit.progress") == 1


def test_opposite_events_leave_one_story(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    key = circuit["serviceKey"]
    at = partner.now()
    bodies = [
        partner.payload(event, key, timestamp=at)
        for event in ["circuit.deprovisioned", "circuit.provisioned"] * (COUNT // 2)
    ]
    answers = at_once([posted(partner, body, f"msg_{n}") for n, body in enumerate(bodies)])
    assert {a.status for a in answers} == {200}
    events = customer.events(circuit)
    status = "NotProvisioned"
    for event in events[1:]:
        if event["from"] is not None and event["type"].startswith("circuit."):
            assert event["from"] == status
            status = event["to"]
    assert customer.read(circuit)["providerStatus"] == status
    applied = sum(a.json["applied"] for a in answers)
    moves = [e for e in events if e["type"] in ("circuit.deprovisioned", "circuit.provisioned")]
    assert len(moves) == applied + 1


def test_one_vnet_connects_to_one_circuit_once(customer, partner):
    circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
    call = (customer.client.connection, lambda: customer.connect(circuit, vnet))
    answers = at_once([call] * COUNT)
    assert sorted(a.status for a in answers) == [201] + [409] * (COUNT - 1)
    assert {a.code for a in answers} == {None, "already_connected"}
    assert customer.read(circuit)["connections"]["used"] == 1


def test_the_tenth_place_is_given_once(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    vnets = [customer.vnet() for _ in range(9 + COUNT)]
    for vnet in vnets[:9]:
        customer.connect(circuit, vnet).must(201)
    calls = [
        (customer.client.connection, lambda vnet=vnet: customer.connect(circuit, vnet))
        for vnet in vnets[9:]
    ]
    answers = at_once(calls)
    assert sorted(a.status for a in answers) == [201] + [409] * (COUNT - 1)
    assert {a.code for a in answers} == {None, "circuit_vnet_limit_reached"}
    assert customer.read(circuit)["connections"] == {"used": 10, "limit": 10}


def test_a_circuit_that_is_deleted_while_it_is_provisioned_is_one_or_the_other(customer, partner):
    for _ in range(8):
        circuit = customer.circuit(partner)
        path = f"/v1/circuits/{circuit['id']}"
        body = partner.payload("circuit.provisioned", circuit["serviceKey"])
        deleted, provisioned = at_once(
            [
                (customer.client.connection, lambda: customer.client.delete(path)),
                posted(partner, body, "msg_" + circuit["id"]),
            ]
        )
        if deleted.status == 204:
            provisioned.must(404, "not_found")
            customer.client.get(path).must(404)
        else:
            deleted.must(409, "circuit_in_use")
            assert provisioned.must(200).json["applied"] is True
            assert customer.read(circuit)["providerStatus"] == "Provisioned"


def test_deleting_and_connecting_at_once_leaves_nothing_hanging(customer, partner):
    for _ in range(5):
        circuit, vnet = customer.circuit_at(partner, "Provisioned"), customer.vnet()
        path = f"/v1/vnets/{vnet['id']}"
        deleted, connected = at_once(
            [
                (customer.client.connection, lambda: customer.client.delete(path)),
                (customer.client.connection, lambda: customer.connect(circuit, vnet)),
            ]
        )
        used = customer.read(circuit)["connections"]["used"]
        listed = customer.client.get("/v1/connections", circuitId=circuit["id"]).json["items"]
        assert used == len(listed)
        if deleted.status == 204:
            connected.must(404, "not_found")
            assert used == 0
        else:
            deleted.must(409, "vnet_in_use")
            connected.must(201)
            assert used == 1
