# SPDX-License-Identifier: Apache-2.0
"""Pins dryRun=true: the same decision and the same answer, refusals too, and nothing stays."""

import pytest

import contract
from tenant import LOCATION, unique, without

CHANGING = ("id", "serviceKey", "createdAt", "updatedAt", "since", "serviceKeyIssuedAt")


def state(customer, circuit=None):
    """All that the customer sees."""
    lists = [customer.client.pages(f"/v1/{name}") for name in ("circuits", "vnets", "connections")]
    return lists, customer.events(circuit) if circuit else None


def dry(answer):
    return answer.headers.get("Dry-Run") == "true"


def rehearse(client, method, target, body=None):
    """(the answer of a dry run, that of the same request in earnest)."""
    sends = {"POST": client.post, "PUT": client.put, "PATCH": client.patch}
    asked = f"{target}?dryRun=true"
    if method == "DELETE":
        return client.delete(asked), client.delete(target)
    return sends[method](asked, body), sends[method](target, body)


def same(tried, done):
    assert dry(tried) and not dry(done)
    assert tried.status == done.status, (tried, done)
    if done.status < 400 and done.body:
        assert without(tried.json, *CHANGING) == without(done.json, *CHANGING)
        for name in ("id", "serviceKey"):
            assert tried.json.get(name) is None
        assert "Location" not in tried.headers
    elif done.body:
        changing = ("requestId", "instance")
        assert without(tried.json, *changing) == without(done.json, *changing)


def test_a_circuit(customer, partner):
    body = {
        "name": "hq",
        "partner": partner.slug,
        "peeringLocation": LOCATION,
        "bandwidthMbps": 1000,
    }
    before = state(customer)
    tried = customer.client.post("/v1/circuits?dryRun=true", body).must(201)
    assert state(customer) == before
    done = customer.client.post("/v1/circuits?dryRun=false", body).must(201)
    same(tried, done)
    circuit = done.json
    before = state(customer, circuit)
    target = f"/v1/circuits/{circuit['id']}"
    assert dry(customer.client.delete(target + "?dryRun=true").must(204))
    assert state(customer, circuit) == before
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    same(*rehearse(customer.client, "DELETE", target))
    body["partner"] = "nobody"
    same(*rehearse(customer.client, "POST", "/v1/circuits", body))


def test_a_vnet_and_its_gateway(customer):
    body = {"name": "prod", "addressSpace": ["10.1.0.0/16"], "tags": {"a": "b"}}
    tried, done = rehearse(customer.client, "POST", "/v1/vnets", body)
    same(tried, done)
    assert len(customer.client.pages("/v1/vnets")) == 1
    target = f"/v1/vnets/{done.json['id']}"
    requests = [
        ("PATCH", target, {"name": "renamed", "tags": {"a": None}}),
        ("PUT", target + "/gateway", {"subnet": "10.1.255.0/27"}),
        ("PUT", target + "/gateway", {"subnet": "10.2.255.0/27"}),  # outside
        ("PATCH", target, {"addressSpace": ["10.3.0.0/16"]}),  # the gateway lies outside
        ("DELETE", target + "/gateway", None),
        ("DELETE", target + "/gateway", None),  # there is none
        ("DELETE", target, None),
    ]
    for method, path, value in requests:
        before = state(customer)
        asked = f"{path}?dryRun=true"
        if method == "DELETE":
            tried = customer.client.delete(asked)
        else:
            send = customer.client.put if method == "PUT" else customer.client.patch
            tried = send(asked, value)
        assert state(customer) == before, (method, path)
        if method == "DELETE":
            done = customer.client.delete(path)
        else:
            done = send(path, value)
        same(tried, done)
    assert customer.client.pages("/v1/vnets") == []


def test_a_connection_and_its_limits(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    vnet = customer.vnet()
    body = {"circuitId": circuit["id"], "vnetId": vnet["id"]}
    before = state(customer, circuit)
    for _ in range(12):
        tried = customer.client.post("/v1/connections?dryRun=true", body).must(201)
    assert state(customer, circuit) == before
    done = customer.client.post("/v1/connections", body).must(201)
    same(tried, done)
    same(*rehearse(customer.client, "POST", "/v1/connections", body))  # 409 already_connected
    before = state(customer, circuit)
    target = f"/v1/connections/{done.json['id']}"
    assert dry(customer.client.delete(target + "?dryRun=true").must(204))
    assert state(customer, circuit) == before


def test_a_fault_is_told_as_ever(customer):
    answer = customer.client.post("/v1/vnets?dryRun=true", {"colour": "red"})
    answer.must(422, "invalid_request")
    assert sorted(answer.pointers) == ["/addressSpace", "/colour", "/name"]


def test_a_dry_run_keeps_no_key_and_looks_at_none(customer):
    body = {"name": "n", "addressSpace": ["10.0.0.0/16"]}
    headers = {"Idempotency-Key": unique("k")}
    for _ in range(2):
        tried = customer.client.post("/v1/vnets?dryRun=true", body, headers).must(201)
        assert "Idempotent-Replayed" not in tried.headers
    done = customer.client.post("/v1/vnets", body, headers).must(201)
    assert "Idempotent-Replayed" not in done.headers
    tried = customer.client.post("/v1/vnets?dryRun=true", body, headers).must(201)
    assert tried.json["id"] is None


def test_a_dry_run_is_held_to_its_condition(customer):
    vnet = customer.vnet()
    target = f"/v1/vnets/{vnet['id']}?dryRun=true"
    answer = customer.client.patch(target, {"name": "x"}, {"If-Match": '"999"'})
    answer.must(412, "version_mismatch")
    good = {"If-Match": f'"{vnet["version"]}"'}
    assert dry(customer.client.patch(target, {"name": "x"}, good).must(200))


@pytest.mark.parametrize("value", ["", "yes", "TRUE", "1"])
def test_a_word_that_is_none_does_nothing(customer, value):
    body = {"name": "n", "addressSpace": ["10.0.0.0/16"]}
    assert customer.client.post(f"/v1/vnets?dryRun={value}", body).status in (400, 422)
    assert customer.client.pages("/v1/vnets") == []


def test_where_there_is_none_it_is_an_unknown_parameter(customer, operator):
    body = {"role": "customer"}
    customer.client.post("/v1/tokens?dryRun=true", body).must(400, "unknown_parameter")
    customer.client.get("/v1/circuits?dryRun=true").must(400, "unknown_parameter")
    answer = operator.post("/v1/customers?dryRun=true", {"name": "x"})
    answer.must(400, "unknown_parameter")


def test_every_write_of_the_network_documents_it():
    for operation in contract.OPERATIONS:
        named = "dryRun" in [p["name"] for p in operation.parameters]
        network = operation.path.startswith(("/v1/circuits", "/v1/vnets", "/v1/connections"))
        assert named == (network and operation.method != "GET"), operation


def test_the_rest_of_a_circuits_life_can_be_tried_out(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    idle = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}"
    before = customer.read(circuit), customer.read(idle)
    client = customer.client
    tried = client.patch(target + "?dryRun=true", {"bandwidthMbps": 2000}).must(200).json
    assert tried["bandwidthMbps"] == 2000 and tried["id"] is None
    client.patch(target + "?dryRun=true", {"bandwidthMbps": 50}).must(422, "bandwidth_decrease")
    tried = client.post(target + "/deprovision?dryRun=true", {}).must(200).json
    assert tried["deprovisionRequestedAt"]
    client.delete(target + "/deprovision?dryRun=true").must(404, "not_found")
    rotate = f"/v1/circuits/{idle['id']}/service-key?dryRun=true"
    assert client.send("POST", rotate).must(200).json["serviceKey"] is None
    tried = client.post(target + "/authorizations?dryRun=true", {"name": "x"}).must(201).json
    assert (tried["id"], tried["authorizationKey"], tried["name"]) == (None, None, "x")
    assert client.pages(target + "/authorizations") == []
    made = client.post(target + "/authorizations", {"name": "x"}).must(201).json
    client.delete(f"{target}/authorizations/{made['id']}?dryRun=true").must(204)
    assert client.pages(target + "/authorizations") == [made]
    assert (customer.read(circuit), customer.read(idle)) == before
