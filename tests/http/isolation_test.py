# SPDX-License-Identifier: Apache-2.0
"""Pins the walls between tenants. Customer B calls every operation of the contract with every id of
customer A: each answer is what an id that does not exist would get, and not one octet of A
stands in it, headers included. The same for partners."""

import json
import uuid

import pytest

import contract
from roles_test import MAY
from tenant import Customer, Partner, unique, without

# What the path parameter {id} may be aimed at: every kind of thing that A has.
WITH_ID = [o for o in contract.OPERATIONS if "id" in o.path_names]
LISTS = [o for o in contract.OPERATIONS if o.method == "GET" and not o.path_names and not o.public]


class World:
    """Customer A with one of everything, and B who has nothing but a token."""

    def __init__(self, operator):
        self.partner = Partner(operator)
        self.a = Customer(operator)
        self.b = Customer(operator)
        tags = {"tag-of-a": "value-of-a"}
        self.circuit = self.a.circuit_at(self.partner, "Provisioned", tags=tags)
        self.idle = self.a.circuit(self.partner)
        self.vnet = self.a.vnet(tags=tags)
        self.free = self.a.vnet()
        self.connection = self.a.connect(self.circuit, self.vnet).must(201).json
        self.event = self.a.events(self.circuit)[-1]
        target = f"/v1/circuits/{self.circuit['id']}/authorizations"
        self.authorization = self.a.client.post(target, {"name": unique("key")}).must(201).json
        to = {"url": "https://hooks.example.com/path-of-a", "description": unique("hook")}
        self.webhook = self.a.client.post("/v1/webhooks", to).must(201).json
        target = f"/v1/webhooks/{self.webhook['id']}/ping"
        self.delivery = self.a.client.send("POST", target).must(202).json
        self.ids = {
            "customer": self.a.id,
            "token": self.a.token_id,
            "circuit": self.circuit["id"],
            "idle circuit": self.idle["id"],
            "service key": self.circuit["serviceKey"],
            "vnet": self.vnet["id"],
            "free vnet": self.free["id"],
            "connection": self.connection["id"],
            "event": self.event["id"],
            "authorization": self.authorization["id"],
            "webhook": self.webhook["id"],
            "delivery": self.delivery["id"],
        }
        self.marks = list(self.ids.values()) + [
            self.a.name,
            self.a.token,
            self.circuit["name"],
            self.idle["name"],
            self.idle["serviceKey"],
            self.vnet["name"],
            self.free["name"],
            self.vnet["addressSpace"][0],
            self.authorization["authorizationKey"],
            self.authorization["name"],
            self.webhook["description"],
            self.webhook["secret"],
            "path-of-a",
            "tag-of-a",
            "value-of-a",
        ]

    def snapshot(self):
        """Everything of A, as A sees it."""
        client = self.a.client
        lists = ["circuits", "vnets", "connections", "tokens", "webhooks"]
        lists.append(f"circuits/{self.circuit['id']}/authorizations")
        return [client.pages(f"/v1/{x}") for x in lists]


@pytest.fixture(scope="module")
def world(operator):
    return World(operator)


def leaks(world, answer):
    """Marks of A in an answer. What the caller itself wrote into the path may come back to it."""
    body = answer.body
    if answer.status >= 400:
        problem = without(answer.json, "instance")
        body = json.dumps(problem, ensure_ascii=False).encode()
    text = (body + str(answer.headers).encode()).lower()
    return [mark for mark in world.marks if mark.lower().encode() in text]


def bodies(operation):
    """(what, body, media type): a good one, and ones that are wrong in their own right."""
    if not operation.media:
        return [("no body", None, None)]
    good = json.dumps(operation.example()).encode()
    return [
        ("a good body", good, operation.media[0]),
        ("a wrong body", b'{"colour": 1}', operation.media[0]),
        ("another media type", b"name=x", "application/x-www-form-urlencoded"),
    ]


def call(client, operation, target, body, media):
    headers = {"Content-Type": media} if media else {}
    return client.send(operation.method, target, body, headers)


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_every_id_of_another_customer_is_404(world, operation):
    role_never = "C" not in MAY[operation.id]
    before = world.snapshot()
    for kind, foreign in world.ids.items():
        for what, body, media in bodies(operation):
            target = operation.url(**dict.fromkeys(operation.path_names, foreign))
            answer = call(world.b.client, operation, target, body, media)
            assert answer.status == (403 if role_never else 404), (kind, what, answer)
            assert not leaks(world, answer), (kind, what, answer)
            target = operation.url(**dict.fromkeys(operation.path_names, uuid.uuid4()))
            unknown = call(world.b.client, operation, target, body, media)
            ignored = ("requestId", "instance")
            assert without(answer.json, *ignored) == without(unknown.json, *ignored), (kind, what)
            assert answer.headers.keys() == unknown.headers.keys()
    assert world.snapshot() == before


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_no_list_shows_anything_of_another_customer(world, operation):
    answer = world.b.client.send("GET", operation.path + "?limit=200")
    if answer.status == 403:
        return
    answer.must(200)
    assert not leaks(world, answer), answer
    for parameter in operation.query():
        if parameter["name"] in ("limit", "cursor", "after"):
            continue
        for kind, foreign in world.ids.items():
            target = f"{operation.path}?{parameter['name']}={foreign}"
            filtered = world.b.client.send("GET", target)
            assert filtered.status in (200, 422), (kind, filtered)
            assert not [x for x in leaks(world, filtered) if x != foreign], (kind, filtered)
            if filtered.status == 200:
                assert filtered.json == {"items": [], "nextCursor": None}, (kind, filtered)


def test_a_cursor_of_another_customer_shows_nothing_of_it(world):
    for path in ("/v1/circuits", "/v1/vnets"):
        cursor = world.a.client.get(path, limit=1).must(200).json["nextCursor"]
        assert cursor
        answer = world.b.client.get(path, cursor=cursor)
        assert answer.status in (200, 400), answer
        assert not leaks(world, answer), answer
        if answer.status == 200:
            assert answer.json["items"] == []


@pytest.mark.parametrize("foreign", ["circuit", "vnet", "both"])
def test_nothing_of_another_customer_can_be_connected(world, foreign):
    before = world.snapshot()
    circuit, vnet = world.b.circuit_at(world.partner, "Provisioned"), world.b.vnet()

    def connect(circuit_id, vnet_id):
        body = {"circuitId": circuit_id, "vnetId": vnet_id}
        return world.b.client.post("/v1/connections", body).must(404, "not_found")

    aimed = {"circuit": circuit["id"], "vnet": vnet["id"]}
    other = dict(aimed)
    for name in aimed:
        if foreign in (name, "both"):
            aimed[name] = world.ids["circuit" if name == "circuit" else "free vnet"]
            other[name] = str(uuid.uuid4())
    answer, unknown = connect(*aimed.values()), connect(*other.values())
    assert not leaks(world, answer)
    assert without(answer.json, "requestId") == without(unknown.json, "requestId")
    # Crossed ids and a service key are no circuits either.
    connect(world.ids["vnet"], world.ids["circuit"])
    connect(world.ids["service key"], vnet["id"])
    assert world.snapshot() == before


def test_a_customer_makes_tokens_for_itself_only(world):
    client = world.b.client
    for body in (
        {"role": "customer", "customerId": world.a.id, "description": "x"},
        {"role": "partner", "partner": world.partner.slug, "description": "x"},
        {"role": "operator", "description": "x"},
    ):
        answer = client.post("/v1/tokens", body).must(403, "forbidden")
        assert not [x for x in leaks(world, answer) if x != world.a.id], answer
    body = {"role": "customer", "customerId": world.b.id, "description": "own"}
    made = client.post("/v1/tokens", body).must(201).json
    assert made["customerId"] == world.b.id
    listed = [t["id"] for t in client.pages("/v1/tokens")]
    assert sorted(listed) == sorted([made["id"], world.b.token_id])


def test_every_id_of_another_partner_is_404(world, operator):
    other = Partner(operator)
    circuit = world.circuit
    own = other.client
    before = world.a.read(circuit)
    for kind, foreign in {**world.ids, "partner token": world.partner.token_id}.items():
        answer = own.get(f"/v1/partner/circuits/{foreign}").must(404, "not_found")
        assert not leaks(world, answer), kind
        own.delete(f"/v1/tokens/{foreign}").must(404, "not_found")
        answer = own.post("/v1/partner/circuits", {"serviceKey": foreign}).must(404, "not_found")
        assert not leaks(world, answer), kind
    path = f"/v1/partners/{world.partner.slug}/callback-secrets"
    refused = own.post(path, {"keepOldSeconds": 0}).must(404, "not_found")
    unknown = own.post("/v1/partners/no-such-one/callback-secrets", {"keepOldSeconds": 0})
    ignored = ("requestId", "instance")
    assert without(refused.json, *ignored) == without(unknown.must(404).json, *ignored)
    answer = own.get("/v1/partner/circuits", limit=200).must(200)
    assert answer.json["items"] == [] and not leaks(world, answer)
    tokens = own.get("/v1/tokens", limit=200).must(200)
    assert [t["id"] for t in tokens.json["items"]] == [other.token_id]
    world.partner.callback("circuit.progress", circuit["serviceKey"]).must(200)
    assert world.a.read(circuit)["version"] == before["version"] + 1


def test_an_operator_writes_nothing_of_a_customer(world, operator):
    before = world.snapshot()
    for target in (
        f"/v1/circuits/{world.idle['id']}",
        f"/v1/vnets/{world.free['id']}",
        f"/v1/connections/{world.connection['id']}",
        f"/v1/vnets/{world.vnet['id']}/gateway",
    ):
        operator.delete(target).must(403, "forbidden")
    operator.patch(f"/v1/vnets/{world.free['id']}", {"name": "mine"}).must(403, "forbidden")
    idle, built = (f"/v1/circuits/{c['id']}" for c in (world.idle, world.circuit))
    operator.patch(idle, {"name": "mine"}).must(422)
    operator.post(built + "/deprovision", {}).must(403, "forbidden")
    operator.delete(built + "/deprovision").must(403, "forbidden")
    operator.send("POST", idle + "/service-key").must(403, "forbidden")
    assert world.snapshot() == before
