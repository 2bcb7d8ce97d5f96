# SPDX-License-Identifier: Apache-2.0
"""The contract promises nothing that no test has seen: every operation, every status that it
documents for it, and every code of its problems was met by a test of tests/http or tests/faults, in
an answer that `contract.check` found right. tests/http/run runs this when all of them have passed.

What cannot be reached does not belong into the document; what can, and is not yet, needs a test."""

import os
import pathlib

import pytest

import contract


@pytest.fixture(scope="module")
def reached():
    """{(operation or "None", status, code or "-")} of all workers, as words."""
    lines = []
    for path in pathlib.Path(os.environ["ONRAMP_REACHED"]).iterdir():
        lines += path.read_text(encoding="utf-8").splitlines()
    assert lines, "no test has noted anything"
    return {tuple(line.split()) for line in lines}


@pytest.mark.parametrize("operation", contract.OPERATIONS, ids=str)
def test_every_documented_status_was_reached(reached, operation):
    met = {status for name, status, _ in reached if name == operation.id}
    missing = sorted(set(operation.node["responses"]) - met)
    assert not missing, (
        f"{operation.method} {operation.path} ({operation.id}) documents {', '.join(missing)}, and "
        "no test of tests/http or tests/faults has met that. Add one, or take it out of "
        "openapi.yaml."
    )


def test_every_code_was_reached(reached):
    met = {code for _, _, code in reached}
    documented = contract.DOCUMENT["components"]["schemas"]["ProblemCode"]["enum"]
    missing = sorted(set(documented) - met)
    assert not missing, (
        f"ProblemCode lists {', '.join(missing)}, and no test of tests/http or tests/faults has met "
        "that. Add one, or take it out of openapi.yaml and api/problem.c."
    )
