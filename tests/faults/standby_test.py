# SPDX-License-Identifier: Apache-2.0
"""Pins what is said while commits hang, as they do without the synchronous standby that they wait for:
/readyz denies readiness, also when the session that hung has been given up; a write that waits for a
lock does not deny it. And that nothing is acknowledged before the standby has it, also by an answer that
writes nothing itself."""

import threading
import time

import psycopg2
import pytest

from client import Client
from cluster import Cluster
from polling import eventually
from process import Server
from tenant import LOCATION, Customer, Partner, unique

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

    def hanging(self):
        """How many backends wait for the standby, but for those that publish events."""
        return int(
            self.cluster.sql(
                "standby",
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event = 'SyncRep' AND query NOT LIKE '%feed_tail%'",
            )
        )

    def cancel(self):
        """Let them stop waiting: what they have committed stands here, and nowhere else."""
        self.cluster.sql(
            "standby",
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        )

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
        # A session that is given up leaves nothing behind that waits on.
        eventually("nothing of them is left", place.hanging, 0)
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
    probes = [Client(own_server.url) for _ in range(10)]
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    threading.Thread(
        target=lambda: operator.send("GET", "/v1/events?waitSeconds=20", checked=False), daemon=True
    ).start()
    assert all(probe.get("/readyz").status == 200 for probe in probes)
    own_server.terminate()
    # A connection whose answer came before, and was sent behind, is closed; the next one tells.
    last = probes[-1].send("GET", "/readyz")
    while last.status == 200:
        if last.headers.get("Connection") == "close":
            probes.pop()
        last = probes[-1].send("GET", "/readyz")
    assert (last.status, last.code) == (503, "draining")
    assert last.headers["Connection"] == "close"
    assert own_server.wait() == 0


def in_thread(call, outcomes):
    thread = threading.Thread(target=lambda: outcomes.append(call()))
    thread.start()
    return thread


def post_vnet(place):
    customer, key = Customer(place.operator), {"Idempotency-Key": "once"}
    body = {"name": "once", "addressSpace": ["10.0.0.0/16"]}
    return lambda: customer.client.post("/v1/vnets", body, key)


def post_order(place):
    customer, partner, key = Customer(place.operator), Partner(place.operator), unique("key")
    body = {
        "name": "once",
        "partner": partner.slug,
        "peeringLocation": LOCATION,
        "bandwidthMbps": 50,
    }
    return lambda: customer.client.post("/v1/circuits", body, {"Idempotency-Key": key})


def callback(place):
    customer, partner = Customer(place.operator), Partner(place.operator)
    circuit, message = customer.circuit(partner), f"msg_{unique('callback')}"
    body = partner.payload("circuit.provisioned", circuit["serviceKey"])
    return lambda: partner.post(body, message)


def callback_of_what_is_so(place):
    customer, partner = Customer(place.operator), Partner(place.operator)
    circuit = customer.circuit(partner)
    moment = partner.now()
    return lambda: partner.callback(
        "circuit.provisioned", circuit["serviceKey"], timestamp=moment
    )


def quote(place):
    customer, partner = Customer(place.operator), Partner(place.operator)
    circuit = customer.circuit(partner)
    return lambda: partner.quote(circuit["serviceKey"])


@pytest.mark.parametrize(
    "made", [post_vnet, post_order, callback, callback_of_what_is_so, quote], ids=lambda f: f.__name__
)
def test_what_a_standby_lacks_is_not_acknowledged_by_a_repetition(place, made):
    call = made(place)
    first, second = [], []
    place.wait_for("gone")
    try:
        threads = [in_thread(call, first)]
        eventually("its commit waits for the standby", place.hanging, 1)
        place.cancel()
        threads[0].join()
        first[0].must(503, "unknown_outcome")
        threads.append(in_thread(call, second))
        eventually("the repetition waits too", place.hanging, 1)
        assert not second
    finally:
        place.wait_for("")
        for thread in threads:
            thread.join()
    assert second[0].status in (200, 201), second
    eventually("ready again", place.ready, (200, None))
    # Without standbys it is as it was.
    assert call().status in (200, 201)
