# SPDX-License-Identifier: Apache-2.0
"""simulate-partner follows what customers ask for, by the feed and by webhooks, and what the server
asks for."""

import json
import subprocess
import time

import pytest

from place import UNLIMITED, Place
from polling import eventually, patience
from simulation import QUICK, Simulation

BAD_DAY = ("--duplicates", "50", "--reorder", "50", "--wrong-signatures", "50", "--clock-skew",
           "10m")


@pytest.fixture(scope="module")
def allowing():
    """A place whose server may send webhooks to this machine."""
    made = Place()
    try:
        made.start("--webhook-allow-cidr", "127.0.0.0/8", *UNLIMITED)
        yield made
    finally:
        made.remove()


def ask(simulation, circuit, **members):
    simulation.customer.client.post(
        f"/v1/circuits/{circuit['id']}/deprovision", members).must(200)


def play(simulation, circuits, *words):
    """Until its keys end; what is outstanding then is still done."""
    child = simulation.start("--keys", "-", "--until-idle", "--json", *QUICK, *words,
                             stdin=subprocess.PIPE)
    child.stdin.write("".join(circuit["serviceKey"] + "\n" for circuit in circuits))
    child.stdin.flush()
    return child


def finish(child):
    out, err = child.communicate(timeout=40)
    assert child.returncode == 0, (out[-3000:], err)
    assert err == ""
    return json.loads(out)


def gone(simulation, circuits):
    return all(simulation.customer.client.get(f"/v1/circuits/{circuit['id']}").status == 404
               for circuit in circuits)


@pytest.mark.parametrize("how", [(), ("--receive", "127.0.0.1:0"),
                                 ("--receive", "127.0.0.1:0", "--deaf", "100")],
                         ids=["feed", "webhooks", "webhooks-the-second-time"])
def test_what_customers_ask_for_is_done(allowing, how):
    simulation = Simulation(allowing)
    circuits = simulation.circuits(8)
    asked, deleted = circuits[:4], circuits[4:6]
    child = play(simulation, circuits, *BAD_DAY, *how)
    eventually("all are built", lambda: simulation.statuses(circuits), ["Provisioned"] * 8)
    for circuit in asked:
        ask(simulation, circuit)
    for circuit in deleted:
        ask(simulation, circuit, deleteWhenDeprovisioned=True)
    eventually("they are taken down", lambda: simulation.statuses(asked), ["NotProvisioned"] * 4,
               seconds=patience(40))
    eventually("they are deleted", lambda: gone(simulation, deleted), seconds=patience(40))
    report = finish(child)
    assert report["circuits"]["deprovisioned"] == 6
    assert report["circuits"]["provisioned"] == 2
    ids = {circuit["id"] for circuit in deleted}
    report["orders"] = [order for order in report["orders"] if order["circuitId"] not in ids]
    simulation.check(asked + circuits[6:], report)
    for circuit in asked:
        types = [event["type"] for event in simulation.customer.events(circuit)]
        assert types.count("circuit.deprovisioned") == 1
    if how:
        assert report["webhooks"] == {"heard": 6, "duplicate": 0, "unauthentic": 0,
                                      "turnedAway": 6 if "--deaf" in how else 0}
        # Its endpoint is not left behind.
        assert simulation.partner.client.get("/v1/webhooks").must(200).json["items"] == []


def test_a_limit_of_requests_is_kept(place):
    place.start("--rate-limit", "30/3s")
    simulation = Simulation(place)
    circuits = simulation.circuits(10)
    # 60 callbacks, of which 30 are allowed at once and 10 a second from then on.
    report = simulation.play(circuits, "--delay", "0", "--duplicates", "100")
    simulation.check(circuits, report)
    assert report["answers"]["retries"] > 0
    assert report["answers"]["duplicate"] == 30
    assert report["seconds"] > 2


def test_circuits_of_another_day_are_torn_down_and_never_built(allowing):
    simulation = Simulation(allowing)
    built = [simulation.customer.circuit_at(simulation.partner, "Provisioned") for _ in range(3)]
    new = simulation.customer.circuit(simulation.partner)
    simulation.partner.quote(new["serviceKey"]).must(200)
    ask(simulation, built[0])
    child = play(simulation, [])
    eventually("it is taken down", lambda: simulation.statuses(built)[0], "NotProvisioned")
    ask(simulation, built[1])
    eventually("it is taken down", lambda: simulation.statuses(built)[1], "NotProvisioned")
    report = finish(child)
    assert simulation.statuses(built + [new]) == ["NotProvisioned"] * 2 + [
        "Provisioned", "NotProvisioned"]
    assert report["circuits"]["adopted"] == 2 and report["keys"]["handedIn"] == 0


def test_the_silent_do_not_even_tear_down(allowing):
    simulation = Simulation(allowing)
    circuits = [simulation.customer.circuit_at(simulation.partner, "Provisioned")
                for _ in range(2)]
    child = play(simulation, circuits, "--silence", "100")
    ask(simulation, circuits[0])
    events = simulation.partner.client
    eventually("the request is heard", lambda: len(events.get(
        "/v1/events", types="circuit.deprovision_requested").must(200).json["items"]), 1)
    time.sleep(0.5)  # nothing is done about it in the meantime
    assert simulation.statuses(circuits) == ["Provisioned"] * 2
    report = finish(child)
    assert report["circuits"]["deprovisioned"] == 0


def test_a_request_may_be_refused_with_a_reason(allowing):
    simulation = Simulation(allowing)
    circuit = simulation.customer.circuit_at(simulation.partner, "Provisioned")
    child = play(simulation, [circuit], "--reject", "100")
    for _ in range(2):
        ask(simulation, circuit)
        eventually("the request is refused", lambda: simulation.customer.read(circuit),
                   lambda now: not now["deprovisionRequestedAt"])
        now = simulation.customer.read(circuit)
        assert now["providerStatus"] == "Provisioned" and now["lastRejection"]["reason"]
    report = finish(child)
    assert report["circuits"]["provisioned"] == 1 and report["circuits"]["deprovisioned"] == 0


@pytest.mark.parametrize("words, said", [
    (["--receive", "localhost"], "no address and port in numbers"),
    (["--receive", "localhost:80x"], "no address and port in numbers"),
    (["--receive", "192.0.2.1:0"], "cannot be listened on"),
    (["--receive", "127.0.0.1:0", "--receive-url", "http://192.0.2.1/"], "--webhook-allow-cidr"),
])
def test_an_endpoint_that_cannot_be_is_said(allowing, words, said):
    simulation = Simulation(allowing)
    done = simulation.run(*words, "--for", "10s")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
