# SPDX-License-Identifier: Apache-2.0
"""How much memory the embedded PostgreSQL takes."""

import os
import pathlib
import re
import subprocess

import pytest

from place import BINARY, environment


def megabytes(place):
    """shared_buffers and effective_cache_size, as they are written."""
    written = place.path("postgres/onramp.conf").read_text()
    return [int(re.search(rf"^{name} = (\d+)MB$", written, re.M)[1])
            for name in ("shared_buffers", "effective_cache_size")]


def used(place):
    """The same, as PostgreSQL uses them."""
    return [int(place.sql("SELECT setting::bigint * 8 / 1024 FROM pg_settings"
                          f" WHERE name = '{name}'"))
            for name in ("shared_buffers", "effective_cache_size")]


def test_an_eighth_of_the_memory_is_for_buffers(running):
    buffers, cache = megabytes(running)
    assert used(running) == [buffers, cache]
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    assert 32 <= buffers <= max(machine // 8, 32)  # a control group may leave less
    assert buffers == 4096 or cache // 4 == buffers


def test_what_functions_need_is_in_memory_before_packages_are_upgraded(running):
    """A new backend is a copy of the server and loads nothing from files that may have changed."""
    maps = pathlib.Path(f"/proc/{running.status()['postgresPid']}/maps").read_text()
    for library in ("plpgsql.so", "btree_gist.so"):
        assert library in maps


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_machine_with_little_memory_is_enough(place):
    place.start()
    place.must("down")
    little = place.path("meminfo")
    little.write_text("MemTotal:         204800 kB\n")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", """
            mount --bind "$1" /proc/meminfo || exit 77
            exec "$2" up --detach --state "$3" --port 0
            """, "sh", little, BINARY, place.state],
        env=environment(), capture_output=True, text=True, timeout=90, check=False)
    if done.returncode == 77:
        pytest.skip("no mount namespace can be made here")
    assert done.returncode == 0, done
    assert used(place) == megabytes(place) == [32, 100]
