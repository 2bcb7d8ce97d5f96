# SPDX-License-Identifier: Apache-2.0
"""Pins rate limits: each token has its quota of requests, and each partner one for what it signs;
beyond it 429 with Retry-After, before anything is done; every authenticated answer says what is left."""

import re
import time
import uuid

import pytest

from client import Client
from process import Server
from scene import Scene, documented
from tenant import Customer, Partner

QUOTA, WINDOW = 40, 20  # one in half a second


@pytest.fixture(scope="module")
def limited():
    running = Server("--rate-limit", f"{QUOTA}/{WINDOW}s")
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture
def tenants(limited):
    """A customer and a partner whose tokens are unused; made by a fresh operator, for its quota."""
    first = Client(limited.url, limited.credentials["ONRAMP_OPERATOR_TOKEN"])
    while True:
        answer = first.post("/v1/tokens", {"role": "operator"})
        if answer.status == 201:
            break
        time.sleep(int(answer.headers["Retry-After"]))  # as it was told
    operator = first.with_token(answer.json["token"])
    return Customer(operator), Partner(operator)


def left(answer):
    assert answer.headers["RateLimit-Policy"] == f'"token";q={QUOTA};w={WINDOW}'
    found = re.fullmatch(r'"token";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert 0 <= int(found[2]) <= WINDOW
    return int(found[1])


def spend(client):
    """Use the quota up, and one more; the refusal."""
    for _ in range(2 * QUOTA):
        answer = client.get("/v1/peering-locations", limit=1)
        if answer.status == 429:
            return answer
        assert answer.status == 200
    raise AssertionError("the quota has no end")


def test_every_authenticated_answer_says_what_is_left(limited, tenants):
    client = tenants[0].client
    network = {"name": "x", "addressSpace": ["10.0.0.0/16"]}
    began, spent = time.monotonic(), 0
    for status, request in (
        (200, lambda: client.get("/v1/circuits")),
        (422, lambda: client.post("/v1/vnets", {})),
        (404, lambda: client.get("/v1/circuits/x")),
        (403, lambda: client.get("/v1/customers")),
        (400, lambda: client.get("/v1/circuits", colour="red")),
        (406, lambda: client.get("/v1/circuits", {"Accept": "text/html"})),
        (201, lambda: client.post("/v1/vnets", network)),
    ):
        answer, spent = request().must(status), spent + 1
        # No more than has come back since.
        refilled = int((time.monotonic() - began) * QUOTA / WINDOW)
        assert QUOTA - spent <= left(answer) <= QUOTA - spent + refilled, answer
    anonymous = client.with_token(None)
    unknown = client.token[:-1] + ("x" if client.token[-1] != "x" else "y")
    for answer in (
        anonymous.get("/healthz").must(200),
        anonymous.get("/v1/circuits").must(401),
        client.with_token(unknown).get("/v1/circuits").must(401),
        client.get("/v1/none").must(404),
    ):
        assert "RateLimit" not in answer.headers and "RateLimit-Policy" not in answer.headers


def test_one_too_many_is_refused_and_does_nothing(tenants):
    customer, _ = tenants
    refused = spend(customer.client).must(429, "rate_limited")
    assert left(refused) == 0
    assert 1 <= int(refused.headers["Retry-After"]) <= WINDOW
    body = {"name": "never", "addressSpace": ["10.0.0.0/16"]}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    hasty = customer.client.post("/v1/vnets", body, key)
    if hasty.status == 429:  # unless the machine was slow
        time.sleep(int(hasty.headers["Retry-After"]) + 0.6)  # as it was told, and a bit
        listed = customer.client.get("/v1/vnets").must(200)
        assert listed.json["items"] == []
        # A refusal is not kept under the key.
        time.sleep(0.6)  # one more request is in the bucket then
        made = customer.client.post("/v1/vnets", body, key).must(201)
        assert "Idempotent-Replayed" not in made.headers


def test_a_token_recovers_as_its_bucket_fills(tenants):
    client = tenants[0].client
    refused = spend(client)
    time.sleep(int(refused.headers["Retry-After"]))  # as it was told
    client.get("/v1/circuits").must(200)


def test_tokens_do_not_touch_each_other(tenants):
    customer, partner = tenants
    spend(customer.client)
    left(partner.client.get("/v1/partners", limit=1).must(200))
    answer = partner.client.get("/v1/partners", limit=1).must(200)
    assert left(answer) >= QUOTA - 3
    # Another token of the same customer has a bucket of its own.
    body = {"role": "customer", "customerId": customer.id}
    other = customer.operator.post("/v1/tokens", body).must(201).json["token"]
    assert left(customer.client.with_token(other).get("/v1/circuits").must(200)) == QUOTA - 1


def test_replays_and_refusals_of_other_kinds_count_too(tenants):
    client = tenants[0].client
    body = {"name": "x", "addressSpace": ["10.0.0.0/16"]}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = left(client.post("/v1/vnets", body, key).must(201))
    again = client.post("/v1/vnets", body, key).must(201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert left(again) <= first
    began = time.monotonic()
    while client.get("/v1/circuits/x").status != 429:
        assert time.monotonic() - began < WINDOW


def test_signatures_have_a_quota_of_their_partner(tenants):
    customer, partner = tenants
    key = customer.circuit(partner)["serviceKey"]
    answer = partner.callback("circuit.progress", key, note="n").must(200)
    assert left(answer) == QUOTA - 1
    # A wrong signature costs the partner nothing.
    body = partner.payload("circuit.progress", key)
    wrong = partner.signed(body, secret="whsec_" + "A" * 43 + "=")
    for _ in range(QUOTA + 1):
        refused = partner.anonymous.send("POST", partner.path, body, wrong).must(401)
        assert "RateLimit" not in refused.headers
    answer = partner.callback("circuit.progress", key, note="n").must(200)
    assert left(answer) >= QUOTA - 3
    for _ in range(2 * QUOTA):
        answer = partner.callback("circuit.progress", key, note="n")
        if answer.status == 429:
            break
    answer.must(429, "rate_limited")
    # Its token is not touched by that.
    partner.client.get("/v1/partner/circuits").must(200)


@pytest.fixture(scope="module")
def exhausted():
    """One of everything, on a server where everybody has used the quota up."""
    running = Server("--rate-limit", "60/10m")
    try:
        running.start()
        scene = Scene(Client(running.url, running.credentials["ONRAMP_OPERATOR_TOKEN"]))
        for client in scene.clients.values():
            while client.get("/v1/peering-locations", limit=1).status == 200:
                pass
        yield scene
    finally:
        running.remove()


@pytest.mark.parametrize("operation", documented(429), ids=str)
def test_every_operation_is_429_when_the_quota_is_used_up(exhausted, operation):
    body = exhausted.body(operation)
    # One request every ten seconds passes; what is signed has its quota still.
    for _ in range(61):
        answer = exhausted.send(operation, body=body)
        if answer.status == 429:
            break
    answer.must(429, "rate_limited")


def test_without_a_limit_nothing_is_said(own_unlimited):
    operator = Client(
        own_unlimited.url, own_unlimited.credentials["ONRAMP_OPERATOR_TOKEN"], checked=False
    )
    for _ in range(2000):
        answer = operator.get("/v1/peering-locations", limit=1).must(200)
    assert "RateLimit" not in answer.headers and "RateLimit-Policy" not in answer.headers


@pytest.fixture
def own_unlimited():
    running = Server("--rate-limit", "off")
    try:
        yield running.start()
    finally:
        running.remove()
