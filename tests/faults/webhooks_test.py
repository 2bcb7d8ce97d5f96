# SPDX-License-Identifier: Apache-2.0
"""Pins that webhooks are delivered at least once through kill -9, hardly ever twice, always with
the same octets and each circuit in order. bench/webhooks does the same at length."""

import pytest

from process import Server
from webhook_storm import Storm

SETTINGS = ["--webhook-allow-cidr", "127.0.0.1", "--webhook-timeout", "1s", "--webhook-schedule",
            "0" + ",50ms" * 20]


@pytest.fixture
def server():
    running = Server(*SETTINGS)
    try:
        yield running.start()
    finally:
        print(running.log_text()[-6000:])
        running.remove()


def test_nothing_is_lost_while_endpoints_fail_and_the_server_is_killed(server):
    storm = Storm(server, endpoints=4, circuits=32, fail=30)
    try:
        storm.run(3000, kills=4)
        told = storm.audit()
    finally:
        storm.end()
    print(told)
    assert told["events"] >= 3000 and told["deliveries"] == 4 * told["events"]
    assert told["lost"] == 0 and told["unknown"] == 0
    # What was under way at a kill, 4 an endpoint, may come again.
    assert told["duplicates"] <= 4 * 4 * 4
    assert told["duplicates_percent"] < 1
