# SPDX-License-Identifier: Apache-2.0
"""Pins OPTIONS: 204 with Allow on every path that is there, without a token; 404 elsewhere."""

import pytest

import contract
import wire

PATHS = sorted({operation.path for operation in contract.OPERATIONS})


@pytest.mark.parametrize("path", PATHS)
def test_options_is_204_and_names_the_methods(anonymous, path):
    has = {o.method for o in contract.OPERATIONS if o.path == path}
    target = path.replace("{", "").replace("}", "")
    answer = anonymous.send("OPTIONS", target, checked=False)
    assert (answer.status, answer.body) == (204, b""), answer
    allow = set(answer.headers["Allow"].split(", "))
    assert allow == has | {"OPTIONS"} | ({"HEAD"} if "GET" in has else set())


def test_options_of_the_asterisk_names_all_methods(anonymous):
    said = wire.talk((anonymous.host, anonymous.port), b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.statuses == [204] and not said.closed, said
    assert said.replies[0][1]["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def test_options_of_nothing_is_404(anonymous):
    answer = anonymous.send("OPTIONS", "/v1/none", checked=False)
    assert (answer.status, answer.code) == (404, "not_found"), answer
