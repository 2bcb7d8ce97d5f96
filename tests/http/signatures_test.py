# SPDX-License-Identifier: Apache-2.0
"""Pins who may post a callback: whichever step of the check fails, it is one and the same 401; what
the Standard Webhooks specification allows passes; secrets rotate with and without a grace."""

import base64
import hashlib
import hmac
import time

import pytest

from signature import sign
from tenant import Partner, unique, without

OTHER = "whsec_" + base64.b64encode(b"another secret of 32 octets here").decode()


def edited(**changes):
    """A change of the signed headers: a value, None to leave the header out."""

    def edit(headers):
        for name, value in changes.items():
            name = name.replace("_", "-")
            if value is None:
                del headers[name]
            else:
                headers[name] = value(headers[name]) if callable(value) else value

    return edit


def resigned(**how):
    return lambda partner, body: partner.signed(body, **how)


def flipped(text):
    """The same signature with one bit of it changed, still well-formed base64."""
    raw = bytearray(base64.b64decode(text[3:]))
    raw[0] ^= 1
    return "v1," + base64.b64encode(bytes(raw)).decode()


NOW = time.time()
FAILURES = {
    "another secret": resigned(secret=OTHER),
    "one bit differs": edited(webhook_signature=flipped),
    "no signature": edited(webhook_signature=None),
    "no id": edited(webhook_id=None),
    "no timestamp": edited(webhook_timestamp=None),
    "another id": edited(webhook_id="msg_other"),
    "another timestamp": edited(webhook_timestamp=lambda t: str(int(t) + 1)),
    "an empty id": edited(webhook_id=""),
    "an empty timestamp": edited(webhook_timestamp=""),
    "an empty signature": edited(webhook_signature=""),
    "nothing after v1,": edited(webhook_signature="v1,"),
    "v1,a": edited(webhook_signature="v1,a"),
    "no version": edited(webhook_signature=lambda s: s[3:]),
    "another version": edited(webhook_signature=lambda s: "v2" + s[2:]),
    "an asymmetric version": edited(webhook_signature=lambda s: "v1a" + s[2:]),
    "version in capitals": edited(webhook_signature=lambda s: "V1" + s[2:]),
    "not base64": edited(webhook_signature="v1,!!!!"),
    "cut base64": edited(webhook_signature=lambda s: s[:-5]),
    "hexadecimal": edited(webhook_signature="v1," + "ab" * 32),
    "only wrong signatures": edited(webhook_signature=lambda s: " ".join([flipped(s)] * 5)),
    "commas between": edited(webhook_signature=lambda s: flipped(s) + "," + s),
    "too old": resigned(at=int(NOW) - 400),
    "too new": resigned(at=int(NOW) + 4000),  # NOW is when the tests began
    "a timestamp in words": resigned(at="yesterday"),
    "a timestamp with a sign": resigned(at="+" + str(int(NOW))),
    "a negative timestamp": resigned(at="-1"),
    "a timestamp with a fraction": resigned(at=str(int(NOW)) + ".5"),
    "a timestamp with letters behind": resigned(at=str(int(NOW)) + "abc"),
    "a timestamp with a zero in front": resigned(at="0" + str(int(NOW))),
    "a timestamp with a blank behind": resigned(at=str(int(NOW)) + " "),
    "a timestamp in milliseconds": resigned(at=str(int(NOW)) + "000"),
    "a timestamp beyond 64 bits": resigned(at="9" * 40),
    "a hexadecimal timestamp": resigned(at=hex(int(NOW))),
}


def sent(partner, failure, body, path=None):
    changed = None
    headers = partner.signed(body)
    changed = failure(headers) if failure.__code__.co_argcount == 1 else failure(partner, body)
    return partner.anonymous.send("POST", path or partner.path, body, changed or headers)


@pytest.fixture
def reference(partner):
    """The one 401 that all failures must equal."""
    body = b"{}"
    headers = partner.signed(body, secret=OTHER)
    return partner.anonymous.send("POST", partner.path, body, headers).must(401)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_signature_that_fails_is_the_same_401(customer, partner, reference, failure):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    answer = sent(partner, failure, body).must(401, "unauthenticated")
    assert without(answer.json, "requestId") == without(reference.json, "requestId")
    kept = {"Content-Type", "WWW-Authenticate", "Connection"}
    assert {k: answer.headers[k] for k in kept} == {k: reference.headers[k] for k in kept}
    assert customer.read(circuit)["keyQuotedAt"] is None


def test_a_body_that_was_changed_is_the_same_401(customer, partner, reference):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    for other in (body + b" ", body.replace(b"provisioning", b"provisioned"), b""):
        headers = partner.signed(body)
        answer = partner.anonymous.send("POST", partner.path, other, headers)
        answer.must(401, "unauthenticated")
        assert without(answer.json, "requestId") == without(reference.json, "requestId")


def test_an_unknown_partner_is_the_same_401(partner, reference):
    body = b"{}"
    for slug in (unique("nobody"), "x", "UPPER", "a" * 200, "%20", "-", "a--b"):
        path = f"/v1/partners/{slug}/callbacks"
        answer = partner.anonymous.send("POST", path, body, partner.signed(body))
        answer.must(401, "unauthenticated")
        ignored = ("requestId", "instance")
        assert without(answer.json, *ignored) == without(reference.json, *ignored)


def test_another_partners_secret_does_not_sign_for_this_one(customer, partner, operator):
    other = Partner(operator)
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    headers = other.signed(body)
    partner.anonymous.send("POST", partner.path, body, headers).must(401, "unauthenticated")


@pytest.mark.parametrize(
    "around",
    [
        lambda s: flipped(s) + " " + s,
        lambda s: s + " " + flipped(s),
        lambda s: "v1a,abcd v2,efgh " + s,
        lambda s: "v1, v1,a " + s,
        lambda s: " ".join([flipped(s)] * 8 + [s]),
    ],
    ids=["after a wrong one", "before one", "beside other versions", "beside broken", "9th"],
)
def test_one_right_signature_among_several_is_enough(customer, partner, around):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    headers = partner.signed(body)
    headers["webhook-signature"] = around(headers["webhook-signature"])
    answer = partner.anonymous.send("POST", partner.path, body, headers).must(200)
    assert answer.json["applied"] is True


@pytest.mark.parametrize("offset", [-290, 290])
def test_the_tolerance_is_300_seconds_on_both_sides(customer, partner, offset):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    partner.post(body, at=int(time.time()) + offset).must(200)


def test_the_signature_is_over_the_octets_received(customer, partner):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"], note="Zürich ☃")
    body = b"  \r\n" + body.replace(b'"type"', b'\n "type" ') + b"\n\t "
    assert partner.post(body).must(200).json["applied"] is True


def test_the_helper_signs_as_the_specification_does():
    # The example of the Standard Webhooks specification 1.0.0.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    message, at = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, message, at, body) == expected
    raw = hmac.new(base64.b64decode(secret[6:]), f"{message}.{at}.".encode() + body, hashlib.sha256)
    assert expected[3:] == base64.b64encode(raw.digest()).decode()


# --- rotation ------------------------------------------------------------------------------------


def rotate(client, partner, **body):
    path = f"/v1/partners/{partner.slug}/callback-secrets"
    return client.post(path, body).must(201).json["callbackSecret"]


def works(customer, partner, secret):
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    answer = partner.post(body, secret=secret)
    assert answer.status in (200, 401), answer
    return answer.status == 200


def test_old_secrets_live_on_while_they_are_kept(customer, partner, operator):
    first = partner.secret
    second = rotate(operator, partner, keepOldSeconds=3600)
    third = rotate(partner.client, partner)  # a day by default
    assert len({first, second, third}) == 3
    assert [works(customer, partner, s) for s in (first, second, third)] == [True, True, True]


def test_old_secrets_die_at_once_when_not_kept(customer, partner, operator):
    first = partner.secret
    assert works(customer, partner, first)
    second = rotate(operator, partner, keepOldSeconds=3600)
    third = rotate(operator, partner, keepOldSeconds=0)
    assert [works(customer, partner, s) for s in (first, second, third)] == [False, False, True]


def test_old_secrets_die_when_their_seconds_are_over(customer, partner):
    first = partner.secret
    second = rotate(partner.client, partner, keepOldSeconds=1)
    time.sleep(1.2)  # the second for which it is kept
    assert [works(customer, partner, s) for s in (first, second)] == [False, True]


def test_both_signatures_in_one_header_bridge_a_rotation(customer, partner):
    first = partner.secret
    second = rotate(partner.client, partner, keepOldSeconds=0)
    circuit = customer.circuit(partner)
    body = partner.payload("circuit.provisioning", circuit["serviceKey"])
    headers = partner.signed(body, "m1", secret=first)
    new = partner.signed(body, "m1", at=headers["webhook-timestamp"], secret=second)
    headers["webhook-signature"] += " " + new["webhook-signature"]
    partner.anonymous.send("POST", partner.path, body, headers).must(200)


@pytest.mark.parametrize("seconds", [-1, 1.5, "60", None, True, 10**12, [], {}])
def test_a_wrong_keepOldSeconds_rotates_nothing(customer, partner, seconds):
    path = f"/v1/partners/{partner.slug}/callback-secrets"
    answer = partner.client.post(path, {"keepOldSeconds": seconds}).must(422, "invalid_request")
    assert answer.pointers == ["/keepOldSeconds"]
    assert works(customer, partner, partner.secret)
