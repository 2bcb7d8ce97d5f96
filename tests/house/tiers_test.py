# SPDX-License-Identifier: Apache-2.0
"""Every test belongs to one tier: what a change has to pass, what runs by night, what takes hours."""
import json
import os
import pathlib
import subprocess

import pytest

HOUSE = pathlib.Path(__file__).resolve().parents[2]
TIERS = {"change", "nightly", "hours"}


def labels_of(build):
    """The labels of each test of a build, by its name."""
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                            capture_output=True, text=True, check=True).stdout
    return {test["name"]: [label for one in test["properties"] if one["name"] == "LABELS"
                           for label in one["value"]]
            for test in json.loads(listed)["tests"]}


def wrongly_labelled(tests):
    """Those that have no tier or two, or that ctest -L finds by no folder."""
    return {name: labels for name, labels in tests.items()
            if len(TIERS.intersection(labels)) != 1 or len(set(labels) - TIERS) != 1}


@pytest.fixture(scope="module")
def tests():
    build = pathlib.Path(os.environ.get("ONRAMPD") or HOUSE / "build/test/onrampd").parent
    if not (build / "tests/CTestTestfile.cmake").exists():
        pytest.skip(f"no tests in {build}")
    return labels_of(build)


def test_every_test_belongs_to_one_tier(tests):
    assert not wrongly_labelled(tests)


def test_every_tier_has_tests(tests):
    """Those of hours measure, as the counted instructions do: only in a build without instruments."""
    found = {label for labels in tests.values() for label in labels} & TIERS
    assert found == TIERS if "instructions" in tests else "change" in found


def test_a_test_without_a_tier_or_with_two_is_seen(tmp_path):
    (tmp_path / "CTestTestfile.cmake").write_text("".join(
        f"add_test({name} /bin/true)\nset_tests_properties({name} PROPERTIES LABELS \"{labels}\")\n"
        for name, labels in (("right", "unit;change"), ("none", "unit"), ("two", "unit;change;hours"),
                             ("no_folder", "nightly"))) + "add_test(bare /bin/true)\n")
    assert wrongly_labelled(labels_of(tmp_path)).keys() == {"none", "two", "no_folder", "bare"}
