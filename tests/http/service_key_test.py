# SPDX-License-Identifier: Apache-2.0
"""Pins the rotation of service keys: only while NotProvisioned, the old key void at once and for
ever, and a partner that starts anew with the new one."""

import threading

import pytest

from tenant import Partner, without


def rotate(customer, circuit):
    return customer.client.send("POST", f"/v1/circuits/{circuit['id']}/service-key")


def test_the_old_key_is_void_at_once_and_the_new_one_works(customer, partner):
    circuit = customer.circuit(partner)
    old = circuit["serviceKey"]
    partner.quote(old).must(200)
    body = partner.payload("circuit.progress", old, note="looked at it")
    partner.post(body, "early").must(200)
    quoted = customer.read(circuit)
    assert quoted["waitingOn"] == "partner"

    after = rotate(customer, circuit).must(200).json
    new = after["serviceKey"]
    assert new != old and after["keyQuotedAt"] is None and after["waitingOn"] == "customer"
    assert after["serviceKeyIssuedAt"] > circuit["serviceKeyIssuedAt"]
    assert after["createdAt"] == circuit["createdAt"]
    assert after["version"] == quoted["version"] + 1
    event = customer.events(circuit)[-1]
    assert event["type"] == "circuit.service_key_rotated"
    assert old not in str(event) and new not in str(event)

    # The partner sees nothing until it quotes the new key, its own old callbacks included.
    unknown = partner.quote("5f0c1c63-6a1e-4d6f-9f0a-2f6f1f3a7c11").must(404).json
    for refused in (
        partner.quote(old),
        partner.callback("circuit.provisioned", old),
        partner.callback("circuit.deprovisioned", old),
        partner.post(body, "early"),
    ):
        refused.must(404, "not_found")
        assert without(refused.json, "requestId", "instance") == without(
            unknown, "requestId", "instance"
        )
    target = f"/v1/partner/circuits/{circuit['id']}"
    partner.client.get(target).must(404, "not_found")
    assert partner.client.pages("/v1/partner/circuits") == []
    assert customer.read(circuit) == after

    assert partner.quote(new).must(200).json["serviceKey"] == new
    assert customer.read(circuit)["waitingOn"] == "partner"
    partner.client.get(target).must(200)
    partner.callback("circuit.provisioned", new).must(200)


@pytest.mark.parametrize("status", ["Provisioning", "Provisioned", "Deprovisioning"])
def test_a_key_in_use_stays(customer, partner, status):
    circuit = customer.circuit_at(partner, status)
    refused = rotate(customer, circuit).must(409, "service_key_in_use")
    assert refused.json["providerStatus"] == status
    assert customer.read(circuit) == circuit


def test_a_rejected_order_can_be_shown_to_the_partner_anew(customer, partner):
    circuit = customer.circuit(partner)
    partner.callback("circuit.rejected", circuit["serviceKey"]).must(200)
    new = rotate(customer, circuit).must(200).json["serviceKey"]
    partner.quote(new).must(200)
    assert customer.read(circuit)["waitingOn"] == "partner"


def test_another_partner_gains_nothing_from_a_rotation(customer, partner, operator):
    circuit = customer.circuit(partner)
    new = rotate(customer, circuit).must(200).json["serviceKey"]
    other = Partner(operator)
    other.quote(new).must(404, "not_found")
    other.callback("circuit.provisioned", new).must(404, "not_found")


def test_a_body_is_refused_and_a_deleted_circuit_has_no_key(customer, partner):
    circuit = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}/service-key"
    assert customer.client.post(target, {"serviceKey": circuit["serviceKey"]}).status in (400, 413)
    assert customer.read(circuit) == circuit
    customer.client.delete(f"/v1/circuits/{circuit['id']}").must(204)
    rotate(customer, circuit).must(404, "not_found")


def test_rotation_against_the_first_callback(customer, partner):
    """Either the callback came first and the key stays, or the key went first and the callback is
    404: never a circuit that moved by a key that it no longer has."""
    outcomes = set()
    for _ in range(20):
        circuit = customer.circuit(partner)
        got = {}
        both = threading.Barrier(2)

        def turn(what, act):
            both.wait()
            got[what] = act()

        threads = [
            threading.Thread(target=turn, args=("rotation", lambda: rotate(customer, circuit))),
            threading.Thread(
                target=turn,
                args=(
                    "callback",
                    lambda: partner.callback("circuit.provisioning", circuit["serviceKey"]),
                ),
            ),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        after = customer.read(circuit)
        if got["callback"].status == 200:
            got["rotation"].must(409, "service_key_in_use")
            assert after["providerStatus"] == "Provisioning"
            assert after["serviceKey"] == circuit["serviceKey"]
        else:
            got["callback"].must(404, "not_found")
            got["rotation"].must(200)
            assert after["providerStatus"] == "NotProvisioned" and after["keyQuotedAt"] is None
        outcomes.add(got["callback"].status)
    assert outcomes <= {200, 404}
