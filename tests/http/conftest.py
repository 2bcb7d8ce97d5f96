# SPDX-License-Identifier: Apache-2.0
"""tests/http takes its fixtures from fixtures.py, as tests/faults does."""

from fixtures import *  # noqa: F401,F403
