# SPDX-License-Identifier: Apache-2.0
"""Pins what the server does with bad bodies: never 5xx, always a problem; 400 when it is not JSON,
422 with a pointer to every fault at once when it is JSON and wrong; and it does nothing then.
Hundreds of bodies: a table of octets that are no JSON, every member of every body of the
contract made wrong in a dozen ways, and what hypothesis thinks up."""

import copy
import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contract
from tenant import Customer, Partner, unique

WITH_BODY = [o for o in contract.OPERATIONS if o.media]
KIB = 1024


class Target:
    """Where bodies are sent: each operation with a caller who may, on resources that are there."""

    def __init__(self, operator):
        self.partner = Partner(operator)
        self.customer = Customer(operator)
        self.vnet = self.customer.vnet(gateway=False)
        self.circuit = self.customer.circuit(self.partner)
        self.built = self.customer.circuit_at(self.partner, "Provisioned")
        to = {"url": "https://hooks.example.com/bodies"}
        self.webhook = self.customer.client.post("/v1/webhooks", to).must(201).json
        self.callers = {
            "/v1/customers": operator,
            "/v1/customers/{id}/limits": operator,
            "/v1/limits": operator,
            "/v1/partners": operator,
            "/v1/partners/{partner}": operator,
            "/v1/partners/{partner}/callback-secrets": operator,
            "/v1/tokens": operator,
            "/v1/partner/circuits": self.partner.client,
        }

    def send(self, operation, body, **headers):
        ids = {
            "circuit_update": self.circuit,
            "circuit_deprovision_request": self.built,
            "authorization_create": self.circuit,
            "customer_limits_put": {"id": self.customer.id},
            "webhook_update": self.webhook,
            "webhook_recover": self.webhook,
        }
        named = ids.get(operation.id, self.vnet)["id"]
        target = operation.path.format_map({"id": named, "partner": self.partner.slug})
        if operation.id == "callback_apply":
            signed = {**self.partner.signed(body), **headers}
            return self.partner.anonymous.send("POST", target, body, signed)
        client = self.callers.get(operation.path, self.customer.client)
        sent = {"Content-Type": operation.media[0], **headers}
        return client.send(operation.method, target, body, sent)

    def good(self, operation):
        """A body that the server takes, over and over."""
        body = operation.example()
        if operation.id == "partner_create":
            body["name"] = unique("carrier")
        if operation.id == "circuit_create":
            body["partner"] = self.partner.slug
        if operation.id == "circuit_update":
            body["bandwidthMbps"] = 1000  # which it has: another test may change the offers
        if operation.id == "token_create":
            body["partner"] = self.partner.slug
        if operation.id == "vnet_gateway_put":
            body["subnet"] = self.vnet["addressSpace"][0].split("/")[0] + "/27"
        if operation.id == "connection_create":
            body = {"circuitId": self.circuit["id"], "vnetId": self.vnet["id"]}
        if operation.id == "partner_circuit_quote":
            body["serviceKey"] = self.circuit["serviceKey"]
        if operation.id == "callback_apply":
            body = json.loads(self.partner.payload("circuit.progress", self.circuit["serviceKey"]))
        if operation.id == "webhook_recover":
            body["since"] = self.webhook["createdAt"]
        return body


@pytest.fixture(scope="module")
def target(operator):
    return Target(operator)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_good_body_is_taken(target, operation):
    """Otherwise the refusals below would prove nothing."""
    answer = target.send(operation, json.dumps(target.good(operation)).encode())
    if operation.id == "connection_create":
        answer.must(409, "circuit_not_provisioned")
    else:
        assert answer.status in (200, 201, 202), answer


# --- octets that are no JSON ---------------------------------------------------------------------

NO_JSON = {
    "nothing": b"",
    "a space": b" ",
    "a brace": b"{",
    "a closing brace": b"}",
    "two objects": b"{}{}",
    "two objects on two lines": b"{}\n{}",
    "something after it": b"{} x",
    "a comma after it": b'{"name": "x",}',
    "a comma first": b'{,"name": "x"}',
    "no colon": b'{"name" "x"}',
    "no comma": b'{"name": "x" "tags": {}}',
    "single quotes": b"{'name': 'x'}",
    "no quotes": b"{name: 1}",
    "a comment": b'{"name": "x" /* why */}',
    "a line comment": b'// x\n{"name": "x"}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": Infinity}',
    "minus Infinity": b'{"name": -Infinity}',
    "undefined": b'{"name": undefined}',
    "True": b'{"name": True}',
    "a leading zero": b'{"name": 01}',
    "a plus sign": b'{"name": +1}',
    "a hexadecimal number": b'{"name": 0x10}',
    "a dot without digits": b'{"name": 1.}',
    "no digits before the dot": b'{"name": .5}',
    "an exponent without digits": b'{"name": 1e}',
    "an open string": b'{"name": "x',
    "an open escape": b'{"name": "\\',
    "an unknown escape": b'{"name": "\\x41"}',
    "a short escape": b'{"name": "\\u12"}',
    "no hex in the escape": b'{"name": "\\uzzzz"}',
    "a raw line break": b'{"name": "a\nb"}',
    "a raw tab": b'{"name": "a\tb"}',
    "a raw control character": b'{"name": "a\x01b"}',
    "a raw NUL": b'{"name": "a\x00b"}',
    "a NUL first": b'\x00{"name": "x"}',
    "a NUL last": b'{"name": "x"}\x00',
    "only NULs": b"\x00" * 16,
    "a NUL behind a number": b"1\x00",
    "a NUL behind a literal": b"true\x00\x00",
    "a NUL and more behind a number": b'12\x00{"name": "x"}',
    "broken behind a number that is too large": b'{"name": 1e999, "x":}',
    "cut behind a number that is too large": b'{"name": 123456789012345678901234567890',
    "a number that is too large and none": b"[1e999, 01]",
    "a number that is too large, twice a member": b'{"a": -1e400, "b": 1, "b": 2}',
    "a lone continuation octet": b'{"name": "\x80"}',
    "a cut character": b'{"name": "\xc3"}',
    "an overlong slash": b'{"name": "\xc0\xaf"}',
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"name": "\xf4\x90\x80\x80"}',
    "five octets": b'{"name": "\xf8\x88\x80\x80\x80"}',
    "0xff": b"\xff",
    "0xff in a name": b'{"na\xffme": "x"}',
    "Latin 1": '{"name": "Zürich"}'.encode("latin-1"),
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-32": '{"name": "x"}'.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + b'{"name": "x"}',
    "a duplicate key": b'{"name": "x", "name": "y"}',
    "a duplicate key, the same value": b'{"name": "x", "name": "x"}',
    "a duplicate key, escaped": b'{"name": "x", "n\\u0061me": "y"}',
    "a duplicate key below": b'{"name": "x", "tags": {"a": "1", "a": "2"}}',
    "a lone high surrogate": b'{"name": "\\ud800"}',
    "a lone low surrogate": b'{"name": "\\udc00"}',
    "surrogates in the wrong order": b'{"name": "\\udc00\\ud800"}',
    "33 arrays": b"[" * 33 + b"]" * 33,
    "33 objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "1,000 arrays": b"[" * 1000 + b"]" * 1000,
    "30,000 arrays": b"[" * 30000 + b"]" * 30000,
    "60,000 open brackets": b"[" * 60000,
    "60,000 open braces": b'{"a":' * 10000,
    "a form": b"name=x&partner=y",
    "XML": b"<?xml version='1.0'?><name>x</name>",
    "HTML": b"<script>alert(1)</script>",
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}
PLACES = ("circuit_create", "vnet_update", "callback_apply", "token_create")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("octets", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_is_400(target, place, octets):
    operation = contract.BY_ID[place]
    answer = target.send(operation, octets)
    assert answer.status == 400, answer
    assert answer.code == "malformed_json", answer


@pytest.mark.parametrize("place", PLACES)
def test_a_number_of_60_000_digits_is_refused_with_its_pointer(target, place):
    for end in (b"", b"}", b".5e9}"):
        answer = target.send(contract.BY_ID[place], b'{"name": ' + b"9" * 60000 + end)
        assert answer.status in (400, 422), answer
        assert answer.pointers == ["/name"], answer


@pytest.mark.parametrize(
    "octets,where",
    [
        (b'{"name": "x", "name": "y"}', "/name"),
        (b'{"tags": {"a": "1", "b": "2", "a": "3"}}', "/tags/a"),
        (b'{"name": "a\\u0000b"}', "/name"),
        (b'{"tags": {"a": "\\u0000"}}', "/tags/a"),
        (b'{"name": "\x80"}', "/name"),
        (b'{"sku": {"tier": "\xc3\x28"}}', "/sku/tier"),
        (b'{"name": "\\ud800"}', "/name"),
        (b'{"bandwidthMbps": 1e999}', "/bandwidthMbps"),
        (b'{"bandwidthMbps": 99999999999999999999}', "/bandwidthMbps"),
    ],
)
def test_what_the_reader_of_json_refuses_is_told_with_its_place(target, octets, where):
    answer = target.send(contract.BY_ID["circuit_create"], octets)
    assert answer.status in (400, 422), answer
    assert answer.pointers == [where], answer


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("octets", [b"[]", b'"x"', b"1", b"true", b"null", b"[{}]", b"-0.0", b'""'])
def test_json_that_is_no_object_is_422(target, place, octets):
    answer = target.send(contract.BY_ID[place], octets).must(422, "invalid_request")
    assert [(f["pointer"], f["code"]) for f in answer.json["errors"]] == [("", "wrong_type")]


@pytest.mark.parametrize("size,status", [(64 * KIB, 201), (64 * KIB + 1, 413), (1024 * KIB, 413)])
def test_a_body_may_have_64_kib(target, size, status):
    operation = contract.BY_ID["circuit_create"]
    good = json.dumps(target.good(operation)).encode()
    try:
        answer = target.send(operation, good + b" " * (size - len(good)))
    except (ConnectionError, BrokenPipeError):
        assert status == 413, "the connection went away"  # while the body was still being sent
        target.customer.client.get("/v1/circuits").must(200)
        return
    answer.must(status)


def test_depth_32_is_json_and_33_is_not(target):
    operation = contract.BY_ID["circuit_create"]
    good = target.good(operation)
    for depth, status in ((32, 422), (33, 400)):
        nested = "[" * (depth - 1) + "]" * (depth - 1)
        body = json.dumps(good)[:-1] + f', "colour": {nested}}}'
        answer = target.send(operation, body.encode()).must(status)
        assert status == 400 or answer.pointers == ["/colour"]


# --- every member of every body, made wrong ------------------------------------------------------

VALUES = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "a fraction": 1.5,
    "2 to the 31": 2**31,
    "2 to the 63": 2**63 - 1,
    "an empty string": "",
    "a space": " ",
    "a string": "no such thing",
    "200,000 signs of depth": "x" * 5000,
    "a NUL": "a\u0000b",
    "a control character": "a\u0001b",
    "a line break": "a\nb",
    "sql": "'; DROP TABLE onramp.circuits; --",
    "a numeral": "1000",
    "capitals": "EQUINIX",
    "an empty array": [],
    "an array": ["x"],
    "an array of nulls": [None],
    "an array of objects": [{}],
    "an empty object": {},
    "an object": {"x": 1},
}
# Numbers that no JSON library of ours would write: sent as they stand.
RAW = {
    "1e400": b"1e400",
    "minus 1e400": b"-1e400",
    "2 to the 64": b"18446744073709551616",
    "400 digits": b"9" * 400,
    "1e2": b"1e2",
    "a thousand as 1000.0": b"1000.0",
    "minus zero": b"-0",
    "1e-400": b"1e-400",
}
MARK = "@@here@@"


def paths(value, prefix=()):
    """Every member below the root, as paths."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield prefix + (key,)
            yield from paths(item, prefix + (key,))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield prefix + (index,)
            yield from paths(item, prefix + (index,))


def put(body, path, value):
    body = copy.deepcopy(body)
    at = body
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return body


def drop(body, path):
    body = copy.deepcopy(body)
    at = body
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return body


def pointer(path):
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


def full(operation, target):
    """The good body, with every optional member that the contract knows."""
    body = target.good(operation)
    if operation.id == "circuit_create":
        body["sku"] = {"tier": "Standard", "family": "MeteredData"}
        body["tags"] = {"a": "b"}
    if operation.id in ("vnet_create", "vnet_update"):
        body["addressSpace"] = ["10.77.0.0/16", "10.78.0.0/24"]
        body["tags"] = {"a": "b"}
        body.setdefault("name", "vnet")
    if operation.id == "token_create":
        body["expiresAt"] = "2031-01-01T00:00:00Z"
    if operation.id == "callback_apply":
        body["data"].update(
            note="n",
            reason="r",
            expectedBy="2031-01-01T00:00:00Z",
            primaryPort="p",
            secondaryPort="s",
            sTag=5,
            partnerReference="x",
        )
    return body


def wrong_bodies(operation, target):
    """(octets, what, pointer of the fault) for every body that the contract calls wrong."""
    body = full(operation, target)
    assert contract.accepts(operation.body_schema, body)
    for path in paths(body):
        for name, value in VALUES.items():
            changed = put(body, path, value)
            if not contract.accepts(operation.body_schema, changed):
                yield json.dumps(changed).encode(), f"{pointer(path)}: {name}", pointer(path)
        for name, octets in RAW.items():
            value = float(octets)
            if value.is_integer():
                value = int(value)
            changed = put(body, path, value)
            if abs(value) == float("inf") or not contract.accepts(operation.body_schema, changed):
                marked = json.dumps(put(body, path, MARK)).encode()
                octets = marked.replace(json.dumps(MARK).encode(), octets)
                yield octets, f"{pointer(path)}: {name}", pointer(path)
        changed = drop(body, path)
        if not contract.accepts(operation.body_schema, changed):
            yield json.dumps(changed).encode(), f"{pointer(path)}: left out", pointer(path)
    for extra in ("colour", "Name", "", "id", "__proto__", "a/b", "a~b", "ü", "x" * 100):
        changed = {**body, extra: 1}
        yield json.dumps(changed).encode(), f"unknown member {extra!r}", pointer((extra,))


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_every_member_made_wrong_is_422_with_its_pointer(target, operation):
    count = 0
    failures = []
    for octets, what, where in wrong_bodies(operation, target):
        count += 1
        answer = target.send(operation, octets)
        # A number beyond all doubles may be no number at all to the JSON reader.
        beyond = any(number in octets for number in (b"e400", b"e-400", b"9" * 400))
        # U+0000 in a string is what no reader of ours takes: told as malformed, with its place.
        expected = (400, 422) if beyond or rb"\u0000" in octets else (422,)
        if answer.status not in expected:
            failures.append(f"{what[:80]}: {answer}")
        else:
            pointers = answer.pointers if "errors" in answer.json else []
            near = [p for p in pointers if p == where or p.startswith(where + "/")]
            # A member that is wrong may be reported at the object or array that holds it.
            near += [p for p in pointers if where.startswith(p + "/")]
            # A bandwidth that is none of the known ones is one that nobody offers.
            codes = ("invalid_request",) + ("not_offered",) * (where == "/bandwidthMbps")
            if operation.id == "circuit_update":
                codes += ("bandwidth_decrease",) * (where == "/bandwidthMbps")
                codes += ("immutable_field",) * (where == "/id")
            codes += ("malformed_json",) * (answer.status == 400)
            if answer.code not in codes or not near:
                failures.append(f"{what[:80]}: wants {where}, got {pointers}: {answer.text[:200]}")
    assert count >= 9
    assert not failures, f"{len(failures)} of {count}:\n" + "\n".join(failures[:15])


def test_there_are_more_than_150_bad_bodies(target):
    count = sum(1 for o in WITH_BODY for _ in wrong_bodies(o, target))
    assert count > 500 and len(NO_JSON) >= 60


# --- all faults at once --------------------------------------------------------------------------


def test_all_faults_of_a_body_are_told_at_once(target):
    body = {
        "partner": 7,
        "peeringLocation": "",
        "bandwidthMbps": "fast",
        "sku": {"tier": "Gold", "family": None, "colour": 1},
        "tags": {"a": 1, "b": "ok"},
        "colour": "red",
        "flavour": "sweet",
    }
    operation = contract.BY_ID["circuit_create"]
    answer = target.send(operation, json.dumps(body).encode()).must(422, "invalid_request")
    found = {f["pointer"]: f["code"] for f in answer.json["errors"]}
    expected = {
        "/name": {"required"},
        "/partner": {"wrong_type"},
        "/peeringLocation": {"out_of_range", "invalid_value"},
        "/bandwidthMbps": {"wrong_type"},
        "/sku/tier": {"invalid_value"},
        "/sku/family": {"wrong_type"},
        "/sku/colour": {"unknown_member"},
        "/tags/a": {"wrong_type"},
        "/colour": {"unknown_member"},
        "/flavour": {"unknown_member"},
    }
    assert set(found) == set(expected), found
    for where, codes in expected.items():
        assert found[where] in codes, (where, found[where])


def test_all_faults_of_a_callback_are_told_at_once(target):
    body = {"type": "circuit.x", "data": {"sTag": 4095, "note": 1}, "extra": 1}
    operation = contract.BY_ID["callback_apply"]
    answer = target.send(operation, json.dumps(body).encode()).must(422, "invalid_request")
    expected = ["/type", "/timestamp", "/data/serviceKey", "/data/sTag", "/data/note", "/extra"]
    assert sorted(answer.pointers) == sorted(expected)


def test_a_hostile_body_cannot_make_the_answer_long(target):
    body = json.dumps({f"m{n}": n for n in range(4000)}).encode()
    answer = target.send(contract.BY_ID["circuit_create"], body).must(422, "invalid_request")
    assert len(answer.body) < 32 * KIB


def test_a_long_name_comes_back_cut(target):
    octets = json.dumps({"x" * 5000: 1, "name": "y" * 5000}).encode()
    answer = target.send(contract.BY_ID["circuit_create"], octets).must(422, "invalid_request")
    assert len(answer.body) < 2 * KIB


def test_the_local_tier_goes_with_unlimited_data_only(target):
    operation = contract.BY_ID["circuit_create"]
    body = target.good(operation)
    for sku in ({"tier": "Local"}, {"tier": "Local", "family": "MeteredData"}):
        answer = target.send(operation, json.dumps({**body, "sku": sku}).encode())
        answer.must(422, "invalid_request")
        assert answer.pointers and all(p.startswith("/sku") for p in answer.pointers)
    sku = {"tier": "Local", "family": "UnlimitedData"}
    made = target.send(operation, json.dumps({**body, "sku": sku}).encode()).must(201)
    assert made.json["sku"] == sku


def test_a_refused_body_does_nothing(target, operator):
    before = operator.pages("/v1/circuits", customerId=target.customer.id)
    operation = contract.BY_ID["circuit_create"]
    good = target.good(operation)
    for body in ({**good, "colour": 1}, {**good, "name": ""}, {**good, "bandwidthMbps": 1}):
        target.send(operation, json.dumps(body).encode()).must(422)
    assert operator.pages("/v1/circuits", customerId=target.customer.id) == before


@pytest.mark.parametrize("name", [" ", "\u3000\u00a0", "\u200b", "\u00ad\ufeff", "\U000e0041"],
                         ids=["space", "wide", "no_width", "hyphen", "tag"])
def test_a_name_that_nobody_sees_is_refused(target, name):
    operation = contract.BY_ID["circuit_create"]
    body = {**target.good(operation), "name": name}
    refused = target.send(operation, json.dumps(body).encode()).must(422, "invalid_request")
    assert [(e["pointer"], e["code"]) for e in refused.json["errors"]] == [("/name", "invalid_value")]


@pytest.mark.parametrize(
    "name", ["Zürich ☃", "a" * 80, "ü" * 80, "𝄞" * 80, "x y", "'; --", "<b>"]
)
def test_a_name_of_80_characters_of_any_script_is_kept_as_it_is(target, name):
    operation = contract.BY_ID["circuit_create"]
    body = {**target.good(operation), "name": name, "tags": {name: name}}
    for octets in (json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode()):
        made = target.send(operation, octets).must(201).json
        assert (made["name"], made["tags"]) == (name, {name: name})
    body["name"] += "x" * 80
    target.send(operation, json.dumps(body).encode()).must(422, "invalid_request")


# --- what hypothesis thinks up -------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    "name partner peeringLocation bandwidthMbps sku tags addressSpace subnet circuitId vnetId role "
    "customerId description expiresAt displayName offers keepOldSeconds serviceKey type timestamp "
    "data tier family".split()
)
LIKELY = st.dictionaries(MEMBERS | st.text(max_size=8), JSON, max_size=6)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_no_json_whatever_is_5xx(target, operation):
    good = target.good(operation)

    @settings(max_examples=40)
    @given(body=LIKELY | JSON, mixed=st.booleans())
    def run(body, mixed):
        if mixed and isinstance(body, dict):
            body = {**good, **body}
        octets = json.dumps(body).encode("utf-8", "surrogatepass")
        answer = target.send(operation, octets)
        assert answer.status < 500, answer
        if not contract.accepts(operation.body_schema, body):
            assert answer.status in (400, 422), answer

    run()


@pytest.mark.parametrize("place", PLACES)
def test_no_octets_whatever_are_5xx(target, place):
    operation = contract.BY_ID[place]
    good = json.dumps(target.good(operation)).encode()

    @settings(max_examples=40)
    @given(octets=st.binary(max_size=200), at=st.integers(0, len(good)), cut=st.integers(0, 30))
    def run(octets, at, cut):
        for body in (octets, good[:at] + octets + good[at + cut :]):
            assert target.send(operation, body).status < 500

    run()


def test_what_is_not_there_cannot_be_named_in_a_body(target):
    operation = contract.BY_ID["circuit_create"]
    good = target.good(operation)
    for member, value in (
        ("partner", unique("none")),
        ("peeringLocation", "Atlantis"),
        ("partner", "equinix-with-no-such-name"),
    ):
        body = json.dumps({**good, member: value}).encode()
        answer = target.send(operation, body).must(422, "not_offered")
        assert any(p.startswith("/") for p in answer.pointers), answer
    operation = contract.BY_ID["token_create"]
    body = {"role": "customer", "customerId": str(uuid.uuid4()), "description": "x"}
    answer = target.send(operation, json.dumps(body).encode()).must(422, "invalid_request")
    assert answer.pointers == ["/customerId"]
