# SPDX-License-Identifier: Apache-2.0
"""Pins the matrix of roles and routes. Every operation of the contract has a row in the table
below, which is written by hand: copied from the server's table it would agree with any mistake there
(operations_test.py compares them). An unknown
path is 404, a method that a path lacks is 405 with Allow, no token or a bad one is 401, and a
role that may never do it is 403, in this order."""

import json
import uuid

import pytest

import contract
from tenant import Customer, Partner

ALL, NONE = "CPO", ""
# Who may call: C customer, P partner, O operator; PUBLIC needs no token; SIGNED is the callbacks
# path, where a signature (or an operator's token) takes the place of a token.
PUBLIC, SIGNED = "public", "signed"
MAY = {
    "customer_create": "O",
    "customer_list": "O",
    "customer_limits_put": "O",
    "limit_list": "CO",
    "vnet_limits_put": "O",
    "partner_create": "O",
    "partner_list": ALL,
    "partner_get": ALL,
    "partner_replace": "O",
    "callback_secret_rotate": "PO",
    "callback_apply": SIGNED,
    "peering_location_list": ALL,
    "token_create": ALL,
    "token_list": ALL,
    "token_delete": ALL,
    "circuit_create": "C",
    "circuit_list": "CO",
    "circuit_get": "CO",
    # The operator's half of PATCH is an operation of its own, circuit_status_set.
    "circuit_update": "CO",
    "circuit_delete": "C",
    "circuit_deprovision_request": "C",
    "circuit_deprovision_withdraw": "C",
    "circuit_service_key_rotate": "C",
    "authorization_create": "C",
    "authorization_list": "C",
    "authorization_delete": "C",
    "circuit_event_list": "CO",
    "event_list": ALL,
    "vnet_create": "C",
    "vnet_list": "CO",
    "vnet_get": "CO",
    "vnet_update": "C",
    "vnet_delete": "C",
    "vnet_gateway_put": "C",
    "vnet_gateway_delete": "C",
    "connection_create": "C",
    "connection_list": "CO",
    "connection_get": "CO",
    "connection_delete": "C",
    "partner_circuit_quote": "P",
    "partner_circuit_list": "P",
    "partner_circuit_get": "P",
    "webhook_create": ALL,
    "webhook_list": ALL,
    "webhook_get": ALL,
    "webhook_update": ALL,
    "webhook_delete": ALL,
    "webhook_ping": ALL,
    "webhook_secret_rotate": ALL,
    "webhook_recover": ALL,
    "delivery_list": ALL,
    "delivery_redeliver": ALL,
    "health": PUBLIC,
    "ready": PUBLIC,
    "openapi_get": PUBLIC,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def callers(operator):
    carrier, customer = Partner(operator), Customer(operator)
    clients = {"C": customer.client, "P": carrier.client, "O": operator.with_token(operator.token)}
    owners = {"C": {"customerId": customer.id}, "P": {"partner": carrier.slug}, "O": {}}
    for letter, role in (("C", "customer"), ("P", "partner"), ("O", "operator")):
        clients[letter].role, clients[letter].owner = role, owners[letter]
    return clients, carrier


def call(client, operation, slug, headers=None):
    ids = dict.fromkeys(("id", "authorization", "delivery"), uuid.uuid4()) | {"partner": slug}
    target = operation.path.format_map(ids) if operation.path_names else None
    body = None
    sent = dict(headers or {})
    if operation.media:
        body = operation.example()
        if operation.id == "token_create":  # for itself, which is all that most may have
            body = {"role": client.role, "description": "matrix", **client.owner}
        body = json.dumps(body).encode()
        sent["Content-Type"] = operation.media[0]
    return client.send(operation.method, target or operation.path, body, sent)


def test_every_operation_of_the_contract_has_a_row():
    assert set(MAY) == set(contract.BY_ID)


@pytest.mark.parametrize("role", "CPO")
@pytest.mark.parametrize("operation", contract.OPERATIONS, ids=str)
def test_a_role_does_what_it_may_and_nothing_else(callers, operation, role):
    clients, carrier = callers
    answer = call(clients[role], operation, carrier.slug)
    may = MAY[operation.id]
    if may == SIGNED:
        may = "O"
        # A token that is no operator's is no signature either: refused one way or the other.
        if role != "O":
            assert answer.status in (401, 403), answer
            return
    if may == PUBLIC or role in may:
        assert answer.status not in (401, 403, 405), answer
    else:
        answer.must(403, "forbidden")


@pytest.mark.parametrize("operation", contract.OPERATIONS, ids=str)
def test_without_a_token_it_is_401(callers, anonymous, operation):
    _, carrier = callers
    answer = call(anonymous, operation, carrier.slug)
    if MAY[operation.id] == PUBLIC:
        assert answer.status == 200
    else:
        answer.must(401, "unauthenticated")


def bad_tokens(good):
    """Authorization values that are no live token."""
    typo = good[:-1] + ("0" if good[-1] != "0" else "1")
    swapped = good[:20] + good[21] + good[20] + good[22:]
    return {
        "empty": "",
        "scheme alone": "Bearer",
        "scheme and space": "Bearer ",
        "no scheme": good,
        "basic": "Basic dXNlcjpwYXNz",
        "a typo": f"Bearer {typo}",
        "two letters swapped": f"Bearer {swapped}" if swapped != good else "Bearer x",
        "cut": f"Bearer {good[:-1]}",
        "longer": f"Bearer {good}a",
        "another prefix": f"Bearer onrx_{good[5:]}",
        "prefix of another role": f"Bearer onro_{good[5:]}",
        "prefix alone": "Bearer onrc_",
        "two tokens": f"Bearer {good} {good}",
        "quoted": f'Bearer "{good}"',
        "8 KiB": "Bearer onrc_" + "a" * 7000,
        "sql": "Bearer onrc_' OR 1=1 --",
        "percent": "Bearer %00",
    }


@pytest.mark.parametrize("kind", bad_tokens("onrc_" + "ab" * 25))
def test_a_bad_token_is_401_on_every_route(customer, anonymous, kind):
    header = {"Authorization": bad_tokens(customer.token)[kind]}
    for operation in contract.OPERATIONS:
        if MAY[operation.id] in (PUBLIC, SIGNED):
            continue
        call(anonymous, operation, "equinix", header).must(401, "unauthenticated")
    for path in ("/v1/partners/equinix/callbacks", "/v1/partners/none-such/callbacks"):
        headers = {**header, "webhook-id": "m"}
        anonymous.post(path, {}, headers).must(401, "unauthenticated")


def test_the_scheme_is_read_in_any_case(customer, anonymous):
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {customer.token}"}
        anonymous.get("/v1/circuits", headers).must(200)


@pytest.mark.parametrize("path", sorted({o.path for o in contract.OPERATIONS}))
def test_a_method_that_the_path_lacks_is_405_with_allow(operator, anonymous, path):
    has = contract.methods_of(path)
    ids = dict.fromkeys(("id", "authorization", "delivery"), uuid.uuid4())
    target = path.format(partner="equinix", **ids)
    for method in METHODS:
        if method in has:
            continue
        for client in (operator, anonymous):
            body = b"{}" if method in ("POST", "PUT", "PATCH") else None
            headers = {"Content-Type": "application/json"} if body else {}
            answer = client.send(method, target, body, headers).must(405, "method_not_allowed")
            allow = {word.strip() for word in answer.headers["Allow"].split(",")}
            assert allow - {"HEAD", "OPTIONS"} == has, (method, answer.headers["Allow"])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/circuits",
        "/v1/circuit",
        "/v1/circuits/",
        "/v1//circuits",
        "//v1/circuits",
        "/V1/circuits",
        "/v1/Circuits",
        "/v1/circuits/x/y/z",
        "/v1/circuits/0199aa00-0000-7000-8000-000000000001/",
        "/v1/circuits/0199aa00-0000-7000-8000-000000000001/event",
        "/v1/./circuits",
        "/v1/x/../circuits",
        "/v1/circuits;a=b",
        "/v1/partners/equinix/callbacks/",
        "/v1/partners/equinix/secrets",
        "/healthz/",
        "/healthz/x",
        "/metrics",
        "/docs",
        "/v1/webhook",
        "/v1/event",
        "/v1/circuits%2f",
        "/favicon.ico",
        "/.git/config",
        "/v1/circuits/..%2f..%2fetc/passwd",
    ],
)
def test_an_unknown_path_is_404_whoever_asks(operator, anonymous, path):
    for client in (operator, anonymous):
        for method in ("GET", "POST", "DELETE"):
            body = b"{}" if method == "POST" else None
            answer = client.send(method, path, body)
            # An encoded slash may also be refused as ambiguous before any route is looked for.
            assert answer.status == 404 or ("%2f" in path and answer.status == 400), answer


@pytest.mark.parametrize("wrong", ["x", "1", "0199aa00", "0199aa00-0000-7000-8000-00000000000g"])
@pytest.mark.parametrize(
    "operation", [o for o in contract.OPERATIONS if "id" in o.path_names], ids=str
)
def test_an_id_that_cannot_be_one_is_404(callers, operation, wrong):
    clients, _ = callers
    client = clients[MAY[operation.id][0]]
    body = json.dumps(operation.example()).encode() if operation.media else None
    headers = {"Content-Type": operation.media[0]} if operation.media else {}
    target = operation.url(id=wrong, authorization=wrong, delivery=wrong)
    client.send(operation.method, target, body, headers).must(404, "not_found")
