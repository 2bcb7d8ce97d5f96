# SPDX-License-Identifier: Apache-2.0
"""Pins who hears what by webhooks: the story of hearing_test.py, with an endpoint for everybody. Each
is sent what the table there says, in order per circuit and with its own secret's signature, in
bodies that fit the contract; and the octets that it is sent, and those that it reads of its
deliveries, hold nothing that it may not know."""

import json

import pytest

import contract
from client import Client
from hearing_test import ALL, HEARD, Story
from process import Server
from receiver import Receiver
from signature import sign

EXPECTED = {**HEARD, "operator": ALL}


class Listened(Story):
    def __init__(self, operator, receiver):
        self.receiver = receiver
        super().__init__(operator)

    def tell(self):
        self.hooks = {}
        for who, client in self.everybody().items():
            body = {"url": self.receiver.url(f"/{who}"), "description": who}
            self.hooks[who] = client.post("/v1/webhooks", body).must(201).json
        super().tell()

    def everybody(self):
        return {**self.clients(), "operator": self.operator}

    def sent(self, who):
        return [r for r in self.receiver.requests if r.path == f"/{who}"]


@pytest.fixture(scope="module")
def story():
    server = Server("--webhook-allow-cidr", "127.0.0.1")
    receiver = Receiver()
    try:
        server.start()
        operator = Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])
        told = Listened(operator, receiver)
        receiver.wait(sum(map(len, EXPECTED.values())), 60)
        yield told
        assert len(receiver.requests) == sum(map(len, EXPECTED.values()))
    finally:
        receiver.end()
        server.stop()
        server.remove()


@pytest.mark.parametrize("who", EXPECTED)
def test_each_is_sent_what_the_table_says(story, who):
    assert [json.loads(r.body)["type"] for r in story.sent(who)] == EXPECTED[who]


@pytest.mark.parametrize("who", EXPECTED)
def test_what_is_sent_fits_the_contract_and_is_signed(story, who):
    for request in story.sent(who):
        body = json.loads(request.body)
        assert not contract.faults({"$ref": "#/components/schemas/WebhookEvent"}, body), body
        head = (request.headers["webhook-id"], request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == sign(
            story.hooks[who]["secret"], *head, request.body
        )
        assert body["data"]["circuitId"] == (None if who == "guest" else story.circuit["id"])


@pytest.mark.parametrize("who", EXPECTED)
def test_it_comes_in_order_and_once(story, who):
    requests = story.sent(who)
    numbers = [json.loads(r.body)["data"]["sequence"] for r in requests]
    assert numbers == sorted(numbers)
    ids = [r.headers["webhook-id"] for r in requests]
    assert len(set(ids)) == len(ids)
    events = [json.loads(r.body)["data"]["eventId"] for r in requests]
    assert len(set(events)) == len(events)


@pytest.mark.parametrize("who", HEARD)
def test_nothing_that_is_sent_holds_what_its_receiver_may_not_know(story, who):
    octets = b"".join(repr(r.headers.items()).encode() + r.body for r in story.sent(who))
    assert not [text for text in story.unknown_to(who) if text.encode() in octets]


@pytest.mark.parametrize("who", HEARD)
def test_no_list_of_deliveries_holds_what_its_reader_may_not_know(story, who):
    target = f"/v1/webhooks/{story.hooks[who]['id']}/deliveries"
    answer = story.everybody()[who].get(target, limit=200).must(200)
    assert [d["eventType"] for d in reversed(answer.json["items"])] == EXPECTED[who]
    octets = answer.body + repr(answer.headers.items()).encode()
    assert not [text for text in story.unknown_to(who) if text.encode() in octets]
    ids = {r.headers["webhook-id"] for r in story.sent(who)}
    assert {d["id"] for d in answer.json["items"]} == ids


def test_a_partner_is_sent_the_key_of_the_time(story):
    keys = [json.loads(r.body)["data"]["serviceKey"] for r in story.sent("partner")]
    assert keys == [story.first_key] * (len(keys) - 3) + [story.second_key] * 3
    for who in set(EXPECTED) - {"partner"}:
        assert not [r for r in story.sent(who) if b"serviceKey" in r.body]
