# SPDX-License-Identifier: Apache-2.0
"""onramp retention: what there is of histories, and for how long it is kept."""

import json

import pytest

from polling import eventually



def old(place, month):
    """A month of long ago, with an event of a circuit's."""
    place.sql(f"SELECT event_month_add('{month}-01')")
    place.sql("INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status,"
              f" actor_role, actor_name) SELECT id, last_sequence + 1, '{month}-15',"
              " 'circuit.updated', provider_status, provider_status, 'operator', 'hand'"
              " FROM circuits")


@pytest.fixture
def aged(place):
    place.start()
    place.sql("INSERT INTO customers (name) VALUES ('Acme')")
    place.sql("INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps,"
              " sku_tier, sku_family, vnet_limit) SELECT c.id, 'x', o.partner, o.peering_location,"
              " o.bandwidths_mbps[1], 'Standard', 'MeteredData', 10"
              " FROM customers c, offers o ORDER BY c.name = 'Acme' DESC LIMIT 1")
    old(place, "2021-05")
    old(place, "2021-06")
    return place


def months(place):
    return [month["month"] for month in json.loads(place.must("retention", "--json"))["months"]]


def test_it_shows_what_there_is(aged):
    lines = aged.must("retention").splitlines()
    assert lines[0] == "histories are kept for ever"
    assert lines[1].split() == ["month", "events", "MB", "until"]
    assert lines[2].split() == ["2021-05", "1", "0.0", "-"]
    assert len(lines) == 2 + 2 + 4
    told = json.loads(aged.must("retention", "--json"))
    assert told["keptDays"] is None
    assert told["months"][1] == {"month": "2021-06", "events": 1,
                                 "bytes": told["months"][1]["bytes"], "until": None}


def test_what_goes_at_once_has_to_be_meant(aged):
    done = aged.run("retention", "--events", "400d")
    assert done.returncode == 1
    assert "the histories up to 2021-06 go at once, for good; say --yes to mean it" in done.stderr
    assert months(aged)[:2] == ["2021-05", "2021-06"]
    assert "kept for ever" in aged.must("retention")
    lines = aged.must("retention", "--events", "400d", "--yes").splitlines()
    assert lines[0] == "histories are kept for 400 days"
    assert len(lines) == 2 + 4
    assert aged.sql("SELECT string_agg(sequence::text, ' ') FROM circuit_events") == "1"
    assert aged.must("retention", "--events", "forever").startswith("histories are kept for ever\n")


def test_a_server_forgets_by_itself(aged):
    aged.sql("SELECT retention_set(400)")
    aged.must("down")
    aged.start()
    eventually("2021-06 is dropped", lambda: months(aged), lambda there: "2021-06" not in there)


def test_a_server_that_stood_still_for_months_finds_room(place):
    place.start()
    place.sql("DO $$ DECLARE m record; BEGIN FOR m IN SELECT events FROM event_months LOOP"
              " EXECUTE 'DROP TABLE ' || m.events; END LOOP; END $$")
    place.must("down")
    assert place.must("migrate") == "migrations  up to date\n"
    place.start()
    assert len(months(place)) == 4


@pytest.mark.parametrize("value", ["400", "d", "0d", "-1d", "36501d", "400D", "1.5d", "4 00d", "ever"])
def test_a_time_that_is_none_is_refused(place, value):
    done = place.run("retention", "--events", value)
    assert done.returncode == 64
    assert f"--events takes days such as 400d, from 1d to 36500d, or forever; not '{value}'" \
        in done.stderr


def test_histories_are_kept_for_longer_than_the_feed(place):
    place.start()
    done = place.run("retention", "--events", "30d")
    assert done.returncode == 1
    assert "for longer than the feed, which is kept for 30 days" in done.stderr
    assert "kept for ever" in place.must("retention")


def test_before_the_first_start_there_is_nothing_to_show(place):
    done = place.run("retention")
    assert done.returncode == 1
    assert "start it first: onramp up --detach" in done.stderr
