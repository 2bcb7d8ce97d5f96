# SPDX-License-Identifier: Apache-2.0
"""tests/run says how far it has come, counts tests, and shows all of what failed."""
import pathlib
import re
import subprocess

import pytest

RUN = pathlib.Path(__file__).resolve().parents[1] / "run"
CHECKED = "echo '100%: Checks: 12, Failures: 0, Errors: 0'"
TIME = r" +\d+\.\d\d s  "


@pytest.fixture
def run(tmp_path):
    """Run programs of the shell as the tests of a build; they are given by name, and their tier may
    follow after a colon."""
    def labels(name):
        label, tier = name.split("/")[0], name.partition(":")[2] or "change"
        return f"{label};{tier}"

    def ran(programs, *words):
        (tmp_path / "CTestTestfile.cmake").write_text("".join(
            f"add_test([=[{name}]=] [=[/bin/sh]=] [=[-c]=] [=[{script}]=])\n"
            f"set_tests_properties([=[{name}]=] PROPERTIES LABELS [=[{labels(name)}]=])\n"
            for name, script in programs.items()))
        done = subprocess.run([RUN, tmp_path, *words], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout
    return ran


def suite(tmp_path, **files):
    """The command of a pytest suite with these files."""
    folder = tmp_path / "suite"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}_test.py").write_text(text)
    return f"/usr/bin/python3 -m pytest -q -p no:cacheprovider --rootdir {folder} {folder}"


def test_a_program_has_a_line_with_its_time_and_counts(run):
    status, said = run({"unit/a": CHECKED, "db/b": "true"})
    assert status == 0
    assert re.search(f"^unit/a{TIME}12 passed, 0 failed$", said, re.M)
    assert re.search(f"^db/b{TIME}1 passed, 0 failed$", said, re.M)
    assert said.splitlines()[-1] == "13 passed, 0 failed"


def test_a_line_is_there_before_the_next_program_has_ended(tmp_path):
    (tmp_path / "CTestTestfile.cmake").write_text(
        "add_test(first /bin/true)\n"
        f"add_test(second /bin/sh -c [=[until [ -e {tmp_path}/go ]; do sleep 0.02; done]=])\n"
        "set_tests_properties(second PROPERTIES DEPENDS first)\n"
        "set_tests_properties(first second PROPERTIES LABELS change)\n")
    with subprocess.Popen([RUN, tmp_path], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("first ")
        (tmp_path / "go").touch()
        assert running.communicate()[0].endswith("2 passed, 0 failed\n")


def test_a_failed_program_is_shown_whole(run):
    status, said = run({"unit/a": f"{CHECKED}; seq 40000; exit 3", "unit/b": "echo quiet"})
    assert status == 1
    assert "\n".join(map(str, range(1, 40001))) in said
    assert "quiet" not in said
    assert said.splitlines()[-1] == "13 passed, 1 failed"


def test_a_program_that_crashes_or_is_not_there_has_failed(run, tmp_path):
    status, said = run({"unit/a": "kill -SEGV $$"})
    assert status == 1 and said.splitlines()[-1] == "0 passed, 1 failed"
    (tmp_path / "CTestTestfile.cmake").write_text(
        "add_test(gone /nowhere/gone)\nset_tests_properties(gone PROPERTIES LABELS change)\n")
    gone = subprocess.run([RUN, tmp_path], capture_output=True, text=True, check=False)
    assert gone.returncode == 1 and gone.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_the_tier_is_change_unless_another_is_named(run):
    programs = {name: f"echo ran {name}; exit 1" for name in
                ("unit/a", "db/b", "unit/c:nightly", "db/d:nightly", "db/e:hours")}

    def ran(*words):
        return set(re.findall(r"^ran (\S+)", run(programs, *words)[1], re.M))

    assert ran() == ran("change") == {"unit/a", "db/b"}
    assert ran("db") == {"db/b"}
    assert ran("nightly") == {"unit/c:nightly", "db/d:nightly"}
    assert ran("nightly", "unit") == ran("unit", "nightly") == {"unit/c:nightly"}
    assert ran("hours") == {"db/e:hours"}


def test_the_long_tiers_draw_from_a_seed_that_is_said(run, monkeypatch):
    monkeypatch.delenv("ONRAMP_TEST_SEED", raising=False)
    programs = {"unit/a": "echo drawn from $ONRAMP_TEST_SEED.; exit 1",
                "unit/b:nightly": "echo drawn from $ONRAMP_TEST_SEED.; exit 1"}
    assert "drawn from ." in run(programs)[1]
    said = run(programs, "nightly")[1]
    assert re.search(r"^ONRAMP_TEST_SEED=(\d+)\n(?s:.*)^drawn from \1\.$", said, re.M)
    monkeypatch.setenv("ONRAMP_TEST_SEED", "7")
    assert "drawn from 7." in run(programs, "nightly")[1]


def test_no_test_at_all_is_a_failure(run):
    status, said = run({"unit/a": "true"}, "nothing")
    assert status == 1 and said.splitlines()[-1] == "0 passed, 1 failed"


@pytest.mark.parametrize("workers", ["", " -n 2"])
def test_a_file_of_pytest_has_a_line_of_its_own(run, tmp_path, workers):
    command = suite(tmp_path, ends="def test_one(): pass\n\ndef test_two(): assert 0\n",
                    skips="import pytest\n\ndef test_three(): pytest.skip('not here')\n",
                    breaks="import pytest\n\n@pytest.fixture\ndef broken(): raise OSError\n\n"
                           "def test_four(broken): pass\n")
    status, said = run({"http": command + workers})
    assert status == 1
    assert re.search(f"^  \\S+ends_test.py{TIME}1 passed, 1 failed$", said, re.M)
    assert re.search(f"^  \\S+skips_test.py{TIME}1 skipped$", said, re.M)
    assert re.search(f"^  \\S+breaks_test.py{TIME}1 failed$", said, re.M)
    assert re.search(f"^http{TIME}1 passed, 2 failed, 1 skipped  \\*\\*\\*Failed$", said, re.M)
    assert "def test_two(): assert 0" in said
    assert said.splitlines()[-1] == "1 passed, 2 failed, 1 skipped"


def test_the_slowest_come_at_the_end(run):
    _, said = run({f"unit/p{n}": f"sleep 0.{n % 3}" for n in range(13)})
    ended, _, slowest = said.partition("The 10 slowest:\n")
    times = re.compile(r"^ *unit/p\d+ +(\d+\.\d\d) s ", re.M)
    in_order = sorted(map(float, times.findall(ended)), reverse=True)
    assert len(in_order) == 13
    assert list(map(float, times.findall(slowest))) == in_order[:10]
