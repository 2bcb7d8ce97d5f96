# SPDX-License-Identifier: Apache-2.0
"""Pins SIGTERM under load: every request that was sent before it gets its whole answer, nothing is
reset, idle connections are let go, and the server leaves with status 0 in good time."""

import http.client
import json
import signal
import socket
import threading
import time

import wire
from client import Client
from load import Load, audit
from polling import eventually, patience
from process import alive
from tenant import Customer

CALLERS = 32
# Whose connection stands idle has this long for a last request, and counts as gone then: who comes
# later than that because the machine had no time for it has lost nothing.
GRACE = 0.3


class Hammer(threading.Thread):
    """Writes one VNet after the other on one connection and notes what happened to each."""

    def __init__(self, client, token):
        super().__init__(daemon=True)
        self.host, self.port, self.token = client.host, client.port, token
        self.answered = []
        self.lost = []  # (when the request was sent, why)
        self.begun = threading.Event()

    def run(self):
        body = json.dumps({"name": "drain", "addressSpace": ["10.0.0.0/16"]}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        while True:
            sent = None
            try:
                if connection.sock is None:
                    connection.connect()
                connection.request("POST", "/v1/vnets", body, headers)
                sent = time.monotonic()
                response = connection.getresponse()
                data = response.read()
                if response.status == 201:
                    self.answered.append(json.loads(data)["id"])
                    self.begun.set()
                elif response.status != 503:
                    self.lost.append((sent, f"{response.status} {data[:200]!r}"))
                    return
                if response.will_close:
                    connection.close()
                    return
            except (OSError, http.client.HTTPException) as error:
                self.lost.append((sent or time.monotonic(), repr(error)))
                return


def test_every_request_in_flight_gets_its_answer(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer = Customer(operator)
    idle = socket.create_connection((operator.host, operator.port), timeout=10)
    idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle.recv(4096).startswith(b"HTTP/1.1 200")

    hammers = [Hammer(operator, customer.token) for _ in range(CALLERS)]
    for hammer in hammers:
        hammer.start()
    for hammer in hammers:
        assert hammer.begun.wait(20)
    time.sleep(0.5)  # under load for so long
    began = time.monotonic()
    own_server.terminate()
    for hammer in hammers:
        hammer.join(20)
        assert not hammer.is_alive(), "a request hangs"
    assert own_server.wait() == 0
    assert time.monotonic() - began < patience(15)
    # Nobody's connection was taken away: each was told `Connection: close` with its last answer,
    # those too that stood between two requests when the signal came.
    lost = [(sent - began, why) for h in hammers for sent, why in h.lost if sent - began < GRACE]
    assert not lost, lost
    idle.settimeout(5)
    assert idle.recv(4096) == b""
    idle.close()

    own_server.start()
    client = Client(own_server.url, customer.token)
    there = {v["id"] for v in client.pages("/v1/vnets")}
    answered = {i for h in hammers for i in h.answered}
    assert len(answered) >= CALLERS
    assert not answered - there, "an acknowledged VNet is lost"
    # Each caller had one request on its way at the most, and that one was answered.
    assert len(there - answered) == 0, "something was done and not answered"


def test_a_body_on_its_way_is_waited_for(own_server):
    customer = Client(own_server.url, own_server.credentials["ONRAMP_CUSTOMER_TOKEN"])
    body = json.dumps({"name": "slow", "addressSpace": ["10.0.0.0/16"]}).encode()
    head = (
        b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
        % (customer.token.encode(), len(body))
    )
    with socket.create_connection((customer.host, customer.port), timeout=20) as sock:
        sock.sendall(head)
        assert sock.recv(4096).startswith(b"HTTP/1.1 100 ")  # it waits for the body
        sock.sendall(body[:10])
        own_server.terminate()
        time.sleep(0.6)  # the body is late by so much
        sock.sendall(body[10:])
        said = b""
        while octets := sock.recv(4096):
            said += octets
    [(status, _, _)] = wire.replies(said)
    assert status in (201, 503), said
    assert own_server.wait() == 0


def test_a_mixed_load_survives_a_restart(own_server):
    load = Load(own_server).start()
    try:
        time.sleep(2)  # under load for so long before
        assert own_server.stop() == 0
        own_server.start()
        load.move(own_server.url)
        time.sleep(1)  # and after
    finally:
        load.stop()
    audit(own_server, load)


def test_a_second_signal_insists(own_server):
    """Whoever asks twice does not want to wait: the server goes at once, its PostgreSQL with it."""
    postmaster = own_server.postmasters()[0]
    with socket.create_connection((own_server.host, own_server.port)) as slow:
        slow.sendall(b"POST /v1/vnets HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        time.sleep(0.2)  # its head has been read by then, its body is waited for
        own_server.terminate()
        time.sleep(0.5)  # somebody's patience
        own_server.terminate()
        started = time.monotonic()
        assert own_server.wait() in (0, 128 + signal.SIGTERM)
        assert time.monotonic() - started < patience(5)
    eventually("PostgreSQL has gone", lambda: alive(postmaster), False)
    own_server.start()
