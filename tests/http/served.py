# SPDX-License-Identifier: Apache-2.0
"""The server's own tables of routes and operations, as `onrampd --dump-operations` prints them."""

import json
import subprocess

from process import BINARY

ROUTES = json.loads(subprocess.run([BINARY, "--dump-operations"], capture_output=True, check=True,
                                   timeout=30).stdout)
# Those that an operation answers: the others are served at once and have no name.
OPERATIONS = [route for route in ROUTES if route["name"]]
