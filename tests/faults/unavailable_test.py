# SPDX-License-Identifier: Apache-2.0
"""Pins what every operation answers while something is wrong behind it: 503 when the database is
away, 409 while a request of the same Idempotency-Key is being worked on; and that a lost connection,
a full queue and a fault of our own are told apart. The database is the test's own, so that it can
hold locks there and take it away."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

import contract
from client import Client
from cluster import Cluster
from polling import eventually
from process import Server
from roles_test import MAY, PUBLIC
from scene import Scene, documented

# Writes behind a held lock at once: more than the server queues, which has one loop and so one queue,
# of 1024 of a tenant that wait behind those that are under way.
QUEUED = 1200


@pytest.fixture(scope="module")
def place():
    """(cluster, server, url of its database)"""
    cluster, server = Cluster(), None
    try:
        url = cluster.database("faults")
        server = Server("--database", url, "--loops", "1")
        yield cluster, server.start(), url
    finally:
        if server:
            server.remove()
        cluster.remove()


@pytest.fixture(scope="module")
def operator(place):
    _, server, _ = place
    return Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])


@pytest.fixture(scope="module")
def scene(operator):
    return Scene(operator)


@pytest.fixture
def database(place):
    """A session of a superuser on the server's database; what it began is rolled back."""
    session = psycopg2.connect(place[2])
    try:
        with session.cursor() as cursor:
            cursor.execute("SET search_path = onramp")
            yield cursor
    finally:
        session.close()


TAKES_A_KEY = [
    o for o in contract.OPERATIONS if "Idempotency-Key" in {p["name"] for p in o.parameters}
]


@pytest.mark.parametrize("operation", TAKES_A_KEY, ids=str)
def test_a_key_that_is_being_worked_on_is_409(database, scene, operation):
    """The lock of the key is held, as it is while another server works on it."""
    scope = {
        "C": f"customer:{scene.customer.id}",
        "P": f"partner:{scene.partner.slug}",
        "O": "operator",
    }[MAY[operation.id][0]]
    database.execute("SELECT pg_advisory_lock(hashtextextended(%s, 20))", (f"{scope} held",))
    answer = scene.send(
        operation, body=scene.body(operation), headers={"Idempotency-Key": "held"}
    )
    answer.must(409, "idempotency_key_in_progress")


def test_a_connection_that_is_lost_before_the_commit_leaves_the_outcome_open(database, scene):
    database.execute("LOCK TABLE vnets")
    with ThreadPoolExecutor(1) as pool:
        body = json.dumps({"name": "open", "addressSpace": ["10.77.0.0/16"]}).encode()
        future = pool.submit(scene.send, contract.BY_ID["vnet_create"], None, body)
        ended = 0
        while not ended:
            database.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            ended = database.fetchone()[0]
        future.result().must(503, "unknown_outcome")


def test_more_than_can_be_queued_is_refused_at_once(database, scene):
    """While writes wait, the queue fills; what does not fit is told so and reads go on."""
    database.execute("LOCK TABLE vnets")
    codes, refused = [], threading.Event()

    def order(_):
        body = json.dumps({"name": "queued", "addressSpace": ["10.78.0.0/16"]}).encode()
        client = Client(scene.customer.client.url, scene.customer.token, timeout=60)
        answer = client.send("POST", "/v1/vnets", body, {"Content-Type": "application/json"})
        client.close()
        codes.append((answer.status, answer.code))
        if answer.code == "overloaded":
            refused.set()

    threads = [threading.Thread(target=order, args=(n,)) for n in range(QUEUED)]
    for thread in threads:
        thread.start()
    try:
        assert refused.wait(30), codes
        scene.customer.client.get("/v1/circuits").must(200)
    finally:
        database.connection.rollback()
        for thread in threads:
            thread.join(60)
    assert set(codes) <= {(201, None), (503, "overloaded"), (503, "unavailable")}, set(codes)


def test_a_full_disk_is_named_and_reads_go_on(place, database, scene):
    """What PostgreSQL raises when a file cannot be extended."""
    probe = Client(place[1].url)
    database.execute(
        "ALTER FUNCTION vnet_create RENAME TO vnet_create_saved;"
        "CREATE FUNCTION vnet_create(p_caller caller, p_customer uuid, p_name text, p_address_space cidr[],"
        " p_tags jsonb) RETURNS SETOF vnet_view LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
    )
    database.connection.commit()
    try:
        order = {"name": "full", "addressSpace": ["10.77.0.0/16"]}
        answer = scene.customer.client.post("/v1/vnets", order)
        answer.must(503, "storage_full")
        assert int(answer.headers["Retry-After"]) > 0
        scene.customer.client.get("/v1/vnets").must(200)
        probe.send("GET", "/readyz", checked=False).must(503, "storage_full")
    finally:
        database.execute(
            "SET search_path = onramp; DROP FUNCTION vnet_create(caller, uuid, text, cidr[], jsonb);"
            "ALTER FUNCTION vnet_create_saved RENAME TO vnet_create"
        )
        database.connection.commit()
    eventually("ready again", lambda: probe.get("/readyz").status, 200)
    scene.customer.client.post("/v1/vnets", order).must(201)


def test_a_fault_of_the_server_is_500_and_says_nothing_of_it(database, scene):
    """What a function of ours raises is a bug: told as such, without the words of PostgreSQL."""
    database.execute(
        "ALTER FUNCTION peering_location_list RENAME TO peering_location_list_saved;"
        "CREATE FUNCTION peering_location_list(p_after text, p_limit int) "
        "RETURNS SETOF peering_location_view LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN RAISE 'secret words'; END $$"
    )
    database.connection.commit()
    try:
        answer = scene.customer.client.send("GET", "/v1/peering-locations", checked=False)
        contract.check_problem(answer)
        answer.must(500, "internal_error")
        assert "secret" not in answer.text
    finally:
        database.execute(
            "SET search_path = onramp; DROP FUNCTION peering_location_list(text, int);"
            "ALTER FUNCTION peering_location_list_saved RENAME TO peering_location_list"
        )
        database.connection.commit()
    scene.customer.client.get("/v1/peering-locations").must(200)


def test_readiness_is_denied_at_once_when_the_database_hangs(place):
    """A proxy asks every second or two; requests have ten seconds."""
    cluster, server, _ = place
    probe = Client(server.url, timeout=5)
    with cluster.frozen():
        probe.send("GET", "/readyz", checked=False).must(503, "not_ready")
    eventually("ready again", lambda: probe.get("/readyz").status, 200)


@pytest.fixture(scope="module")
def away(place, scene):
    """The database has gone, and the server has seen it."""
    cluster, _, _ = place
    cluster.stop()
    eventually("the server has seen it", lambda: scene.clients["O"].get("/readyz").status, 503)
    yield scene
    cluster.start()


@pytest.mark.parametrize("operation", documented(503), ids=str)
def test_without_a_database_it_is_503(away, operation):
    answer = away.send(operation, body=away.body(operation))
    answer.must(503, "not_ready" if operation.id == "ready" else "unavailable")


@pytest.mark.parametrize(
    "operation",
    [o for o in contract.OPERATIONS if MAY[o.id] == PUBLIC and o.id != "ready"],
    ids=str,
)
def test_what_needs_no_database_goes_on(away, operation):
    away.send(operation).must(200)
