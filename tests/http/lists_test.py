# SPDX-License-Identifier: Apache-2.0
"""Pins lists: pages of limit items with an opaque cursor to the end, no row twice and none missing
even while rows are added, every filter, and refusals of what is no limit, no cursor and no
parameter."""

import re
import urllib.parse
import uuid

import pytest

import contract
from tenant import BANDWIDTHS, STATUSES, Customer, Partner, unique

LISTS = [o for o in contract.OPERATIONS if any(p["name"] == "cursor" for p in o.query())]


@pytest.fixture(scope="module")
def places(operator):
    """Two partners at two locations."""
    offers = [
        {"peeringLocation": name, "bandwidthsMbps": BANDWIDTHS} for name in ("Amsterdam", "London")
    ]
    return Partner(operator, offers=offers), Partner(operator, offers=offers)


def caller(operation, customer, partner, operator):
    if operation.path.startswith("/v1/partner/"):
        return partner.client
    if operation.path == "/v1/customers":
        return operator
    return customer.client


def test_pages_give_every_row_once(customer, partner):
    made = [customer.circuit(partner)["id"] for _ in range(7)]
    for limit, sizes in ((1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (8, [7]), (200, [7])):
        seen, cursor = [], None
        pages = []
        while True:
            query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            answer = customer.client.get("/v1/circuits", **query).must(200)
            pages.append(len(answer.json["items"]))
            seen += [c["id"] for c in answer.json["items"]]
            cursor = answer.json["nextCursor"]
            link = answer.headers.get("Link")
            if cursor is None:
                assert link is None
                break
            target = re.fullmatch(r'<([^>]+)>; rel="next"', link)[1]
            followed = customer.client.get(target.removeprefix(customer.client.url)).must(200)
            assert followed.json == customer.client.get(
                "/v1/circuits", limit=limit, cursor=cursor
            ).json
        assert pages == sizes
        assert seen == made


def test_an_item_of_a_list_is_what_a_get_of_it_says(customer, partner):
    customer.circuit(partner, name='say "hi" \u00e9\u20ac\U0001f600 \\', tags={"a": 'b"\\', "c": ""})
    for status in STATUSES:
        made = customer.circuit_at(partner, status)
        partner.callback("circuit.progress", made["serviceKey"], note='cage "7"', sTag=210,
                         expectedBy="2031-02-28T23:59:59.999Z", primaryPort="A-1")
    rejected = customer.circuit(partner)
    partner.callback("circuit.rejected", rejected["serviceKey"], reason='no "fibre"').must(200)
    for client, path in ((customer.client, "/v1/circuits"), (partner.client, "/v1/partner/circuits")):
        items = client.get(path).must(200).json["items"]
        assert len(items) >= len(STATUSES) + 1
        assert items == [client.get(f"{path}/{c['id']}").must(200).json for c in items]


def test_the_next_page_keeps_the_filters(customer, places):
    one, two = places
    for n in range(6):
        customer.circuit((one, two)[n % 2])
    answer = customer.client.get("/v1/circuits", limit=2, partner=one.slug).must(200)
    target = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers["Link"])[1]
    followed = customer.client.get(target.removeprefix(customer.client.url)).must(200)
    assert [c["partner"] for c in followed.json["items"]] == [one.slug]
    assert followed.json["nextCursor"] is None


def test_rows_that_come_and_go_between_pages_disturb_nothing(customer, partner):
    made = [customer.circuit(partner)["id"] for _ in range(6)]
    page = customer.client.get("/v1/circuits", limit=2).must(200).json
    seen = [c["id"] for c in page["items"]]
    customer.client.delete(f"/v1/circuits/{made[1]}").must(204)  # the one the cursor stands on
    customer.client.delete(f"/v1/circuits/{made[3]}").must(204)
    late = customer.circuit(partner)["id"]
    while page["nextCursor"]:
        query = {"limit": 2, "cursor": page["nextCursor"]}
        page = customer.client.get("/v1/circuits", **query).must(200).json
        seen += [c["id"] for c in page["items"]]
    assert seen == [made[0], made[1], made[2], made[4], made[5], late]


def test_a_page_has_50_rows_by_default(operator):
    page = operator.get("/v1/peering-locations").must(200).json
    assert len(page["items"]) == 50 and page["nextCursor"]
    names = [x["name"] for x in operator.pages("/v1/peering-locations", limit=13)]
    assert len(names) == len(set(names)) == 105


def test_history_is_paged_like_everything(customer, partner):
    circuit = customer.circuit(partner)
    for n in range(6):
        partner.callback("circuit.progress", circuit["serviceKey"], note=f"n{n}").must(200)
    path = f"/v1/circuits/{circuit['id']}/events"
    whole = customer.client.pages(path)
    assert len(whole) >= 7
    assert customer.client.pages(path, limit=2) == whole
    sequences = [e["sequence"] for e in whole]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_every_list_refuses_what_is_no_limit_cursor_or_parameter(
    customer, partner, operator, operation
):
    client = caller(operation, customer, partner, operator)
    target = operation.path
    if target.startswith("/v1/webhooks/"):
        hook = {"url": "https://hooks.example.com/", "eventTypes": ["ping"]}
        target = operation.url(id=client.post("/v1/webhooks", hook).must(201).json["id"])
    elif operation.path_names:
        target = operation.url(id=customer.circuit(partner)["id"])
    client.send("GET", target).must(200)
    for limit in ("0", "201", "-1", "1e2", "ten", "", "1.5", "99999999999999999999", "0x10", " 5"):
        answer = client.get(target, limit=limit).must(422, "invalid_request")
        assert answer.json["errors"], answer
    for limit in ("1", "200"):
        client.get(target, limit=limit).must(200)
    for cursor in ("x", "%", "AAAA", "0", "a" * 200, str(uuid.uuid4()), "ü", "=", "../.."):
        assert client.get(target, cursor=cursor).status == 400, cursor
    for query in ("colour=red", "Limit=1", "limit=1&colour=red", "limits=5", "deletd=true"):
        answer = client.send("GET", f"{target}?{query}").must(400, "unknown_parameter")
        assert "colour" in answer.text or "imit" in answer.text or "deletd" in answer.text


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=1&limit=1", "cursor=&cursor="])
def test_a_parameter_that_comes_twice_is_refused(customer, query):
    answer = customer.client.send("GET", f"/v1/circuits?{query}")
    assert answer.status in (400, 422), answer


def test_a_cursor_that_was_touched_is_refused(customer, partner):
    for _ in range(3):
        customer.circuit(partner)
    cursor = customer.client.get("/v1/circuits", limit=1).must(200).json["nextCursor"]
    customer.client.get("/v1/circuits", limit=1, cursor=cursor).must(200)
    for at in range(0, len(cursor), 3):
        other = "A" if cursor[at] != "A" else "B"
        touched = cursor[:at] + other + cursor[at + 1 :]
        assert customer.client.get("/v1/circuits", cursor=touched).status == 400, touched
    for touched in (cursor[:-1], cursor + "A", cursor[1:]):
        assert customer.client.get("/v1/circuits", cursor=touched).status == 400, touched


def test_parameters_are_refused_where_there_are_none(customer, partner, operator):
    circuit = customer.circuit(partner)
    for client, target in (
        (customer.client, f"/v1/circuits/{circuit['id']}"),
        (operator, "/v1/partners/equinix"),
    ):
        client.get(target, colour="red").must(400, "unknown_parameter")
    body = {"name": "x", "addressSpace": ["10.0.0.0/16"]}
    customer.client.post("/v1/vnets?colour=red", body).must(400, "unknown_parameter")
    assert customer.client.get("/v1/vnets").must(200).json["items"] == []


# --- filters -------------------------------------------------------------------------------------


def found(client, **query):
    return [c["id"] for c in client.pages("/v1/circuits", **query)]


def test_circuits_are_filtered_by_every_filter(customer, operator, places):
    one, two = places
    first = customer.circuit_at(one, "Provisioned")
    second = customer.circuit_at(two, "Provisioning", peeringLocation="London")
    third = customer.circuit(one, peeringLocation="London")
    ids = [c["id"] for c in (first, second, third)]
    mine = {"customerId": customer.id}
    for client, base in ((customer.client, {}), (operator, mine)):
        assert found(client, **base) == ids
        assert found(client, **base, providerStatus="Provisioned") == ids[:1]
        assert found(client, **base, providerStatus="Provisioning") == ids[1:2]
        assert found(client, **base, providerStatus="Deprovisioning") == []
        assert found(client, **base, circuitStatus="Enabled") == ids
        assert found(client, **base, circuitStatus="Disabled") == []
        assert found(client, **base, partner=one.slug) == [ids[0], ids[2]]
        assert found(client, **base, partner=unique("none")) == []
        assert found(client, **base, peeringLocation="London") == ids[1:]
        assert found(client, **base, peeringLocation="Nowhere") == []
        assert found(client, **base, serviceKey=second["serviceKey"]) == ids[1:2]
        assert found(client, **base, serviceKey=second["serviceKey"].upper()) == ids[1:2]
        assert found(client, **base, serviceKey=str(uuid.uuid4())) == []
        assert found(client, **base, partner=one.slug, peeringLocation="London") == ids[2:]
        assert found(client, **base, partner=two.slug, providerStatus="Provisioned") == []
    assert found(customer.client, **mine) == ids
    assert found(operator, customerId=str(uuid.uuid4())) == []


def test_a_filter_is_read_percent_encoded(customer, operator):
    offers = [{"peeringLocation": "Hong Kong", "bandwidthsMbps": [50]}]
    partner = Partner(operator, offers=offers)
    made = customer.circuit(partner, peeringLocation="Hong Kong", bandwidthMbps=50)["id"]
    for text in ("Hong%20Kong", "%48ong%20%4bong", "Hong%20%4Bong"):
        answer = customer.client.send("GET", f"/v1/circuits?peeringLocation={text}").must(200)
        assert [c["id"] for c in answer.json["items"]] == [made], text
    # As forms write a space, and as most libraries do.
    assert "+" in urllib.parse.urlencode({"peeringLocation": "Hong Kong"})
    assert found(customer.client, peeringLocation="Hong Kong") == [made]
    for text in ("S%E3o", "%", "%4", "%zz", "S%00o", "a%0ab", "%F0%9F", "%ED%A0%80"):
        answer = customer.client.send("GET", f"/v1/circuits?peeringLocation={text}")
        assert answer.status in (400, 422), (text, answer)
    for text in ("?", "?&", "?&&", "?=", "?=x", "?peeringLocation", "?peeringLocation="):
        answer = customer.client.send("GET", "/v1/circuits" + text)
        assert answer.status in (200, 400, 422), (text, answer)


def test_a_cursor_of_another_list_widens_nothing(customer, partner):
    for _ in range(3):
        customer.circuit(partner)
        customer.vnet(gateway=False)
    cursors = {
        path: customer.client.get(path, limit=1).must(200).json["nextCursor"]
        for path in ("/v1/circuits", "/v1/vnets", "/v1/partners", "/v1/peering-locations")
    }
    for cursor in cursors.values():
        for path in cursors:
            answer = customer.client.get(path, cursor=cursor)
            assert answer.status in (200, 400), answer
            if path in ("/v1/circuits", "/v1/vnets") and answer.status == 200:
                assert {x["customerId"] for x in answer.json["items"]} <= {customer.id}


def test_every_list_is_the_same_in_small_pages_and_in_large_ones(operator, places):
    """Circuits of every status, living and deleted, of two customers, interleaved."""
    one, two = places
    customers = [Customer(operator), Customer(operator)]
    made, gone = [], []
    for n, status in enumerate(STATUSES * 3):
        made.append(customers[n % 2].circuit_at((one, two)[n // 2 % 2], status)["id"])
        deleted = customers[n % 2].circuit(one)
        customers[n % 2].client.delete(f"/v1/circuits/{deleted['id']}").must(204)
        gone.append(deleted["id"])
    filters = (
        {},
        {"deleted": "true"},
        {"partner": one.slug},
        {"partner": one.slug, "deleted": "true"},
        {"circuitStatus": "Enabled", "partner": two.slug},
        {"peeringLocation": "Amsterdam", "customerId": customers[0].id},
        *({"providerStatus": status, "customerId": customers[1].id} for status in STATUSES),
    )
    for query in filters:
        large = found(operator, **query)
        assert large == sorted(set(large)), query
        assert found(operator, limit=3, **query) == large, query
        if set(query) <= {"deleted"}:
            wanted, other = (gone, made) if query else (made, gone)
            assert set(wanted) <= set(large) and not set(other) & set(large)
    mine = [identity for n, identity in enumerate(made) if n % 2 == 0]
    assert found(customers[0].client, limit=2) == mine
    quoted = [c["id"] for c in one.client.pages("/v1/partner/circuits", limit=2)]
    assert quoted == [c["id"] for c in one.client.pages("/v1/partner/circuits")]
    # A circuit whose key was never quoted is not among them.
    expected = {i for n, i in enumerate(made) if n // 2 % 2 == 0 and n % 4 != 0}
    assert set(quoted) & set(made) == expected and not set(quoted) & set(gone)


@pytest.mark.parametrize(
    "name,value",
    [
        ("providerStatus", "provisioned"),
        ("providerStatus", ""),
        ("circuitStatus", "On"),
        ("customerId", "x"),
        ("serviceKey", "x"),
        ("serviceKey", ""),
        ("deleted", "maybe"),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(operator, name, value):
    answer = operator.get("/v1/circuits", **{name: value}).must(422, "invalid_request")
    assert name in str(answer.json["errors"])


def test_an_operator_finds_deleted_circuits_when_asked(customer, partner, operator):
    gone, there = customer.circuit(partner), customer.circuit(partner)
    customer.client.delete(f"/v1/circuits/{gone['id']}").must(204)
    mine = {"customerId": customer.id}
    assert found(operator, **mine) == [there["id"]]
    assert found(operator, **mine, deleted="false") == [there["id"]]
    assert found(operator, **mine, deleted="true") == [gone["id"]]
    assert found(customer.client) == [there["id"]]
    answer = customer.client.get("/v1/circuits", deleted="true")
    assert answer.status != 200 or gone["id"] not in answer.text


def test_connections_are_filtered_by_circuit_and_vnet(customer, partner):
    circuits = [customer.circuit_at(partner, "Provisioned") for _ in range(2)]
    vnets = [customer.vnet() for _ in range(2)]
    made = {
        (c["id"], v["id"]): customer.connect(c, v).must(201).json["id"]
        for c in circuits
        for v in vnets
    }

    def listed(**query):
        return {c["id"] for c in customer.client.pages("/v1/connections", **query)}

    assert listed() == set(made.values())
    for circuit in circuits:
        expected = {i for (c, _), i in made.items() if c == circuit["id"]}
        assert listed(circuitId=circuit["id"]) == expected
    for vnet in vnets:
        assert listed(vnetId=vnet["id"]) == {i for (_, v), i in made.items() if v == vnet["id"]}
    pair = next(iter(made))
    assert listed(circuitId=pair[0], vnetId=pair[1]) == {made[pair]}
    assert listed(circuitId=str(uuid.uuid4())) == set()


def test_a_partners_circuits_are_filtered_by_status(customer, partner):
    circuits = {
        status: customer.circuit_at(partner, status)["id"]
        for status in ("Provisioning", "Provisioned", "Deprovisioning")
    }
    for status, identity in circuits.items():
        listed = partner.client.pages("/v1/partner/circuits", providerStatus=status)
        assert [c["id"] for c in listed] == [identity]
    assert partner.client.pages("/v1/partner/circuits", providerStatus="NotProvisioned") == []
