# SPDX-License-Identifier: Apache-2.0
"""Pins that nobody fills the log without a token: refused callbacks are named ten a second and loop,
and the rest is counted."""

import re
import time

from client import Client
from polling import eventually
from process import Server

REFUSED = 3000


def test_refused_callbacks_are_summed_up_above_ten_a_second():
    server = Server("--loops", "1")
    try:
        server.start()
        stranger = Client(server.url)
        began = time.monotonic()
        for _ in range(REFUSED):
            stranger.send("POST", "/v1/partners/equinix/callbacks", b"{}", checked=False).must(401)
        seconds = time.monotonic() - began

        def named():
            return server.log_text().count("a callback was refused")

        def counted():
            return sum(int(number) for number in re.findall(
                r" (\d+) more callbacks were refused", server.log_text()))

        eventually("all are named or counted", lambda: named() + counted(), REFUSED)
        assert named() <= 10 * (seconds + 2)
    finally:
        server.remove()
