# SPDX-License-Identifier: Apache-2.0
"""Pins the catalogue in memory: it is answered without the database, it is what the database has, also
what another server or somebody at psql has changed there, and behind a lost connection."""

import threading

import pytest

from client import Client
from cluster import Cluster
from polling import eventually
from process import Server
from tenant import LOCATION, Customer, Partner, unique

READS = (
    "partner_get(text)",
    "partner_list(text, integer)",
    "peering_location_list(text, integer)",
)


class Pair:
    """Two servers on one database, each with one loop: what it has in memory all its clients get."""

    def __init__(self):
        self.cluster = Cluster()
        self.servers = []
        try:
            url = self.cluster.database("shared")
            key = self.cluster.shared("secrets.key")
            for _ in range(2):
                self.servers.append(
                    Server("--database", url, "--secrets-key", key, "--loops", "1")
                )
                self.servers[-1].start()
        except BaseException:
            self.remove()
            raise
        token = self.servers[0].credentials["ONRAMP_OPERATOR_TOKEN"]
        self.operators = [Client(server.url, token) for server in self.servers]

    def sql(self, statement):
        return self.cluster.sql("shared", statement)

    def closed(self):
        """A context in which nobody can read the catalogue from the database."""
        return _Closed(self)

    def warm(self, client, *targets):
        """Until these are answered from memory."""

        def look():
            before = [client.get(target).must(200).text for target in targets]
            with self.closed():
                after = [client.send("GET", target, checked=False) for target in targets]
            return [a.status == 200 and a.text for a in after] == before

        eventually(f"{targets} are in memory", look)

    def remove(self):
        for server in self.servers:
            print(server.log_text()[-4000:])  # shown when a test has failed
            server.remove()
        self.cluster.remove()


class _Closed:
    def __init__(self, pair):
        self.pair = pair

    def _run(self, verb):
        for read in READS:
            self.pair.sql(f"{verb.format(f'EXECUTE ON FUNCTION onramp.{read}')} onramp_daemon")

    def __enter__(self):
        self._run("REVOKE {} FROM")

    def __exit__(self, *_):
        self._run("GRANT {} TO")


@pytest.fixture(scope="module")
def pair():
    made = Pair()
    try:
        yield made
    finally:
        made.remove()


TARGETS = (
    "/v1/partners?limit=200",
    "/v1/partners/equinix",
    "/v1/partners?limit=3",
    "/v1/peering-locations?limit=7",
)


def test_the_catalogue_is_answered_without_the_database(pair):
    operator = pair.operators[0]
    customer, partner = Customer(operator), Partner(operator)
    from_database = [operator.get(target).must(200) for target in TARGETS]
    pair.warm(operator, *TARGETS)
    customer.client.get("/v1/circuits").must(200)  # its token is known
    partner.client.get("/v1/partner/circuits").must(200)
    with pair.closed():
        for client in (operator, customer.client, partner.client):
            answers = [client.get(target).must(200) for target in TARGETS]
            assert [a.text for a in answers] == [a.text for a in from_database]
            for name in ("ETag", "Link", "Content-Type", "Cache-Control"):
                assert [a.headers.get(name) for a in answers] == [
                    a.headers.get(name) for a in from_database
                ]
        pair.operators[0].with_token(None).get(TARGETS[0]).must(401, "unauthenticated")
        operator.get(f"/v1/partners/{partner.slug}", bogus="1").must(400, "unknown_parameter")


def test_pages_from_memory_are_those_of_the_database(pair):
    operator = pair.operators[0]

    def pages():
        return {
            (path, limit): operator.pages(path, limit=limit)
            for path in ("/v1/partners", "/v1/peering-locations")
            for limit in (1, 7, 200)
        }

    Partner(operator)  # what is in memory is of no use now
    names = pair.sql("SELECT name FROM onramp.partners ORDER BY name").splitlines()
    found = pages()
    assert [item["name"] for item in found["/v1/partners", 7]] == names
    pair.warm(operator, *TARGETS)
    with pair.closed():
        assert pages() == found
    # A cursor of a page whose last item has gone stands where it stood.
    gone = unique("0")  # the first one
    operator.post("/v1/partners", {"name": gone, "displayName": "Gone"}).must(201)
    cursor = operator.get("/v1/partners", limit=1).must(200).json["nextCursor"]
    pair.sql(
        f"DELETE FROM onramp.callback_secrets WHERE partner = '{gone}';"
        f" DELETE FROM onramp.partners WHERE name = '{gone}'"
    )
    pair.warm(operator, "/v1/partners?limit=200")
    with pair.closed():
        after = operator.get("/v1/partners", limit=200, cursor=cursor).must(200).json["items"]
    assert [item["name"] for item in after] == names[: len(after)]


def test_a_change_is_seen_at_once_by_who_made_it(pair):
    operator = pair.operators[0]
    partner = Partner(operator)
    for number in range(20):
        pair.warm(operator, f"/v1/partners/{partner.slug}")
        body = {"displayName": f"Name {number}", "offers": []}
        changed = operator.put(f"/v1/partners/{partner.slug}", body).must(200).json
        assert operator.get(f"/v1/partners/{partner.slug}").must(200).json == changed
        listed = {p["name"]: p for p in operator.pages("/v1/partners")}
        assert listed[partner.slug] == changed


def test_a_change_is_seen_by_another_server(pair):
    one, other = pair.operators
    partner = Partner(one)
    pair.warm(other, f"/v1/partners/{partner.slug}", *TARGETS)
    body = {
        "displayName": "Renamed",
        "offers": [{"peeringLocation": "Tokyo", "bandwidthsMbps": [50]}],
    }
    changed = one.put(f"/v1/partners/{partner.slug}", body).must(200).json
    eventually(
        "the other server has it",
        lambda: other.get(f"/v1/partners/{partner.slug}").must(200).json,
        changed,
        seconds=5,
    )

    def at_tokyo(client):
        found = {p["name"]: p["partners"] for p in client.pages("/v1/peering-locations")}
        return partner.slug in found["Tokyo"] and partner.slug not in found[LOCATION]

    eventually("and its location has it", lambda: at_tokyo(other), seconds=5)
    # A new one is there at once: what is not in memory is asked for.
    made = Partner(one)
    other.get(f"/v1/partners/{made.slug}").must(200)
    made.callback("circuit.provisioned", "0199aa00-0000-7000-8000-000000000001").must(404)


def test_what_is_changed_by_hand_is_seen(pair):
    operator = pair.operators[0]
    pair.warm(operator, *TARGETS)
    pair.sql("UPDATE onramp.peering_locations SET site = 'By hand' WHERE name = 'Tokyo'")
    eventually(
        "the site is there",
        lambda: [p["site"] for p in operator.pages("/v1/peering-locations") if p["name"] == "Tokyo"],
        ["By hand"],
        seconds=5,
    )


def test_a_change_during_a_lost_connection_is_seen_behind_it(pair):
    operator = pair.operators[0]
    partner = Partner(operator)
    path = f"/v1/partners/{partner.slug}"
    pair.warm(operator, path)
    pair.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'onramp_daemon';"
        f" UPDATE onramp.partners SET display_name = 'Meanwhile' WHERE name = '{partner.slug}'"
    )
    eventually("the name is there", lambda: _name(operator.get(path)), "Meanwhile", seconds=10)
    pair.warm(operator, path)
    assert operator.get(path).must(200).json["displayName"] == "Meanwhile"


def _name(answer):
    return answer.json.get("displayName") if answer.status == 200 else answer.status


def test_what_is_in_memory_is_not_answered_for_long_without_the_database(pair):
    operator = pair.operators[0]
    pair.warm(operator, *TARGETS)
    with pair.cluster.frozen():
        eventually("it is refused", lambda: operator.get(TARGETS[0]).status, 503, seconds=20)
    eventually("it is answered", lambda: operator.get(TARGETS[0]).status, 200)


def test_the_entity_tag_changes_with_the_content_alone(pair):
    operator, other = pair.operators
    partner = Partner(operator)
    path = f"/v1/partners/{partner.slug}"
    first = operator.get(path).must(200)
    pair.warm(operator, path, *TARGETS)
    tags = {target: operator.get(target).must(200).headers["ETag"] for target in (path, *TARGETS)}
    assert tags[path] == first.headers["ETag"]
    assert len(set(tags.values())) == len(tags)
    # Read from the database again, by another server, for somebody else: the same.
    assert {t: other.get(t).must(200).headers["ETag"] for t in tags} == tags
    for target, tag in tags.items():
        for seen in (tag, f'"x", W/{tag}', "*"):
            answer = operator.get(target, headers={"If-None-Match": seen}).must(304)
            assert (answer.text, answer.headers["ETag"]) == ("", tag)
        operator.get(target, headers={"If-None-Match": '"x"'}).must(200)
        head = operator.send("HEAD", target, checked=False).must(200)
        assert (head.text, head.headers["ETag"]) == ("", tag)
    # Another one is made: the page that it is on changes, the first one of that partner does not.
    Partner(operator, slug=unique("zzz"))
    assert operator.get(path).must(200).headers["ETag"] == tags[path]
    assert operator.get(TARGETS[2]).must(200).headers["ETag"] == tags[TARGETS[2]]
    body = {"displayName": "Else", "offers": first.json["offers"]}
    operator.put(path, body).must(200)
    answer = operator.get(path, headers={"If-None-Match": tags[path]}).must(200)
    assert answer.headers["ETag"] != tags[path]
    # The same again is another updatedAt, and so another content.
    operator.put(path, body).must(200)
    assert operator.get(path).must(200).headers["ETag"] != answer.headers["ETag"]


def test_readers_and_writers_at_once_never_see_what_was_before_an_answer(pair):
    operator = pair.operators[0]
    partner = Partner(operator)
    path = f"/v1/partners/{partner.slug}"
    acknowledged, failures, ended = [0], [], threading.Event()

    def read():
        client = operator.with_token(operator.token)
        while not ended.is_set():
            known = acknowledged[0]
            name = client.get(path).must(200).json["displayName"]
            if name != f"Carrier {partner.slug}" and int(name) < known:
                failures.append((known, name))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 101):
            operator.put(path, {"displayName": str(number), "offers": []}).must(200)
            acknowledged[0] = number
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert not failures
