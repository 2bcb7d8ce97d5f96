# SPDX-License-Identifier: Apache-2.0
"""Pins Idempotency-Key: the same request again is given the first one's answer and does nothing,
another request under the same key is refused, refusals are decided afresh, secrets are not shown
twice, and nobody meets another tenant's key."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import contract
from client import Client
from polling import eventually
from served import OPERATIONS
from tenant import Customer, unique, without


def keyed(key=None):
    return {"Idempotency-Key": key or uuid.uuid4().hex}


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


def vnet_body(**members):
    return {"name": unique("vnet"), "addressSpace": ["10.0.0.0/16"], **members}


def test_the_same_request_again_gets_the_same_answer(customer, partner):
    body = {
        "name": "hq",
        "partner": partner.slug,
        "peeringLocation": "Amsterdam",
        "bandwidthMbps": 1000,
        "tags": {"quote": '"\\', "empty": ""},
    }
    headers = keyed()
    first = customer.client.post("/v1/circuits", body, headers).must(201)
    assert not replayed(first)
    for _ in range(3):
        again = customer.client.post("/v1/circuits", body, headers).must(201)
        assert replayed(again)
        assert again.body == first.body
        for name in ("Location", "ETag"):
            assert again.headers[name] == first.headers[name]
    assert len(customer.client.pages("/v1/circuits")) == 1


def test_the_answer_stays_what_it_was(customer, partner):
    """Whatever became of the resource since, a retry learns what its request did."""
    headers, body = keyed(), vnet_body()
    first = customer.client.post("/v1/vnets", body, headers).must(201)
    target = first.headers["Location"]
    customer.client.patch(target, {"name": "renamed"}).must(200)
    assert customer.client.post("/v1/vnets", body, headers).must(201).body == first.body
    customer.client.delete(target).must(204)
    assert customer.client.post("/v1/vnets", body, headers).must(201).body == first.body
    assert customer.client.pages("/v1/vnets") == []


def test_each_post_takes_a_key(customer, partner, operator):
    circuit = customer.circuit_at(partner, "Provisioned")
    vnet = customer.vnet()
    hook = customer.client.post("/v1/webhooks", {"url": "https://hooks.example.com/x"}).must(201).json
    hook = f"/v1/webhooks/{hook['id']}"
    delivery = customer.client.send("POST", f"{hook}/ping").must(202).json
    requests = {
        "customer_create": (operator, "/v1/customers", {"name": unique("customer")}),
        "partner_create": (operator, "/v1/partners", {"name": unique("p"), "displayName": "P"}),
        "callback_secret_rotate": (
            partner.client,
            f"/v1/partners/{partner.slug}/callback-secrets",
            {},
        ),
        "token_create": (customer.client, "/v1/tokens", {"role": "customer"}),
        "circuit_create": (
            customer.client,
            "/v1/circuits",
            {
                "name": "c",
                "partner": partner.slug,
                "peeringLocation": "Amsterdam",
                "bandwidthMbps": 50,
            },
        ),
        "vnet_create": (customer.client, "/v1/vnets", vnet_body()),
        "connection_create": (
            customer.client,
            "/v1/connections",
            {"circuitId": circuit["id"], "vnetId": vnet["id"]},
        ),
        "partner_circuit_quote": (
            partner.client,
            "/v1/partner/circuits",
            {"serviceKey": circuit["serviceKey"]},
        ),
        "circuit_service_key_rotate": (
            customer.client, f"/v1/circuits/{customer.circuit(partner)['id']}/service-key", None),
        "authorization_create": (
            customer.client, f"/v1/circuits/{circuit['id']}/authorizations", {"name": "key"}),
        "webhook_create": (
            customer.client, "/v1/webhooks", {"url": "https://hooks.example.com/another"}),
        "webhook_ping": (customer.client, f"{hook}/ping", None),
        "webhook_secret_rotate": (customer.client, f"{hook}/secret", None),
        "webhook_recover": (customer.client, f"{hook}/recover", {"since": circuit["createdAt"]}),
        "delivery_redeliver": (
            customer.client, f"{hook}/deliveries/{delivery['id']}/redeliver", None),
        "circuit_deprovision_request": (
            customer.client, f"/v1/circuits/{circuit['id']}/deprovision", {}),
    }
    assert set(requests) == {route["name"] for route in OPERATIONS if route["idempotencyKey"]}
    for name, (client, target, body) in requests.items():
        octets = None if body is None else json.dumps(body).encode()
        headers = keyed() | ({"Content-Type": "application/json"} if octets else {})
        first = client.send("POST", target, octets, headers)
        assert first.status in (200, 201, 202) and not replayed(first), (name, first)
        again = client.send("POST", target, octets, headers).must(first.status)
        assert replayed(again), name
        secrets = ("token", "callbackSecret", "secret")
        assert without(again.json, *secrets) == without(first.json, *secrets)
        for secret in secrets:
            if secret in first.json:
                assert first.json[secret] and again.json[secret] is None


def test_every_post_but_callbacks_documents_the_key():
    for operation in contract.OPERATIONS:
        named = "Idempotency-Key" in [p["name"] for p in operation.parameters]
        assert named == (operation.method == "POST" and operation.id != "callback_apply"), operation


def test_another_body_or_path_under_the_key_is_refused(customer):
    headers, body = keyed(), vnet_body()
    customer.client.post("/v1/vnets", body, headers).must(201)
    other = customer.client.post("/v1/vnets", vnet_body(), headers)
    other.must(422, "idempotency_key_reused")
    token = {"role": "customer"}
    customer.client.post("/v1/tokens", token, headers).must(422, "idempotency_key_reused")
    # The key still answers its own request.
    assert replayed(customer.client.post("/v1/vnets", body, headers).must(201))
    assert len(customer.client.pages("/v1/vnets")) == 1


def test_a_refusal_is_decided_afresh(customer, partner):
    circuit, vnet = customer.circuit(partner), customer.vnet()
    body, headers = {"circuitId": circuit["id"], "vnetId": vnet["id"]}, keyed()
    for _ in range(2):
        refused = customer.client.post("/v1/connections", body, headers)
        refused.must(409, "circuit_not_provisioned")
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    made = customer.client.post("/v1/connections", body, headers).must(201)
    assert not replayed(made)
    assert replayed(customer.client.post("/v1/connections", body, headers).must(201))
    # Neither does a fault of the body use the key up.
    headers = keyed()
    customer.client.post("/v1/vnets", {}, headers).must(422, "invalid_request")
    assert not replayed(customer.client.post("/v1/vnets", vnet_body(), headers).must(201))


def test_a_tenant_never_meets_the_key_of_another(operator, partner):
    headers, body = keyed(), {"role": "customer"}
    customers = [Customer(operator) for _ in range(2)]
    made = [c.client.post("/v1/tokens", body, headers).must(201) for c in customers]
    assert not any(map(replayed, made))
    assert made[0].json["id"] != made[1].json["id"]
    other = {"role": "partner"}
    assert not replayed(partner.client.post("/v1/tokens", other, headers).must(201))
    assert not replayed(operator.post("/v1/tokens", {"role": "operator"}, headers).must(201))


def test_a_new_token_of_the_tenant_goes_on_with_its_keys(customer):
    headers, body = keyed(), vnet_body()
    customer.client.post("/v1/vnets", body, headers).must(201)
    token = customer.client.post("/v1/tokens", {"role": "customer"}).must(201).json["token"]
    again = customer.client.with_token(token).post("/v1/vnets", body, headers).must(201)
    assert replayed(again)


@pytest.mark.parametrize("key", ["", " ", "two words", "é".encode().decode("latin-1"), "x" * 256])
def test_a_key_that_is_none_is_400(customer, key):
    customer.client.post("/v1/vnets", vnet_body(), keyed() | {"Idempotency-Key": key}).must(
        400, "malformed_request"
    )
    assert customer.client.pages("/v1/vnets") == []


def test_keys_of_any_visible_character_and_two_keys(customer):
    for key in ("x" * 255, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"):
        body = vnet_body()
        customer.client.post("/v1/vnets", body, keyed(key)).must(201)
        assert replayed(customer.client.post("/v1/vnets", body, keyed(key)).must(201))
    connection = customer.client.connection()
    body = json.dumps(vnet_body()).encode()
    connection.putrequest("POST", "/v1/vnets")
    for name, value in (
        ("Authorization", f"Bearer {customer.token}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Idempotency-Key", "one"),
        ("idempotency-key", "one"),
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (400, "malformed_request")


def test_many_at_once_do_it_once(operator):
    """Of equal requests at once one does it; the others get its answer, or are told that it is
    being worked on and get it a moment later."""
    customer = Customer(operator)
    barrier = threading.Barrier(16)

    def made(answer):
        return answer.status != 409 or not answer.must(409, "idempotency_key_in_progress")

    def send(number):
        client = Client(operator.url, customer.token)
        client.connection()
        answers = []
        for key in range(6):
            body = {"name": f"at-once-{key}", "addressSpace": ["10.0.0.0/16"]}
            barrier.wait(30)
            answers.append(eventually(
                "it is made", lambda: client.post("/v1/vnets", body, keyed(f"at-once-{key}")),
                made, pause=0).must(201))
        client.close()
        return answers

    with ThreadPoolExecutor(16) as pool:
        all_answers = list(pool.map(send, range(16)))
    for key in range(6):
        same = [answers[key] for answers in all_answers]
        assert len({a.body for a in same}) == 1
        assert sum(not replayed(a) for a in same) == 1
    assert len(customer.client.pages("/v1/vnets")) == 6


def test_a_callback_has_its_own_memory(customer, partner):
    """The header is of no meaning there."""
    circuit = customer.circuit(partner)
    headers = keyed()
    for event in ("circuit.provisioning", "circuit.provisioned"):
        body = partner.payload(event, circuit["serviceKey"])
        signed = {**partner.signed(body), **headers}
        answer = partner.anonymous.send("POST", partner.path, body, signed).must(200)
        assert answer.json["applied"] is True and not replayed(answer)


def test_a_key_is_rotated_once_for_its_idempotency_key(customer, partner):
    circuit = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}/service-key"
    headers = {"Idempotency-Key": "rotate-1"}
    first = customer.client.send("POST", target, headers=headers).must(200)
    again = customer.client.send("POST", target, headers=headers).must(200)
    assert again.headers["Idempotent-Replayed"] == "true" and again.json == first.json
    assert customer.read(circuit) == first.json
    # So is an authorization made, and a circuit changed at its version alone.
    target = f"/v1/circuits/{circuit['id']}/authorizations"
    made = [customer.client.post(target, {"name": "x"}, headers).must(422) for _ in range(1)]
    assert made[0].code == "idempotency_key_reused"
    headers = {"Idempotency-Key": "authorize-1"}
    made = [customer.client.post(target, {"name": "x"}, headers).must(201).json for _ in range(2)]
    assert made[0] == made[1] and customer.client.pages(target) == [made[0]]
    stale = {"If-Match": f'"{circuit["version"]}"'}
    target = f"/v1/circuits/{circuit['id']}"
    customer.client.patch(target, {"name": "x"}, stale).must(412, "version_mismatch")
    fresh = {"If-Match": f'"{first.json["version"]}"'}
    customer.client.patch(target, {"name": "x"}, fresh).must(200)
