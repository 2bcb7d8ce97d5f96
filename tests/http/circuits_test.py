# SPDX-License-Identifier: Apache-2.0
"""Pins ordering and deleting circuits: what is offered where, defaults, keys of their own, every
blocker in one answer, and what remains of a deleted circuit."""

import re

import pytest

from tenant import BANDWIDTHS, LOCATION, Partner

V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def order(customer, partner, **members):
    body = {
        "name": "c",
        "partner": partner.slug,
        "peeringLocation": LOCATION,
        "bandwidthMbps": 1000,
        **members,
    }
    return customer.client.post("/v1/circuits", body)


@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
def test_every_bandwidth_on_offer_can_be_ordered(customer, partner, bandwidth):
    made = order(customer, partner, bandwidthMbps=bandwidth).must(201).json
    assert made["bandwidthMbps"] == bandwidth


@pytest.mark.parametrize(
    "sku,expected",
    [
        (None, ("Standard", "MeteredData")),
        ({}, ("Standard", "MeteredData")),
        ({"tier": "Premium"}, ("Premium", "MeteredData")),
        ({"family": "UnlimitedData"}, ("Standard", "UnlimitedData")),
        ({"tier": "Local", "family": "UnlimitedData"}, ("Local", "UnlimitedData")),
    ],
)
def test_the_sku_is_standard_and_metered_unless_said_otherwise(customer, partner, sku, expected):
    members = {} if sku is None else {"sku": sku}
    made = order(customer, partner, **members).must(201).json
    assert (made["sku"]["tier"], made["sku"]["family"]) == expected


def test_what_is_not_offered_cannot_be_ordered(customer, operator):
    offers = [
        {"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 100]},
        {"peeringLocation": "London", "bandwidthsMbps": [10000]},
    ]
    partner = Partner(operator, offers=offers)
    for members in (
        {"bandwidthMbps": 200},
        {"peeringLocation": "London", "bandwidthMbps": 50},
        {"peeringLocation": "Tokyo", "bandwidthMbps": 50},
        {"peeringLocation": "amsterdam", "bandwidthMbps": 50},
    ):
        answer = order(customer, partner, **members).must(422, "not_offered")
        assert answer.pointers, answer
    order(customer, partner, bandwidthMbps=50).must(201)
    assert len(customer.client.pages("/v1/circuits")) == 1


def test_names_need_not_be_unique_and_keys_are(customer, partner):
    made = [order(customer, partner, name="same").must(201).json for _ in range(5)]
    assert len({c["serviceKey"] for c in made}) == len({c["id"] for c in made}) == 5
    assert all(V4.fullmatch(c["serviceKey"]) for c in made)
    assert [c["id"] for c in made] == sorted(c["id"] for c in made)


def test_an_etag_rises_with_the_version(customer, partner):
    made = order(customer, partner).must(201)
    target = made.headers["Location"]
    read = customer.client.get(target).must(200)
    assert read.headers["ETag"] == made.headers["ETag"]
    assert read.json == made.json
    partner.callback("circuit.provisioning", made.json["serviceKey"]).must(200)
    assert customer.client.get(target).must(200).headers["ETag"] != made.headers["ETag"]


def test_a_circuit_is_deleted_and_its_operator_still_reads_it(customer, partner, operator):
    circuit = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}"
    customer.client.delete(target).must(204)
    customer.client.get(target).must(404, "not_found")
    customer.client.delete(target).must(404, "not_found")
    assert customer.client.pages("/v1/circuits") == []
    kept = operator.get(target).must(200).json
    assert kept["deletedAt"] >= circuit["createdAt"] and kept["id"] == circuit["id"]
    types = [e["type"] for e in operator.pages(target + "/events")]
    assert types[0] == "circuit.created" and types[-1] == "circuit.deleted"


def test_a_partner_that_quoted_it_sees_a_deleted_circuit_no_more(customer, partner):
    circuit = customer.circuit(partner)
    partner.quote(circuit["serviceKey"]).must(200)
    customer.client.delete(f"/v1/circuits/{circuit['id']}").must(204)
    partner.quote(circuit["serviceKey"]).must(404, "not_found")
    assert partner.client.pages("/v1/partner/circuits") == []


@pytest.mark.parametrize("status", ["Provisioning", "Provisioned", "Deprovisioning"])
def test_a_circuit_that_is_built_cannot_be_deleted(customer, partner, status):
    circuit = customer.circuit_at(partner, status)
    answer = customer.client.delete(f"/v1/circuits/{circuit['id']}").must(409, "circuit_in_use")
    assert [b["type"] for b in answer.json["blockers"]] == ["provider_status"]
    assert status in answer.json["blockers"][0]["detail"]
    assert customer.read(circuit) == circuit


def test_every_blocker_is_told_in_one_answer(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    made = {customer.connect(circuit, customer.vnet()).must(201).json["id"] for _ in range(3)}
    target = f"/v1/circuits/{circuit['id']}"
    blockers = customer.client.delete(target).must(409, "circuit_in_use").json["blockers"]
    assert len(blockers) == 4
    assert {b["id"] for b in blockers if b["type"] == "connection"} == made
    assert sum(b["type"] == "provider_status" for b in blockers) == 1
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    blockers = customer.client.delete(target).must(409, "circuit_in_use").json["blockers"]
    assert {b["id"] for b in blockers} == made and len(blockers) == 3
    for identity in made:
        customer.client.delete(f"/v1/connections/{identity}").must(204)
    customer.client.delete(target).must(204)


def test_a_circuit_can_be_deleted_after_it_was_torn_down(customer, partner):
    circuit = customer.circuit_at(partner, "Deprovisioning")
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    customer.client.delete(f"/v1/circuits/{circuit['id']}").must(204)


def test_an_offer_that_goes_away_leaves_circuits_alone(customer, partner, operator):
    circuit = customer.circuit(partner)
    path = f"/v1/partners/{partner.slug}"
    changed = operator.put(path, {"displayName": "Other", "offers": []}).must(200).json
    assert (changed["displayName"], changed["offers"]) == ("Other", [])
    order(customer, partner).must(422, "not_offered")
    assert customer.read(circuit)["peeringLocation"] == LOCATION
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)


def test_tags_are_kept_as_given(customer, partner):
    tags = {"a": "1", "b": "", "ü": "☃", "a/b~c": "x", "A": "2"}
    made = order(customer, partner, tags=tags).must(201).json
    assert made["tags"] == tags == customer.read(made)["tags"]
