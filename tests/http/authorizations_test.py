# SPDX-License-Identifier: Apache-2.0
"""Pins authorizations: a key opens one circuit to one VNet of another customer at a time, revoking it
disconnects, either side may leave, and neither sees more of the other than its half: every answer
to the one is searched for the marks of the other."""

import json
import re
import threading

import pytest

from tenant import Customer, unique, without

KEY = re.compile(r"onra_[0-9A-Za-z]{38}")


def authorizations(circuit):
    return f"/v1/circuits/{circuit['id']}/authorizations"


def authorize(customer, circuit, name=None):
    body = {"name": name or unique("for")}
    return customer.client.post(authorizations(circuit), body)


def join(customer, key, vnet):
    body = {"authorizationKey": key, "vnetId": vnet["id"]}
    return customer.client.post("/v1/connections", body)


class Pair:
    """Owner A of a circuit, B of a VNet on it, and C of nothing at all."""

    def __init__(self, operator, partner):
        self.operator, self.partner = operator, partner
        self.a, self.b, self.c = (Customer(operator) for _ in range(3))
        self.circuit = self.a.circuit_at(partner, "Provisioned", tags={"mark-of-a": "x"})
        self.vnet = self.b.vnet(tags={"mark-of-b": "x"})
        self.authorization = authorize(self.a, self.circuit).must(201).json
        self.key = self.authorization["authorizationKey"]

    def join(self):
        return join(self.b, self.key, self.vnet).must(201).json

    def marks_of_a(self):
        return [self.a.id, self.a.name, self.circuit["id"], self.circuit["name"], "mark-of-a",
                self.circuit["serviceKey"], self.authorization["name"], self.key,
                self.circuit["partner"]]

    def marks_of_b(self):
        return [self.b.id, self.b.name, self.vnet["id"], self.vnet["name"], "mark-of-b",
                self.vnet["gateway"]["subnet"]]


@pytest.fixture
def pair(operator, partner):
    return Pair(operator, partner)


def clean(answer, marks):
    text = answer if isinstance(answer, str) else json.dumps(answer)
    found = [mark for mark in marks if mark in text]
    assert not found, (found, text)


def test_an_authorization_is_made_listed_and_deleted(customer, partner):
    circuit = customer.circuit(partner)
    made = [authorize(customer, circuit, f"number {n}").must(201).json for n in range(3)]
    for n, one in enumerate(made):
        assert KEY.fullmatch(one["authorizationKey"]) and one["name"] == f"number {n}"
        assert (one["status"], one["connectionId"]) == ("Available", None)
    assert len({one["authorizationKey"] for one in made}) == 3
    assert customer.client.pages(authorizations(circuit), limit=2) == made
    target = f"{authorizations(circuit)}/{made[1]['id']}"
    customer.client.delete(target).must(204)
    customer.client.delete(target).must(404, "not_found")
    assert customer.client.pages(authorizations(circuit)) == [made[0], made[2]]
    assert customer.read(circuit) == circuit


def test_a_key_opens_the_circuit_and_each_side_sees_its_half(pair):
    seen_by_b = pair.join()
    assert seen_by_b["circuitId"] is None and seen_by_b["vnetId"] == pair.vnet["id"]
    assert seen_by_b["status"] == "Connected" and seen_by_b["bandwidthMbps"] == 1000
    assert seen_by_b["peeringLocation"] == pair.circuit["peeringLocation"]
    target = f"/v1/connections/{seen_by_b['id']}"
    assert pair.b.client.get(target).must(200).json == seen_by_b
    assert pair.b.client.pages("/v1/connections") == [seen_by_b]

    seen_by_a = pair.a.client.get(target).must(200).json
    assert seen_by_a["circuitId"] == pair.circuit["id"] and seen_by_a["vnetId"] is None
    assert seen_by_a["addressSpace"] == pair.vnet["addressSpace"]
    assert without(seen_by_a, "circuitId", "vnetId") == without(seen_by_b, "circuitId", "vnetId")
    assert pair.a.client.pages("/v1/connections") == [seen_by_a]
    assert pair.a.client.pages("/v1/connections", circuitId=pair.circuit["id"]) == [seen_by_a]

    listed = pair.a.client.pages(authorizations(pair.circuit))[0]
    assert (listed["status"], listed["connectionId"]) == ("InUse", seen_by_a["id"])
    whole = pair.operator.get(target).must(200).json
    assert (whole["circuitId"], whole["vnetId"]) == (pair.circuit["id"], pair.vnet["id"])
    pair.c.client.get(target).must(404, "not_found")
    pair.c.client.delete(target).must(404, "not_found")
    assert pair.c.client.pages("/v1/connections") == []
    assert pair.a.read(pair.circuit)["connections"]["used"] == 1
    assert pair.b.client.get(f"/v1/vnets/{pair.vnet['id']}").json["circuits"]["used"] == 1


def test_nothing_more_of_the_other_side_is_in_any_answer(pair):
    made = pair.join()
    a, b, target = pair.a.client, pair.b.client, f"/v1/connections/{made['id']}"
    clean(made, pair.marks_of_a())
    for path in ("/v1/circuits", "/v1/vnets", "/v1/connections", target):
        clean(b.get(path).must(200).text, pair.marks_of_a())
        clean(a.get(path).must(200).text, pair.marks_of_b())
    for path in ("", "/events", "/authorizations"):
        clean(a.get(f"/v1/circuits/{pair.circuit['id']}{path}").must(200).text, pair.marks_of_b())
        theirs = b.get(f"/v1/circuits/{pair.circuit['id']}{path}").must(404).json
        clean(without(theirs, "instance"), pair.marks_of_a())
    clean(b.delete(f"/v1/vnets/{pair.vnet['id']}").must(409, "vnet_in_use").text.replace(
        pair.vnet["id"], ""), pair.marks_of_a())
    refused = a.delete(f"/v1/circuits/{pair.circuit['id']}").must(409, "circuit_in_use")
    clean(refused.text, pair.marks_of_b())
    assert {x["type"] for x in refused.json["blockers"]} == {
        "provider_status", "connection", "authorization"
    }
    # Filters by the other's ids find nothing, not even beside one's own.
    for client, query in (
        (b, {"circuitId": pair.circuit["id"]}),
        (b, {"circuitId": pair.circuit["id"], "vnetId": pair.vnet["id"]}),
        (a, {"vnetId": pair.vnet["id"]}),
        (a, {"circuitId": pair.circuit["id"], "vnetId": pair.vnet["id"]}),
    ):
        assert client.get("/v1/connections", **query).must(200).json["items"] == []
    b.delete(target).must(204)
    events = a.get(f"/v1/circuits/{pair.circuit['id']}/events", limit=200).must(200)
    clean(events.text, pair.marks_of_b())
    actors = [e["actor"] for e in events.json["items"] if e["type"].startswith("connection.")]
    assert actors == [{"role": "customer", "name": "owner of the VNet"}] * 2
    path = f"/v1/circuits/{pair.circuit['id']}/events"
    shown = [e["actor"]["name"] for e in pair.operator.pages(path)]
    assert shown[-2:] == [pair.b.name] * 2
    for answer in (pair.partner.quote(pair.circuit["serviceKey"]).must(200),
                   pair.partner.client.get("/v1/partner/circuits").must(200)):
        clean(answer.text, pair.marks_of_b() + [pair.key])


def test_a_key_serves_one_connection_at_a_time(pair):
    made = pair.join()
    join(pair.b, pair.key, pair.vnet).must(409, "already_connected")
    other = pair.b.vnet()
    clean(join(pair.b, pair.key, other).must(409, "authorization_in_use").text, pair.marks_of_a())
    clean(join(pair.c, pair.key, pair.c.vnet(space=["10.77.0.0/16"])).must(
        409, "authorization_in_use").text, pair.marks_of_a() + pair.marks_of_b())
    pair.b.client.delete(f"/v1/connections/{made['id']}").must(204)
    listed = pair.a.client.pages(authorizations(pair.circuit))[0]
    assert (listed["status"], listed["connectionId"]) == ("Available", None)
    join(pair.b, pair.key, other).must(201)


def test_revoking_disconnects_and_the_key_is_void(pair):
    made = pair.join()
    target = f"{authorizations(pair.circuit)}/{pair.authorization['id']}"
    for client in (pair.b.client, pair.c.client):
        client.delete(target).must(404, "not_found")
    pair.a.client.delete(target).must(204)
    for customer in (pair.a, pair.b):
        customer.client.get(f"/v1/connections/{made['id']}").must(404, "not_found")
    assert pair.a.read(pair.circuit)["connections"]["used"] == 0
    event = pair.a.events(pair.circuit)[-1]
    assert event["type"] == "connection.deleted" and event["actor"]["name"] == pair.a.name
    join(pair.b, pair.key, pair.vnet).must(404, "not_found")
    pair.b.client.delete(f"/v1/vnets/{pair.vnet['id']}").must(204)


def test_the_circuits_owner_may_disconnect_and_the_key_lives_on(pair):
    made = pair.join()
    pair.a.client.delete(f"/v1/connections/{made['id']}").must(204)
    assert pair.a.events(pair.circuit)[-1]["actor"]["name"] == pair.a.name
    pair.join()


def test_a_shared_connection_follows_its_circuit(pair):
    made = pair.join()
    target = f"/v1/connections/{made['id']}"
    pair.partner.callback("circuit.deprovisioning", pair.circuit["serviceKey"]).must(200)
    for customer in (pair.a, pair.b):
        assert customer.client.get(target).must(200).json["status"] == "Down"


@pytest.mark.parametrize("status", ["NotProvisioned", "Provisioning", "Deprovisioning"])
def test_a_refusal_tells_the_other_customer_no_more_than_that(operator, partner, status):
    a, b = Customer(operator), Customer(operator)
    circuit = a.circuit_at(partner, status)
    key = authorize(a, circuit).must(201).json["authorizationKey"]
    refused = join(b, key, b.vnet()).must(409, "circuit_not_provisioned")
    assert "providerStatus" not in refused.json
    clean(refused.text, [circuit["id"], circuit["name"], a.id, a.name, status + ";"])


def test_an_overlap_names_only_the_callers_own_prefix(pair):
    theirs = pair.a.vnet(space=["10.200.0.0/14"])
    pair.a.connect(pair.circuit, theirs).must(201)
    mine = pair.b.vnet(space=["10.3.0.0/16", "10.201.7.0/24"])
    refused = join(pair.b, pair.key, mine).must(409, "address_space_overlap")
    assert "10.201.7.0/24" in refused.json["detail"]
    clean(refused.text, pair.marks_of_a() + ["10.200.0.0", "10.3.0.0", theirs["id"]])


def test_limits_count_foreign_vnets_too(pair):
    for _ in range(10):
        pair.a.connect(pair.circuit, pair.a.vnet(space=[f"10.{100 + _}.0.0/16"])).must(201)
    refused = join(pair.b, pair.key, pair.vnet).must(409, "circuit_vnet_limit_reached").json
    assert (refused["limit"], refused["used"], refused["scope"]) == (10, 10, "circuit")
    clean(refused, pair.marks_of_a())


def test_a_foreign_vnet_needs_a_key_and_nothing_else_is_one(pair):
    body = {"circuitId": pair.circuit["id"], "vnetId": pair.vnet["id"]}
    pair.b.client.post("/v1/connections", body).must(404, "not_found")
    own = pair.a.vnet()
    clean(join(pair.a, pair.key, pair.vnet).must(404, "not_found").text, pair.marks_of_b()[:2])
    key = pair.key
    typo = key[:-1] + ("0" if key[-1] != "0" else "1")
    for wrong in (pair.circuit["serviceKey"], typo, key[:-1], key + "0", key.replace("onra_", "onrc_"),
                  pair.a.token, "", 7, None, [key]):
        refused = join(pair.b, wrong, pair.vnet).must(422, "invalid_request")
        assert refused.pointers == ["/authorizationKey"]
        clean(refused.text, [key, pair.a.token])
    for body, where in (
        ({"vnetId": own["id"]}, "/circuitId"),
        ({"vnetId": own["id"], "circuitId": pair.circuit["id"], "authorizationKey": key},
         "/authorizationKey"),
    ):
        refused = pair.a.client.post("/v1/connections", body).must(422, "invalid_request")
        assert refused.pointers == [where]
    # A key of one's own circuit is as good as its id.
    made = join(pair.a, key, own).must(201).json
    assert made["circuitId"] == pair.circuit["id"] and made["vnetId"] == own["id"]


def test_an_authorization_is_a_blocker(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    one = authorize(customer, circuit).must(201).json
    target = f"/v1/circuits/{circuit['id']}"
    body = {"deleteWhenDeprovisioned": True}
    refused = customer.client.post(target + "/deprovision", body).must(409, "circuit_in_use")
    assert [(b["type"], b["id"]) for b in refused.json["blockers"]] == [("authorization", one["id"])]
    partner.callback("circuit.deprovisioned", circuit["serviceKey"]).must(200)
    refused = customer.client.delete(target).must(409, "circuit_in_use")
    assert [(b["type"], b["id"]) for b in refused.json["blockers"]] == [("authorization", one["id"])]
    customer.client.delete(f"{target}/authorizations/{one['id']}").must(204)
    customer.client.delete(target).must(204)


def test_a_circuit_that_is_to_be_deleted_gets_no_authorization(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    target = f"/v1/circuits/{circuit['id']}/deprovision"
    customer.client.post(target, {"deleteWhenDeprovisioned": True}).must(200)
    authorize(customer, circuit).must(409, "circuit_deprovision_requested")
    customer.client.delete(target).must(204)
    authorize(customer, circuit).must(201)


def test_eight_vnets_press_for_one_key_and_one_gets_it(pair):
    vnets = [pair.b.vnet() for _ in range(8)]
    answers = []
    threads = [
        threading.Thread(target=lambda v=v: answers.append(join(pair.b, pair.key, v))) for v in vnets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(a.status for a in answers) == [201] + [409] * 7, answers
    assert {a.code for a in answers} == {None, "authorization_in_use"}
    assert pair.a.read(pair.circuit)["connections"]["used"] == 1


def test_revoking_against_connecting_leaves_no_connection(pair):
    for _ in range(15):
        one = authorize(pair.a, pair.circuit).must(201).json
        target = f"{authorizations(pair.circuit)}/{one['id']}"
        got = []
        threads = [
            threading.Thread(
                target=lambda: got.append(join(pair.b, one["authorizationKey"], pair.vnet))
            ),
            threading.Thread(target=lambda: pair.a.client.delete(target).must(204)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert got[0].status in (201, 404), got
        assert pair.b.client.pages("/v1/connections") == []
        assert pair.a.read(pair.circuit)["connections"]["used"] == 0
