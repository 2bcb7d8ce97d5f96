# SPDX-License-Identifier: Apache-2.0
"""One cluster a worker; servers on databases in it as the tests need them."""

import pytest

from rig import Cluster, Rig


@pytest.fixture(scope="session")
def cluster():
    running = Cluster()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="session")
def rig(cluster):
    """The servers as they are."""
    running = Rig(cluster, "model")
    try:
        yield running
    finally:
        running.remove()
