# SPDX-License-Identifier: Apache-2.0
"""Pins that writes which share transactions agree with what is there, when nine in ten of them are
refused: as many rows as events as answers of 201, nothing above a limit, and nothing answered that
cannot be read at once."""

import http.client
import itertools
import json
import random

CALLERS, ROUNDS = 32, 40
CIRCUITS, CIRCUIT_LIMIT = 3, 10
VNETS, VNET_LIMIT = 12, 4


def send_all(operator, token, requests, connections=None):
    """All at once, each on a connection of its own: [(status, body)]."""
    connections = connections or []
    while len(connections) < len(requests):
        made = http.client.HTTPConnection(operator.host, operator.port, timeout=30)
        made.connect()
        connections.append(made)
    for connection, (method, target, body) in zip(connections, requests):
        connection.request(method, target, json.dumps(body) if body else None,
                           {"Authorization": f"Bearer {token}",
                            "Content-Type": "application/json"})
    answers = []
    for connection, _ in zip(connections, requests):
        answer = connection.getresponse()
        octets = answer.read()
        answers.append((answer.status, json.loads(octets) if octets else None))
    return answers


def test_rows_events_and_answers_are_as_many_under_conflicts(operator, customer, partner):
    circuits = [customer.circuit_at(partner, "Provisioned")["id"] for _ in range(CIRCUITS)]
    vnets = [customer.vnet()["id"] for _ in range(VNETS)]
    pairs = list(itertools.product(circuits, vnets))
    chance = random.Random(4)
    connections, live = [], {}
    created, deleted, refused = (dict.fromkeys(circuits, 0) for _ in range(3))
    for number in range(ROUNDS):
        asked = [("POST", "/v1/connections", {"circuitId": circuit, "vnetId": vnet})
                 for circuit, vnet in chance.choices(pairs, k=CALLERS)]
        # Something has to go, now and then, or nothing can be won any more.
        gone = chance.sample(sorted(live), min(len(live), 2)) if number % 2 else []
        asked[:len(gone)] = [("DELETE", f"/v1/connections/{one}", None) for one in gone]
        chance.shuffle(asked)
        fresh = []
        for (method, target, body), (status, told) in zip(
                asked, send_all(operator, customer.token, asked, connections)):
            if method == "DELETE":
                assert status == 204, told
                deleted[live.pop(target.rpartition("/")[2])[0]] += 1
            elif status == 201:
                created[told["circuitId"]] += 1
                live[told["id"]] = (told["circuitId"], told["vnetId"])
                fresh.append(("GET", f"/v1/connections/{told['id']}", None))
            else:
                assert status == 409, told
                refused[body["circuitId"]] += 1
        if fresh:
            seen = send_all(operator, customer.token, fresh, connections)
            assert [status for status, _ in seen] == [200] * len(fresh)

    won, lost = sum(created.values()), sum(refused.values())
    assert lost >= 9 * won > 0, "too few conflicts to tell"
    rows = customer.client.get("/v1/connections", limit=200).must(200).json["items"]
    assert {row["id"]: (row["circuitId"], row["vnetId"]) for row in rows} == live
    assert len(set(live.values())) == len(live)
    for circuit in circuits:
        events = [event["type"] for event in customer.events({"id": circuit})]
        assert events.count("connection.created") == created[circuit]
        assert events.count("connection.deleted") == deleted[circuit]
        used = [pair for pair in live.values() if pair[0] == circuit]
        assert len(used) <= CIRCUIT_LIMIT
        assert customer.read({"id": circuit})["connections"]["used"] == len(used)
    for vnet in vnets:
        used = [pair for pair in live.values() if pair[1] == vnet]
        assert len(used) <= VNET_LIMIT
        shown = customer.client.get(f"/v1/vnets/{vnet}").must(200).json
        assert shown["circuits"]["used"] == len(used)
    for connection in connections:
        connection.close()
