# SPDX-License-Identifier: Apache-2.0
"""Pins the filters of GET /v1/circuits: each by itself and with every other one gives what a reader
of all circuits would pick, in the documented order; pages neither repeat nor miss a circuit while
others come, go and change; and no cursor shows more than its token may see."""

import itertools
import threading
import time
import uuid

import pytest

from polling import eventually
from tenant import BANDWIDTHS, Customer, Partner, rfc3339, unique

STALLING_SECONDS = 60  # the server looks every 10 s


def found(client, **query):
    return [c["id"] for c in client.pages("/v1/circuits", **query)]


class Scene:
    """Circuits of every kind, of two customers at two partners, in order of their creation."""

    def __init__(self, operator):
        self.operator = operator
        offers = [{"peeringLocation": name, "bandwidthsMbps": BANDWIDTHS}
                  for name in ("Amsterdam", "London")]
        self.partners = one, two = [Partner(operator, offers=offers) for _ in range(2)]
        self.customers = mine, other = [Customer(operator) for _ in range(2)]
        made = [
            mine.circuit(one, tags={"site": "hq", "env": "prod"}),
            mine.circuit_at(one, "Provisioning", tags={"site": "hq"}),
            other.circuit_at(two, "Provisioned", tags={"site": "hq", "env": "prod"}),
            mine.circuit_at(two, "Provisioned", peeringLocation="London", tags={"env": "test"}),
            mine.circuit_at(two, "Deprovisioning", tags={"a=b": "c", "empty": ""}),
            other.circuit_at(one, "Provisioning", peeringLocation="London"),
            mine.circuit_at(one, "Provisioned", tags={"site": "branch", "env": "prod"}),
            mine.circuit(two, tags={"ü ß": "Größe = 1"}),
        ]
        quoted = mine.circuit(one)
        one.quote(quoted["serviceKey"]).must(200)
        made.append(quoted)
        self.disable(made[6])
        late = made[1]
        one.callback("circuit.progress", late["serviceKey"],
                     expectedBy=rfc3339(time.time() - 1)).must(200)
        eventually("it is stalled", lambda: mine.read(late), lambda now: now["stalled"],
                   seconds=STALLING_SECONDS)
        made[0] = mine.client.patch(f"/v1/circuits/{made[0]['id']}", {"name": "x"}).must(200).json
        self.circuits = [operator.get(f"/v1/circuits/{c['id']}").must(200).json for c in made]
        gone = mine.circuit(one, tags={"site": "hq"})
        mine.client.delete(f"/v1/circuits/{gone['id']}").must(204)
        self.gone = operator.get(f"/v1/circuits/{gone['id']}").must(200).json
        time.sleep(1)  # an age is counted from the whole second: now all are older than 0m

    def disable(self, circuit):
        body = {"circuitStatus": "Disabled", "reason": "Maintenance."}
        self.operator.patch(f"/v1/circuits/{circuit['id']}", body).must(200)

    def filters(self):
        """Every filter with values that split the circuits, and what it means."""
        sinces = sorted(c["since"] for c in self.circuits)
        changes = sorted(c["updatedAt"] for c in self.circuits)

        def equal(name, *values):
            return [(name, v, lambda c, v=v: c[name] == v) for v in values]

        return [
            *equal("providerStatus", "NotProvisioned", "Provisioning", "Deprovisioning"),
            *equal("circuitStatus", "Enabled", "Disabled"),
            *equal("partner", *(p.slug for p in self.partners)),
            *equal("peeringLocation", "London"),
            *equal("customerId", *(c.id for c in self.customers)),
            *equal("serviceKey", self.circuits[3]["serviceKey"]),
            *equal("waitingOn", "customer", "partner", "operator", "nobody"),
            ("stalled", "true", lambda c: c["stalled"]),
            ("stalled", "false", lambda c: not c["stalled"]),
            ("tag", "site", lambda c: "site" in c["tags"]),
            ("tag", "site=hq", lambda c: c["tags"].get("site") == "hq"),
            ("tag", "env=prod", lambda c: c["tags"].get("env") == "prod"),
            ("olderThan", sinces[5], lambda c: c["since"] < sinces[5]),
            ("olderThan", "0m", lambda c: True),
            ("olderThan", "1h", lambda c: False),
            ("updatedSince", changes[4], lambda c: c["updatedAt"] >= changes[4]),
        ]


@pytest.fixture(scope="module")
def scene(operator):
    return Scene(operator)


def ordered(circuits, query):
    """By since, by the minute of the change, or as they were created; then by id."""
    if "olderThan" in query:
        return sorted(circuits, key=lambda c: (c["since"], c["id"]))
    if "updatedSince" in query:
        return sorted(circuits, key=lambda c: (c["updatedAt"][:16], c["id"]))
    return sorted(circuits, key=lambda c: c["id"])


def judge(scene, *filters):
    query = {name: value for name, value, _ in filters}
    meant = [c for c in scene.circuits if all(fits(c) for _, _, fits in filters)]
    wanted = [c["id"] for c in ordered(meant, query)]
    ours = {c["id"] for c in scene.circuits}
    mine = scene.customers[0]
    for limit in (2, 200):
        listed = found(mine.client, limit=limit, **query)
        assert listed == [i for i in wanted if i in {c["id"] for c in meant
                                                     if c["customerId"] == mine.id}], query
    listed = found(scene.operator, **query)
    assert [i for i in listed if i in ours] == wanted, query
    assert len(listed) == len(set(listed))


def test_every_filter_means_what_it_says(scene):
    for one in scene.filters():
        judge(scene, one)


def test_every_two_filters_hold_together(scene):
    for one, two in itertools.combinations(scene.filters(), 2):
        if one[0] != two[0]:
            judge(scene, one, two)


def test_small_pages_of_an_operator_are_the_large_one(scene):
    for name, value, _ in scene.filters():
        query = {name: value, "customerId": scene.customers[0].id} | {name: value}
        assert found(scene.operator, limit=1, **query) == found(scene.operator, **query), query


def test_a_tag_is_a_key_or_a_key_with_its_value(scene):
    client = scene.customers[0].client
    ids = [c["id"] for c in scene.circuits]
    for tag, wanted in (
        ("a=b", [ids[4]]),
        ("a=b=c", [ids[4]]),
        ("empty", [ids[4]]),
        ("empty=", [ids[4]]),
        ("a", []),
        ("site=", []),
        ("SITE", []),
        ("=hq", []),
        ("site=h", []),
        ("site=hq ", []),
        ("ü ß", [ids[7]]),
        ("ü ß=Größe = 1", [ids[7]]),
        ("si%", []),
        ("'", []),
    ):
        assert found(client, tag=tag) == wanted, tag
    # As it stands in a shell.
    answer = client.send("GET", "/v1/circuits?tag=env=test").must(200)
    assert [c["id"] for c in answer.json["items"]] == [ids[3]]


def test_deleted_circuits_are_filtered_like_others(scene):
    before = {"deleted": "true", "customerId": scene.customers[0].id}
    gone = scene.gone
    for query, there in (
        ({"tag": "site=hq"}, True),
        ({"tag": "site=branch"}, False),
        ({"waitingOn": "nobody"}, True),
        ({"waitingOn": "partner"}, False),
        ({"stalled": "false"}, True),
        ({"stalled": "true"}, False),
        ({"olderThan": "0m"}, True),
        ({"olderThan": gone["since"]}, False),
        ({"updatedSince": gone["updatedAt"]}, True),
        ({"updatedSince": rfc3339(time.time() + 60)}, False),
        ({"circuitStatus": "Enabled", "providerStatus": "NotProvisioned"}, True),
        ({"circuitStatus": "Disabled"}, False),
    ):
        assert found(scene.operator, **before, **query) == [gone["id"]] * there, query
        assert gone["id"] not in found(scene.customers[0].client, **query)
    assert found(scene.customers[0].client, deleted="true", tag="site=hq") == []


def test_tags_are_found_as_they_are_now(customer, partner):
    circuit = customer.circuit(partner, tags={"a": "1", "b": "2"})
    target = f"/v1/circuits/{circuit['id']}"
    for change, there, gone in (
        ({"a": "3"}, ("a", "a=3", "b=2"), ("a=1",)),
        ({"a": None, "c": "4"}, ("b", "c=4"), ("a", "a=3")),
        ({"b": None, "c": None}, (), ("b", "b=2", "c", "c=4")),
        ({"a=1": "x", "a": "1=x"}, ("a", "a=1", "a=1=x"), ("x",)),
    ):
        customer.client.patch(target, {"tags": change}).must(200)
        for tag in there:
            assert found(customer.client, tag=tag) == [circuit["id"]], tag
        for tag in gone:
            assert found(customer.client, tag=tag) == [], tag
    customer.client.patch(target, {"name": "other"}).must(200)
    assert found(customer.client, tag="a=1") == [circuit["id"]]
    customer.client.delete(target).must(204)
    assert found(customer.client, tag="a=1") == []


@pytest.mark.parametrize(
    "name,value",
    [
        ("stalled", "yes"),
        ("stalled", ""),
        ("waitingOn", "Partner"),
        ("waitingOn", "me"),
        ("tag", ""),
        ("tag", "x" * 400),
        ("tag", "a\nb"),
        ("olderThan", ""),
        ("olderThan", "72"),
        ("olderThan", "h"),
        ("olderThan", "72hours"),
        ("olderThan", "-1h"),
        ("olderThan", "1.5h"),
        ("olderThan", "P3D"),
        ("olderThan", "99999999999999999999d"),
        ("olderThan", "9999999d"),
        ("olderThan", "2026-11-22"),
        ("updatedSince", "72h"),
        ("updatedSince", "2026-02-30T00:00:00Z"),
        ("updatedSince", ""),
    ],
)
def test_a_value_that_is_none_is_refused(operator, name, value):
    answer = operator.get("/v1/circuits", **{name: value}).must(422, "invalid_request")
    assert f"?{name}" in answer.pointers


def test_ages_and_times_are_read_in_every_form(scene):
    client = scene.customers[0].client
    everything = found(client, olderThan="0m")
    assert len(everything) == 7
    for value in ("0h", "0d", "0000000m", "9999-12-31T23:59:59Z", "2999-01-01T00:00:00.123+02:00"):
        assert found(client, olderThan=value) == everything, value
    for value in ("1d", "36500d", "876000h", "0001-01-01T00:00:00Z", "2020-01-01t00:00:00-05:00"):
        assert found(client, olderThan=value) == [], value
    for value in ("0001-01-01T00:00:00Z", "2020-06-30T23:59:60Z"):
        assert set(found(client, updatedSince=value)) == set(everything), value
    assert found(client, updatedSince="9999-12-31T23:59:59Z") == []


def test_a_cursor_of_another_order_is_refused(scene):
    client = scene.customers[0].client
    by_id = client.get("/v1/circuits", limit=1).must(200).json["nextCursor"]
    by_since = client.get("/v1/circuits", limit=1, olderThan="0m").must(200).json["nextCursor"]
    client.get("/v1/circuits", cursor=by_since).must(400, "malformed_cursor")
    client.get("/v1/vnets", cursor=by_since).must(400, "malformed_cursor")
    client.get("/v1/circuits", olderThan="0m", cursor=by_id).must(400, "malformed_cursor")
    client.get("/v1/circuits", updatedSince="2020-01-01T00:00:00Z", cursor=by_id).must(
        400, "malformed_cursor"
    )


def test_no_cursor_shows_more_than_the_token_may_see(scene):
    """Cursors of the operator and of another customer, of every filter, used by a customer."""
    mine, other = scene.customers
    own = {c["id"] for c in scene.circuits if c["customerId"] == mine.id}
    for client in (scene.operator, other.client):
        for name, value, _ in scene.filters():
            cursor = client.get("/v1/circuits", limit=1, **{name: value}).must(200).json[
                "nextCursor"
            ]
            for query in ({}, {"olderThan": "0m"}, {"tag": "site"}, {"deleted": "true"}):
                answer = mine.client.get("/v1/circuits", **query, **({"cursor": cursor} if cursor
                                                                     else {}))
                assert answer.status in (200, 400), answer
                if answer.status == 200:
                    assert {c["id"] for c in answer.json["items"]} <= own
            if cursor:
                answer = scene.partners[0].client.get("/v1/partner/circuits", cursor=cursor)
                assert answer.status in (200, 400), answer
                scene.partners[0].client.get("/v1/circuits", cursor=cursor).must(403)


class Unrest(threading.Thread):
    """Circuits of the customer that come, change and go while pages are read."""

    def __init__(self, customer, partner, members):
        super().__init__()
        self.customer, self.partner, self.members = customer, partner, members
        self.over, self.made, self.failure = threading.Event(), [], None

    def run(self):
        try:
            while not self.over.is_set():
                circuit = self.customer.circuit(self.partner, **self.members)
                self.made.append(circuit["id"])
                target = f"/v1/circuits/{circuit['id']}"
                self.customer.client.patch(target, {"name": unique("changed")}).must(200)
                self.partner.callback("circuit.provisioning", circuit["serviceKey"]).must(200)
                if len(self.made) % 2:
                    self.partner.callback("circuit.rejected", circuit["serviceKey"]).must(200)
                    self.customer.client.delete(target).must(204)
        except BaseException as error:  # told by the test
            self.failure = error


def test_pages_neither_repeat_nor_miss_while_circuits_come_go_and_change(operator, customer,
                                                                         partner):
    tags = {"kept": "yes"}
    kept = [customer.circuit(partner, tags=tags) for _ in range(4)]
    kept += [customer.circuit_at(partner, "Provisioning", tags=tags) for _ in range(4)]
    began = rfc3339(time.time() - 60)
    ids = [c["id"] for c in kept]
    provisioning = ids[4:]
    lists = (
        ({}, ids),
        ({"tag": "kept"}, ids),
        ({"tag": "kept=yes"}, ids),
        ({"partner": partner.slug}, ids),
        ({"peeringLocation": "Amsterdam"}, ids),
        ({"circuitStatus": "Enabled"}, ids),
        ({"stalled": "false"}, ids),
        ({"providerStatus": "Provisioning"}, provisioning),
        ({"providerStatus": "NotProvisioned"}, ids[:4]),
        ({"waitingOn": "customer"}, ids[:4]),
        ({"waitingOn": "partner"}, provisioning),
        ({"olderThan": rfc3339(time.time() + 0.01)}, ids),
        ({"updatedSince": began}, ids),
        ({"waitingOn": "partner", "olderThan": rfc3339(time.time() + 0.01)}, provisioning),
    )
    unrest = Unrest(customer, partner, {"tags": tags})
    unrest.start()
    try:
        for query, wanted in lists:
            for client, more in ((customer.client, {}), (operator, {"customerId": customer.id})):
                listed = found(client, limit=1, **query, **more)
                assert [i for i in listed if i in ids] == wanted, query
                # Whoever changed between two pages has a new place in the order of changes.
                if "updatedSince" not in query:
                    assert len(listed) == len(set(listed)), query
    finally:
        unrest.over.set()
        unrest.join()
    assert unrest.failure is None, unrest.failure
    assert len(unrest.made) > 5


def test_a_circuit_that_changes_between_pages_comes_again_as_it_is_now(customer, partner):
    """The order of changes is for those who follow them: nothing that changed may be missed."""
    made = [customer.circuit(partner) for _ in range(3)]
    since = rfc3339(time.time() - 60)
    page = customer.client.get("/v1/circuits", limit=1, updatedSince=since).must(200).json
    seen = [(c["id"], c["name"]) for c in page["items"]]
    customer.client.patch(f"/v1/circuits/{made[2]['id']}", {"name": "new"}).must(200)
    while page["nextCursor"]:
        page = customer.client.get(
            "/v1/circuits", limit=1, updatedSince=since, cursor=page["nextCursor"]
        ).must(200).json
        seen += [(c["id"], c["name"]) for c in page["items"]]
    assert (made[2]["id"], "new") in seen
    assert {identity for identity, _ in seen} == {c["id"] for c in made}


def test_an_unknown_service_key_and_its_cursor_are_nothing(operator):
    assert found(operator, serviceKey=str(uuid.uuid4()), olderThan="0m") == []
