# SPDX-License-Identifier: Apache-2.0
"""Pins what the caller is told of an error of the database, by the class of its SQLSTATE: a read and a
write, each by a function that raises it. What the lanes make of each is in tests/lane/errors.c."""

import re

import pytest

from client import Client
from cluster import Cluster
from polling import eventually
from process import Server

BUG = (500, "internal_error")
AWAY = (503, "unavailable")
UNKNOWN = (503, "unknown_outcome")
FULL = (503, "storage_full")

# The classes of "Error Codes" in PostgreSQL's manual that an error can have, the first that fits
# counts: (what a read is told, what a write is told, a word of the sentence)
CLASSES = {
    "08006": (AWAY, UNKNOWN, None),  # the connection
    "0A000": (BUG, BUG, None),
    "21000": (BUG, BUG, None),
    "22012": (BUG, BUG, None),  # data
    "23505": (BUG, BUG, None),  # constraints, which functions answer as refusals
    "24000": (BUG, BUG, None),
    "25006": (BUG, BUG, None),  # read-only, on a second session too
    "26000": (BUG, BUG, None),
    "28000": (BUG, BUG, None),
    "2F005": (BUG, BUG, None),
    "40001": (AWAY, AWAY, "at once"),
    "40003": (AWAY, UNKNOWN, None),
    "40P01": (AWAY, AWAY, "at once"),
    "42501": (BUG, BUG, None),
    "44000": (BUG, BUG, None),
    "53100": (FULL, FULL, "disk"),
    "53200": (AWAY, AWAY, "memory"),
    "53300": (AWAY, AWAY, "memory"),
    "54000": (BUG, BUG, None),
    "55000": (BUG, BUG, None),
    "55006": (AWAY, AWAY, "at once"),
    "55P03": (AWAY, AWAY, "at once"),
    "57014": (AWAY, AWAY, "in time"),
    "57P01": (AWAY, UNKNOWN, None),
    "58030": (AWAY, AWAY, "files"),
    "72000": (AWAY, AWAY, "at once"),
    "F0000": (BUG, BUG, None),
    "HV000": (BUG, BUG, None),
    "P0001": (BUG, BUG, None),
    "XX000": (BUG, BUG, None),
    "XX001": (BUG, BUG, None),
}


class Place:
    def __init__(self):
        self.cluster = Cluster()
        self.server = None
        try:
            self.server = Server("--database", self.cluster.database("errors"), "--loops", "1")
            self.server.start()
        except BaseException:
            self.remove()
            raise
        token = self.server.credentials["ONRAMP_OPERATOR_TOKEN"]
        self.operator = Client(self.server.url, token)

    def raising(self, function, state):
        """The function raises this and does nothing else; how it was is given back."""
        found = f"SELECT pg_get_functiondef('onramp.{function}'::regproc)"
        before = self.cluster.sql("errors", found)
        body = f"$function$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '{state}'; END $function$"
        after = re.sub(r"\$function\$.*\$function\$", lambda _: body, before, flags=re.S)
        self.cluster.sql("errors", after)
        return before

    def remove(self):
        if self.server:
            self.server.remove()
        self.cluster.remove()


@pytest.fixture(scope="module")
def place():
    made = Place()
    try:
        yield made
    finally:
        made.remove()


def told(answer):
    return (answer.status, answer.code)


def created(operator):
    headers = {"Content-Type": "application/json"}
    return operator.send("POST", "/v1/customers", b'{"name": "one"}', headers, checked=False)


@pytest.mark.parametrize("state", CLASSES)
def test_an_error_of_the_database_is_told_by_its_class(place, state):
    read, write, word = CLASSES[state]
    for function, wanted, ask in (
        ("customer_list", read, lambda: place.operator.send("GET", "/v1/customers", checked=False)),
        ("customer_create", write, lambda: created(place.operator)),
    ):
        before = place.raising(function, state)
        try:
            answer = ask()
        finally:
            place.cluster.sql("errors", before)
        assert told(answer) == wanted, answer
        assert word is None or word in answer.json["detail"], answer
        assert (answer.headers["Retry-After"] is not None) == (answer.status == 503)
        assert "raised" not in answer.text  # what the database says stays in the log
        eventually("it answers again", lambda: ask().status not in (500, 503))
