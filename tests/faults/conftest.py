# SPDX-License-Identifier: Apache-2.0
"""tests/faults takes its fixtures and helpers from tests/http."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

from fixtures import *  # noqa: E402,F401,F403
