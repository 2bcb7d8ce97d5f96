# SPDX-License-Identifier: Apache-2.0
"""Pins that reads which share a statement keep apart: each gets its own circuit, or 404."""

import http.client
import json

from tenant import Customer

ROUNDS = 10
CIRCUITS = 8


def test_reads_at_once_get_their_own_circuit_each(operator, customer, partner):
    other = Customer(operator)
    ours = [customer.circuit(partner)["id"] for _ in range(CIRCUITS)]
    theirs = [other.circuit(partner)["id"] for _ in range(CIRCUITS)]
    asked = []
    for mine, foreign in zip(ours, theirs):
        asked += [(customer, mine, True), (other, mine, False), (other, foreign, True),
                  (customer, foreign, False)]
    connections = [http.client.HTTPConnection(operator.host, operator.port, timeout=20)
                   for _ in asked]
    for connection in connections:
        connection.connect()
    for _ in range(ROUNDS):
        # All are sent before the first answer is read.
        for connection, (who, circuit, _) in zip(connections, asked):
            connection.request("GET", f"/v1/circuits/{circuit}",
                               headers={"Authorization": f"Bearer {who.token}"})
        for connection, (who, circuit, seen) in zip(connections, asked):
            answer = connection.getresponse()
            body = json.loads(answer.read())
            assert answer.status == (200 if seen else 404), body
            assert (body.get("id"), body.get("customerId")) == (
                (circuit, who.id) if seen else (None, None))
    for connection in connections:
        connection.close()
