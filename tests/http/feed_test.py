# SPDX-License-Identifier: Apache-2.0
"""Pins the feed: each hears what is its own, once and in order; a cursor goes on where a page
ended, also when it was empty; a follower that waits is woken by what it hears and by nothing else.
"""

import json
import time
import urllib.parse

import pytest

from client import Client
from tenant import Customer, Partner
from wait_test import Waiter, connected, descriptors, path, soon, waiting


def read(client, after=None, **query):
    """A page: (items, nextCursor)."""
    if after is not None:
        query["after"] = after
    page = client.get("/v1/events", **query).must(200).json
    return page["items"], page["nextCursor"]


def rest(client, after=None, **query):
    """Everything from a cursor on, and where it ends."""
    items = []
    while True:
        page, after = read(client, after, **query)
        if not page:
            return items, after
        items += page


def until(client, after, count, **query):
    """Everything from a cursor on, as soon as it is so much: publishing takes a moment."""
    items, deadline = [], time.monotonic() + 30
    while len(items) < count and time.monotonic() < deadline:
        page, after = read(client, after, wait=2, **query)
        items += page
    assert len(items) == count, items
    return items, after


def types(items):
    return [item["type"] for item in items]


def test_a_customer_hears_what_happens_to_its_own(customer, operator, partner):
    Customer(operator).circuit(partner)
    circuit = customer.circuit_at(partner, "Provisioned")
    customer.connect(circuit, customer.vnet()).must(201)
    items, cursor = until(customer.client, None, 3)
    assert types(items) == ["circuit.created", "circuit.provisioned", "connection.created"]
    assert items == customer.events(circuit)
    assert read(customer.client, cursor) == ([], read(customer.client, cursor)[1])


def test_its_events_stay_when_a_circuit_is_deleted(customer, partner):
    circuit = customer.circuit(partner)
    customer.client.delete(path(circuit)).must(204)
    items, _ = until(customer.client, None, 2)
    assert types(items) == ["circuit.created", "circuit.deleted"]
    customer.client.get(path(circuit) + "/events").must(404)


def test_a_partner_hears_from_when_it_quoted_the_key(customer, partner):
    circuit = customer.circuit(partner)
    customer.client.patch(path(circuit), {"sku": {"family": "UnlimitedData"}}).must(200)
    _, cursor = until(customer.client, None, 2)
    assert read(partner.client)[0] == []
    partner.quote(circuit["serviceKey"]).must(200)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    customer.client.patch(path(circuit), {"name": "unseen", "tags": {"a": "b"}}).must(200)
    customer.client.patch(path(circuit), {"bandwidthMbps": 2000}).must(200)
    items, _ = until(customer.client, cursor, 4)
    heard, _ = until(partner.client, None, 3)
    assert types(heard) == ["circuit.updated", "circuit.provisioned", "circuit.updated"]
    assert {item["serviceKey"] for item in heard} == {circuit["serviceKey"]}
    assert [item["id"] for item in heard] == [items[i]["id"] for i in (0, 1, 3)]
    assert heard[2]["actor"] == {"role": "customer", "name": "owner of the circuit"}
    assert all("serviceKey" not in item for item in items)


def test_an_operator_hears_everything(customer, operator, partner):
    _, cursor = rest(operator, types="circuit.deleted", limit=200)
    circuit = customer.circuit(partner)
    customer.client.delete(path(circuit)).must(204)
    mine = []
    while types(mine) != ["circuit.created", "circuit.deleted"]:
        page, cursor = read(operator, cursor, wait=10)
        assert page
        mine += [item for item in page if item["circuitId"] == circuit["id"]]
    assert mine[0]["actor"] == {"role": "customer", "name": customer.name}


def test_pages_follow_each_other_without_gap_or_overlap(customer, partner):
    circuits = [customer.circuit(partner) for _ in range(7)]
    whole, _ = until(customer.client, None, 7)
    pages, cursor = [], None
    for size in (3, 3, 1):
        page, cursor = read(customer.client, cursor, limit=3)
        assert len(page) == size
        pages += page
    assert pages == whole
    assert [item["circuitId"] for item in pages] == [c["id"] for c in circuits]
    customer.client.delete(path(circuits[0])).must(204)
    assert types(until(customer.client, cursor, 1)[0]) == ["circuit.deleted"]


def test_what_a_refusal_quotes_is_cut_between_characters(customer):
    long = "a" * 63 + "\u00e9" * 3
    for query in ({"types": long}, {long: "1"}):
        answer = customer.client.get("/v1/events?" + urllib.parse.urlencode(query))
        shown = json.loads(answer.body.decode())["errors"][0]
        assert "a" * 63 in shown["detail"] + shown["pointer"]
        assert "\u00e9" not in shown["detail"] + shown["pointer"]


def test_types_choose(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    customer.connect(circuit, customer.vnet()).must(201)
    until(customer.client, None, 3)
    for chosen, expected in (
        ("circuit.created", ["circuit.created"]),
        ("connection.*", ["connection.created"]),
        ("connection.*,circuit.provisioned", ["circuit.provisioned", "connection.created"]),
        ("circuit.*", ["circuit.created", "circuit.provisioned"]),
        ("circuit.stalled", []),
    ):
        assert types(read(customer.client, types=chosen)[0]) == expected, chosen


@pytest.mark.parametrize(
    "query, status, code, pointer",
    [
        ({"after": "x"}, 400, "malformed_cursor", "?after"),
        ({"after": ""}, 400, "malformed_cursor", "?after"),
        ({"cursor": "x"}, 400, "unknown_parameter", "?cursor"),
        ({"wait": "121"}, 422, "invalid_request", "?wait"),
        ({"wait": "-1"}, 422, "invalid_request", "?wait"),
        ({"limit": "201"}, 422, "invalid_request", "?limit"),
        ({"types": ""}, 422, "invalid_request", "?types"),
        ({"types": "circuit.provisoned"}, 422, "invalid_request", "?types"),
        ({"types": "circuit.*,"}, 422, "invalid_request", "?types"),
        ({"types": "*"}, 422, "invalid_request", "?types"),
        ({"types": "circuit.*,{}"}, 422, "invalid_request", "?types"),
    ],
)
def test_what_makes_no_sense_is_refused(customer, query, status, code, pointer):
    answer = customer.client.get("/v1/events", **query).must(status, code)
    assert answer.pointers == [pointer]


def test_a_cursor_is_a_place_and_gives_no_right(customer, operator, partner):
    customer.circuit(partner)
    _, cursor = until(customer.client, None, 1)
    stranger = Customer(operator)
    assert rest(stranger.client, cursor)[0] == []
    stranger.circuit(partner)
    items, _ = until(stranger.client, cursor, 1)
    assert len(items) == 1


def test_what_is_not_kept_any_more_is_410(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer, partner = Customer(operator), Partner(operator)
    for _ in range(3):
        customer.circuit(partner)
    first, cursor = until(customer.client, None, 1, limit=1)
    until(customer.client, None, 3)
    own_server.sql("UPDATE onramp.settings SET feed_retention = '1 microsecond'")
    own_server.sql("SELECT * FROM onramp.feed_sweep(1000)")
    customer.client.get("/v1/events", after=cursor).must(410, "cursor_expired")
    kept, _ = read(customer.client)
    assert len(first) == 1 and len(kept) == 1  # the newest always stays


# --- waiting ---------------------------------------------------------------------------------------


def test_a_follower_is_woken_by_what_it_hears(customer, operator, partner):
    circuit = customer.circuit(partner)
    partner.quote(circuit["serviceKey"]).must(200)
    until(customer.client, None, 2)
    followers = {}
    for name, client in (("C", customer.client), ("P", partner.client), ("O", operator)):
        _, cursor = rest(client, limit=200)
        followers[name] = Waiter(client, "/v1/events", after=cursor, wait=60)
    waiting(followers["C"])
    waiting(followers["P"], 0)
    partner.callback("circuit.provisioned", circuit["serviceKey"]).must(200)
    committed = time.monotonic()
    for name in ("C", "P"):
        answer = followers[name].joined().must(200)
        assert followers[name].ended - committed < soon()
        assert types(answer.json["items"]) == ["circuit.provisioned"]
    assert followers["O"].joined().must(200).json["items"]


def test_a_follower_is_not_woken_by_what_others_hear(customer, operator, partner):
    other, rival = Customer(operator), Partner(operator)
    followers = [
        Waiter(client, "/v1/events", wait=4) for client in (customer.client, rival.client)
    ]
    time.sleep(0.3)  # they wait by then
    circuit = other.circuit_at(partner, "Provisioned")
    _, seen = until(other.client, None, 2)
    for follower in followers:
        page = follower.joined().must(200).json
        assert page["items"] == []
        assert follower.ended - follower.began > 3.5
        # It has got ahead all the same: past what the other one heard.
        assert page["nextCursor"] != read(operator, limit=1)[1]
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    assert types(until(other.client, seen, 1)[0]) == ["circuit.deprovisioned"]


def test_a_follower_of_a_type_waits_for_that_type(customer, partner):
    circuit = customer.circuit(partner)
    follower = Waiter(customer.client, "/v1/events", wait=60, types="circuit.deleted")
    waiting(follower, 0.3)
    customer.client.patch(path(circuit), {"name": "renamed"}).must(200)
    waiting(follower)
    customer.client.delete(path(circuit)).must(204)
    assert types(follower.joined().must(200).json["items"]) == ["circuit.deleted"]


def test_a_chain_of_waits_hears_everything_once(customer, partner):
    """A page, then the next wait from its cursor, while events come: none is missed between."""
    circuit = customer.circuit(partner)
    heard, cursor = until(customer.client, None, 1)
    for number in range(40):
        customer.client.patch(path(circuit), {"name": f"name {number}"}).must(200)
        if number % 3 == 0:
            page, cursor = read(customer.client, cursor, wait=5)
            heard += page
    page, cursor = until(customer.client, cursor, 41 - len(heard))
    heard += page
    assert [item["sequence"] for item in heard] == list(range(1, 42))


def test_a_server_that_stops_answers_its_followers_at_once(own_server):
    operator = Client(own_server.url, own_server.credentials["ONRAMP_OPERATOR_TOKEN"])
    customer = Customer(operator)
    before = descriptors(own_server)
    followers = [Waiter(customer.client, "/v1/events", wait=120) for _ in range(10)]
    connected(own_server, before + 10)
    waiting(followers[0])
    own_server.terminate()
    for follower in followers:
        assert follower.joined().must(200).json["items"] == []
    assert own_server.wait() == 0
