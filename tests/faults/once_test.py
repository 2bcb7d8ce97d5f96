# SPDX-License-Identifier: Apache-2.0
"""Pins that an order is made once, whatever happens on the way: many Idempotency-Keys, eight equal
requests at once for each, the server killed (kill -9) in between, every caller asking again until
it is answered. As many circuits as keys, and all eight callers of a key were told of the same one.

ONRAMP_ONCE_KEYS sets how many keys (60), ONRAMP_ONCE_KILLS how many kills (3).
"""

import collections
import os
import random
import threading
import time

from client import Client
from load import AWAY
from polling import eventually
from tenant import Customer, Partner

KEYS = int(os.environ.get("ONRAMP_ONCE_KEYS", "60"))
KILLS = int(os.environ.get("ONRAMP_ONCE_KILLS", "3"))
CALLERS = 8
SECONDS = 60 + KEYS


class Caller(threading.Thread):
    def __init__(self, token, partner, urls, barrier):
        super().__init__(daemon=True)
        self.token, self.partner, self.urls, self.barrier = token, partner, urls, barrier
        self.told = []  # one circuit a key
        self.met = collections.Counter()
        self.failure = None

    def order(self, number):
        """The circuit of a key, asked for until there is an answer."""
        body = {
            "name": f"order-{number}",
            "partner": self.partner.slug,
            "peeringLocation": "Amsterdam",
            "bandwidthMbps": 1000,
        }
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if self.client is None or self.client.url != self.urls[-1]:
                    self.client = Client(self.urls[-1], self.token, timeout=15)
                answer = self.client.post(
                    "/v1/circuits", body, {"Idempotency-Key": f"order-{number}"}
                )
            except AWAY:
                self.met["away"] += 1
                time.sleep(0.02)  # a client's pause before it asks again
                continue
            if answer.status == 201:
                self.met["replayed" if "Idempotent-Replayed" in answer.headers else "made"] += 1
                return answer.json["id"]
            assert answer.status == 503 or answer.code == "idempotency_key_in_progress", answer
            self.met[answer.code] += 1
            time.sleep(0.02)  # a client's pause before it asks again
        raise AssertionError(f"no answer for key {number}")

    def run(self):
        self.client = None
        try:
            for number in range(KEYS):
                self.barrier.wait(SECONDS)
                self.told.append(self.order(number))
        except BaseException as error:  # the test thread says so
            self.failure = error
            self.barrier.abort()


def test_each_key_orders_one_circuit_whatever_is_killed(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    urls = [own_server.url]
    barrier = threading.Barrier(CALLERS)
    callers = [Caller(customer.token, partner, urls, barrier) for _ in range(CALLERS)]
    moment = random.Random(KEYS)
    started = time.monotonic()
    for caller in callers:
        caller.start()
    for kill in range(1, KILLS + 1):
        # Somewhere in a key: before, during or after the commit, or between it and the answer.
        mark = KEYS * kill // (KILLS + 1)
        eventually(f"key {mark}, or the end", lambda: (len(callers[0].told), *map(
            threading.Thread.is_alive, callers)), lambda seen: seen[0] >= mark or not any(seen[1:]),
            seconds=SECONDS, pause=0.001)
        time.sleep(moment.uniform(0, 0.03))  # the moment of the kill, drawn at random
        own_server.kill()
        own_server.start()
        urls.append(own_server.url)
    for caller in callers:
        caller.join(SECONDS)
        assert not caller.is_alive() and caller.failure is None, caller.failure
    took = time.monotonic() - started

    client = Client(own_server.url, customer.token)
    there = client.pages("/v1/circuits")
    assert sorted(c["name"] for c in there) == sorted(f"order-{n}" for n in range(KEYS))
    made = {c["name"]: c["id"] for c in there}
    for caller in callers:
        assert caller.told == [made[f"order-{n}"] for n in range(KEYS)]
    met = sum((c.met for c in callers), collections.Counter())
    assert met["away"] + met["unknown_outcome"] + met["unavailable"] > 0, "the kills met nobody"
    assert met["replayed"] >= KEYS * (CALLERS - 1)
    lost = KEYS - met["made"]  # answers: the circuit was made, and everybody met a replay
    print(
        f"{KEYS} keys x {CALLERS}, {KILLS} kills, {took:.1f} s: {len(there)} circuits, "
        f"{lost} first answers lost, {dict(met)}"
    )
