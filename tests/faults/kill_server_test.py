# SPDX-License-Identifier: Apache-2.0
"""Pins that kill -9 of the server in the middle of load loses nothing that was acknowledged and
leaves nothing half done: after the next `up` every circuit, VNet, connection and callback that was
answered 2xx is there, and status, events and counters agree."""

import time

from load import Load, audit
from polling import patience
from process import alive


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(own_server):
    load = Load(own_server).start()
    postmasters = own_server.postmasters()
    try:
        for _ in range(3):
            time.sleep(1.5)  # under load for so long before each kill
            own_server.kill()
            own_server.start()
            load.move(own_server.url)
        time.sleep(1)  # and after the last
    finally:
        load.stop()
    audit(own_server, load)
    done = load.acknowledged
    assert done.answers["away"] > 0, "the load never met the kill"
    assert len(done.circuits) > 20 and len(done.callbacks) > 20 and len(done.connections) > 5
    assert postmasters and not alive(postmasters[0]), "its PostgreSQL outlived the killed server"


def test_up_after_a_kill_is_fast_and_keeps_the_credentials(own_server):
    before = dict(own_server.credentials)
    own_server.kill()
    started = time.monotonic()
    own_server.start()
    assert time.monotonic() - started < patience(10)
    after = dict(own_server.credentials)
    for credentials in (before, after):
        credentials.pop("ONRAMP_URL")
    assert before == after


def test_stopping_leaves_no_process_behind(own_server):
    postmaster = own_server.postmasters()[0]
    assert own_server.status()["postgresPid"] == postmaster
    assert own_server.stop() == 0
    assert not alive(postmaster)
    own_server.start()
    assert own_server.status()["ready"] is True
