# SPDX-License-Identifier: Apache-2.0
"""Pins PATCH of a circuit: what a customer changes and what it does not, all faults at once, one
event a change and none where nothing changed; and that the partner sees the change."""

import pytest

from tenant import BANDWIDTHS, LOCATION, Partner, without


def patch(customer, circuit, body, **how):
    return customer.client.patch(f"/v1/circuits/{circuit['id']}", body, **how)


def types(customer, circuit):
    return [e["type"] for e in customer.events(circuit)]


def test_name_and_tags_are_changed_by_a_merge_patch(customer, partner):
    circuit = customer.circuit(partner, tags={"a": "1", "b": "2"})
    after = patch(customer, circuit, {"name": "new", "tags": {"a": None, "c": "3"}}).must(200)
    assert after.headers["ETag"] == f'"{circuit["version"] + 1}"'
    changed = ("name", "tags", "version", "updatedAt")
    assert without(after.json, *changed) == without(circuit, *changed)
    assert (after.json["name"], after.json["tags"]) == ("new", {"b": "2", "c": "3"})
    assert after.json["updatedAt"] > circuit["updatedAt"]
    assert customer.read(circuit) == after.json
    event = customer.events(circuit)[-1]
    assert (event["type"], event["from"], event["to"]) == ("circuit.updated",) + ("NotProvisioned",) * 2
    assert event["actor"] == {"role": "customer", "name": customer.name}
    gone = patch(customer, circuit, {"tags": None}, media="application/json").must(200).json
    assert gone["tags"] == {}


@pytest.mark.parametrize("status", ["NotProvisioned", "Provisioning", "Provisioned"])
def test_what_changes_nothing_has_no_event_and_no_version(customer, partner, status):
    circuit = customer.circuit_at(partner, status, tags={"a": "1"})
    for body in (
        {},
        {"sku": {}},
        {"name": circuit["name"]},
        {"bandwidthMbps": 1000, "sku": circuit["sku"], "tags": {"a": "1", "never": None}},
    ):
        assert patch(customer, circuit, body).must(200).json == circuit
    assert customer.read(circuit) == circuit
    assert "circuit.updated" not in types(customer, circuit)[1:]


def test_the_bandwidth_rises_as_far_as_it_is_offered(customer, operator):
    offers = [{"peeringLocation": LOCATION, "bandwidthsMbps": [100, 500, 2000]}]
    partner = Partner(operator, offers=offers)
    circuit = customer.circuit_at(partner, "Provisioned", bandwidthMbps=500)
    for body, code in (({"bandwidthMbps": 100}, "bandwidth_decrease"),
                       ({"bandwidthMbps": 1000}, "not_offered")):
        refused = patch(customer, circuit, body).must(422, code)
        assert refused.pointers == ["/bandwidthMbps"]
    assert customer.read(circuit) == circuit
    after = patch(customer, circuit, {"bandwidthMbps": 2000}).must(200).json
    assert after["bandwidthMbps"] == 2000 and after["version"] == circuit["version"] + 1
    seen = partner.client.get(f"/v1/partner/circuits/{circuit['id']}").must(200).json
    assert (seen["bandwidthMbps"], seen["version"]) == (2000, after["version"])
    # What is no longer on sale stays as it is, and can't be ordered more of.
    rest = [{"peeringLocation": LOCATION, "bandwidthsMbps": [100]}]
    target = f"/v1/partners/{partner.slug}"
    operator.put(target, {"displayName": "x", "offers": rest}).must(200)
    patch(customer, circuit, {"bandwidthMbps": 2000, "name": "kept"}).must(200)
    patch(customer, circuit, {"bandwidthMbps": 10000}).must(422, "not_offered")


def test_metered_becomes_unlimited_and_never_back(customer, partner):
    circuit = customer.circuit(partner)
    body = {"sku": {"family": "UnlimitedData"}}
    after = patch(customer, circuit, body).must(200).json
    assert after["sku"] == {"tier": "Standard", "family": "UnlimitedData"}
    back = patch(customer, circuit, {"sku": {"family": "MeteredData"}}).must(422, "immutable_field")
    assert back.pointers == ["/sku/family"]


def test_standard_and_premium_change_into_each_other_and_local_stays(customer, partner):
    circuit = customer.circuit(partner)
    for tier in ("Premium", "Standard"):
        after = patch(customer, circuit, {"sku": {"tier": tier}}).must(200).json
        assert after["sku"] == {"tier": tier, "family": "MeteredData"}
    local = customer.circuit(partner, sku={"tier": "Local", "family": "UnlimitedData"})
    for one, tier in ((circuit, "Local"), (local, "Standard"), (local, "Premium")):
        refused = patch(customer, one, {"sku": {"tier": tier}}).must(422, "immutable_field")
        assert refused.pointers == ["/sku/tier"]


FIXED = {
    "id": "0199aa00-0000-7000-8000-000000000001",
    "customerId": None,
    "partner": "equinix",
    "peeringLocation": LOCATION,
    "serviceKey": "5f0c1c63-6a1e-4d6f-9f0a-2f6f1f3a7c11",
    "circuitStatus": "Disabled",
    "providerStatus": "Provisioned",
    "deleteWhenDeprovisioned": True,
    "connections": {"used": 0, "limit": 99},
    "version": 7,
    "createdAt": "2026-11-22T10:00:00.000Z",
}


@pytest.mark.parametrize("member", FIXED)
def test_any_other_member_of_a_circuit_is_immutable(customer, partner, member):
    circuit = customer.circuit(partner)
    for value in (FIXED[member], circuit[member]):
        refused = patch(customer, circuit, {member: value, "name": "x"})
        assert refused.must(422, "immutable_field").pointers == [f"/{member}"]
    assert customer.read(circuit) == circuit


def test_every_member_that_is_shown_is_known(customer, partner):
    circuit = customer.circuit(partner)
    refused = patch(customer, circuit, circuit).must(422, "immutable_field")
    changeable = {"name", "tags", "bandwidthMbps", "sku"}
    assert set(refused.pointers) == {f"/{name}" for name in circuit if name not in changeable}


def test_all_faults_are_told_at_once(customer, partner):
    circuit = customer.circuit(partner, sku={"tier": "Local", "family": "UnlimitedData"})
    body = {"colour": 1, "sku": {"size": 2}, "name": ""}
    refused = patch(customer, circuit, body).must(422, "invalid_request")
    codes = {(f["pointer"], f["code"]) for f in refused.json["errors"]}
    assert codes == {("/colour", "unknown_member"), ("/sku/size", "unknown_member"),
                     ("/name", "out_of_range")}
    body = {"bandwidthMbps": 50, "sku": {"tier": "Premium", "family": "MeteredData"}}
    refused = patch(customer, circuit, body).must(422, "immutable_field")
    assert set(refused.pointers) == {"/bandwidthMbps", "/sku/tier", "/sku/family"}
    assert customer.read(circuit) == circuit


def test_tags_that_grow_beyond_50_by_patches_are_refused(customer, partner):
    circuit = customer.circuit(partner, tags={f"t{n}": "x" for n in range(50)})
    refused = patch(customer, circuit, {"tags": {"one-more": "x"}}).must(422, "invalid_request")
    assert refused.pointers == ["/tags"]
    patch(customer, circuit, {"tags": {"t0": None, "one-more": "x"}}).must(200)


def test_a_deleted_circuit_is_not_changed(customer, partner):
    circuit = customer.circuit(partner)
    customer.client.delete(f"/v1/circuits/{circuit['id']}").must(204)
    patch(customer, circuit, {"name": "x"}).must(404, "not_found")


def test_the_bandwidths_of_this_file_are_the_ones_on_sale():
    assert {100, 500, 1000, 2000, 10000} <= set(BANDWIDTHS)
