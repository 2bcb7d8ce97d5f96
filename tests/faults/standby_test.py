# SPDX-License-Identifier: Apache-2.0
"""Pins what is said while commits hang, as they do without the synchronous standby that they wait for:
/readyz denies readiness, also when the session that hung has been given up; a write that waits for a
lock does not deny it."""

import threading
import time

import psycopg2
import pytest

from client import Client
from cluster import Cluster
from polling import eventually
from process import Server
from tenant import Customer

HANGS = 2  # seconds, after which it is said
GIVEN_UP = 9  # seconds, after which a session that hangs is closed


class Place:
    def __init__(self):
        self.cluster = Cluster()
        self.server = None
        try:
            self.url = self.cluster.database("standby")
            self.server = Server("--database", self.url).start()
        except BaseException:
            self.remove()
            raise
        token = self.server.credentials["ONRAMP_OPERATOR_TOKEN"]
        self.operator = Client(self.server.url, token)

    def wait_for(self, standby):
        """Commits wait for this standby, which is not there; "" for none."""
        self.cluster.sql("standby", f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        self.cluster.sql("standby", "SELECT pg_reload_conf()")

    def ready(self, timeout=3):
        """(status, code) of /readyz, which is to come soon."""
        client = Client(self.server.url, timeout=timeout)
        answer = client.send("GET", "/readyz")
        client.close()
        return answer.status, answer.code

    def remove(self):
        if self.server:
            print(self.server.log_text()[-6000:])  # shown when a test has failed
            self.server.remove()
        self.cluster.remove()


@pytest.fixture(scope="module")
def place():
    made = Place()
    try:
        yield made
    finally:
        made.remove()


def write(customer, outcomes):
    """A VNet in a thread."""

    def run():
        client = Client(customer.client.url, customer.token, timeout=60)
        body = b'{"name": "vnet", "addressSpace": ["10.0.0.0/16"]}'
        answer = client.send("POST", "/v1/vnets", body, {"Content-Type": "application/json"})
        outcomes.append((answer.status, answer.code))
        client.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_readiness_is_denied_while_commits_do_not_come_about(place):
    customer = Customer(place.operator)
    assert place.ready() == (200, None)
    place.wait_for("gone")
    outcomes = []
    writers = [write(customer, outcomes) for _ in range(3)]
    try:
        eventually("it is not ready", place.ready, (503, "not_ready"), seconds=HANGS + 3)
        assert not outcomes
        place.operator.get("/v1/customers").must(200)  # reads go on
        until = time.monotonic() + GIVEN_UP + 3
        while time.monotonic() < until:
            assert place.ready() == (503, "not_ready")
        for writer in writers:
            writer.join()
        # What was sent, and what had not been.
        assert (503, "unknown_outcome") in outcomes, outcomes
        assert set(outcomes) <= {(503, "unknown_outcome"), (503, "unavailable")}, outcomes
        assert place.ready() == (503, "not_ready")
    finally:
        place.wait_for("")
        for writer in writers:
            writer.join()
    eventually("ready again", place.ready, (200, None))
    customer.vnet()


def test_a_row_that_somebody_holds_does_not_deny_readiness(place):
    customer = Customer(place.operator)
    vnet = customer.vnet()
    holder = psycopg2.connect(place.url)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT FROM onramp.vnets WHERE id = %s FOR UPDATE", (vnet["id"],))
            outcomes = []

            def rename():
                client = Client(customer.client.url, customer.token, timeout=60)
                client.checked = False
                answer = client.patch(f"/v1/vnets/{vnet['id']}", {"name": "other"})
                outcomes.append(answer.status)
                client.close()

            writers = [threading.Thread(target=rename) for _ in range(4)]
            for writer in writers:
                writer.start()
            while not outcomes:  # until the limit of a lock has passed, which is longer than HANGS
                assert place.ready() == (200, None)
            for writer in writers:
                writer.join()
    finally:
        holder.close()
    assert outcomes == [503] * 4, outcomes


def test_a_server_that_shuts_down_says_so(own_server):
    probe = Client(own_server.url)
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    threading.Thread(
        target=lambda: operator.send("GET", "/v1/events?waitSeconds=20", checked=False), daemon=True
    ).start()
    assert probe.get("/readyz").status == 200
    own_server.terminate()
    last = None
    while last is None or last.status == 200:
        last = probe.send("GET", "/readyz")
    assert (last.status, last.code) == (503, "draining")
    assert last.headers["Connection"] == "close"
    assert own_server.wait() == 0
