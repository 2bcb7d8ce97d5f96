# SPDX-License-Identifier: Apache-2.0
"""Pins that writes which share a statement keep apart: each is answered for itself, its event has its
own actor, a key that comes twice at once makes one circuit, and a callback moves its circuit alone."""

import http.client
import json

from tenant import LOCATION, Customer, unique

ROUNDS, CUSTOMERS, EACH = 6, 6, 5


def send_all(operator, connections, requests):
    """[(method, target, octets, headers)] at once, each on a connection of its own."""
    while len(connections) < len(requests):
        connections.append(http.client.HTTPConnection(operator.host, operator.port, timeout=30))
    for connection, request in zip(connections, requests):
        connection.request(*request)
    answers = []
    for connection, _ in zip(connections, requests):
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read()),
                        answer.getheader("Idempotent-Replayed")))
    return answers


def order(customer, partner, name, key, **members):
    body = {"name": name, "partner": partner.slug, "peeringLocation": LOCATION,
            "bandwidthMbps": 1000, **members}
    headers = {"Authorization": f"Bearer {customer.token}", "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    return "POST", "/v1/circuits", json.dumps(body).encode(), headers


def test_orders_at_once_are_each_its_customers(operator, partner):
    customers = [Customer(operator) for _ in range(CUSTOMERS)]
    connections = []
    for _ in range(ROUNDS):
        asked = []
        for customer in customers:
            for number in range(EACH):
                key = unique("key") if number else None
                asked.append((customer, unique("circuit"), key, number == 4))
        requests = [order(customer, partner, name, key, **({"bandwidthMbps": 3} if wrong else {}),
                          tags={"of": name})
                    for customer, name, key, wrong in asked]
        for (customer, name, _, wrong), (status, told, _) in zip(
                asked, send_all(operator, connections, requests)):
            assert status == (422 if wrong else 201), told
            if wrong:
                continue
            assert (told["name"], told["customerId"], told["tags"]) == (
                name, customer.id, {"of": name})
            assert customer.read(told) == told
            [event] = customer.events(told)
            assert event["actor"] == {"role": "customer", "name": customer.name}
    for customer in customers:
        names = [item["name"] for item in customer.client.pages("/v1/circuits")]
        assert len(names) == len(set(names)) == ROUNDS * (EACH - 1)


def test_a_key_that_comes_many_times_at_once_orders_once(operator, customer, partner):
    other = Customer(operator)
    connections, key = [], unique("key")
    requests = [order(who, partner, who.name, key) for who in (customer, other) for _ in range(15)]
    answers = send_all(operator, connections, requests)
    for who, mine in ((customer, answers[:15]), (other, answers[15:])):
        [made] = [told for status, told, replayed in mine if status == 201 and not replayed]
        for status, told, replayed in mine:
            if status == 201:
                assert told == made
            else:
                assert (status, told["code"]) == (409, "idempotency_key_in_progress")
        assert [item["id"] for item in who.client.pages("/v1/circuits")] == [made["id"]]


def test_callbacks_at_once_move_each_its_circuit(operator, customer, partner):
    circuits = [customer.circuit(partner) for _ in range(24)]
    connections = []
    road = ("circuit.provisioning", "circuit.provisioned", "circuit.deprovisioned")
    status = {"circuit.provisioning": "Provisioning", "circuit.provisioned": "Provisioned",
              "circuit.deprovisioned": "NotProvisioned"}
    for event in road:
        requests = []
        for number, circuit in enumerate(circuits):
            # Every fourth one twice, with one webhook-id; every sixth one is of nobody's key.
            key = circuit["serviceKey"] if number % 6 else circuit["id"]
            body = partner.payload(event, key, note=f"{event} {number}")
            headers = partner.signed(body, f"msg_{road.index(event)}_{number}")
            requests += [("POST", partner.path, body, headers)] * (2 if number % 4 == 0 else 1)
        told = {}
        for request, (code, answer, _) in zip(requests, send_all(operator, connections, requests)):
            told.setdefault(request[3]["webhook-id"], []).append((code, answer))
        for number, circuit in enumerate(circuits):
            answers = told[f"msg_{road.index(event)}_{number}"]
            assert len(answers) == (2 if number % 4 == 0 else 1)
            if number % 6 == 0:
                assert [code for code, _ in answers] == [404] * len(answers)
                continue
            reasons = sorted(answer["reason"] for _, answer in answers)
            assert reasons == ["applied", "duplicate"][:len(answers)]
            for code, answer in answers:
                assert (code, answer["circuit"]["id"]) == (200, circuit["id"])
                assert answer["circuit"]["providerStatus"] == status[event]
            assert customer.read(circuit)["partnerNote"] == f"{event} {number}"
    for number, circuit in enumerate(circuits):
        types = [event["type"] for event in customer.events(circuit)]
        assert types == ["circuit.created", *(road if number % 6 else ())]
