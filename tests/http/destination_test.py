# SPDX-License-Identifier: Apache-2.0
"""Webhooks go to public addresses, and nobody can talk the server into connecting to another one:
not by a URL, not by a row in the database, not by a name that changes its mind. Connections are
counted at the socket, in a network where every address is ours (destination_scene.py).
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def scene(namespaces):
    done = subprocess.run([*namespaces, sys.executable, HERE / "destination_scene.py"], cwd=HERE,
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    return json.loads(done.stdout.splitlines()[-1])


def at_least_sixty_hostile_urls_are_refused_at_registration(told):
    assert len(told["registered"]) >= 60
    for url, (status, pointers, text) in told["registered"].items():
        assert status == 422 and pointers == ["/url"], (url, status, text)
        detail = json.loads(text)["errors"][0]["detail"]
        assert detail.rstrip().endswith((".", "https://")), (url, detail)
    assert told["reached_by_registration"] == []


def a_row_that_bypassed_the_registration_is_not_connected_to(told):
    assert len(told["delivered"]) >= 60
    for url, attempt in told["delivered"].items():
        assert attempt["status"] is None, (url, attempt)
        assert attempt["error"].startswith("address not allowed: "), (url, attempt)
    assert told["reached_by_url"] == []


def a_name_that_means_a_special_address_is_not_connected_to(told):
    assert len(told["named"]) >= 55
    for address, attempt in told["named"].items():
        assert attempt["status"] is None, (address, attempt)
        assert attempt["error"].startswith("address not allowed: "), (address, attempt)
    assert told["reached_by_name"] == []


def a_name_that_changes_between_registration_and_delivery_is_refused(told):
    assert told["rebound_registered"] == 201
    [attempt] = told["rebound"].values()
    assert attempt["error"] == "address not allowed: 127.0.0.1 is loopback"
    assert told["reached_by_rebinding"] == []


def of_several_addresses_only_the_public_one_is_reached(told):
    [attempt] = told["mixed"].values()
    assert "not allowed" not in attempt["error"]
    assert set(told["reached_by_mixture"]) == {"9.9.9.9"}


def what_is_public_is_reached(told):
    """Otherwise the zeros above would say nothing."""
    after = told["reached_in_public"][len(told["reached_by_mixture"]):]
    assert sorted(after) == ["1.0.0.1", "1.1.1.1", "2606:4700::1111"]
    for attempt in told["public"].values():
        assert "not allowed" not in attempt["error"]


def test_only_public_addresses_are_connected_to(namespaces):
    """One scene for all of it: it is long."""
    told = scene(namespaces)
    at_least_sixty_hostile_urls_are_refused_at_registration(told)
    a_row_that_bypassed_the_registration_is_not_connected_to(told)
    a_name_that_means_a_special_address_is_not_connected_to(told)
    a_name_that_changes_between_registration_and_delivery_is_refused(told)
    of_several_addresses_only_the_public_one_is_reached(told)
    what_is_public_is_reached(told)
