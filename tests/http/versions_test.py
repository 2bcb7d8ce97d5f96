# SPDX-License-Identifier: Apache-2.0
"""Pins ETag, If-Match and If-None-Match: a change that was decided on an older version is refused
and changes nothing, exactly one of many concurrent ones goes through, and what is known is not sent
again."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import contract
from client import Client
from tenant import Customer, unique

STALE = ['"999"', '""', '"01"', 'W/"{0}"', '"x{0}"', '"999", "998"', '"99999999999999999999"']
GOOD = ['"{0}"', '"999", "{0}"', "*", 'W/"{0}", "{0}"', ' "{0}" ,']


def tag(version):
    return f'"{version}"'


def test_the_tag_rises_with_the_version(customer, partner):
    circuit = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}"
    seen = [customer.client.get(target).must(200)]
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    seen.append(customer.client.get(target).must(200))
    customer.connect(circuit, customer.vnet()).must(201)
    seen.append(customer.client.get(target).must(200))
    assert [a.headers["ETag"] for a in seen] == [tag(a.json["version"]) for a in seen]
    assert len({a.headers["ETag"] for a in seen}) == 3


@pytest.mark.parametrize("condition", STALE)
def test_a_change_of_another_version_is_412_and_changes_nothing(customer, partner, condition):
    vnet = customer.vnet()
    circuit = customer.circuit(partner)
    target = f"/v1/vnets/{vnet['id']}"
    headers = {"If-Match": condition.format(vnet["version"])}
    client = customer.client
    client.patch(target, {"name": "x"}, headers).must(412, "version_mismatch")
    answer = client.put(target + "/gateway", {"subnet": "10.0.1.0/27"}, headers)
    answer.must(412, "version_mismatch")
    client.delete(target + "/gateway", headers).must(412, "version_mismatch")
    client.delete(target, headers).must(412, "version_mismatch")
    assert client.get(target).must(200).json == vnet
    headers = {"If-Match": condition.format(circuit["version"])}
    client.delete(f"/v1/circuits/{circuit['id']}", headers).must(412, "version_mismatch")
    assert customer.read(circuit) == circuit


@pytest.mark.parametrize("condition", GOOD)
def test_a_change_of_this_version_goes_through(customer, partner, condition):
    vnet = customer.vnet(gateway=False)
    target = f"/v1/vnets/{vnet['id']}"
    client, version = customer.client, vnet["version"]

    def headers():
        return {"If-Match": condition.format(version)}

    version = client.patch(target, {"name": "x"}, headers()).must(200).json["version"]
    gateway = {"subnet": vnet["addressSpace"][0].split("/")[0] + "/27"}
    answer = client.put(target + "/gateway", gateway, headers()).must(200)
    version = answer.json["version"]
    assert answer.headers["ETag"] == tag(version) == tag(vnet["version"] + 2)
    client.delete(target + "/gateway", headers()).must(204)
    version += 1
    client.delete(target, headers()).must(204)
    circuit = customer.circuit(partner)
    version = circuit["version"]
    client.delete(f"/v1/circuits/{circuit['id']}", headers()).must(204)


@pytest.mark.parametrize("condition", ["1", '"1', '"1" "2"', "*, *", 'w/"1"'])
def test_a_condition_that_is_none_is_400(customer, condition):
    vnet = customer.vnet()
    target = f"/v1/vnets/{vnet['id']}"
    answer = customer.client.patch(target, {"name": "x"}, {"If-Match": condition})
    answer.must(400, "malformed_request")
    assert customer.client.get(target).must(200).json == vnet


def test_what_is_not_seen_is_404_whatever_the_condition(customer, operator, partner):
    stranger = Customer(operator)
    vnet, circuit = customer.vnet(), customer.circuit(partner)
    for condition in ('"1"', '"2"', "*", "1"):
        headers = {"If-Match": condition}
        for target in (f"/v1/vnets/{vnet['id']}", f"/v1/circuits/{circuit['id']}"):
            stranger.client.delete(target, headers).must(404, "not_found")
    gone = f"/v1/circuits/{circuit['id']}"
    customer.client.delete(gone).must(204)
    customer.client.delete(gone, {"If-Match": tag(circuit["version"])}).must(404, "not_found")


def test_of_concurrent_changes_of_one_version_one_goes_through(customer):
    vnet = customer.vnet()
    target, callers = f"/v1/vnets/{vnet['id']}", 12
    barrier = threading.Barrier(callers)

    def change(number):
        client = Client(customer.client.url, customer.token)
        client.connection()
        version, changed = vnet["version"], 0
        for round_ in range(5):
            barrier.wait(30)
            body = {"name": f"{round_}-{number}"}
            answer = client.patch(target, body, {"If-Match": tag(version)})
            assert answer.status in (200, 412), answer
            changed += answer.status == 200
            barrier.wait(30)
            version = client.get(target).must(200).json["version"]
        client.close()
        return changed

    with ThreadPoolExecutor(callers) as pool:
        changed = list(pool.map(change, range(callers)))
    assert sum(changed) == 5
    assert customer.client.get(target).must(200).json["version"] == vnet["version"] + 5


def test_a_kept_answer_comes_before_the_condition(customer):
    """A retry of a change that went through must not be told that its version is old."""
    vnet = customer.vnet()
    headers = {"If-Match": tag(vnet["version"]), "Idempotency-Key": unique("key")}
    body = {"name": unique("vnet"), "addressSpace": ["10.0.0.0/16"]}
    first = customer.client.post("/v1/vnets", body, headers).must(201)
    assert customer.client.post("/v1/vnets", body, headers).must(201).body == first.body


def test_what_is_known_is_304(customer, partner, operator):
    circuit, vnet = customer.circuit(partner), customer.vnet()
    partner.quote(circuit["serviceKey"]).must(200)
    for client, target in (
        (customer.client, f"/v1/circuits/{circuit['id']}"),
        (operator, f"/v1/circuits/{circuit['id']}"),
        (customer.client, f"/v1/vnets/{vnet['id']}"),
        (partner.client, f"/v1/partner/circuits/{circuit['id']}"),
    ):
        current = client.get(target).must(200).headers["ETag"]
        for condition in (current, f"W/{current}", f'"999", {current}', "*"):
            answer = client.get(target, {"If-None-Match": condition}).must(304)
            assert answer.body == b"" and answer.headers["ETag"] == current
            assert answer.headers.get("Content-Type") is None
            head = client.send("HEAD", target, headers={"If-None-Match": condition}, checked=False)
            assert head.status == 304
        for condition in ('"999"', "", current.strip('"'), current[:-1]):
            client.get(target, {"If-None-Match": condition}).must(200)
    customer.client.get(f"/v1/circuits/{vnet['id']}", {"If-None-Match": "*"}).must(404)


def test_after_a_change_it_is_sent_again(customer):
    vnet = customer.vnet()
    target = f"/v1/vnets/{vnet['id']}"
    condition = {"If-None-Match": tag(vnet["version"])}
    customer.client.get(target, condition).must(304)
    customer.client.patch(target, {"name": "renamed"}).must(200)
    assert customer.client.get(target, condition).must(200).json["name"] == "renamed"


def test_every_versioned_operation_documents_its_conditions():
    for operation in contract.OPERATIONS:
        named = {p["name"] for p in operation.parameters}
        tagged = "ETag" in contract.resolve(operation.node["responses"].get("200", {})).get(
            "headers", {}
        )
        reads = operation.method == "GET" and tagged
        assert ("If-None-Match" in named) == reads == ("304" in operation.node["responses"])
        writes = operation.method != "GET" and operation.path.startswith(
            ("/v1/circuits/{id}", "/v1/vnets/{id}")
        )
        assert ("If-Match" in named) == writes == ("412" in operation.node["responses"]), operation
