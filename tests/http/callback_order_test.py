# SPDX-License-Identifier: Apache-2.0
"""Pins the order in which a callback is judged - signature, body, key, duplicate, stale, table -
and each of these steps: what is remembered, what is stale, what lies too far ahead."""

import json
import time
import uuid

import pytest

from tenant import Partner, rfc3339


def in_seconds(seconds):
    return rfc3339(time.time() + seconds)


def body(event, key, timestamp, **data):
    return json.dumps(
        {"type": event, "timestamp": timestamp, "data": {"serviceKey": key, **data}}
    ).encode()


# --- duplicate -----------------------------------------------------------------------------------


def test_the_same_id_and_body_again_is_a_duplicate(customer, partner):
    circuit = customer.circuit(partner)
    message = partner.payload("circuit.provisioned", circuit["serviceKey"], note="first")
    first = partner.post(message, "msg_1").must(200)
    assert first.json["reason"] == "applied"
    for _ in range(3):
        again = partner.post(message, "msg_1").must(200)
        assert (again.json["applied"], again.json["reason"]) == (False, "duplicate")
        assert again.json["circuit"] == first.json["circuit"]
    types = [e["type"] for e in customer.events(circuit)]
    assert types.count("circuit.provisioned") == 1


def test_a_duplicate_shows_the_circuit_as_it_is_now(customer, partner):
    circuit = customer.circuit(partner)
    message = partner.payload("circuit.provisioning", circuit["serviceKey"])
    partner.post(message, "msg_1").must(200)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    again = partner.post(message, "msg_1").must(200).json
    assert (again["reason"], again["circuit"]["providerStatus"]) == ("duplicate", "Provisioned")


def test_the_same_id_signed_at_another_time_is_still_a_duplicate(customer, partner):
    circuit = customer.circuit(partner)
    message = partner.payload("circuit.provisioning", circuit["serviceKey"])
    partner.post(message, "msg_1", at=int(time.time()) - 100).must(200)
    again = partner.post(message, "msg_1", at=int(time.time()) + 100).must(200)
    assert again.json["reason"] == "duplicate"


def test_the_same_id_with_another_body_is_refused(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    message = partner.payload("circuit.provisioning", key)
    partner.post(message, "msg_1").must(200)
    before = customer.read(circuit)
    partner.post(partner.payload("circuit.provisioned", key), "msg_1").must(
        422, "webhook_id_reused"
    )
    # Not one octet may differ, be it only white space.
    partner.post(message + b" ", "msg_1").must(422, "webhook_id_reused")
    assert customer.read(circuit) == before


def test_already_and_stale_answers_are_remembered_too(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioning", key, in_seconds(-10))).must(200)
    already = body("circuit.provisioning", key, in_seconds(-5))
    stale = body("circuit.progress", key, in_seconds(-60), note="old")
    assert partner.post(already, "msg_a").must(200).json["reason"] == "already"
    assert partner.post(stale, "msg_s").must(200).json["reason"] == "stale"
    assert partner.post(already, "msg_a").must(200).json["reason"] == "duplicate"
    assert partner.post(stale, "msg_s").must(200).json["reason"] == "duplicate"
    partner.post(stale + b"\n", "msg_s").must(422, "webhook_id_reused")


def test_a_refusal_is_never_remembered(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    early = body("circuit.deprovisioning", key, in_seconds(-5))
    for _ in range(2):
        partner.post(early, "msg_1").must(409, "illegal_transition")
    # A refusal moved no ordering mark either: this one is older and still applied.
    partner.post(body("circuit.provisioned", key, in_seconds(-10))).must(200)
    assert partner.post(early, "msg_1").must(200).json["reason"] == "applied"
    assert customer.read(circuit)["providerStatus"] == "Deprovisioning"


def test_an_id_that_was_refused_may_carry_another_body(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(partner.payload("circuit.deprovisioning", key), "msg_1").must(409)
    unknown = partner.payload("circuit.provisioning", str(uuid.uuid4()))
    partner.post(unknown, "msg_1").must(404, "not_found")
    future = body("circuit.provisioning", key, in_seconds(400))
    partner.post(future, "msg_1").must(422, "timestamp_in_future")
    answer = partner.post(partner.payload("circuit.provisioning", key), "msg_1").must(200)
    assert answer.json["reason"] == "applied"


def test_two_partners_may_use_the_same_id(customer, partner, operator):
    other = Partner(operator)
    for carrier in (partner, other):
        circuit = customer.circuit(carrier)
        message = carrier.payload("circuit.provisioning", circuit["serviceKey"])
        assert carrier.post(message, "msg_1").must(200).json["reason"] == "applied"


# --- stale ---------------------------------------------------------------------------------------


def test_a_strictly_older_callback_is_stale_and_shows_the_newest_time(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    newest = in_seconds(-10)[:-1] + "456Z"
    partner.post(body("circuit.provisioned", key, newest)).must(200)
    before, history = customer.read(circuit), customer.events(circuit)
    older = newest[:-2] + "5Z"
    for event, at in (("circuit.progress", in_seconds(-20)), ("circuit.deprovisioning", older),
                      ("circuit.provisioning", in_seconds(-20))):
        answer = partner.post(body(event, key, at, note="late")).must(200)
        assert (answer.json["applied"], answer.json["reason"]) == (False, "stale")
        assert answer.json["newestTimestamp"] == newest
    assert (customer.read(circuit), customer.events(circuit)) == (before, history)


def test_an_equal_time_goes_by_the_table(customer, partner):
    circuit = customer.circuit(partner)
    key, at = circuit["serviceKey"], in_seconds(-10)
    for event, reason in (
        ("circuit.provisioning", "applied"),
        ("circuit.provisioning", "already"),
        ("circuit.provisioned", "applied"),
    ):
        assert partner.post(body(event, key, at)).must(200).json["reason"] == reason
    partner.post(body("circuit.rejected", key, at, reason="no")).must(409, "illegal_transition")


def test_an_already_answer_moves_the_mark(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioning", key, in_seconds(-30))).must(200)
    answer = partner.post(body("circuit.provisioning", key, in_seconds(-10))).must(200)
    assert answer.json["reason"] == "already"
    answer = partner.post(body("circuit.provisioned", key, in_seconds(-20))).must(200)
    assert answer.json["reason"] == "stale"


def test_a_stale_answer_moves_no_mark(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioning", key, in_seconds(-20))).must(200)
    assert partner.post(body("circuit.progress", key, in_seconds(-40))).json["reason"] == "stale"
    answer = partner.post(body("circuit.provisioned", key, in_seconds(-20))).must(200)
    assert answer.json["reason"] == "applied"


@pytest.mark.parametrize(
    "newer,older",
    [
        ("2026-01-01T00:00:00.000002Z", "2026-01-01T00:00:00.000001Z"),
        ("2026-01-01T00:00:00.0004Z", "2026-01-01T00:00:00.0003Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:59:59+01:00"),
    ],
)
def test_times_are_compared_at_full_precision_and_by_instant(customer, partner, newer, older):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioning", key, newer)).must(200)
    answer = partner.post(body("circuit.progress", key, older)).must(200)
    assert answer.json["reason"] == "stale"


def test_the_same_instant_in_another_zone_is_equal(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioning", key, "2026-01-01T12:00:00Z")).must(200)
    answer = partner.post(body("circuit.provisioned", key, "2026-01-01T14:00:00+02:00"))
    assert answer.must(200).json["reason"] == "applied"


def test_the_order_is_kept_per_circuit(customer, partner):
    one, two = customer.circuit(partner), customer.circuit(partner)
    partner.post(body("circuit.provisioning", one["serviceKey"], in_seconds(-10))).must(200)
    answer = partner.post(body("circuit.provisioning", two["serviceKey"], in_seconds(-50)))
    assert answer.must(200).json["reason"] == "applied"


# --- too far ahead -------------------------------------------------------------------------------


def test_a_timestamp_more_than_300_seconds_ahead_is_refused(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    ahead = partner.post(body("circuit.provisioning", key, in_seconds(310)))
    ahead.must(422, "timestamp_in_future")
    assert customer.read(circuit)["providerStatus"] == "NotProvisioned"
    near = partner.post(body("circuit.provisioning", key, in_seconds(280))).must(200)
    assert near.json["reason"] == "applied"


# --- the order of the checks ---------------------------------------------------------------------


def test_a_wrong_signature_comes_before_a_wrong_body(partner):
    for message in (b"{", b"[]", b'{"type": 1}', b"\xff"):
        headers = partner.signed(message)
        headers["webhook-signature"] = partner.signed(b"other")["webhook-signature"]
        answer = partner.anonymous.send("POST", partner.path, message, headers)
        answer.must(401, "unauthenticated")


def test_a_wrong_body_comes_before_an_unknown_key(partner):
    message = body("circuit.painted", str(uuid.uuid4()), in_seconds(0))
    assert partner.post(message).must(422, "invalid_request").pointers == ["/type"]
    message = body("circuit.provisioning", str(uuid.uuid4()), in_seconds(900))
    partner.post(message).must(422, "timestamp_in_future")


def test_an_unknown_key_comes_before_a_reused_id(customer, partner):
    circuit = customer.circuit(partner)
    partner.post(partner.payload("circuit.provisioning", circuit["serviceKey"]), "m1").must(200)
    message = partner.payload("circuit.provisioning", str(uuid.uuid4()))
    partner.post(message, "m1").must(404, "not_found")


def test_a_duplicate_comes_before_stale(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    old = body("circuit.provisioning", key, in_seconds(-50))
    partner.post(old, "m1").must(200)
    partner.post(body("circuit.provisioned", key, in_seconds(-10))).must(200)
    assert partner.post(old, "m1").must(200).json["reason"] == "duplicate"
    partner.post(old + b" ", "m1").must(422, "webhook_id_reused")


def test_stale_comes_before_the_table(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(body("circuit.provisioned", key, in_seconds(-10))).must(200)
    # On time this would be refused, and it would be already.
    for event in ("circuit.provisioning", "circuit.provisioned"):
        answer = partner.post(body(event, key, in_seconds(-20))).must(200)
        assert answer.json["reason"] == "stale"
