# SPDX-License-Identifier: Apache-2.0
"""Pins what a partner sees and from when on - nothing before it has shown the key - and who is
waited for, since when."""

import uuid

import pytest

from tenant import STATUSES, Partner, without


def same_refusal(one, two):
    """Two answers that must not tell what the other one is about."""
    ignored = ("requestId", "instance")
    assert one.status == two.status
    assert without(one.json, *ignored) == without(two.json, *ignored)
    assert sorted(set(one.headers.keys())) == sorted(set(two.headers.keys()))


# --- quoting -------------------------------------------------------------------------------------


def test_a_partner_sees_nothing_before_it_has_shown_the_key(customer, partner):
    circuit = customer.circuit(partner)
    assert partner.client.get("/v1/partner/circuits").must(200).json["items"] == []
    unknown = partner.client.get(f"/v1/partner/circuits/{uuid.uuid4()}").must(404, "not_found")
    same_refusal(partner.client.get(f"/v1/partner/circuits/{circuit['id']}"), unknown)
    assert customer.read(circuit)["keyQuotedAt"] is None


def test_quoting_shows_the_circuit_and_can_be_repeated(customer, partner):
    circuit = customer.circuit(partner)
    first = partner.quote(circuit["serviceKey"]).must(200).json
    after = customer.read(circuit)
    assert after["keyQuotedAt"] is not None and first["keyQuotedAt"] == after["keyQuotedAt"]
    assert partner.quote(circuit["serviceKey"]).must(200).json == first
    assert partner.quote(circuit["serviceKey"].upper()).must(200).json == first
    assert customer.read(circuit) == after
    assert partner.client.get(f"/v1/partner/circuits/{circuit['id']}").must(200).json == first
    assert partner.client.get("/v1/partner/circuits").must(200).json["items"] == [first]
    for name, value in first.items():
        assert after[name] == value


@pytest.mark.parametrize(
    "event,status",
    [
        ("circuit.provisioning", 200),
        ("circuit.progress", 200),
        ("circuit.deprovisioned", 200),
        ("circuit.deprovisioning", 409),
    ],
)
def test_the_first_authentic_callback_quotes_whatever_its_outcome(
    customer, partner, event, status
):
    circuit = customer.circuit(partner)
    partner.callback(event, circuit["serviceKey"]).must(status)
    after = customer.read(circuit)
    assert after["keyQuotedAt"] is not None
    listed = partner.client.get("/v1/partner/circuits").must(200).json["items"]
    assert [c["id"] for c in listed] == [circuit["id"]]
    assert after["version"] == len(customer.events(circuit))


def test_a_callback_that_is_not_authentic_quotes_nothing(customer, partner):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    headers = partner.signed(body)
    headers["webhook-id"] += "x"
    partner.anonymous.send("POST", partner.path, body, headers).must(401)
    partner.callback("circuit.provisioning", circuit["serviceKey"], sTag=0).must(422)
    assert customer.read(circuit) == circuit


def test_a_partner_never_sees_what_is_the_customers(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned", tags={"secret-tag": "secret-value"})
    vnet = customer.vnet()
    customer.connect(circuit, vnet).must(201)
    seen = [
        partner.quote(circuit["serviceKey"]),
        partner.client.get("/v1/partner/circuits"),
        partner.client.get(f"/v1/partner/circuits/{circuit['id']}"),
        partner.callback("circuit.progress", circuit["serviceKey"]),
    ]
    hidden = (customer.id, customer.name, circuit["name"], vnet["id"], "secret-", "connections")
    for answer in seen:
        text = answer.must(200).text + str(answer.headers)
        assert not [word for word in hidden if word in text]


# --- the key binds to its partner ----------------------------------------------------------------


def test_another_partners_callback_about_the_key_is_404_as_for_no_key(customer, partner, operator):
    circuit = customer.circuit(partner)
    partner.quote(circuit["serviceKey"]).must(200)
    before, history = customer.read(circuit), customer.events(circuit)
    other = Partner(operator)
    for event in ("circuit.provisioning", "circuit.progress", "circuit.rejected"):
        unknown = other.callback(event, str(uuid.uuid4())).must(404, "not_found")
        same_refusal(other.callback(event, circuit["serviceKey"]), unknown)
    unknown = other.quote(str(uuid.uuid4())).must(404, "not_found")
    same_refusal(other.quote(circuit["serviceKey"]), unknown)
    unknown = other.client.get(f"/v1/partner/circuits/{uuid.uuid4()}").must(404, "not_found")
    same_refusal(other.client.get(f"/v1/partner/circuits/{circuit['id']}"), unknown)
    assert other.client.get("/v1/partner/circuits").must(200).json["items"] == []
    assert (customer.read(circuit), customer.events(circuit)) == (before, history)


def test_the_id_of_a_circuit_is_not_its_key(customer, partner):
    circuit = customer.circuit(partner)
    partner.quote(circuit["id"]).must(404, "not_found")
    partner.callback("circuit.provisioning", circuit["id"]).must(404, "not_found")
    partner.quote(circuit["serviceKey"]).must(200)
    key = circuit["serviceKey"]
    partner.client.get(f"/v1/partner/circuits/{key}").must(404, "not_found")


# --- deleted circuits ----------------------------------------------------------------------------


def test_the_key_of_a_deleted_circuit_answers_only_what_is_safe(customer, partner, operator):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    message = partner.payload("circuit.progress", key)
    partner.post(message, "msg_1").must(200)
    customer.client.delete(f"/v1/circuits/{circuit['id']}").must(204)
    assert partner.post(message, "msg_1").must(200).json["reason"] == "duplicate"
    assert partner.callback("circuit.deprovisioned", key).must(200).json["reason"] == "already"
    unknown = partner.callback("circuit.progress", str(uuid.uuid4())).must(404)
    for event in ("circuit.provisioning", "circuit.provisioned", "circuit.progress"):
        same_refusal(partner.callback(event, key), unknown)
    other = Partner(operator)
    other.callback("circuit.deprovisioned", key).must(404)


# --- who is waited for ---------------------------------------------------------------------------


def test_waiting_follows_the_story(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    assert (circuit["waitingOn"], circuit["since"]) == ("customer", circuit["createdAt"])
    seen = [circuit]

    def then(waiting, status, moved):
        now = customer.read(circuit)
        assert (now["waitingOn"], now["providerStatus"]) == (waiting, status)
        assert (now["since"] > seen[-1]["since"]) is moved, (now["since"], seen[-1]["since"])
        seen.append(now)

    partner.quote(key).must(200)
    then("partner", "NotProvisioned", True)
    partner.callback("circuit.progress", key).must(200)
    then("partner", "NotProvisioned", False)
    partner.callback("circuit.rejected", key).must(200)
    then("customer", "NotProvisioned", True)
    partner.quote(key).must(200)
    then("customer", "NotProvisioned", False)
    partner.callback("circuit.progress", key).must(200)
    then("partner", "NotProvisioned", True)
    partner.callback("circuit.provisioning", key).must(200)
    then("partner", "Provisioning", True)
    partner.callback("circuit.progress", key, note="half way").must(200)
    then("partner", "Provisioning", False)
    partner.callback("circuit.rejected", key).must(200)
    then("customer", "NotProvisioned", True)
    partner.callback("circuit.provisioned", key).must(200)
    then("nobody", "Provisioned", True)
    partner.callback("circuit.progress", key).must(200)
    then("nobody", "Provisioned", False)
    partner.callback("circuit.deprovisioning", key).must(200)
    then("partner", "Deprovisioning", True)
    partner.callback("circuit.deprovisioned", key).must(200)
    then("customer", "NotProvisioned", True)
    partner.callback("circuit.provisioning", key).must(200)
    then("partner", "Provisioning", True)


@pytest.mark.parametrize("status", STATUSES)
def test_nothing_is_stalled_within_its_deadline(customer, partner, status):
    circuit = customer.circuit_at(partner, status)
    partner.callback("circuit.progress", circuit["serviceKey"], expectedBy="2031-01-01T00:00:00Z")
    assert customer.read(circuit)["stalled"] is False
