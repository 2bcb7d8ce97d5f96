# SPDX-License-Identifier: Apache-2.0
"""Pins VNets and gateways: what is an address space, what a gateway needs, how tags are patched,
and that a connected VNet keeps its shape."""

import pytest

GOOD_SPACES = [
    ["10.0.0.0/8"],
    ["192.168.0.16/28"],
    ["0.0.0.0/8"],
    ["10.0.0.0/16", "10.1.0.0/16"],
    [f"10.{n}.0.0/16" for n in range(16)],
    ["172.16.0.0/12", "192.168.0.0/16"],
]
# (space, where the fault is)
BAD_SPACES = [
    ([], "/addressSpace"),
    ([f"10.{n}.0.0/16" for n in range(17)], "/addressSpace"),
    (["10.0.0.0/7"], "/addressSpace/0"),
    (["10.0.0.0/29"], "/addressSpace/0"),
    (["10.0.0.0/0"], "/addressSpace/0"),
    (["10.0.0.1/16"], "/addressSpace/0"),
    (["10.1.0.0/8"], "/addressSpace/0"),
    (["10.0.0.0"], "/addressSpace/0"),
    (["10.0.0.0/"], "/addressSpace/0"),
    (["10.0.0.0/16 "], "/addressSpace/0"),
    (["10.0.0.0/016"], "/addressSpace/0"),
    (["010.0.0.0/16"], "/addressSpace/0"),
    (["10.0/16"], "/addressSpace/0"),
    (["10.0.0.0.0/16"], "/addressSpace/0"),
    (["10.0.0.256/28"], "/addressSpace/0"),
    (["256.0.0.0/8"], "/addressSpace/0"),
    (["-1.0.0.0/8"], "/addressSpace/0"),
    (["10.0.0.0/255.0.0.0"], "/addressSpace/0"),
    (["fd00::/16"], "/addressSpace/0"),
    (["::ffff:10.0.0.0/24"], "/addressSpace/0"),
    (["x"], "/addressSpace/0"),
    ([""], "/addressSpace/0"),
    ([None], "/addressSpace/0"),
    ([10], "/addressSpace/0"),
    (["10.0.0.0/16", "10.0.0.0/16"], "/addressSpace/1"),
    (["10.0.0.0/8", "10.5.0.0/16"], "/addressSpace/1"),
    (["10.5.0.0/16", "10.0.0.0/8"], "/addressSpace/1"),
    (["10.0.0.0/16", "nonsense"], "/addressSpace/1"),
]


@pytest.mark.parametrize("space", GOOD_SPACES, ids=str)
def test_an_address_space_of_1_to_16_prefixes_is_taken(customer, space):
    vnet = customer.vnet(gateway=False, space=space)
    assert sorted(vnet["addressSpace"]) == sorted(space)
    assert vnet["gateway"] is None and vnet["circuits"] == {"used": 0, "limit": 4}
    assert (vnet["customerId"], vnet["version"]) == (customer.id, 1)


@pytest.mark.parametrize("space,where", BAD_SPACES, ids=lambda x: str(x)[:40])
def test_anything_else_is_no_address_space(customer, space, where):
    body = {"name": "x", "addressSpace": space}
    answer = customer.client.post("/v1/vnets", body).must(422, "invalid_request")
    assert any(p.startswith("/addressSpace") for p in answer.pointers), answer
    if not where.endswith("/1"):  # of two that overlap, either may be called the wrong one
        assert where in answer.pointers or "/addressSpace" in answer.pointers, answer
    vnet = customer.vnet(gateway=False)
    target = f"/v1/vnets/{vnet['id']}"
    customer.client.patch(target, {"addressSpace": space}).must(422, "invalid_request")
    assert customer.client.get(target).must(200).json == vnet


def test_two_vnets_may_have_the_same_address_space(customer):
    for _ in range(2):
        customer.vnet(space=["10.0.0.0/16"])


@pytest.mark.parametrize(
    "subnet", ["10.0.0.0/27", "10.0.255.224/27", "10.0.255.240/28", "10.0.0.0/16", "10.0.4.0/24"]
)
def test_a_gateway_lies_in_the_address_space(customer, subnet):
    vnet = customer.vnet(gateway=False, space=["10.0.0.0/16", "10.2.0.0/16"])
    target = f"/v1/vnets/{vnet['id']}/gateway"
    after = customer.client.put(target, {"subnet": subnet}).must(200).json
    assert after["gateway"] == {"subnet": subnet}
    assert after["version"] == vnet["version"] + 1
    again = customer.client.put(target, {"subnet": subnet}).must(200).json
    assert again["gateway"] == {"subnet": subnet}


@pytest.mark.parametrize(
    "subnet",
    [
        "10.0.0.0/29",
        "10.0.0.0/32",
        "10.1.0.0/27",
        "10.0.0.0/15",
        "0.0.0.0/0",
        "10.0.0.1/27",
        "10.0.0.0",
        "",
        "x",
        "fd00::/27",
        None,
        7,
        ["10.0.0.0/27"],
    ],
)
def test_anything_else_is_no_gateway(customer, subnet):
    vnet = customer.vnet(gateway=False, space=["10.0.0.0/16", "10.2.0.0/16"])
    target = f"/v1/vnets/{vnet['id']}"
    answer = customer.client.put(target + "/gateway", {"subnet": subnet})
    answer.must(422, "invalid_request")
    assert answer.pointers == ["/subnet"], answer
    assert customer.client.get(target).must(200).json == vnet


def test_a_gateway_is_changed_and_removed_while_nothing_is_connected(customer):
    vnet = customer.vnet(space=["10.0.0.0/16"])
    target = f"/v1/vnets/{vnet['id']}"
    customer.client.put(target + "/gateway", {"subnet": "10.0.9.0/24"}).must(200)
    before = customer.client.get(target).must(200).json
    customer.client.delete(target + "/gateway").must(204)
    after = customer.client.get(target).must(200).json
    assert after["gateway"] is None and after["version"] == before["version"] + 1
    customer.client.delete(target + "/gateway").must(404, "not_found")


def test_the_gateway_stays_inside_when_the_space_changes(customer):
    vnet = customer.vnet(space=["10.0.0.0/16", "10.2.0.0/16"])
    target = f"/v1/vnets/{vnet['id']}"
    answer = customer.client.patch(target, {"addressSpace": ["10.2.0.0/16"]})
    answer.must(422, "invalid_request")
    assert answer.pointers == ["/addressSpace"]
    after = customer.client.patch(target, {"addressSpace": ["10.0.0.0/24"]}).must(200).json
    assert after["addressSpace"] == ["10.0.0.0/24"] and after["gateway"] == vnet["gateway"]


def test_a_patch_changes_what_it_names(customer):
    vnet = customer.vnet(gateway=False, tags={"a": "1", "b": "2"})
    target = f"/v1/vnets/{vnet['id']}"
    after = customer.client.patch(target, {"name": "new"}).must(200).json
    assert after["name"] == "new" and after["tags"] == {"a": "1", "b": "2"}
    assert after["version"] == vnet["version"] + 1
    assert after["updatedAt"] > vnet["updatedAt"] and after["createdAt"] == vnet["createdAt"]
    body = {"tags": {"a": None, "c": "3", "never": None}}
    after = customer.client.patch(target, body).must(200).json
    assert after["tags"] == {"b": "2", "c": "3"}
    after = customer.client.patch(target, {"tags": None}, media="application/json").must(200).json
    assert after["tags"] == {} and after["name"] == "new"
    same = customer.client.patch(target, {}).must(200).json
    assert (same["name"], same["tags"]) == ("new", {})


@pytest.mark.parametrize(
    "body,where",
    [
        ({"name": None}, "/name"),
        ({"name": ""}, "/name"),
        ({"addressSpace": None}, "/addressSpace"),
        ({"tags": {"a": 1}}, "/tags/a"),
        ({"gateway": {"subnet": "10.0.0.0/27"}}, "/gateway"),
        ({"id": "0199aa00-0000-7000-8000-000000000001"}, "/id"),
        ({"version": 7}, "/version"),
    ],
)
def test_a_patch_of_anything_else_is_refused(customer, body, where):
    vnet = customer.vnet(gateway=False)
    target = f"/v1/vnets/{vnet['id']}"
    answer = customer.client.patch(target, body).must(422, "invalid_request")
    assert answer.pointers == [where]
    assert customer.client.get(target).must(200).json == vnet


def test_tags_that_grow_beyond_50_by_patches_are_refused(customer):
    vnet = customer.vnet(gateway=False, tags={f"t{n}": "x" for n in range(50)})
    target = f"/v1/vnets/{vnet['id']}"
    customer.client.patch(target, {"tags": {"one-more": "x"}}).must(422, "invalid_request")
    customer.client.patch(target, {"tags": {"t0": None, "one-more": "x"}}).must(200)


def test_a_connected_vnet_keeps_its_shape(customer, partner):
    circuit = customer.circuit_at(partner, "Provisioned")
    vnet = customer.vnet(space=["10.0.0.0/16"])
    connection = customer.connect(circuit, vnet).must(201).json
    target = f"/v1/vnets/{vnet['id']}"
    client = customer.client
    for refused in (
        client.patch(target, {"addressSpace": ["10.0.0.0/16", "10.1.0.0/16"]}),
        client.put(target + "/gateway", {"subnet": "10.0.1.0/24"}),
        client.delete(target + "/gateway"),
        client.delete(target),
    ):
        refused.must(409, "vnet_in_use")
        blockers = refused.json["blockers"]
        assert [(b["type"], b["id"]) for b in blockers] == [("connection", connection["id"])]
    body = {"name": "new", "tags": {"a": "b"}, "addressSpace": ["10.0.0.0/16"]}
    after = client.patch(target, body).must(200).json
    assert (after["name"], after["tags"]) == ("new", {"a": "b"})
    assert after["addressSpace"] == vnet["addressSpace"] and after["gateway"] == vnet["gateway"]
    client.put(target + "/gateway", vnet["gateway"]).must(200)

    client.delete(f"/v1/connections/{connection['id']}").must(204)
    client.patch(target, {"addressSpace": ["10.0.0.0/16", "10.1.0.0/16"]}).must(200)
    client.delete(target + "/gateway").must(204)
    client.delete(target).must(204)
    client.get(target).must(404, "not_found")


def test_every_connection_of_a_vnet_is_told_as_a_blocker(customer, partner):
    vnet = customer.vnet()
    made = {
        customer.connect(customer.circuit_at(partner, "Provisioned"), vnet).must(201).json["id"]
        for _ in range(4)
    }
    answer = customer.client.delete(f"/v1/vnets/{vnet['id']}").must(409, "vnet_in_use")
    assert {b["id"] for b in answer.json["blockers"]} == made and len(made) == 4
