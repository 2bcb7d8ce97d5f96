# SPDX-License-Identifier: Apache-2.0
"""Pins how the tests wait: until it is so, and with what they saw when it was not."""

import itertools
import time

import pytest

from polling import eventually


def test_what_was_looked_for_is_returned():
    assert eventually("a number", itertools.count().__next__) == 1
    assert eventually("three", itertools.count().__next__, 3) == 3
    assert eventually("more than four", itertools.count().__next__, lambda n: n > 4) == 5
    assert eventually("none", lambda: None, None) is None


def test_what_does_not_come_about_is_named_with_what_was_seen_last():
    seen = itertools.chain(["starting"], itertools.repeat("half ready"))
    with pytest.raises(AssertionError, match="0.1 s: it is ready; last seen: 'half ready'"):
        eventually("it is ready", lambda: next(seen), "ready", seconds=0.1)


def test_a_look_that_takes_longer_than_the_time_is_no_failure_of_what_comes_after_it():
    """A machine that stood still between two looks has not seen that it did not come about."""
    looks = []

    def look():
        looks.append(None)
        if len(looks) == 1:
            time.sleep(0.2)  # longer than there is time: the machine stood still
            return False
        return True

    assert eventually("the second look", look, seconds=0.1)
