# SPDX-License-Identifier: Apache-2.0
"""From the version before: its schema, made and filled by its own files, becomes this program's while
sessions write through it; and nothing but exactly that schema does.

tests/upgrade holds what each version made its database with:
    git archive TAG migrations tests/db/enumerator/scene.sql | gzip -9n >tests/upgrade/VERSION.tar.gz
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import threading
import urllib.request

import psycopg2
import pytest

from place import ROOT, UNLIMITED

sys.path.insert(0, str(ROOT / "tests/faults"))

from cluster import Cluster  # noqa: E402
from polling import eventually, patience  # noqa: E402

ARCHIVES = {path.name.removesuffix(".tar.gz"): path
            for path in (ROOT / "tests/upgrade").glob("*.tar.gz")}
SESSIONS = 3
CHAPTERS = sorted(path.stem for path in (ROOT / "migrations").glob("*.sql"))
OWNER = "BEGIN; SET LOCAL search_path = onramp, public; SET LOCAL ROLE onramp_owner;"
MIGRATIONS = """SET LOCAL ROLE onramp_owner;
CREATE TABLE onramp.migrations (name text PRIMARY KEY, sha256 bytea NOT NULL,
                                applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"""


def recorded(name, text):
    return (f"INSERT INTO onramp.migrations (name, sha256)"
            f" VALUES ('{name}', '\\x{hashlib.sha256(text).hexdigest()}');")


def made_by(folder):
    """The script by which the program of that version made its schema, and its rows."""
    script = []
    for path in sorted((folder / "migrations").glob("*.sql")):
        first = path.stem.startswith("0001_")
        script += ["BEGIN; SET LOCAL search_path = onramp, public;" if first else OWNER, f"\\i {path}",
                   MIGRATIONS if first else "", recorded(path.stem, path.read_bytes()), "COMMIT;"]
    functions = sorted((folder / "migrations/functions").glob("*.sql"))
    script += [OWNER, *(f"\\i {path}" for path in functions), "SELECT event_months_extend();",
               recorded("functions", b"of that version"), "COMMIT;"]
    return "\n".join(script)


class Older:
    """A cluster, and in it a database that a version has made, with one of everything."""

    def __init__(self, version):
        self.cluster = Cluster()
        self.made = 0
        self.first = version == min(ARCHIVES)
        folder = pathlib.Path(self.cluster.directory, "files")
        with tarfile.open(ARCHIVES[version]) as archive:
            archive.extractall(folder)
        self.psql(self.cluster.database("older"), made_by(folder))
        self.psql(self.url("older"), (folder / "tests/db/enumerator/scene.sql").read_text())

    def url(self, name):
        return f"postgresql://postgres@/{name}?host={self.cluster.directory}"

    def psql(self, url, script):
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url], input=script,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    def copy(self):
        self.made += 1
        name = f"copy{self.made}"
        self.cluster.sql("postgres", f"CREATE DATABASE {name} TEMPLATE older")
        # What a copy does not take along: what is granted on the database itself.
        self.cluster.sql("postgres", f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC;"
                                     f" GRANT CONNECT ON DATABASE {name} TO onramp_daemon")
        return name


@pytest.fixture(scope="module", params=sorted(ARCHIVES))
def older(request):
    made = Older(request.param)
    try:
        yield made
    finally:
        made.cluster.remove()


def read(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def columns(connection):
    return dict(read(connection, """
        SELECT c.oid::regclass::text, string_agg(quote_ident(attname), ', ')
        FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
        WHERE relnamespace = 'onramp'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
              AND attnum > 0 AND NOT attisdropped AND relname <> 'migrations'
        GROUP BY c.oid"""))


def rows(connection, tables):
    """All rows of the tables, by these columns."""
    return {table: sorted(row for row, in read(
        connection, f"SELECT to_jsonb(r)::text FROM (SELECT {names} FROM {table}) AS r"))
        for table, names in tables.items()}


class Session(threading.Thread):
    """A server of the older version, as the database sees it: prepared statements in one session, one
    call after another. It keeps what it was answered."""

    def __init__(self, url, number, done):
        super().__init__()
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.number = number
        self.done = done
        self.rounds = 0
        self.circuits, self.connected, self.error = {}, set(), None
        self.prepared = {}
        (self.customer, self.secret), = read(self.connection, """
            SELECT (SELECT id FROM onramp.customer_create('under load')),
                   (SELECT id FROM onramp.callback_secrets WHERE partner = 'carrier')""")

    def call(self, answer, function, *values):
        if function not in self.prepared:
            self.prepared[function] = ", ".join(["%s"] * len(values))
            numbers = ", ".join(f"${n + 1}" for n in range(len(values)))
            read(self.connection, f"PREPARE {function} AS SELECT outcome, {answer}"
                                  f" FROM onramp.{function}({numbers}); SELECT 1")
        (outcome, result), = read(self.connection,
                                  f"EXECUTE {function} ({self.prepared[function]})", *values)
        assert outcome == "ok", (function, outcome)
        return result

    def round(self):
        who = ("customer", "under load")
        vnet = self.call("id", "vnet_create", self.customer, "net", "{10.0.0.0/16}", "{}")
        self.call("id", "vnet_gateway_put", vnet, self.customer, "10.0.255.0/27")
        both = self.call("id || ' ' || service_key", "circuit_create", self.customer, "ordered", "carrier",
                         "Amsterdam", 1000, "Standard", "MeteredData", '{"of": "load"}', *who)
        circuit, key = both.split()
        self.circuits[circuit] = "NotProvisioned"
        (moment,), = read(self.connection, "SELECT clock_timestamp()")
        self.circuits[circuit] = self.call(
            "provider_status", "callback_apply", "carrier", key, "circuit.provisioned", moment, "{}",
            f"msg_{circuit}", "ab" * 32, self.secret, "partner", "carrier")
        connection = self.call("id", "connection_create", self.customer, circuit, vnet, *who)
        if self.rounds % 2:
            self.call("outcome", "connection_delete", connection, self.customer, *who)
        else:
            self.connected.add(connection)
        self.call("id", "authorization_create", circuit, self.customer, "guest", f"onra_{circuit}")
        endpoint = self.call("id", "webhook_create", "https://x/", "{*}", "", "v1.test." + "A" * 60,
                             "customer", self.customer, None)
        self.call("outcome", "webhook_delete", endpoint, "customer", self.customer, None)
        self.rounds += 1

    def run(self):
        try:
            while not self.done.is_set():
                self.round()
        except (psycopg2.errors.UndefinedFunction, psycopg2.errors.UndefinedColumn):
            pass  # what the older version called is called otherwise by now, or writes what has gone
        except Exception as error:  # noqa: BLE001
            self.error = error
        finally:
            self.connection.close()


def test_a_database_of_the_version_before_is_upgraded_under_load(older, place):
    name = older.copy()
    url = older.url(name)
    watcher = psycopg2.connect(url, options="-c search_path=onramp,public")
    watcher.autocommit = True
    # More than is allowed to one owner by now.
    (crowded, _), = read(watcher, """
        WITH of AS (SELECT id, customer_id FROM circuits WHERE deleted_at IS NULL LIMIT 1)
        INSERT INTO authorizations (circuit_id, customer_id, authorization_key, name)
        SELECT id, customer_id, 'onra_crowd' || n, 'guest' FROM of, generate_series(1, 30) AS n
        RETURNING (SELECT id FROM of), (SELECT customer_id FROM of)""")[:1]
    before_columns = columns(watcher)
    # 0021_caps has dropped it.
    before_columns["webhook_endpoints"] = before_columns["webhook_endpoints"].replace("place, ", "")
    before = rows(watcher, before_columns)
    assert all(before.values()), [table for table in before if not before[table]]
    done = threading.Event()
    sessions = [Session(url, number, done) for number in range(SESSIONS)]
    for session in sessions:
        session.start()

    def further(by):
        seen = {session: session.rounds for session in sessions}
        eventually("the load goes on", lambda: [session for session in sessions if session.is_alive()
                                                and session.rounds < seen[session] + by],
                   [], seconds=patience(60))
    try:
        further(3)
        assert all(session.is_alive() for session in sessions)
        said = place.must("migrate", "--database", url)
        assert "functions applied" in said
        assert ("the schema of before 0.2.0 adopted" in said) == older.first
        further(3)
    finally:
        done.set()
        for session in sessions:
            session.join()
    assert [session.error for session in sessions] == [None] * SESSIONS
    assert place.must("migrate", "--database", url) == "migrations  up to date\n"
    assert [row for row, in read(watcher, "SELECT name FROM migrations WHERE name <> 'functions'"
                                          " ORDER BY name")] == CHAPTERS

    # What was there is there, and of what was answered nothing is missing.
    after = rows(watcher, before_columns)
    for table, there in before.items():
        assert not set(there) - set(after[table]), table
    ordered = {circuit: status for session in sessions for circuit, status in session.circuits.items()}
    standing = dict(read(watcher, "SELECT id::text, provider_status FROM circuits"))
    assert ordered.items() <= standing.items()
    assert set(standing) - set(ordered) >= {json.loads(row)["id"] for row in before["circuits"]}
    connected = set().union(*(session.connected for session in sessions))
    assert connected <= {one for one, in read(watcher, "SELECT id FROM connections")}
    # Every circuit has its events, every event its place with the publisher: none went to a trigger
    # that was not there.
    assert read(watcher, """
        SELECT id FROM circuits c
        WHERE last_sequence <> (SELECT count(*) FROM circuit_events WHERE circuit_id = c.id)
              OR last_sequence <> (SELECT count(*) FROM events_unpublished WHERE circuit_id = c.id)
                                  + (SELECT count(*) FROM feed WHERE circuit_id = c.id)
              OR used <> (SELECT count(*) FROM connections WHERE circuit_id = c.id)""") == []

    # So has everything its count, and what is beyond a cap holds nobody up but its owner.
    assert read(watcher, """
        WITH live AS (
            SELECT 'authorizations' AS kind, 'circuit:' || circuit_id AS owner FROM authorizations
            UNION ALL SELECT 'vnets', 'customer:' || customer_id FROM vnets
            UNION ALL SELECT 'callback_secrets', 'partner:' || partner FROM callback_secrets
            UNION ALL SELECT 'tokens', concat_ws(':', role, coalesce(customer_id::text, partner, ''))
                FROM tokens WHERE revoked_at IS NULL
            UNION ALL SELECT 'webhook_endpoints', owner FROM webhook_endpoints WHERE deleted_at IS NULL)
        SELECT kind, owner FROM live FULL JOIN cap_counters k USING (kind, owner)
        GROUP BY kind, owner, used HAVING count(live) IS DISTINCT FROM used""") == []
    (used, most, excess), = read(watcher, "SELECT used, most, excess FROM cap_counters WHERE owner ="
                                          " 'circuit:' || %s", crowded)
    assert used >= 30 and (most, excess) == (20, used - 20)
    (outcome, left), = read(watcher, """
        SELECT outcome, facts ->> 'used' FROM authorization_create('(customer,x,,,,)', %s,
            (SELECT customer_id FROM circuits WHERE id = %s), 'x', 'onra_more')""", crowded, crowded)
    assert (outcome, left) == ("authorization_limit_reached", str(used))

    # The scene's secrets are sealed with keys that nobody has.
    read(watcher, "DELETE FROM webhook_secrets; DELETE FROM callback_secrets; DELETE FROM seal_keys;"
                  " SELECT 1")
    watcher.close()
    place.start("--database", url, "--secrets-key", older.cluster.shared("secrets.key"), *UNLIMITED,
                fresh=True)
    token = place.must("token", "create", "--role", "operator", "--database", url).split()[0]
    base = place.status()["url"]
    for circuit, status in standing.items():
        request = urllib.request.Request(f"{base}/v1/circuits/{circuit}",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["providerStatus"] == status


@pytest.mark.parametrize("change, sentences", [
    ("UPDATE migrations SET sha256 = sha256('other') WHERE name = '0023_quotas'",
     ["0023_quotas was applied here with the SHA-256 " + hashlib.sha256(b"other").hexdigest(),
      "adopted that has it with c2ad79f2a2971f0f570d16d7d5697cbde1187a4cdca262361960fae1a4afec1a"]),
    ("DELETE FROM migrations WHERE name = '0030_feed'", ["0030_feed has not been applied here"]),
    ("DELETE FROM migrations WHERE name > '0002_z'", ["0003_customers has not been applied here"]),
    ("INSERT INTO migrations VALUES ('0058_more', sha256('more'))",
     ["and also 0058_more, which is none of them"]),
    ("DROP INDEX circuits_due",
     ["Differences: 1.", "index circuits_due\n    expected: CREATE INDEX circuits_due ON", "found: nothing"]),
    ("ALTER TABLE settings ADD COLUMN more int",
     ["Differences: 1.", "column settings.more\n    expected: nothing\n    found: integer"]),
    ("ALTER TABLE vnets DISABLE TRIGGER a_vnet_is_guarded",
     ["trigger a_vnet_is_guarded on vnets\n    expected: CREATE TRIGGER", "tgenabled D"]),
    ("ALTER TABLE callback_secrets DROP CONSTRAINT a_callback_secret_is_sealed;"
     "INSERT INTO callback_secrets (partner, secret, expires_at) VALUES ('idle', 'plain', now());"
     "ALTER TABLE callback_secrets ADD CONSTRAINT a_callback_secret_is_sealed"
     " CHECK (sealed_with(secret) IS NOT NULL) NOT VALID",
     ["callback secrets that are not sealed", "start it once"]),
], ids=["edited", "missing", "unfinished", "too many", "less", "more", "other", "unsealed"])
def test_a_database_that_is_not_exactly_that_of_before_is_refused_with_the_reason(
        older, place, change, sentences):
    if not older.first:
        pytest.skip("versions from 0.2.0 on are migrated, not adopted")
    name = older.copy()
    older.cluster.sql(name, f"SET search_path = onramp, public; {change}")
    listing = "SELECT string_agg(name || sha256::text || applied_at, ' ' ORDER BY name)" \
              " FROM onramp.migrations"
    there = older.cluster.sql(name, listing)
    done = place.run("migrate", "--database", older.url(name))
    assert done.returncode == 1
    for sentence in sentences:
        assert sentence in done.stderr, done.stderr
    assert older.cluster.sql(name, listing) == there
    assert older.cluster.sql(name, "SELECT convalidated FROM pg_constraint WHERE conname ="
                                   " 'a_callback_secret_is_sealed'") == "f"

