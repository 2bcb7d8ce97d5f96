# SPDX-License-Identifier: Apache-2.0
"""Pins waiting: a GET of a circuit with waitFor is answered as soon as the provider status is so, at
the time-out with the circuit as it is, and with 404 when the circuit is deleted meanwhile; a client
that has gone waits no longer, and what a wait does not concern does not end it."""

import os
import socket
import threading
import time

import pytest

from client import Client
from polling import eventually, patience
from tenant import Customer, Partner


class Waiter(threading.Thread):
    """One request that may take its time, on a connection of its own."""

    def __init__(self, client, target, headers=None, **query):
        super().__init__(daemon=True)
        self.client = Client(client.url, client.token, timeout=130)
        self.target, self.headers, self.query = target, headers, query
        self.answer = self.ended = self.error = None
        self.began = time.monotonic()
        self.start()

    def run(self):
        try:
            self.answer = self.client.get(self.target, self.headers, **self.query)
        except Exception as error:  # pylint: disable=broad-except # shown by the one who joins
            self.error = error
        self.ended = time.monotonic()
        self.client.close()

    def joined(self, seconds=30):
        self.join(seconds)
        assert not self.is_alive(), "it still waits"
        assert self.error is None, self.error
        return self.answer


def soon():
    """Seconds in which what happens is told: promised are 0.2, the rest is for a busy machine."""
    return patience(1.0)


def path(circuit):
    return f"/v1/circuits/{circuit['id']}"


def waiting(waiter, seconds=0.5):
    """It has had the time to be answered, and was not."""
    waiter.join(seconds)
    assert waiter.is_alive(), waiter.answer


def test_a_wait_ends_as_soon_as_the_status_is_so(customer, partner):
    circuit = customer.circuit(partner)
    waiter = Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=60)
    waiting(waiter)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    committed = time.monotonic()
    answer = waiter.joined().must(200)
    assert waiter.ended - committed < soon()
    assert answer.json == customer.read(circuit)
    assert answer.json["providerStatus"] == "Provisioned"


def test_a_status_that_is_so_already_is_answered_at_once(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    began = time.monotonic()
    answer = customer.client.get(path(circuit), waitFor="Provisioned", timeout=60).must(200)
    assert time.monotonic() - began < soon()
    assert answer.json == circuit | {"version": answer.json["version"]}


def test_other_changes_do_not_end_a_wait_and_the_last_one_is_shown(customer, partner):
    circuit = customer.circuit(partner)
    waiter = Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=60)
    waiting(waiter, 0.2)
    partner.callback("circuit.provisioning", circuit["serviceKey"]).must(200)
    customer.client.patch(path(circuit), {"name": "renamed"}).must(200)
    waiting(waiter)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    assert waiter.joined().must(200).json["name"] == "renamed"


def test_another_circuits_events_do_not_end_a_wait(customer, partner):
    circuit, other = customer.circuit(partner), customer.circuit(partner)
    waiter = Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=60)
    partner.callback("circuit.provisioned", other["serviceKey"]).must(200)
    waiting(waiter)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    waiter.joined().must(200)


def test_at_the_time_out_the_circuit_is_shown_as_it_is(customer, partner):
    circuit = customer.circuit(partner)
    began = time.monotonic()
    waiter = Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=3)
    time.sleep(0.3)  # some time before the end
    customer.client.patch(path(circuit), {"name": "renamed"}).must(200)
    answer = waiter.joined().must(200)
    assert 2.9 < time.monotonic() - began < patience(6)
    assert answer.json == customer.read(circuit) and answer.json["name"] == "renamed"


def test_a_circuit_that_is_deleted_meanwhile_is_404(customer, operator, partner):
    circuit = customer.circuit(partner)
    waiters = [
        Waiter(client, path(circuit), waitFor="Provisioned", timeout=60)
        for client in (customer.client, operator)
    ]
    waiting(waiters[0])
    customer.client.delete(path(circuit)).must(204)
    for waiter in waiters:
        waiter.joined().must(404, "not_found")
    # One that was deleted before is read by operators, and nothing will become of it.
    gone = operator.get(path(circuit), waitFor="Provisioned", timeout=60).must(200).json
    assert gone["deletedAt"]


def test_what_the_caller_may_not_see_is_404_at_once(customer, operator, partner):
    circuit = customer.circuit(partner)
    stranger = Customer(operator).client
    stranger.get(path(circuit), waitFor="Provisioned", timeout=60).must(404, "not_found")


def test_the_version_that_is_known_is_not_sent_again(customer, partner):
    circuit = customer.circuit(partner)
    known = {"If-None-Match": f'"{circuit["version"]}"'}
    waiter = Waiter(customer.client, path(circuit), known, waitFor="Provisioned", timeout=1)
    assert waiter.joined().must(304).body == b""
    waiter = Waiter(customer.client, path(circuit), known, waitFor="Provisioning", timeout=60)
    waiting(waiter)
    partner.callback("circuit.provisioning", circuit["serviceKey"]).must(200)
    answer = waiter.joined().must(200)
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"' != known["If-None-Match"]


@pytest.mark.parametrize(
    "query, pointer",
    [
        ({"waitFor": "Ready"}, "?waitFor"),
        ({"waitFor": "provisioned"}, "?waitFor"),
        ({"waitFor": "Provisioned", "timeout": "0"}, "?timeout"),
        ({"waitFor": "Provisioned", "timeout": "121"}, "?timeout"),
        ({"waitFor": "Provisioned", "timeout": "soon"}, "?timeout"),
        ({"timeout": "5"}, "?timeout"),
    ],
)
def test_what_makes_no_sense_is_422(customer, partner, query, pointer):
    circuit = customer.circuit(partner)
    answer = customer.client.get(path(circuit), **query).must(422, "invalid_request")
    assert answer.pointers == [pointer]


def test_the_connection_is_kept_alive_and_used_again(customer, partner):
    circuit = customer.circuit(partner)
    client = customer.client
    client.get(path(circuit), waitFor="Provisioned", timeout=1).must(200)
    connection = client.connection()
    answer = client.get(path(circuit), waitFor="NotProvisioned", timeout=1).must(200)
    assert answer.headers.get("Connection") is None
    assert client.connection() is connection


def sent(client, target):
    """A connection on which a request was sent and nothing was read."""
    connection = socket.create_connection((client.host, client.port), timeout=20)
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def test_a_client_that_will_send_no_more_waits_no_longer(customer, partner):
    """Its connection would otherwise be held, with all that goes with it, until the time-out."""
    circuit = customer.circuit(partner)
    target = path(circuit) + "?waitFor=Provisioned&timeout=120"
    for pause in (0, 0.3):
        connection = sent(customer.client, target)
        time.sleep(pause)  # at once, or when it waits
        began = time.monotonic()
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        assert time.monotonic() - began < patience(5)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.status()['pid']}/fd"))


def connected(server, count):
    """It has so many descriptors: all who were to come have come."""
    eventually("all are connected", lambda: descriptors(server), lambda there: there >= count)


def test_clients_that_have_gone_are_let_go(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    circuit = customer.circuit(partner)
    target = path(circuit) + "?waitFor=Provisioned&timeout=120"
    before = descriptors(own_server)
    connections = [sent(customer.client, target) for _ in range(200)]
    connected(own_server, before + 200)
    for number, connection in enumerate(connections):
        if number % 2:  # half of them without a word of good-bye
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
    eventually("they are let go", lambda: descriptors(own_server), lambda left: left <= before + 10)
    customer.client.get(path(circuit)).must(200)


def test_a_server_that_stops_answers_those_who_wait_at_once(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    circuit = customer.circuit(partner)
    before = descriptors(own_server)
    waiters = [
        Waiter(customer.client, path(circuit), waitFor="Provisioned", timeout=120)
        for _ in range(20)
    ]
    connected(own_server, before + 20)
    waiting(waiters[0])
    began = time.monotonic()
    own_server.terminate()
    for waiter in waiters:
        assert waiter.joined().must(200).json["id"] == circuit["id"]
    assert own_server.wait() == 0
    assert time.monotonic() - began < patience(10)


def test_a_token_that_is_revoked_waits_in_vain(operator, partner):
    customer = Customer(operator)
    mine = {"role": "customer", "customerId": customer.id, "description": "to be revoked"}
    token = operator.post("/v1/tokens", mine).must(201).json
    circuit = customer.circuit(partner)
    doomed = operator.with_token(token["token"])
    waiter = Waiter(doomed, path(circuit), waitFor="Provisioned", timeout=60)
    waiting(waiter)
    operator.delete(f"/v1/tokens/{token['id']}").must(204)
    time.sleep(5.2)  # as long as a token is believed
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    waiter.joined().must(401, "unauthenticated")
