# SPDX-License-Identifier: Apache-2.0
"""What an endpoint sees of the server that sends to it, and what its owner is told of each attempt.
"""

import json
import os
import subprocess
import time

import pytest

from client import Client
from polling import eventually
from process import Server
from receiver import Receiver
from signature import sign
from tenant import Customer, Partner

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def certificate(directory, name, alternative):
    """A key, and a certificate that nobody but itself has signed."""
    key, file = os.path.join(directory, f"{name}.key"), os.path.join(directory, f"{name}.crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", file, "-days", "2", "-subj", f"/CN={name}", "-addext",
         f"subjectAltName={alternative}"], check=True, capture_output=True)
    os.chmod(file, 0o644)
    return file, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {"ours": certificate(folder, "ours", "IP:127.0.0.1"),
            "other": certificate(folder, "other", "IP:127.0.0.1"),
            "renamed": certificate(folder, "renamed", "DNS:elsewhere.example.com")}


@pytest.fixture(scope="module")
def place(certificates):
    """A server that may send to 127.0.0.1 and is in a hurry; what it trusts is in one file."""
    running = Server("--webhook-allow-cidr", "127.0.0.1", "--webhook-schedule", "0,100ms,200ms",
                     "--webhook-timeout", "4s", "--webhook-disable-after", "5s")
    trusted = os.path.join(running.directory, "trusted.crt")
    with open(trusted, "w", encoding="ascii") as file:
        for name in ("ours", "renamed"):
            with open(certificates[name][0], encoding="ascii") as one:
                file.write(one.read())
    running.options = (*running.options, "--webhook-ca", trusted)
    try:
        yield running.start()
        assert running.stop() == 0
    finally:
        print(running.log_text()[-3000:])
        running.remove()


@pytest.fixture
def owner(place):
    return Customer(Client(place.url, place.credentials["ONRAMP_OPERATOR_TOKEN"]))


class Endpoint:
    def __init__(self, owner, receiver=None, url=None):
        self.client = owner.client
        body = {"url": url or receiver.url()}
        self.made = self.client.post("/v1/webhooks", body).must(201).json
        self.target = f"/v1/webhooks/{self.made['id']}"

    def ping(self):
        return self.client.send("POST", f"{self.target}/ping").must(202).json["id"]

    def delivery(self, delivery, status=None, attempts=None, seconds=20):
        """It, once it has the status, or so many attempts."""
        def look():
            [found] = [item for item in self.client.pages(f"{self.target}/deliveries")
                       if item["id"] == delivery]
            return found

        return eventually(
            f"{status or attempts} of {delivery}", look, lambda found:
            found["status"] == status or len(found["attempts"]) >= (attempts or 99), seconds=seconds)

    def attempt(self):
        """The first one at a ping."""
        return self.delivery(self.ping(), attempts=1)["attempts"][0]


def verify(request, secret):
    headers = request.headers
    expected = sign(secret, headers["webhook-id"], headers["webhook-timestamp"], request.body)
    return expected in headers["webhook-signature"].split(" ")


def test_a_delivery_is_signed_and_bears_its_headers(owner):
    with Receiver() as receiver:
        endpoint = Endpoint(owner, receiver)
        delivery = endpoint.ping()
        [request] = receiver.wait(1)
        assert request.path == "/in" and verify(request, endpoint.made["secret"])
        assert not verify(request, "whsec_" + 32 * "A")
        assert request.headers["webhook-id"] == delivery
        assert abs(int(request.headers["webhook-timestamp"]) - request.at) < 5
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["User-Agent"].startswith("onramp/")
        assert "traceparent" not in request.headers and "Cookie" not in request.headers
        assert json.loads(request.body)["type"] == "ping"
        [attempt] = endpoint.delivery(delivery, "delivered")["attempts"]
        assert (attempt["status"], attempt["error"], attempt["response"]) == (200, None, "")


def test_events_come_with_the_trace_of_the_request_that_made_them(owner):
    partner = Partner(owner.operator)
    with Receiver() as receiver:
        Endpoint(owner, receiver)
        body = {"name": "traced", "partner": partner.slug, "peeringLocation": "Amsterdam",
                "bandwidthMbps": 1000}
        circuit = owner.client.post("/v1/circuits", body, {"traceparent": TRACE}).must(201).json
        owner.client.patch(f"/v1/circuits/{circuit['id']}", {"tags": {"a": "b"}}).must(200)
        created, updated = receiver.wait(2)
        assert json.loads(created.body)["type"] == "circuit.created"
        assert created.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]
        assert json.loads(updated.body)["type"] == "circuit.updated"
        assert json.loads(updated.body)["data"]["circuitId"] == circuit["id"]
        assert "traceparent" not in updated.headers
        body = partner.payload("circuit.provisioned", circuit["serviceKey"])
        headers = {**partner.signed(body), "traceparent": TRACE}
        partner.anonymous.send("POST", partner.path, body, headers).must(200)
        moved = receiver.wait(3)[2]
        assert json.loads(moved.body)["type"] == "circuit.provisioned"
        assert moved.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]


def test_every_attempt_has_the_same_id_and_octets_and_its_own_time(owner):
    answers = iter([503, 302, 200])
    with Receiver(lambda request: next(answers)) as receiver:
        endpoint = Endpoint(owner, receiver)
        found = endpoint.delivery(endpoint.ping(), "delivered")
        requests = receiver.wait(3)
        assert len({(r.headers["webhook-id"], r.body) for r in requests}) == 1
        assert all(verify(r, endpoint.made["secret"]) for r in requests)
        assert [r.path for r in requests] == ["/in"] * 3
        assert [(a["status"], a["error"]) for a in found["attempts"]] == [
            (503, "answered 503"), (302, "answered 302; redirects are not followed"), (200, None)]
        gaps = [b.at - a.at for a, b in zip(requests, requests[1:])]
        assert gaps[0] >= 0.1 and gaps[1] >= 0.2, gaps


def test_during_a_rotation_both_secrets_sign(owner):
    with Receiver() as receiver:
        endpoint = Endpoint(owner, receiver)
        new = endpoint.client.send("POST", f"{endpoint.target}/secret").must(201).json["secret"]
        endpoint.ping()
        [request] = receiver.wait(1)
        assert verify(request, endpoint.made["secret"]) and verify(request, new)
        assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_retry_after_is_waited_for(owner):
    answers = iter([(429, {"Retry-After": "2"}, b""), (200, {}, b"")])
    with Receiver(lambda request: next(answers)) as receiver:
        endpoint = Endpoint(owner, receiver)
        endpoint.ping()
        first, second = receiver.wait(2)
        assert second.at - first.at >= 2


def test_the_beginning_of_an_answer_is_kept(owner):
    body = "grüße\0".encode() + b"\xff" + 5000 * b"x" + 100000 * b"y"
    with Receiver(lambda request: (500, {}, body)) as receiver:
        endpoint = Endpoint(owner, receiver)
        kept = endpoint.attempt()["response"]
        assert kept.startswith("grüße\ufffd\ufffdxxx")
        assert 4090 <= len(kept.encode()) <= 4096


def test_410_disables_at_once(owner):
    with Receiver(410) as receiver:
        endpoint = Endpoint(owner, receiver)
        assert endpoint.attempt()["error"] == "answered 410"
        seen = endpoint.client.get(endpoint.target).must(200).json
        assert not seen["enabled"] and "410" in seen["disabledReason"]
        time.sleep(0.5)  # no further one comes in the meantime
        assert len(receiver.requests) == 1


def test_nothing_but_failures_for_long_enough_disables(owner):
    with Receiver(500) as receiver:
        endpoint = Endpoint(owner, receiver)

        def pinged():
            endpoint.client.send("POST", f"{endpoint.target}/ping")
            return endpoint.client.get(endpoint.target).must(200).json

        seen = eventually("it is disabled", pinged, lambda seen: not seen["enabled"], pause=0.2)
        assert "Nothing but failures" in seen["disabledReason"]


def test_failures_are_said_in_words(owner, certificates):
    with Receiver(None) as silent:
        assert Endpoint(owner, silent).attempt()["error"] == "no answer within 4 s"
    assert Endpoint(owner, url=silent.url()).attempt()["error"] == "connection refused"
    with Receiver(tls=certificates["other"]) as stranger:
        assert Endpoint(owner, stranger).attempt()["error"] == "TLS certificate not trusted"
    with Receiver(tls=certificates["renamed"]) as renamed:
        assert Endpoint(owner, renamed).attempt()["error"] == "TLS certificate is for another name"
    with Receiver() as plain:
        url = plain.url().replace("http:", "https:")
        assert Endpoint(owner, url=url).attempt()["error"] == "TLS handshake failed"


def test_a_delivery_that_fails_every_time_is_given_up(owner):
    answers = iter([500, 404, 502])
    with Receiver(lambda request: next(answers)) as receiver:
        endpoint = Endpoint(owner, receiver)
        found = endpoint.delivery(endpoint.ping(), "exhausted")
        assert [a["status"] for a in found["attempts"]] == [500, 404, 502]
        assert found["nextAttemptAt"] is None
        assert endpoint.client.get(endpoint.target).must(200).json["enabled"]


def test_a_certificate_that_the_operator_trusts_is_trusted(owner, certificates):
    with Receiver(tls=certificates["ours"]) as receiver:
        endpoint = Endpoint(owner, receiver)
        endpoint.delivery(endpoint.ping(), "delivered")
        [request] = receiver.wait(1)
        assert verify(request, endpoint.made["secret"])


def test_at_most_four_are_under_way_to_an_endpoint_and_one_of_a_circuit(owner):
    partner = Partner(owner.operator)
    seen = []

    def slowly(request):
        circuit = json.loads(request.body)["data"]["circuitId"]
        seen.append(("begin", circuit))
        time.sleep(0.1)  # it takes its time
        seen.append(("end", circuit))
        return 200

    with Receiver(slowly) as receiver:
        Endpoint(owner, receiver)
        circuits = [owner.circuit(partner) for _ in range(8)]
        for circuit in circuits:
            owner.client.patch(f"/v1/circuits/{circuit['id']}", {"tags": {"a": "b"}}).must(200)
        requests = receiver.wait(16)
        assert receiver.most <= 4
        for circuit in circuits:
            turns = [what for what, whose in seen if whose == circuit["id"]]
            assert turns in (["begin", "end", "begin", "end"], ["begin", "end", "begin"])
            types = [json.loads(r.body)["type"] for r in requests
                     if json.loads(r.body)["data"]["circuitId"] == circuit["id"]]
            assert types == ["circuit.created", "circuit.updated"]


def test_an_endpoint_that_never_answers_delays_no_other(owner):
    with Receiver(None) as hole, Receiver() as receiver:
        Endpoint(owner, hole)
        Endpoint(owner, receiver)
        partner = Partner(owner.operator)
        for _ in range(8):
            owner.circuit(partner)
        receiver.wait(8, seconds=10)
        assert hole.now <= 4
