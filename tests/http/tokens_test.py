# SPDX-License-Identifier: Apache-2.0
"""Pins tokens: shown once, bound to their owner, refused when deleted or expired, and made by those
who may."""

import time

import pytest

from polling import eventually
from tenant import rfc3339


@pytest.mark.parametrize("role,prefix", [("customer", "c"), ("partner", "p"), ("operator", "o")])
def test_a_token_of_each_role_is_made_by_an_operator(customer, partner, operator, role, prefix):
    owner = {"customer": {"customerId": customer.id}, "partner": {"partner": partner.slug}}
    body = {"role": role, "description": "a token", **owner.get(role, {})}
    made = operator.post("/v1/tokens", body).must(201).json
    assert made["token"].startswith(f"onr{prefix}_") and made["description"] == "a token"
    assert made["customerId"] == (customer.id if role == "customer" else None)
    assert made["partner"] == (partner.slug if role == "partner" else None)
    target = {"customer": "/v1/circuits", "partner": "/v1/partner/circuits"}
    target = target.get(role, "/v1/customers")
    operator.with_token(made["token"]).get(target).must(200)


def test_a_token_is_shown_once(customer):
    body = {"role": "customer", "customerId": customer.id, "description": "second"}
    made = customer.client.post("/v1/tokens", body).must(201)
    listed = customer.client.get("/v1/tokens").must(200)
    assert made.json["id"] in listed.text
    secret = made.json["token"]
    assert secret not in listed.text and secret[20:40] not in listed.text


def test_a_token_for_oneself_needs_no_owner_named(customer, partner):
    made = customer.client.post("/v1/tokens", {"role": "customer", "description": "x"})
    if made.status != 422:  # named or not, it is never somebody else's
        assert made.must(201).json["customerId"] == customer.id
    made = partner.client.post(
        "/v1/tokens", {"role": "partner", "partner": partner.slug, "description": "x"}
    )
    assert made.must(201).json["partner"] == partner.slug


@pytest.mark.parametrize(
    "body,where",
    [
        ({"role": "customer"}, "/customerId"),
        ({"role": "partner"}, "/partner"),
        ({"role": "king"}, "/role"),
        ({"role": "operator", "customerId": "0199aa00-0000-7000-8000-000000000001"}, "/customerId"),
        ({"role": "operator", "partner": "equinix"}, "/partner"),
        ({"role": "partner", "partner": "no-such-partner"}, "/partner"),
        ({"role": "customer", "customerId": "0199aa00-0000-7000-8000-000000000001"}, "/customerId"),
        ({"role": "operator", "expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"role": "operator", "expiresAt": "tomorrow"}, "/expiresAt"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(operator, body, where):
    body = {"description": "x", **body}
    answer = operator.post("/v1/tokens", body).must(422, "invalid_request")
    assert answer.pointers == [where], answer


def test_a_deleted_token_is_refused_within_5_seconds(customer, operator):
    body = {"role": "customer", "customerId": customer.id, "description": "short"}
    made = customer.client.post("/v1/tokens", body).must(201).json
    other = operator.with_token(made["token"])
    other.get("/v1/circuits").must(200)
    customer.client.delete(f"/v1/tokens/{made['id']}").must(204)
    customer.client.delete(f"/v1/tokens/{made['id']}").must(404, "not_found")
    eventually("it is refused", lambda: other.get("/v1/circuits").status, 401, seconds=4.5)
    other.get("/v1/circuits").must(401, "unauthenticated")
    assert made["id"] not in customer.client.get("/v1/tokens").text


def test_a_token_dies_at_its_time(customer, operator):
    expires = time.time() + 3
    body = {
        "role": "customer",
        "customerId": customer.id,
        "description": "short",
        "expiresAt": rfc3339(expires),
    }
    made = operator.post("/v1/tokens", body).must(201).json
    other = operator.with_token(made["token"])
    asked = []

    def status():
        asked.append(time.time())
        return other.get("/v1/circuits").status

    eventually("it is refused", status, 401, seconds=9.5)
    # The last one that was answered was asked while the token lived.
    assert all(at < expires for at in asked[:-1])


def test_a_customer_cannot_delete_a_token_of_an_operator(customer, operator):
    body = {"role": "operator", "description": "x"}
    made = operator.post("/v1/tokens", body).must(201).json
    customer.client.delete(f"/v1/tokens/{made['id']}").must(404, "not_found")
    operator.delete(f"/v1/tokens/{made['id']}").must(204)


def test_no_secret_is_ever_logged(server, customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    customer.client.get("/v1/circuits", serviceKey=circuit["serviceKey"]).must(200)
    partner.quote(circuit["serviceKey"]).must(200)
    customer.client.get("/v1/circuits", {"Authorization": f"Bearer {customer.token}x"}).must(401)
    log = server.log_text()
    for secret in (customer.token, partner.token, partner.secret, circuit["serviceKey"]):
        assert secret not in log
