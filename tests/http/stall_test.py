# SPDX-License-Identifier: Apache-2.0
"""Pins the deadline of a silent partner: past `expectedBy` a circuit that waits on it is stalled,
which is written once, moves nothing, and ends with a new date."""

import time

from polling import eventually
from tenant import rfc3339

SECONDS = 60  # the server looks every 10 s


def test_a_partner_that_lets_its_date_pass_stalls_the_circuit(customer, partner, operator):
    past = {"expectedBy": rfc3339(time.time() - 1)}
    late = customer.circuit_at(partner, "Provisioning")
    again = customer.circuit_at(partner, "Deprovisioning")
    done = customer.circuit_at(partner, "Provisioned")
    rejected = customer.circuit(partner)
    silent = customer.circuit_at(partner, "Provisioning")
    # As the callback left it: from that moment on it may be found.
    before = {}
    for circuit in (late, again):
        answer = partner.callback("circuit.progress", circuit["serviceKey"], **past).must(200)
        before[circuit["id"]] = answer.json["circuit"]
    partner.callback("circuit.progress", done["serviceKey"], **past).must(200)
    partner.callback("circuit.rejected", rejected["serviceKey"], **past).must(200)
    unmoved = [customer.read(circuit) for circuit in (done, rejected, silent)]

    eventually("it is stalled", lambda: customer.read(again), lambda now: now["stalled"],
               seconds=SECONDS)
    for circuit in (late, again):
        now = customer.read(circuit)
        assert now["stalled"] is True
        assert now["version"] == before[circuit["id"]]["version"] + 1
        for name in ("providerStatus", "waitingOn", "since", "expectedBy"):
            assert now[name] == before[circuit["id"]][name]
        event = customer.events(circuit)[-1]
        assert (event["type"], event["from"]) == ("circuit.stalled", event["to"])
        assert event["actor"]["role"] == "system"
        assert partner.quote(circuit["serviceKey"]).must(200).json["stalled"] is True
    for circuit in unmoved:
        assert customer.read(circuit) == circuit

    # A new date re-arms it, a note alone does not.
    partner.callback("circuit.progress", late["serviceKey"], note="soon").must(200)
    assert customer.read(late)["stalled"] is True
    future = rfc3339(time.time() + 3600)
    partner.callback("circuit.progress", late["serviceKey"], expectedBy=future).must(200)
    assert customer.read(late)["stalled"] is False
    partner.callback("circuit.deprovisioned", again["serviceKey"]).must(200)
    assert customer.read(again)["stalled"] is False
    for circuit in (late, again):
        assert [e["type"] for e in customer.events(circuit)].count("circuit.stalled") == 1
