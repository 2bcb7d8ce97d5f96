# SPDX-License-Identifier: Apache-2.0
"""Pins what ties a request to those before and behind it: X-Request-Id is taken or made, answered
and logged; every write takes a traceparent, and what is none is ignored."""

import re
import uuid

import pytest

import contract
from client import Client
from polling import eventually
from process import Server
from tenant import Customer, Partner

TRACE = "0af7651916cd43dd8448eb211c80319c"
GOOD = f"00-{TRACE}-b7ad6b7169203331-01"
BAD = ("", "0", GOOD.upper(), GOOD + "-01", "ff" + GOOD[2:], "00-" + "0" * 32 + GOOD[35:])


@pytest.fixture(scope="module")
def talkative():
    """A server that logs every request."""
    running = Server(environment={"ONRAMP_LOG_LEVEL": "debug"})
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture
def tenant(talkative):
    return Customer(Client(talkative.url, talkative.credentials["ONRAMP_OPERATOR_TOKEN"]))


def logged(server, word):
    """The line of the log with the word, which may come a moment after the answer."""
    text = eventually(f"a line with {word}", server.log_text,
                      lambda text: any(word in line for line in text.splitlines()))
    return next(line for line in text.splitlines() if word in line)


def test_every_write_documents_the_trace():
    for operation in contract.OPERATIONS:
        named = "traceparent" in [p["name"] for p in operation.parameters]
        assert named == (operation.method != "GET"), operation


def test_every_operation_documents_the_request_id():
    for operation in contract.OPERATIONS:
        if not operation.public:
            assert "X-Request-Id" in [p["name"] for p in operation.parameters], operation


def test_a_request_is_logged_under_its_id(talkative, tenant):
    given = f"given-{uuid.uuid4()}"
    tenant.client.get("/v1/circuits", {"X-Request-Id": given}).must(200)
    assert re.search(rf"GET /v1/circuits 200 .*\(request {given} from 127\.[\d.]+\)",
                     logged(talkative, given))
    made = tenant.client.get("/v1/circuits/x").must(404).headers["X-Request-Id"]
    line = logged(talkative, made)
    assert re.search(rf"GET /v1/circuits/{{id}} 404 .*\(request {made} from 127\.[\d.]+\)", line)
    uuid.UUID(made)


def test_a_request_is_logged_with_its_trace(talkative, tenant):
    for method, target, body in (
        ("GET", "/v1/vnets", None),
        ("POST", "/v1/vnets", b'{"name": "x", "addressSpace": ["10.0.0.0/16"]}'),
    ):
        given = f"traced-{uuid.uuid4()}"
        headers = {"X-Request-Id": given, "traceparent": GOOD, "Content-Type": "application/json"}
        tenant.client.send(method, target, body, headers)
        assert re.search(rf"\(request {given} from [\d.]+, trace {TRACE}\)",
                         logged(talkative, given))
    for bad in BAD:
        given = f"untraced-{uuid.uuid4()}"
        headers = {"X-Request-Id": given, "traceparent": bad}
        tenant.client.get("/v1/vnets", headers).must(200)
        assert re.search(rf"\(request {given} from [\d.]+\)", logged(talkative, given))


@pytest.mark.parametrize("trace", (GOOD, *BAD))
def test_a_trace_changes_nothing_of_the_answer(operator, customer, trace):
    """Every kind of write goes the same way with a trace and without one."""
    traced = {"traceparent": trace}
    partner = Partner(operator)
    client = customer.client
    circuit = customer.circuit(partner)
    target = f"/v1/circuits/{circuit['id']}"
    assert client.patch(target, {"name": "traced"}, traced).must(200).json["name"] == "traced"
    client.patch(target, {"name": 1}, traced).must(422, "invalid_request")
    client.patch(target, {"name": "x"}, {**traced, "If-Match": '"1"'}).must(412)
    key = {**traced, "Idempotency-Key": uuid.uuid4().hex}
    body = {"name": "x", "addressSpace": ["10.0.0.0/16"]}
    vnet = client.post("/v1/vnets", body, key).must(201).json
    again = client.post("/v1/vnets", body, key).must(201)
    assert again.json == vnet and again.headers["Idempotent-Replayed"] == "true"
    client.post("/v1/vnets?dryRun=true", body, traced).must(201)
    gateway = f"/v1/vnets/{vnet['id']}/gateway"
    client.put(gateway, {"subnet": "10.0.255.0/27"}, traced).must(200)
    client.delete(f"/v1/vnets/{vnet['id']}", traced).must(204)
    client.delete(f"/v1/vnets/{vnet['id']}", traced).must(404)
    operator.put(f"/v1/customers/{customer.id}/limits", {"circuits": 5}, traced).must(200)
    asked = {"role": "customer", "customerId": customer.id, "description": "traced"}
    token = client.post("/v1/tokens", asked, traced).must(201).json
    client.delete(f"/v1/tokens/{token['id']}", traced).must(204)
    client.delete(target, traced).must(204)


def test_a_callback_takes_a_trace(customer, partner):
    key = customer.circuit(partner)["serviceKey"]

    def traced(event, message_id=None, body=None):
        body = body or partner.payload(event, key)
        headers = {**partner.signed(body, message_id), "traceparent": GOOD}
        return partner.anonymous.send("POST", partner.path, body, headers)

    message, body = f"msg_{uuid.uuid4().hex}", partner.payload("circuit.provisioned", key)
    assert traced(None, message, body).must(200).json["reason"] == "applied"
    assert traced(None, message, body).must(200).json["reason"] == "duplicate"
    assert traced("circuit.provisioned").must(200).json["reason"] == "already"
    traced("circuit.rejected").must(409, "illegal_transition")
    headers = {**partner.signed(body), "traceparent": GOOD}
    partner.anonymous.send("POST", partner.path, body + b" ", headers).must(401)
