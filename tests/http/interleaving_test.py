# SPDX-License-Identifier: Apache-2.0
"""Pins that every answer goes to the connection that asked, in whatever order the pieces of several
clients come in, and that a refused write has made nothing.

ONRAMP_TEST_INTERLEAVINGS  how many, 300 unless told otherwise; 5000 are the long form
ONRAMP_TEST_SEED           what they are drawn from, 1; a failure says which it was
"""

import json
import os
import random

import pytest

from client import Client
from fixtures import lifetime
from keepalive_test import connected
from medley import Request, Requests, Voice
from process import Server
from tenant import LOCATION, Customer, Partner, unique

INTERLEAVINGS = int(os.environ.get("ONRAMP_TEST_INTERLEAVINGS", 300))
SEED = int(os.environ.get("ONRAMP_TEST_SEED", 1))
BATCH = 25  # interleavings of one customer, whose VNets are looked at then


@pytest.fixture(scope="module", params=["1", "2"])
def looping(request):
    """A server with that many loops."""
    yield from lifetime(Server("--loops", request.param))


@pytest.fixture
def owner(looping):
    return Customer(Client(looping.url, looping.credentials["ONRAMP_OPERATOR_TOKEN"]))


def made_by(customer):
    """The names of its VNets."""
    return [vnet["name"] for vnet in customer.client.pages("/v1/vnets")]


def voice(client):
    """A client that says what the test sends."""
    made = Voice(client, [], "stays", random.Random(SEED))
    made.socket = connected(client)
    return made


def test_a_write_is_made_and_answered_beside_somebody_elses_half_head(looping):
    """One client has half a head behind a whole request; the other one's head ends there in the
    middle of a line. Once the one was answered 400 for it, and its circuit was made."""
    operator = Client(looping.url, looping.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    health = Request(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200)
    names = []
    for _ in range(10):
        names.append(unique("circuit"))
        body = json.dumps({"name": names[-1], "partner": partner.slug,
                           "peeringLocation": LOCATION, "bandwidthMbps": 1000}).encode()
        start = (b"POST /v1/circuits HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Type: application/json\r\n")
        rest = (b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                % (customer.token.encode(), len(body), body))
        create = Request(start + rest, 201, makes=names[-1])
        refused = Request(b"GET /aaa\r\n\r\n", 400, "malformed_request", closes=True)
        first, second = voice(customer.client), voice(customer.client)
        try:
            second.socket.sendall(health.octets + b"GET /aaa")
            second.hear_one(health)
            first.socket.sendall(health.octets + start)
            first.hear_one(health)
            second.socket.sendall(b"\r\n\r\n")
            second.hear_one(refused)
            assert not second.more()
            first.socket.sendall(rest)
            first.hear_one(create)
            first.socket.sendall(health.octets)
            first.hear_one(health)
        finally:
            first.socket.close()
            second.socket.close()
    circuits = [circuit["name"] for circuit in customer.client.pages("/v1/circuits")]
    assert sorted(circuits) == sorted(names)


def test_each_request_alone_gets_its_answer(owner):
    """What the others are held against."""
    draw = random.Random(SEED)
    requests = Requests(draw, owner.token, unique("alone"))
    every = requests.every()
    for request in every:
        ending = "ends" if request is every[-1] else "stays"
        alone = Voice(owner.client, [request], ending, draw)
        alone.pieces = [request.octets]
        alone.speak()
        alone.hear()
    assert sorted(made_by(owner)) == sorted(filter(None, (request.makes for request in every)))
    print(f"{len(every)} requests")


def drawn(requests, client, draw):
    said_ = [requests.valid() for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    ending = draw.choice(("stays",) * 5 + ("ends", "closes", "resets"))
    if draw.random() < 0.4:
        said_.append(requests.refused())
    if draw.random() < 0.15:
        said_.append(requests.cut())
        if ending == "stays":
            ending = "ends"
    elif not said_ or draw.random() < 0.5:
        said_.append(requests.valid())
    return Voice(client, said_, ending, draw)


def play(customer, requests, draw):
    """One interleaving. Returns its voices."""
    voices = [drawn(requests, customer.client, draw) for _ in range(draw.randint(2, 8))]
    order = [voice_ for voice_ in voices for _ in voice_.pieces]
    draw.shuffle(order)
    try:
        for voice_ in order:
            voice_.speak()
        for voice_ in voices:
            if not voice_.leaves:
                voice_.hear()
    finally:
        for voice_ in voices:
            voice_.socket.close()
    return voices


def check_made(customer, voices):
    """What was confirmed is there once; of what was refused, or stands behind what was, nothing.
    Whoever left may have got what it wanted, once."""
    names = made_by(customer)
    assert len(names) == len(set(names)), "something was made twice"
    must, may = set(), set()
    for voice_ in voices:
        answered, _ = voice_.expected()
        wanted = {request.makes for request in answered if request.makes}
        may |= wanted
        if not voice_.leaves:
            must |= wanted
    assert must <= set(names), must - set(names)
    assert set(names) <= may, set(names) - may
    return len(must)


def test_clients_in_any_order_hear_what_each_hears_alone(looping):
    operator = Client(looping.url, looping.credentials["ONRAMP_OPERATOR_TOKEN"])
    played = made = 0
    while played < INTERLEAVINGS:
        seed = f"{SEED} {played}"
        draw = random.Random(seed)
        customer, voices = Customer(operator), []
        requests = Requests(draw, customer.token, unique("vnet"))
        try:
            for _ in range(min(BATCH, INTERLEAVINGS - played)):
                voices += play(customer, requests, draw)
                played += 1
            made += check_made(customer, voices)
        except (AssertionError, OSError, ValueError) as error:
            raise AssertionError(f"ONRAMP_TEST_SEED={SEED}, batch {seed}: {error!r}") from error
    print(f"{played} interleavings, {made} writes, seed {SEED}")
