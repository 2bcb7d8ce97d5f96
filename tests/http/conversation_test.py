# SPDX-License-Identifier: Apache-2.0
"""Pins what a connection may be used for, by conversations drawn at random:

- who waits for each answer gets it, soon and for the right request, and may go on unless it says
  that it closes;
- requests that are sent together are all answered, in their order, and each is done once;
- who says with a request that it was the last gets its answer, whatever has to be asked for it;
- when all have gone, nothing is left of them.

ONRAMP_TEST_EXCHANGES  how many turns the clients take together, 1000 unless told otherwise
ONRAMP_TEST_SEED       what they are drawn from, 1; a failure says which it was
"""

import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import Client
from conversation import Conversation, Requests
from feed_test import until
from fixtures import lifetime
from polling import eventually
from process import Server
from tenant import Customer, Partner
from wait_test import descriptors

EXCHANGES = int(os.environ.get("ONRAMP_TEST_EXCHANGES", 1000))
SEED = int(os.environ.get("ONRAMP_TEST_SEED", 1))
CLIENTS = 6  # at once
TURNS = 12  # in one conversation at most


@pytest.fixture(scope="module", params=["1", "2"])
def looping(request):
    """A server with that many loops."""
    yield from lifetime(Server("--loops", request.param))


class Talker:
    """One who leads conversations, one after the other."""

    def __init__(self, name, at_once, customer, circuit, cursor):
        self.draw = random.Random(f"{SEED} {name}")
        self.at_once = at_once  # what is not waited for is sent in one piece
        self.client = customer.client
        self.requests = Requests(self.draw, name, customer, circuit, cursor)
        self.made = set()  # names that were confirmed

    def take(self, turns):
        while turns > 0:
            count = self.draw.randrange(1, TURNS + 1)
            self.converse(min(count, turns))
            turns -= count

    def converse(self, turns):
        talk = Conversation(self.client, self.draw)
        try:
            for _ in range(turns):
                kinds = (self.alone, self.together, self.crowded, self.finished)
                [turn] = self.draw.choices(kinds, (20, 4, 2, 1))
                if not turn(talk):
                    return
        except (AssertionError, EOFError, OSError) as error:
            raise AssertionError(f"ONRAMP_TEST_SEED={SEED}: {error!r} in {talk}") from error
        finally:
            talk.close()

    def receive(self, talk, request):
        talk.receive(request)
        if request.creates:
            self.made.add(request.id)

    # --- turns: each says whether the conversation goes on ----------------------------------------

    def alone(self, talk):
        request = self.requests.alone()
        if "Expect: 100-continue" in request.fields and self.draw.random() < 0.7:
            talk.send_when_told(request)
        else:
            talk.send(request)
        self.receive(talk, request)
        if request.closes:
            talk.must_end()
        return not request.closes

    def together(self, talk):
        requests = [self.requests.small() for _ in range(self.draw.randrange(2, 7))]
        talk.send(*requests, at_once=self.at_once)
        for request in requests:
            self.receive(talk, request)
        return True

    def crowded(self, talk):
        """With a large one among them."""
        requests = [self.requests.small() for _ in range(self.draw.randrange(1, 6))]
        requests.insert(self.draw.randrange(len(requests) + 1), self.requests.large())
        talk.send(*requests, at_once=self.at_once)
        for request in requests:
            self.receive(talk, request)
        return True

    def finished(self, talk):
        """The client says with a request that it was the last."""
        request = self.draw.choice((self.requests.health, self.requests.listing,
                                    self.requests.network))()
        request.closes = None
        talk.send(request)
        time.sleep(self.draw.choice((0, 0, 0.001, 0.01)))  # the end comes by itself, or with it
        talk.socket.shutdown(socket.SHUT_WR)
        self.receive(talk, request)
        talk.must_end()
        return False


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in pieces"])
def test_conversations_keep_to_the_rules(looping, at_once):
    print(f"seed {SEED}: {EXCHANGES} turns")
    operator = Client(looping.url, looping.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    circuits = [customer.circuit(partner) for _ in range(2)]
    cursor = published(customer.client, len(circuits))
    before = resting(looping, operator, customer.client)
    talkers = [Talker(f"c{n}", at_once, customer, circuits[0], cursor)
               for n in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda talker: talker.take(EXCHANGES // CLIENTS), talkers))
    fewest(looping, before)
    names = [vnet["name"] for vnet in customer.client.pages("/v1/vnets")]
    made = set().union(*(talker.made for talker in talkers))
    assert len(names) == len(set(names)), "something was done twice"
    assert set(names) == made


def published(client, count):
    """Where the feed ends when so much has happened: what a poll is to wait behind."""
    return until(client, None, count)[1]


def resting(server, *clients):
    """The descriptors of a server to which nobody is connected."""
    connected = descriptors(server)
    for client in clients:
        client.close()
    return fewest(server, connected - len(clients))


def fewest(server, wanted):
    """How many descriptors are left, as soon as there are no more than that."""
    return eventually("the descriptors of those who have gone are closed",
                      lambda: descriptors(server), lambda left: left <= wanted)
