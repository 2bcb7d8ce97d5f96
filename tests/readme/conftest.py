# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a place of a test's own."""
import pytest

from place import Place


@pytest.fixture
def place():
    with Place() as made:
        yield made
