# SPDX-License-Identifier: Apache-2.0
"""Pins what a request costs the server, in instructions: at most 5 % above baseline.tsv.

Instructions of the whole program, libraries included, for the build that ./onramp test makes. From
run to run they differ by less than 1 % (writes by up to 3 % on a busy machine), but also with the
compiler, the libraries and what the processor can do: with others than those that the baseline names,
nothing is compared. Where those have changed for good, or where a change is worth more than it costs,
write the baseline anew, and say why in the commit:

    tests/instructions/run --renew
"""

import counted  # noqa: F401  first: it finds the tests' client

import pytest

from baseline import kept, measured, read, surroundings

BUDGET = 1.05


@pytest.fixture(scope="module")
def counts():
    differs = set(read()[0]) ^ set(surroundings())
    if differs:
        pytest.skip("the baseline was counted elsewhere: " + ", ".join(sorted(differs)))
    return measured()


@pytest.mark.parametrize("kind", kept())
def test_a_request_stays_within_its_budget(counts, kind):
    reached, allowed = counts[kind], kept()[kind]
    print(f"{kind}: {reached:,} instructions, baseline {allowed:,} ({reached / allowed - 1:+.1%})")
    assert reached <= allowed * BUDGET


def test_every_kind_has_a_baseline(counts):
    assert set(counts) == set(kept())
