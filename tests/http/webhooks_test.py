# SPDX-License-Identifier: Apache-2.0
"""Pins webhook endpoints and their deliveries as their owners handle them: registered, listed,
changed, switched off and on, pinged, rotated, deleted, and sent again what was missed. What is sent
to whom is pinned in tests/db, that it is sent by the tests of the sender."""

import datetime
import time

import pytest

import contract
from polling import eventually
from tenant import Customer, Partner, rfc3339, without

URL = "https://hooks.example.com/onramp"


@pytest.fixture
def hook(customer):
    return customer.client.post("/v1/webhooks", {"url": URL}).must(201).json


def path(hook, *more):
    return "/".join(["/v1/webhooks", hook["id"], *more])


def deliveries(client, hook, **query):
    return client.pages(path(hook, "deliveries"), **query)


def published(client, hook, count):
    """The deliveries once there are so many: the publisher comes ten times a second."""
    return eventually(f"{count} deliveries", lambda: deliveries(client, hook),
                      lambda there: len(there) >= count)


def test_a_delivery_is_attempted_50_times_at_most(server, customer, hook):
    """All of its attempts are in one answer: their number has an end."""
    client = customer.client
    ping = client.send("POST", path(hook, "ping")).must(202).json["id"]
    client.patch(path(hook), {"enabled": False}).must(200)

    def give_up(attempts):
        server.sql(
            "INSERT INTO onramp.delivery_attempts (delivery_id, number, at, latency_ms, error) "
            f"SELECT '{ping}', n, now(), 1, 'no' FROM generate_series(1, {attempts}) n "
            "ON CONFLICT DO NOTHING; "
            f"DELETE FROM onramp.delivery_queue WHERE delivery_id = '{ping}'; "
            "UPDATE onramp.deliveries SET status = 'exhausted', finished_at = now() "
            f"WHERE id = '{ping}'"
        )

    give_up(49)
    client.patch(path(hook), {"enabled": True}).must(200)
    client.send("POST", path(hook, "deliveries", ping, "redeliver")).must(202)
    client.patch(path(hook), {"enabled": False}).must(200)
    give_up(50)
    client.patch(path(hook), {"enabled": True}).must(200)
    refused = client.send("POST", path(hook, "deliveries", ping, "redeliver"))
    refused.must(409, "delivery_limit_reached")
    assert (refused.json["limit"], refused.json["scope"]) == (50, "delivery")
    since = {"since": rfc3339(time.time() - 3600)}
    assert client.post(path(hook, "recover"), since).must(202).json["recovered"] == 0
    assert len(deliveries(client, hook)[0]["attempts"]) == refused.json["used"]


@pytest.mark.parametrize("role", ["customer", "partner", "operator"])
def test_each_role_has_endpoints_of_its_own(customer, partner, operator, role):
    clients = {"customer": customer.client, "partner": partner.client, "operator": operator}
    client = clients.pop(role)
    body = {"url": URL + "?token=canary", "eventTypes": ["circuit.*", "ping"], "description": "d"}
    answer = client.post("/v1/webhooks", body).must(201)
    made = answer.json
    assert answer.headers["Location"] == path(made)
    assert {name: made[name] for name in body} == body
    assert made["enabled"] is True and made["disabledAt"] is made["disabledReason"] is None
    shown = without(made, "secret")
    assert client.get(path(made)).must(200).json == shown
    assert shown in client.pages("/v1/webhooks")
    for other in clients.values():
        other.get(path(made)).must(404, "not_found")
        assert "canary" not in other.get("/v1/webhooks", limit=200).must(200).text
    client.delete(path(made)).must(204)
    client.get(path(made)).must(404, "not_found")
    client.delete(path(made)).must(404, "not_found")
    assert made["id"] not in client.get("/v1/webhooks", limit=200).must(200).text


def test_what_is_absent_is_everything_without_a_description(hook):
    assert hook["eventTypes"] == ["*"] and hook["description"] == ""


def test_the_secret_is_shown_once(customer, hook):
    assert hook["secret"].startswith("whsec_")
    rotated = customer.client.send("POST", path(hook, "secret")).must(201).json
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != hook["secret"]
    for target in ("/v1/webhooks", path(hook), path(hook, "deliveries")):
        text = customer.client.get(target).must(200).text
        assert hook["secret"] not in text and rotated["secret"] not in text


def test_a_replay_has_no_secret(customer):
    key = {"Idempotency-Key": "hook-1"}
    made = customer.client.post("/v1/webhooks", {"url": URL}, key).must(201).json
    again = customer.client.post("/v1/webhooks", {"url": URL}, key).must(201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == {**made, "secret": None}
    key = {"Idempotency-Key": "hook-2"}
    customer.client.send("POST", path(made, "secret"), None, key).must(201)
    assert customer.client.send("POST", path(made, "secret"), None, key).must(201).json == {
        "secret": None
    }
    assert len(customer.client.pages("/v1/webhooks")) == 1


@pytest.mark.parametrize("operation", ["webhook_ping", "webhook_secret_rotate", "delivery_redeliver"])
def test_a_key_serves_one_endpoint(customer, hook, operation):
    """Without a body the path alone tells two requests apart."""
    client, key = customer.client, {"Idempotency-Key": "hook-3"}
    ping = client.send("POST", path(hook, "ping")).must(202).json
    client.send("POST", path(hook, "secret" if operation == "webhook_ping" else "ping"), None, key)
    target = contract.BY_ID[operation].path.format(id=hook["id"], delivery=ping["id"])
    client.send("POST", target, None, key).must(422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/x",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@hooks.example.com/",
        "hooks.example.com",
        "https://" + "x" * 2048,
        "",
        7,
    ],
    ids=str,
)
def test_a_url_that_must_not_be_is_422(customer, hook, url):
    for answer in (
        customer.client.post("/v1/webhooks", {"url": url}),
        customer.client.patch(path(hook), {"url": url}),
    ):
        answer.must(422, "invalid_request")
        assert answer.pointers == ["/url"]
    assert customer.client.get(path(hook)).json == without(hook, "secret")


@pytest.mark.parametrize("types", [[], "*", ["circuit"], ["circuit.*", "vnet.*"], [7], ["*"] * 51])
def test_types_of_events_that_nobody_knows_are_422(customer, types):
    answer = customer.client.post("/v1/webhooks", {"url": URL, "eventTypes": types})
    answer.must(422, "invalid_request")
    assert all(pointer.startswith("/eventTypes") for pointer in answer.pointers)


def test_an_endpoint_is_changed_and_switched_off_and_on(customer, hook):
    client = customer.client
    changed = {"url": URL + "/2", "eventTypes": ["connection.*"], "description": "two"}
    assert client.patch(path(hook), changed).must(200).json == without({**hook, **changed}, "secret")
    assert client.patch(path(hook), {}).must(200).json["url"] == URL + "/2"
    off = client.patch(path(hook), {"enabled": False}).must(200).json
    assert off["enabled"] is False and off["disabledAt"] and off["disabledReason"]
    assert client.patch(path(hook), {"enabled": False}).must(200).json == off
    for more in (["ping"], ["deliveries", "0199aa00-0000-7000-8000-000000000001", "redeliver"]):
        client.send("POST", path(hook, *more)).must(409 if more == ["ping"] else 404)
    since = {"since": rfc3339(datetime.datetime.now().timestamp())}
    client.post(path(hook, "recover"), since).must(409, "webhook_disabled")
    on = client.patch(path(hook), {"enabled": True}).must(200).json
    assert on["enabled"] is True and on["disabledAt"] is on["disabledReason"] is None


def test_a_ping_is_a_delivery(customer, hook):
    ping = customer.client.send("POST", path(hook, "ping")).must(202).json
    assert ping["eventType"] == "ping" and ping["circuitId"] is None
    assert [d["id"] for d in deliveries(customer.client, hook)] == [ping["id"]]


def test_a_ping_comes_whatever_the_endpoint_wants_to_hear(customer):
    to = {"url": URL, "eventTypes": ["connection.down"]}
    hook = customer.client.post("/v1/webhooks", to).must(201).json
    customer.client.send("POST", path(hook, "ping")).must(202)


def test_events_become_deliveries_newest_first(customer, partner, hook):
    customer.circuit(partner, name="before")
    circuit = customer.circuit_at(partner, "Provisioned")
    found = published(customer.client, hook, 3)
    mine = [d["eventType"] for d in found if d["circuitId"] == circuit["id"]]
    assert mine[-1] == "circuit.created" and mine[0] == "circuit.provisioned"
    assert [d["id"] for d in found] == sorted((d["id"] for d in found), reverse=True)
    one_by_one = deliveries(customer.client, hook, limit=1)
    assert [d["id"] for d in one_by_one] == [d["id"] for d in found]
    known = {"pending", "delivered", "exhausted"}
    by_status = [deliveries(customer.client, hook, status=status) for status in sorted(known)]
    assert sum(map(len, by_status)) == len(found)
    customer.client.get(path(hook, "deliveries"), status="lost").must(422, "invalid_request")


def test_events_from_before_are_recovered_and_not_delivered(customer, partner):
    early = customer.circuit(partner)
    hook = customer.client.post("/v1/webhooks", {"url": URL}).must(201).json
    late = customer.circuit(partner)
    found = published(customer.client, hook, 1)
    assert {d["circuitId"] for d in found} == {late["id"]}
    answer = customer.client.post(path(hook, "recover"), {"since": early["createdAt"]}).must(202)
    assert answer.json == {"recovered": 1, "resumeSince": None}
    found = deliveries(customer.client, hook)
    assert {d["circuitId"] for d in found} == {early["id"], late["id"]}
    again = customer.client.post(path(hook, "recover"), {"since": early["createdAt"]}).must(202)
    assert again.json == {"recovered": 0, "resumeSince": None}
    assert len(deliveries(customer.client, hook)) == 2


def test_what_happens_while_it_is_off_is_recovered(customer, partner, hook):
    client = customer.client
    client.patch(path(hook), {"enabled": False}).must(200)
    circuit = customer.circuit(partner)
    eventually("an event", lambda: client.get("/v1/events").json["items"])
    assert deliveries(client, hook) == []
    client.patch(path(hook), {"enabled": True}).must(200)
    since, until = circuit["createdAt"], rfc3339(datetime.datetime.now().timestamp() + 1)
    body = {"since": since, "until": until}
    assert client.post(path(hook, "recover"), body).must(202).json["recovered"] == 1
    assert [d["circuitId"] for d in deliveries(client, hook)] == [circuit["id"]]


@pytest.mark.parametrize(
    "body,where",
    [
        ({}, "/since"),
        ({"since": "yesterday"}, "/since"),
        ({"since": "2020-01-01T00:00:00Z"}, "/since"),
        ({"since": "NOW", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"since": "NOW", "till": "2020-01-01T00:00:00Z"}, "/till"),
    ],
)
def test_a_period_that_makes_no_sense_is_422(customer, hook, body, where):
    if body.get("since") == "NOW":
        body = {**body, "since": hook["createdAt"]}
    answer = customer.client.post(path(hook, "recover"), body).must(422, "invalid_request")
    assert answer.pointers == [where]


def test_a_delivery_of_another_endpoint_is_not_there(customer, hook):
    other = customer.client.post("/v1/webhooks", {"url": URL}).must(201).json
    ping = customer.client.send("POST", path(hook, "ping")).must(202).json
    target = path(other, "deliveries", ping["id"], "redeliver")
    customer.client.send("POST", target).must(404, "not_found")
    target = path(hook, "deliveries", ping["id"], "redeliver")
    assert customer.client.send("POST", target).must(202).json["id"] == ping["id"]


def test_another_partners_endpoint_is_404(operator, partner):
    hook = partner.client.post("/v1/webhooks", {"url": URL}).must(201).json
    other, stranger = Partner(operator), Customer(operator)
    for client in (other.client, stranger.client, operator):
        for operation in contract.OPERATIONS:
            if operation.path.startswith("/v1/webhooks/{id}"):
                target = operation.url(**dict.fromkeys(operation.path_names, hook["id"]))
                if operation.media:
                    answer = client.send(
                        operation.method, target, b"{}", {"Content-Type": operation.media[0]}
                    )
                else:
                    answer = client.send(operation.method, target)
                answer.must(404, "not_found")
    partner.client.get(path(hook)).must(200)
