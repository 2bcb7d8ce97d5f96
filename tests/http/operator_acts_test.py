# SPDX-License-Identifier: Apache-2.0
"""Pins the operator acting for a silent partner: the same path with a token instead of a signature,
a webhook-id and a reason required, and its name in the history."""

import json
import uuid

import pytest

from tenant import unique


def act(operator, partner, body, message_id="msg_1"):
    headers = {"Content-Type": "application/json"}
    if message_id is not None:
        headers["webhook-id"] = message_id
    return operator.send("POST", partner.path, body, headers)


def test_an_operator_moves_a_circuit_and_the_history_names_it(customer, partner, operator):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"], reason="They phoned.")
    answer = act(operator, partner, body).must(200)
    assert (answer.json["applied"], answer.json["reason"]) == (True, "applied")
    event = customer.events(circuit)[-1]
    assert (event["type"], event["reason"]) == ("circuit.provisioned", "They phoned.")
    assert event["actor"]["role"] == "operator" and event["actor"]["name"]
    assert event["actor"]["name"] != partner.slug
    assert customer.read(circuit)["providerStatus"] == "Provisioned"


def test_an_operator_needs_a_reason(customer, partner, operator):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"])
    for body in (
        body,
        partner.payload("circuit.provisioned", circuit["serviceKey"], reason=None),
        partner.payload("circuit.provisioned", circuit["serviceKey"], reason=""),
    ):
        answer = act(operator, partner, body).must(422, "invalid_request")
        assert answer.pointers == ["/data/reason"]
    assert customer.read(circuit) == circuit


@pytest.mark.parametrize("message_id", [None, ""])
def test_an_operator_needs_a_webhook_id(customer, partner, operator, message_id):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"], reason="They phoned.")
    answer = act(operator, partner, body, message_id).must(422, "invalid_request")
    assert "webhook-id" in json.dumps(answer.json["errors"])
    assert customer.read(circuit) == circuit


def test_an_operators_ids_are_remembered_apart_from_the_partners(customer, partner, operator):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    partner.post(partner.payload("circuit.provisioning", key), "msg_1").must(200)
    body = partner.payload("circuit.provisioned", key, reason="They phoned.")
    assert act(operator, partner, body, "msg_1").must(200).json["reason"] == "applied"
    assert act(operator, partner, body, "msg_1").must(200).json["reason"] == "duplicate"
    act(operator, partner, body + b" ", "msg_1").must(422, "webhook_id_reused")


def test_the_table_binds_an_operator_as_well(customer, partner, operator):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.deprovisioning", circuit["serviceKey"], reason="Please.")
    answer = act(operator, partner, body).must(409, "illegal_transition")
    assert answer.json["providerStatus"] == "NotProvisioned"


def test_an_operator_acts_only_for_the_partner_of_the_circuit(customer, partner, operator):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"], reason="They phoned.")
    headers = {"Content-Type": "application/json", "webhook-id": "m"}
    answer = operator.send("POST", "/v1/partners/equinix/callbacks", body, headers)
    answer.must(404, "not_found")
    answer = operator.send("POST", f"/v1/partners/{unique('none')}/callbacks", body, headers)
    assert answer.status in (401, 404), answer
    body = partner.payload("circuit.provisioned", str(uuid.uuid4()), reason="They phoned.")
    act(operator, partner, body).must(404, "not_found")
    assert customer.read(circuit) == circuit


def test_no_other_token_acts_for_a_partner(customer, partner):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioned", circuit["serviceKey"], reason="Me.")
    for client in (customer.client, partner.client):
        answer = act(client, partner, body)
        assert answer.status in (401, 403), answer
    assert customer.read(circuit) == circuit
