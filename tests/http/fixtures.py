# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests/http and tests/faults: one server a worker, fresh tenants a test."""

import subprocess

import pytest
from hypothesis import HealthCheck, settings

from client import Client
from process import Server
from tenant import Customer, Partner

# The same examples on every run: a red build is red again when it is looked at.
settings.register_profile(
    "onramp",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("onramp")


def lifetime(running):
    """Of a server that tests share: after all that they did to it, it ends as it should and has
    found no bug in itself."""
    try:
        yield running.start()
        assert running.stop() == 0
        bugs = [line for line in running.log_text().splitlines() if "bug:" in line]
        assert not bugs, bugs[:20]
    finally:
        running.remove()


@pytest.fixture(scope="session")
def server():
    """A running server, shared by the tests of this worker."""
    yield from lifetime(Server())


@pytest.fixture(scope="session")
def operator(server):
    return Client(server.url, server.credentials["ONRAMP_OPERATOR_TOKEN"])


@pytest.fixture(scope="session")
def anonymous(server):
    return Client(server.url)


@pytest.fixture
def customer(operator):
    return Customer(operator)


@pytest.fixture
def partner(operator):
    return Partner(operator)


@pytest.fixture
def namespaces():
    """What runs a command in a network and mount namespace of its own."""
    prefix = ["unshare", "--net", "--mount"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces can be made here; that needs root")
    return prefix


@pytest.fixture
def own_server():
    """A server for one test alone, which it may kill."""
    running = Server()
    try:
        yield running.start()
    finally:
        print(running.log_text()[-6000:])  # shown when the test has failed
        running.remove()
