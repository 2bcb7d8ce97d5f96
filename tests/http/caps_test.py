# SPDX-License-Identifier: Apache-2.0
"""Pins the caps through the API: of each kind one more than the cap is 409 with limit, used, scope and
what to do, until one is gone; callers at once get exactly what is left; and a refusal names the first
20 blockers of a type and counts the rest."""

import collections
import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenant import without

CALLERS, LEFT = 24, 7
URL = "https://hooks.example.com/"
NUMBERS = itertools.count()


class Kind:
    """What is capped, of one owner: how one is made and deleted, and how many are made by hand."""

    def __init__(self, code, scope, cap, client, path, body, by_hand):
        self.code, self.scope, self.cap = code, scope, cap
        self.client, self.path, self.body = client, path, body
        self.by_hand = by_hand

    def create(self):
        return self.client.post(self.path, self.body)

    def delete(self, made):
        return self.client.delete(f"{self.path}/{made.json['id']}")


@pytest.fixture(params=["authorizations", "vnets", "tokens", "webhooks"])
def kind(request, customer, partner):
    """With as many as are there already, by the first start or the fixtures, in `by_hand`."""
    several = "FROM generate_series(1, {n})"
    if request.param == "authorizations":
        circuit = customer.circuit(partner)["id"]
        return Kind(
            "authorization_limit_reached", "circuit", 20, customer.client,
            f"/v1/circuits/{circuit}/authorizations", {"name": "x"},
            "INSERT INTO onramp.authorizations (customer_id, circuit_id, authorization_key, name) "
            f"SELECT '{customer.id}', '{circuit}', 'onra_' || gen_random_uuid(), 'x' {several}")
    if request.param == "vnets":
        return Kind(
            "vnet_limit_reached", "customer", 1000, customer.client, "/v1/vnets",
            {"name": "x", "addressSpace": ["10.0.0.0/16"]},
            "INSERT INTO onramp.vnets (customer_id, name, address_space) "
            f"SELECT '{customer.id}', 'x', '{{{{10.0.0.0/16}}}}' {several}")
    if request.param == "tokens":
        return Kind(
            "token_limit_reached", "customer", 100, customer.client, "/v1/tokens",
            {"role": "customer", "description": "x"},
            "INSERT INTO onramp.tokens (key_id, sha256, role, customer_id) "
            f"SELECT gen_random_uuid(), sha256('x'), 'customer', '{customer.id}' {several}")
    return Kind(
        "webhook_limit_reached", "customer", 20, customer.client, "/v1/webhooks", {"url": URL},
        "INSERT INTO onramp.webhook_endpoints (role, customer_id, url, event_types) "
        f"SELECT 'customer', '{customer.id}', '{URL}', '{{{{*}}}}' {several}")


def leave(server, kind, left):
    """Make as many as are missing to that."""
    there = len(kind.client.pages(kind.path)) if kind.code == "token_limit_reached" else 0
    server.sql(kind.by_hand.format(n=kind.cap - there - left))


def refused(answer, code, cap, scope):
    answer.must(409, code)
    problem = answer.json
    assert (problem["limit"], problem["used"], problem["scope"]) == (cap, cap, scope), problem
    assert f"{cap} of {cap}" in problem["detail"]


def test_one_more_than_the_cap_is_refused_until_one_is_deleted(server, kind):
    leave(server, kind, 1)
    made = kind.create().must(201)
    refused(kind.create(), kind.code, kind.cap, kind.scope)
    kind.delete(made).must(204)
    kind.create().must(201)
    refused(kind.create(), kind.code, kind.cap, kind.scope)


def test_callers_at_once_get_exactly_what_is_left(server, kind):
    leave(server, kind, LEFT)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda _: kind.create(), range(CALLERS)))
    assert collections.Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): LEFT, (409, kind.code): CALLERS - LEFT}
    # And what is given back at once is taken once.
    made = [answer for answer in answers if answer.status == 201]
    with ThreadPoolExecutor(CALLERS) as pool:
        deleted = [pool.submit(kind.delete, one) for one in made]
        created = [pool.submit(kind.create) for _ in range(CALLERS)]
    assert all(done.result().status == 204 for done in deleted)
    taken = sum(done.result().status == 201 for done in created)
    assert taken <= LEFT
    for _ in range(LEFT - taken):
        kind.create().must(201)
    refused(kind.create(), kind.code, kind.cap, kind.scope)


def test_the_cap_of_one_owner_is_nobody_elses(server, kind, operator, customer):
    leave(server, kind, 0)
    kind.create().must(409, kind.code)
    other = type(customer)(operator)
    other.client.post("/v1/webhooks", {"url": URL}).must(201)
    other.client.post("/v1/tokens", {"role": "customer", "description": "x"}).must(201)
    other.vnet()


def test_a_refusal_at_the_cap_is_not_kept_for_its_idempotency_key(server, kind):
    leave(server, kind, 1)
    made = kind.create().must(201)
    headers = {"Idempotency-Key": f"caps-{next(NUMBERS)}-{time.monotonic_ns()}"}
    kind.client.post(kind.path, kind.body, headers).must(409, kind.code)
    kind.delete(made).must(204)
    kind.client.post(kind.path, kind.body, headers).must(201)
    again = kind.client.post(kind.path, kind.body, headers).must(201)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_expired_tokens_give_way(server, customer):
    body = {"role": "customer", "description": "x"}
    there = len(customer.client.pages("/v1/tokens"))
    server.sql(
        "INSERT INTO onramp.tokens (key_id, sha256, role, customer_id, expires_at) SELECT "
        f"gen_random_uuid(), sha256('x'), 'customer', '{customer.id}', clock_timestamp() "
        f"FROM generate_series(1, {100 - there})")
    customer.client.post("/v1/tokens", body).must(201)
    assert len(customer.client.pages("/v1/tokens")) == there + 1


def test_a_sixth_secret_is_refused_and_all_five_go_on_verifying(customer, partner):
    path = f"/v1/partners/{partner.slug}/callback-secrets"
    secrets = [partner.secret]
    for _ in range(4):
        answer = partner.client.post(path, {"keepOldSeconds": 3600}).must(201)
        secrets.append(answer.json["callbackSecret"])
    answer = partner.client.post(path, {"keepOldSeconds": 60})
    refused(answer, "callback_secret_limit_reached", 5, "partner")
    key = customer.circuit(partner)["serviceKey"]

    def works(secret):
        return partner.post(partner.payload("circuit.progress", key), secret=secret).status == 200

    assert [works(secret) for secret in secrets] == [True] * 5
    newest = partner.client.post(path, {"keepOldSeconds": 0}).must(201).json["callbackSecret"]
    assert [works(secret) for secret in (*secrets, newest)] == [False] * 5 + [True]


def test_rotations_at_once_leave_five_secrets(partner):
    path = f"/v1/partners/{partner.slug}/callback-secrets"
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda _: partner.client.post(path, {}), range(CALLERS)))
    assert collections.Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): 4, (409, "callback_secret_limit_reached"): CALLERS - 4}


def test_a_refusal_names_20_blockers_of_a_type_and_counts_the_rest(server, customer, partner):
    """Of a circuit that had more before there was a cap."""
    circuit = customer.circuit(partner)["id"]
    made = server.sql(
        "BEGIN; ALTER TABLE onramp.cap_counters DISABLE TRIGGER USER;"
        "ALTER TABLE onramp.authorizations DISABLE TRIGGER USER;"
        "INSERT INTO onramp.authorizations (customer_id, circuit_id, authorization_key, name) "
        f"SELECT '{customer.id}', '{circuit}', 'onra_' || gen_random_uuid(), 'x' "
        "FROM generate_series(1, 3000);"
        "INSERT INTO onramp.cap_counters (kind, owner, used, most, excess) "
        f"SELECT kind, 'circuit:{circuit}', 3000, most, 3000 - most FROM onramp.caps "
        "WHERE kind = 'authorizations';"
        "ALTER TABLE onramp.cap_counters ENABLE TRIGGER USER;"
        "ALTER TABLE onramp.authorizations ENABLE TRIGGER USER; COMMIT;"
        f"SELECT id FROM onramp.authorizations WHERE circuit_id = '{circuit}' ORDER BY id LIMIT 20")
    answer = customer.client.delete(f"/v1/circuits/{circuit}").must(409, "circuit_in_use")
    assert [blocker["id"] for blocker in answer.json["blockers"]] == made.split()
    assert answer.json["more"] == {"authorization": 2980}
    assert len(answer.body) < 8192
    path = f"/v1/circuits/{circuit}/authorizations"
    problem = customer.client.post(path, {"name": "x"}).must(409).json
    assert (problem["limit"], problem["used"]) == (20, 3000)
    customer.client.delete(f"{path}/{made.split()[0]}").must(204)
    other = customer.circuit(partner)["id"]
    one = customer.client.post(f"/v1/circuits/{other}/authorizations", {"name": "x"}).must(201)
    refusal = customer.client.delete(f"/v1/circuits/{other}").must(409, "circuit_in_use").json
    assert [blocker["id"] for blocker in refusal["blockers"]] == [one.json["id"]]
    assert without(refusal, "more") == refusal
