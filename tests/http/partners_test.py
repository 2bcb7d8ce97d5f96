# SPDX-License-Identifier: Apache-2.0
"""Pins the catalogue: partners with their slugs and offers, created and replaced by an operator,
read by everybody, and peering locations that name who is there."""

import pytest

from tenant import BANDWIDTHS, Partner, unique

OFFERS = [{"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 100]}]


def test_a_partner_is_created_with_a_secret_shown_once(operator):
    slug = unique("carrier")
    body = {"name": slug, "displayName": "Carrier", "offers": OFFERS}
    made = operator.post("/v1/partners", body).must(201)
    assert made.headers["Location"] == f"/v1/partners/{slug}"
    assert made.json["callbackSecret"].startswith("whsec_")
    assert made.json["offers"] == OFFERS
    read = operator.get(f"/v1/partners/{slug}").must(200)
    assert "whsec_" not in read.text and "callbackSecret" not in read.json


def test_a_slug_is_given_once(operator):
    slug = unique("carrier")
    body = {"name": slug, "displayName": "Carrier", "offers": OFFERS}
    operator.post("/v1/partners", body).must(201)
    operator.post("/v1/partners", {**body, "displayName": "Thief"}).must(409, "partner_exists")
    assert operator.get(f"/v1/partners/{slug}").must(200).json["displayName"] == "Carrier"


@pytest.mark.parametrize(
    "slug",
    ["", "A", "a b", "a_b", "-a", "a-", "a--b", "a.b", "a/b", "ä", "x" * 101, "a\n", None, 1],
)
def test_what_is_no_slug_is_refused(operator, slug):
    body = {"name": slug, "displayName": "Carrier", "offers": OFFERS}
    answer = operator.post("/v1/partners", body).must(422, "invalid_request")
    assert answer.pointers == ["/name"]


@pytest.mark.parametrize(
    "offers,where",
    [
        ([{"peeringLocation": "Atlantis", "bandwidthsMbps": [50]}], "/offers/0/peeringLocation"),
        (OFFERS + [{"peeringLocation": "X", "bandwidthsMbps": [50]}], "/offers/1/peeringLocation"),
        ([{"peeringLocation": "London", "bandwidthsMbps": [51]}], "/offers/0/bandwidthsMbps/0"),
        ([{"peeringLocation": "London", "bandwidthsMbps": []}], "/offers/0/bandwidthsMbps"),
        ([{"peeringLocation": "London"}], "/offers/0/bandwidthsMbps"),
        ([{"bandwidthsMbps": [50]}], "/offers/0/peeringLocation"),
        ([{**OFFERS[0], "price": 1}], "/offers/0/price"),
        ([7], "/offers/0"),
        ({}, "/offers"),
        (OFFERS + OFFERS, "/offers/1"),
    ],
)
def test_what_is_no_offer_is_refused_at_its_place(operator, offers, where):
    slug = unique("carrier")
    body = {"name": slug, "displayName": "Carrier", "offers": offers}
    answer = operator.post("/v1/partners", body).must(422, "invalid_request")
    assert any(p.startswith(where) for p in answer.pointers), answer
    operator.get(f"/v1/partners/{slug}").must(404, "not_found")


def test_everybody_reads_partners_and_locations(customer, partner, operator):
    slug = partner.slug
    answers = [c.get(f"/v1/partners/{slug}") for c in (customer.client, partner.client, operator)]
    assert len({a.must(200).text for a in answers}) == 1
    for path in ("/v1/partners", "/v1/peering-locations"):
        pages = [c.get(path) for c in (customer.client, partner.client, operator)]
        assert [len(p.must(200).json["items"]) for p in pages] == [50] * 3


def test_a_partner_is_replaced_whole(operator):
    partner = Partner(operator)
    path = f"/v1/partners/{partner.slug}"
    offers = [
        {"peeringLocation": "Tokyo", "bandwidthsMbps": [1000]},
        {"peeringLocation": "London", "bandwidthsMbps": [50, 10000]},
    ]
    after = operator.put(path, {"displayName": "New", "offers": offers}).must(200).json
    assert after["displayName"] == "New" and after["name"] == partner.slug
    assert after["offers"] == sorted(offers, key=lambda o: o["peeringLocation"])
    assert operator.get(path).must(200).json == after
    target = f"/v1/partners/{unique('none')}"
    operator.put(target, {"displayName": "N", "offers": []}).must(404, "not_found")
    operator.get(target).must(404, "not_found")
    locations = {x["name"]: x for x in operator.pages("/v1/peering-locations")}
    assert partner.slug in locations["Tokyo"]["partners"]
    assert partner.slug not in locations["Amsterdam"]["partners"]


def test_a_replaced_partner_keeps_its_name(operator):
    partner = Partner(operator)
    path = f"/v1/partners/{partner.slug}"
    body = {"displayName": "New", "offers": OFFERS}
    operator.put(path, {**body, "name": partner.slug}).must(200)
    answer = operator.put(path, {**body, "name": "equinix"}).must(422, "immutable_field")
    assert "name" in answer.json["detail"] or answer.pointers == ["/name"]
    assert operator.get("/v1/partners/equinix").must(200).json["displayName"] == "Equinix"


def test_bandwidths_are_shown_in_order(operator):
    offers = [{"peeringLocation": "Amsterdam", "bandwidthsMbps": BANDWIDTHS[::-1]}]
    partner = Partner(operator, offers=offers)
    shown = operator.get(f"/v1/partners/{partner.slug}").must(200).json["offers"]
    assert shown == [{"peeringLocation": "Amsterdam", "bandwidthsMbps": BANDWIDTHS}]
