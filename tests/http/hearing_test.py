# SPDX-License-Identifier: Apache-2.0
"""Pins who hears what. One story is told, with a canary in every text that somebody gave: names,
tags, notes, reasons. Then everybody reads the feed, as pages and as a stream, and the octets of the
answers are searched for what its reader may not know; and what each hears is compared with the
table below, type by type."""

import json
import secrets

import pytest

import contract
from feed_test import rest, types, until
from stream_test import Stream
from tenant import Customer, Partner

# Who hears of which types in the story, in order. The partner: from the quoted key on, what it sees
# of the circuit. The guest: of its VNet's connections alone.
ALL = """circuit.created circuit.updated circuit.updated circuit.provisioning circuit.progress
    circuit.provisioned connection.created connection.created connection.created
    circuit.updated circuit.updated circuit.updated circuit.disabled connection.down connection.down
    connection.down circuit.enabled connection.up connection.up connection.up
    circuit.deprovision_requested circuit.deprovision_withdrawn connection.deleted
    connection.deleted connection.deleted circuit.deprovisioning circuit.deprovisioned
    circuit.rejected circuit.service_key_rotated circuit.updated circuit.updated circuit.updated
    circuit.deleted""".split()
BY_PARTNER = """circuit.updated circuit.provisioning circuit.progress circuit.provisioned
    circuit.updated circuit.disabled circuit.enabled circuit.deprovision_requested
    circuit.deprovision_withdrawn circuit.deprovisioning circuit.deprovisioned circuit.rejected
    circuit.updated circuit.updated circuit.deleted""".split()
BY_GUEST = """connection.created connection.created connection.down connection.down connection.up
    connection.up connection.deleted connection.deleted""".split()


def canary(what):
    return f"{what}-{secrets.token_hex(8)}"


class Story:
    def __init__(self, operator):
        self.operator = operator
        names = ("owner", "guest", "circuit", "tag", "vnet", "guestvnet", "guesttag", "authorization")
        self.said = {name: canary(name) for name in names + ("note", "reason", "rejection")}
        said = self.said
        self.owner = Customer(operator, said["owner"])
        self.guest = Customer(operator, said["guest"])
        self.stranger = Customer(operator)
        self.partner, self.rival = Partner(operator), Partner(operator)
        _, self.begun = rest(operator, limit=200)
        self.tell()

    def tell(self):
        said, owner, partner = self.said, self.owner, self.partner
        tags = {"tags": {said["tag"]: said["tag"]}}
        self.circuit = circuit = owner.circuit(partner, name=said["circuit"], **tags)
        path = f"/v1/circuits/{circuit['id']}"
        client = owner.client

        def patched(**members):
            client.patch(path, members).must(200)

        def announced(event, **data):
            partner.callback(event, owner.read(circuit)["serviceKey"], **data).must(200)

        patched(sku={"tier": "Premium"})
        partner.quote(circuit["serviceKey"]).must(200)
        announced("circuit.provisioning")
        announced("circuit.progress", note=said["note"])
        announced("circuit.provisioned")
        connections = [owner.connect(circuit, owner.vnet(name=said["vnet"])).must(201).json]
        keys = [
            client.post(path + "/authorizations", {"name": said["authorization"]}).must(201).json
            for _ in range(2)
        ]
        for number, key in enumerate(keys):
            vnet = self.guest.vnet(
                name=said["guestvnet"],
                space=[f"172.{20 + number}.0.0/16"],
                tags={said["guesttag"]: said["guesttag"]},
            )
            body = {"authorizationKey": key["authorizationKey"], "vnetId": vnet["id"]}
            made = self.guest.client.post("/v1/connections", body).must(201).json
            connections.append(made | {"vnetId": vnet["id"]})
        patched(name=said["circuit"] + "2")
        patched(tags={said["tag"] + "2": ""})
        patched(bandwidthMbps=2000)
        for status in ("Disabled", "Enabled"):
            body = {"circuitStatus": status, "reason": said["reason"]}
            self.operator.patch(path, body).must(200)
        client.post(path + "/deprovision", {}).must(200)
        client.delete(path + "/deprovision").must(204)
        self.guest.client.delete(f"/v1/connections/{connections[1]['id']}").must(204)
        client.delete(f"{path}/authorizations/{keys[1]['id']}").must(204)
        client.delete(f"/v1/connections/{connections[0]['id']}").must(204)
        client.delete(f"{path}/authorizations/{keys[0]['id']}").must(204)
        announced("circuit.deprovisioning")
        announced("circuit.deprovisioned")
        announced("circuit.rejected", reason=said["rejection"])
        self.first_key = circuit["serviceKey"]
        client.send("POST", path + "/service-key").must(200)
        patched(bandwidthMbps=5000)  # its partner has not quoted the new key yet
        self.second_key = owner.read(circuit)["serviceKey"]
        partner.quote(self.second_key).must(200)
        patched(bandwidthMbps=10000)
        client.delete(path).must(204)
        self.connections = [c["id"] for c in connections]
        self.vnets = [c["vnetId"] for c in connections]
        self.authorizations = [k["id"] for k in keys] + [k["authorizationKey"] for k in keys]

    def clients(self):
        return {
            "owner": self.owner.client,
            "guest": self.guest.client,
            "stranger": self.stranger.client,
            "partner": self.partner.client,
            "rival": self.rival.client,
        }

    def unknown_to(self, who):
        """Texts that must not be in what it is told."""
        said = dict(self.said)
        ids = {"stranger": self.stranger.id, "rival": self.rival.slug}
        never = [said[n] for n in ("circuit", "tag", "vnet", "guestvnet", "guesttag")]
        never += [said["authorization"], *self.vnets, *self.authorizations, *ids.values()]
        of_owner = [said["owner"], self.owner.id]
        of_guest = [said["guest"], self.guest.id]
        of_partner = [self.partner.slug, said["note"], said["rejection"]]
        of_circuit = [self.circuit["id"], self.first_key, self.second_key, said["reason"]]
        return never + {
            "owner": of_guest + [self.first_key, self.second_key],
            "guest": of_owner + of_partner + of_circuit,
            "partner": of_owner + of_guest + self.connections,
            "stranger": of_owner + of_guest + of_partner + of_circuit,
            "rival": of_owner + of_guest + of_partner + of_circuit,
        }[who]


HEARD = {
    "owner": ALL,
    "guest": BY_GUEST,
    "partner": BY_PARTNER,
    "stranger": [],
    "rival": [],
}


@pytest.fixture(scope="module")
def story(operator):
    told = Story(operator)
    until(told.owner.client, None, len(ALL))
    return told


@pytest.mark.parametrize("who", HEARD)
def test_each_hears_what_the_table_says(story, who):
    items, _ = rest(story.clients()[who], limit=200)
    assert types(items) == HEARD[who]


@pytest.mark.parametrize("who", HEARD)
@pytest.mark.parametrize("chosen", [None, "circuit.*", "connection.*"])
def test_no_page_holds_what_its_reader_may_not_know(story, who, chosen):
    query = {"types": chosen} if chosen else {}
    answer = story.clients()[who].get("/v1/events", limit=200, **query).must(200)
    octets = answer.body + repr(answer.headers.items()).encode()
    assert not [text for text in story.unknown_to(who) if text.encode() in octets]
    expected = [t for t in HEARD[who] if not chosen or t.startswith(chosen[:-1])]
    assert types(answer.json["items"]) == expected


@pytest.mark.parametrize("who", HEARD)
def test_no_stream_holds_what_its_reader_may_not_know(story, who):
    stream = Stream(story.clients()[who])
    heard = stream.events(len(HEARD[who])) if HEARD[who] else [stream.block()][:0]
    assert [event for _, event, _ in heard] == HEARD[who]
    assert not [text for text in story.unknown_to(who) if text.encode() in stream.raw]
    for _, _, item in heard:
        assert not contract.faults({"$ref": "#/components/schemas/FeedEvent"}, item)
    stream.close()


def test_an_operator_hears_all_of_it_with_names(story):
    items, _ = rest(story.operator, story.begun, limit=200)
    mine = [item for item in items if item["circuitId"] == story.circuit["id"]]
    assert types(mine) == ALL
    names = {item["actor"]["name"] for item in mine}
    assert {story.said["owner"], story.said["guest"], story.partner.slug} <= names
    octets = json.dumps(mine)
    for name in ("note", "reason", "rejection"):
        assert story.said[name] in octets
    assert "serviceKey" not in octets


def test_the_table_leaves_no_type_out(story):
    """But for circuit.stalled, which takes days."""
    known = set(contract.DOCUMENT["components"]["schemas"]["EventType"]["enum"])
    assert known - set(ALL) <= {"circuit.stalled", "endpoint.disabled", "ping"}


def test_each_is_told_who_did_it_as_far_as_it_may_know(story):
    def actors(who):
        items, _ = rest(story.clients()[who], limit=200)
        return [(item["type"], item["actor"]["role"], item["actor"]["name"]) for item in items]

    of_owner, of_guest, of_partner = actors("owner"), actors("guest"), actors("partner")
    assert {name for _, role, name in of_owner if role == "customer"} == {
        story.said["owner"],
        "owner of the VNet",
    }
    assert {name for _, role, name in of_guest if role == "customer"} == {
        story.said["guest"],
        "owner of the circuit",
    }
    assert {name for _, role, name in of_partner if role == "customer"} == {"owner of the circuit"}
    assert {name for _, role, name in of_partner if role == "partner"} == {story.partner.slug}


def test_the_guest_is_not_told_where_the_circuit_stands(story):
    items, _ = rest(story.guest.client, limit=200)
    assert {(item["circuitId"], item["from"], item["to"]) for item in items} == {(None, None, None)}


def test_a_partner_is_told_the_key_of_the_time(story):
    items, _ = rest(story.partner.client, limit=200)
    keys = [item["serviceKey"] for item in items]
    assert keys == [story.first_key] * (len(items) - 3) + [story.second_key] * 3
