# SPDX-License-Identifier: Apache-2.0
"""Pins times at their edges: what RFC 3339 allows is read by its instant, what it does not allow is
refused, and whatever was taken is shown as UTC with milliseconds."""

import json

import pytest

GOOD = {
    "2026-01-01T00:00:00Z": "2026-01-01T00:00:00.000Z",
    "2026-01-01t00:00:00z": "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.5Z": "2026-01-01T00:00:00.500Z",
    "2026-01-01T00:00:00.123456Z": "2026-01-01T00:00:00.123Z",
    "2026-01-01T05:30:00+05:30": "2026-01-01T00:00:00.000Z",
    "2025-12-31T10:00:00-14:00": "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00-00:00": "2026-01-01T00:00:00.000Z",
    "2024-02-29T12:00:00Z": "2024-02-29T12:00:00.000Z",
    "2000-02-29T12:00:00Z": "2000-02-29T12:00:00.000Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z": "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59Z": "9999-12-31T23:59:59.000Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000Z",
}
BAD = [
    "",
    "now",
    "infinity",
    "-infinity",
    "epoch",
    "today",
    "2026-01-01",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00 Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+01",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "26-01-01T00:00:00Z",
    "12026-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    "+2026-01-01T00:00:00Z",
    "2026-1-1T0:0:0Z",
    "2026-01-01T00:00:00Z ",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z; DROP TABLE",
    "20260101T000000Z",
    "٢٠٢٦-01-01T00:00:00Z",
    "Thu, 01 Jan 2026 00:00:00 GMT",
    1767225600,
    None,
    True,
    {},
]
# Either refused or shown as a right time: where rounding or an offset leaves the years that have
# four digits.
EDGES = [
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-15:59",
    "0001-01-01T00:00:00+15:59",
    "0000-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
]


@pytest.mark.parametrize("given,shown", GOOD.items())
def test_a_time_is_shown_in_utc_with_milliseconds(customer, partner, given, shown):
    circuit = customer.circuit(partner)
    answer = partner.callback("circuit.progress", circuit["serviceKey"], expectedBy=given).must(200)
    assert answer.json["circuit"]["expectedBy"] == shown
    assert customer.read(circuit)["expectedBy"] == shown


@pytest.mark.parametrize("given", BAD, ids=str)
def test_what_is_no_time_is_refused(customer, partner, given):
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    body = {"type": "circuit.progress", "timestamp": given, "data": {"serviceKey": key}}
    answer = partner.post(json.dumps(body).encode()).must(422, "invalid_request")
    assert answer.pointers == ["/timestamp"]
    if given is not None:
        answer = partner.callback("circuit.progress", key, expectedBy=given)
        assert answer.must(422, "invalid_request").pointers == ["/data/expectedBy"]
    assert customer.read(circuit) == circuit


@pytest.mark.parametrize("given", EDGES)
def test_a_time_at_the_edge_is_refused_or_right(customer, partner, operator, given):
    """The client holds every answer against the contract, so a fifth digit of a year would show."""
    circuit = customer.circuit(partner)
    key = circuit["serviceKey"]
    answer = partner.callback("circuit.progress", key, expectedBy=given)
    assert answer.status in (200, 422), answer
    answer = partner.callback("circuit.progress", key, timestamp=given)
    assert answer.status in (200, 422), answer
    customer.events(circuit)
    customer.read(circuit)
    body = {"role": "operator", "description": "edge", "expiresAt": given}
    answer = operator.post("/v1/tokens", body)
    assert answer.status in (201, 422), answer
    if answer.status == 201:
        operator.delete(f"/v1/tokens/{answer.json['id']}").must(204)
