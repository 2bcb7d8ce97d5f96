# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a place that a test may break, and one that its module shares and leaves running."""

import pytest

from place import UNLIMITED, Place


@pytest.fixture
def place():
    made = Place()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def running():
    made = Place()
    try:
        made.start(*UNLIMITED)
        yield made
    finally:
        made.remove()
