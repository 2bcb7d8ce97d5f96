# SPDX-License-Identifier: Apache-2.0
"""Pins every cell of the table of provider status, over HTTP: six events of a partner on four
statuses, and what each leaves in the circuit, in its history and in the answer."""

import json

import pytest

from tenant import ROAD, STATUSES, without

# The table of the product's contract, cell by cell. A status: the circuit moves there. "stays": it
# is recorded and moves nothing. "already": 200 and nothing shown changes. "refused": 409.
TABLE = {
    "circuit.provisioning": ("Provisioning", "already", "refused", "refused"),
    "circuit.provisioned": ("Provisioned", "Provisioned", "already", "refused"),
    "circuit.rejected": ("stays", "NotProvisioned", "refused", "refused"),
    "circuit.deprovisioning": ("refused", "refused", "Deprovisioning", "already"),
    "circuit.deprovisioned": ("already", "NotProvisioned", "NotProvisioned", "NotProvisioned"),
    "circuit.progress": ("stays", "stays", "stays", "stays"),
}
CELLS = [
    (event, status, row[column])
    for event, row in TABLE.items()
    for column, status in enumerate(STATUSES)
]


def cells(*effects):
    chosen = [cell for cell in CELLS if cell[2] in effects]
    return pytest.mark.parametrize(
        "event,status,effect", chosen, ids=[f"{event}-at-{status}" for event, status, _ in chosen]
    )


def prepared(customer, partner, status):
    """A circuit at a status, its key quoted, so that the callback itself is all that changes."""
    circuit = customer.circuit(partner)
    partner.quote(circuit["serviceKey"]).must(200)
    for event in ROAD[status]:
        partner.callback(event, circuit["serviceKey"]).must(200)
    circuit = customer.read(circuit)
    assert circuit["providerStatus"] == status
    return circuit, customer.events(circuit)


def test_the_table_has_24_cells():
    assert len(CELLS) == 24


@cells(*STATUSES)
def test_an_event_moves_the_circuit(customer, partner, event, status, effect):
    before, history = prepared(customer, partner, status)
    timestamp = partner.now()
    answer = partner.callback(event, before["serviceKey"], timestamp=timestamp, note="moved")
    answer.must(200)
    assert (answer.json["applied"], answer.json["reason"]) == (True, "applied")
    after = customer.read(before)
    assert after["providerStatus"] == effect == answer.json["circuit"]["providerStatus"]
    assert after["version"] == before["version"] + 1 == answer.json["circuit"]["version"]
    assert after["partnerNote"] == "moved"
    assert after["since"] > before["since"]
    added = customer.events(before)[len(history) :]
    assert [(e["type"], e["from"], e["to"]) for e in added] == [(event, status, effect)]
    assert added[0]["actor"] == {"role": "partner", "name": partner.slug}
    assert added[0]["occurredAt"] == timestamp
    assert added[0]["at"] > timestamp


@cells("stays")
def test_an_event_is_recorded_and_moves_nothing(customer, partner, event, status, effect):
    before, history = prepared(customer, partner, status)
    answer = partner.callback(
        event, before["serviceKey"], note="dig permit", expectedBy="2031-01-02T03:04:05Z", sTag=7
    )
    assert (answer.must(200).json["applied"], answer.json["reason"]) == (True, "applied")
    after = customer.read(before)
    assert after["providerStatus"] == status
    assert (after["partnerNote"], after["sTag"]) == ("dig permit", 7)
    assert after["expectedBy"] == "2031-01-02T03:04:05.000Z"
    assert after["version"] == before["version"] + 1
    added = customer.events(before)[len(history) :]
    assert [(e["type"], e["from"], e["to"]) for e in added] == [(event, status, status)]


@cells("already")
def test_an_event_that_came_to_pass_already_changes_nothing(
    customer, partner, event, status, effect
):
    before, history = prepared(customer, partner, status)
    answer = partner.callback(event, before["serviceKey"], note="again", sTag=99)
    assert (answer.must(200).json["applied"], answer.json["reason"]) == (False, "already")
    assert customer.read(before) == before
    assert answer.json["circuit"]["version"] == before["version"]
    assert customer.events(before) == history


@cells("refused")
def test_an_illegal_event_is_refused_and_says_what_is_legal(
    customer, partner, event, status, effect
):
    before, history = prepared(customer, partner, status)
    answer = partner.callback(event, before["serviceKey"], note="no", sTag=99)
    answer.must(409, "illegal_transition")
    assert answer.json["providerStatus"] == status
    assert answer.headers["Retry-After"]
    for legal, row in TABLE.items():
        if row[STATUSES.index(status)] in STATUSES + ("stays",):
            assert legal in json.dumps(answer.json), (legal, answer)
    assert customer.read(before) == before
    assert customer.events(before) == history


@pytest.mark.parametrize("status", ["NotProvisioned", "Provisioning"])
def test_a_rejection_needs_a_reason(customer, partner, status):
    before, history = prepared(customer, partner, status)
    for data in ({"reason": None}, {"reason": ""}):
        answer = partner.callback("circuit.rejected", before["serviceKey"], **data)
        answer.must(422, "invalid_request")
        assert answer.pointers == ["/data/reason"]
    body = json.loads(partner.payload("circuit.rejected", before["serviceKey"]))
    del body["data"]["reason"]
    answer = partner.post(json.dumps(body).encode()).must(422, "invalid_request")
    assert answer.pointers == ["/data/reason"]
    assert customer.read(before) == before
    assert customer.events(before) == history


@pytest.mark.parametrize("status", ["NotProvisioned", "Provisioning"])
def test_a_rejection_is_shown_with_its_reason(customer, partner, status):
    before, _ = prepared(customer, partner, status)
    partner.callback("circuit.rejected", before["serviceKey"], reason="No fibre there.").must(200)
    after = customer.read(before)
    assert after["lastRejection"]["reason"] == "No fibre there."
    assert (after["providerStatus"], after["waitingOn"]) == ("NotProvisioned", "customer")
    event = customer.events(before)[-1]
    assert (event["type"], event["reason"]) == ("circuit.rejected", "No fibre there.")


def test_a_null_clears_and_an_absent_member_stays(customer, partner):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    given = {
        "note": "a note",
        "expectedBy": "2031-01-01T00:00:00Z",
        "primaryPort": "P1",
        "secondaryPort": "P-1",
        "sTag": 12,
        "partnerReference": "R-1",
    }
    partner.callback("circuit.progress", key, **given).must(200)
    full = customer.read(circuit)
    shown = {"note": "partnerNote"}
    for name, value in given.items():
        other = 13 if name == "sTag" else value.replace("1", "9").replace("a note", "another")
        partner.callback("circuit.progress", key, **{name: other}).must(200)
        after = customer.read(circuit)
        changed = ("version", "updatedAt", shown.get(name, name))
        assert without(after, *changed) == without(full, *changed)
        assert after[changed[2]] != full[changed[2]]
        full = after
    partner.callback("circuit.progress", key).must(200)
    after = customer.read(circuit)
    assert without(after, "version", "updatedAt") == without(full, "version", "updatedAt")
    partner.callback("circuit.progress", key, **dict.fromkeys(given)).must(200)
    cleared = customer.read(circuit)
    for name in ("expectedBy", "primaryPort", "secondaryPort", "sTag", "partnerReference"):
        assert full[name] is not None and cleared[name] is None
    assert cleared["partnerNote"] is None


def test_other_members_of_data_are_ignored(customer, partner):
    circuit = customer.circuit(partner)
    answer = partner.callback(
        "circuit.provisioning", circuit["serviceKey"], colour="red", nested={"a": [1, {"b": None}]}
    )
    assert answer.must(200).json["applied"] is True


def test_connections_go_down_with_the_circuit_and_come_up_again(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    key = circuit["serviceKey"]
    connection = customer.connect(circuit, customer.vnet()).must(201).json

    def status():
        return customer.client.get(f"/v1/connections/{connection['id']}").must(200).json["status"]

    assert status() == "Connected"
    for event, expected in (
        ("circuit.deprovisioning", "Down"),
        ("circuit.deprovisioned", "Down"),
        ("circuit.provisioning", "Down"),
        ("circuit.provisioned", "Connected"),
    ):
        partner.callback(event, key).must(200)
        assert status() == expected
    assert customer.read(circuit)["connections"]["used"] == 1
    types = [e["type"] for e in customer.events(circuit)]
    assert types.count("connection.down") == 1 and types.count("connection.up") == 1


def test_our_clock_dates_the_circuit_and_the_partners_the_event(customer, partner):
    circuit = customer.circuit(partner)
    partner.callback("circuit.provisioned", circuit["serviceKey"], timestamp="2020-01-01T00:00:00Z")
    now = customer.read(circuit)
    assert now["provisionedAt"] >= circuit["createdAt"]
    event = [e for e in customer.events(circuit) if e["type"] == "circuit.provisioned"][0]
    assert event["occurredAt"] == "2020-01-01T00:00:00.000Z"
    assert event["at"] >= circuit["createdAt"]
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    assert customer.read(circuit)["deprovisionedAt"] >= now["provisionedAt"]
