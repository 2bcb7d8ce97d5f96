# SPDX-License-Identifier: Apache-2.0
"""Each pair of writers in two sessions, stepped in a fixed order, at each isolation level; the rules are
recounted after both.

Side by side: both have taken their snapshots; the first writes; the second writes, or waits; the first
commits; the second ends. Late: both have taken their snapshots; the second writes and commits; then the
first writes. Whatever comes of it, a wait, a refusal or a serialization failure, the rules have to hold.
"""

import concurrent.futures
import itertools
import time

import psycopg2

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
SCHEDULES = ["side by side", "late"]
# Stories that one database takes before another one is made: the recount reads all of them.
STORIES_MAX = 40

CONNECT = ("INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id) "
           "VALUES ('{%s}', '{%s}', '{acme}', '{acme}')")
ORDER = ("INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, sku_tier, "
         "sku_family, vnet_limit, service_key) SELECT '{acme}', 'x', 'carrier', 'Amsterdam', 50, "
         "'Standard', 'MeteredData', vnets, %s FROM vnet_limits WHERE tier = 'Standard' "
         "AND bandwidth_mbps = 50")
EVENT = ("INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, actor_role, "
         "actor_name) SELECT id, last_sequence + 1, '%s', provider_status, %s, 'operator', 'hand' "
         "FROM circuits WHERE id = '{%s}'")
WRITERS = {
    "connects": CONNECT % ("c1", "n2"),
    "connects another": CONNECT % ("c1", "n3"),
    "connects what overlaps": CONNECT % ("c1", "n4"),
    "connects a VNet once more": CONNECT % ("c5", "n1"),
    "connects to one that is asked back": CONNECT % ("c5", "n2"),
    "connects, by the API":
        "SELECT outcome FROM connection_create('{acme}', '{c1}', '{n2}', 'customer', 'Acme')",
    "connects to another, by the API":
        "SELECT outcome FROM connection_create('{acme}', '{c3}', '{n2}', 'customer', 'Acme')",
    "connects through a door":
        "SELECT outcome FROM connection_create('{guest}', NULL, '{foreign}', 'customer', 'Guest', '{door}')",
    "closes the door": "SELECT outcome FROM authorization_delete('{c1}', '{acme}', '{a1}', 'customer', 'A')",
    "closes the door by hand": "DELETE FROM authorizations WHERE id = '{a1}'",
    "disconnects": "DELETE FROM connections WHERE id = '{k1}'",
    "disconnects, by the API":
        "SELECT outcome FROM connection_delete('{k1}', '{acme}', 'customer', 'Acme')",
    "orders": ORDER % "gen_random_uuid()",
    "orders with a key that is one": ORDER % "'{key2}'",
    "orders, by the API":
        "SELECT outcome FROM circuit_create('{acme}', 'y', 'carrier', 'Amsterdam', 50, 'Standard', "
        "'MeteredData', '{{}}', 'customer', 'Acme')",
    "deletes a circuit": "SELECT outcome FROM circuit_delete('{c2}', '{acme}', 'customer', 'Acme')",
    "deletes a circuit by an event": EVENT % ("circuit.deleted", "provider_status", "c2"),
    "rotates a key":
        "SELECT outcome FROM circuit_service_key_rotate('{c2}', '{acme}', 'customer', 'Acme')",
    "takes another's key":
        "UPDATE circuits SET service_key = '{key2}', key_quoted_at = NULL WHERE id = '{c2}'",
    "quotes a key":
        "SELECT outcome FROM partner_circuit_quote('carrier', '{key2}', 'partner', 'carrier')",
    "builds": "SELECT recount.told('{c2}', 'circuit.provisioned')",
    "builds by an event": EVENT % ("circuit.provisioned", "'Provisioned'", "c2"),
    "tears down": "SELECT recount.told('{c5}', 'circuit.deprovisioned')",
    "tears down by an event": EVENT % ("circuit.deprovisioned", "'NotProvisioned'", "c5"),
    "rejects": "SELECT recount.told('{c5}', 'circuit.rejected')",
    "rejects by an event": EVENT % ("circuit.rejected", "provider_status", "c5"),
    "withdraws":
        "SELECT outcome FROM circuit_deprovision_withdraw('{c5}', '{acme}', 'customer', 'Acme')",
    "asks, and for deletion":
        "SELECT outcome FROM circuit_deprovision_request('{c5}', '{acme}', true, 'customer', 'Acme')",
    "tears down what is connected": "SELECT recount.told('{c1}', 'circuit.deprovisioned')",
    "disables": "SELECT outcome FROM circuit_status_set('{c1}', 'Disabled', 'why', 'operator', 'ops')",
    "renames": "SELECT outcome FROM circuit_update('{c1}', '{acme}', 'new', NULL, NULL, NULL, NULL, "
               "'customer', 'Acme')",
    "tags": "UPDATE circuits SET tags = '{{\"env\": \"live\"}}' WHERE id = '{c2}'",
    "moves a VNet": "UPDATE vnets SET address_space = '{{10.1.0.0/16,10.2.0.0/16}}' WHERE id = '{n2}'",
    "takes a gateway": "SELECT outcome FROM vnet_gateway_delete('{n2}', '{acme}')",
    "deletes a VNet": "DELETE FROM vnets WHERE id = '{n2}'",
    "lets another one in, by the API":
        "SELECT outcome FROM authorization_create('{c1}', '{acme}', 'x', 'onra_' || gen_random_uuid())",
    "lets another one in":
        "INSERT INTO authorizations (circuit_id, customer_id, authorization_key, name) "
        "VALUES ('{c1}', '{acme}', 'onra_' || gen_random_uuid(), 'x')",
    "makes a VNet, by the API":
        "SELECT outcome FROM vnet_create('{acme}', 'x', '{{10.9.0.0/16}}', NULL)",
    "makes a VNet":
        "INSERT INTO vnets (customer_id, name, address_space) VALUES ('{acme}', 'x', '{{10.9.0.0/16}}')",
    "makes a token, by the API":
        "SELECT outcome FROM token_create(gen_random_uuid()::text, repeat('ab', 32), 'customer', "
        "'{acme}', NULL, NULL, NULL, 'operator', NULL, NULL)",
    "makes a token":
        "INSERT INTO tokens (key_id, sha256, role, customer_id) "
        "VALUES (gen_random_uuid(), sha256('x'), 'customer', '{acme}')",
    "registers an endpoint":
        "INSERT INTO webhook_endpoints (role, customer_id, url, event_types) "
        "VALUES ('customer', '{acme}', 'https://x/', '{{*}}')",
    "sets a first quota": "INSERT INTO circuit_quotas (customer_id, used, circuits) VALUES ('{acme}', 0, 5)",
    "sets a quota": "SELECT outcome FROM customer_limits_put('{acme}', 5, 5, 10)",
    "lowers the limit": "SELECT outcome FROM vnet_limits_put('[{{\"tier\": \"Standard\", \"bandwidthMbps\": "
                        "50, \"limit\": 1}}]', 'operator', 'ops', 1)",
    "publishes": "SELECT outcome FROM feed_publish(1000)",
    "publishes by hand":
        "INSERT INTO feed (position, seq, "
        "circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner, traceparent) "
        "SELECT (SELECT max(position) FROM feed) + row_number() OVER (ORDER BY seq), seq, circuit_id, "
        "sequence, at, customer_id, service_key, vnet_customer_id, partner, traceparent "
        "FROM events_unpublished",
}


class Stage:
    """Two sessions and one that looks on, in a database that is made anew now and then."""

    def __init__(self, run, template, name):
        self.run = run
        self.template = template
        self.name = name
        self.stories = 0
        self.sessions = []
        self.dropped = ""
        self.pool = concurrent.futures.ThreadPoolExecutor(1)

    def set(self, drop=""):
        """A fresh database; with a guard dropped, if there is one."""
        self.strike()
        self.run.in_cluster(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
                            f"CREATE DATABASE {self.name} TEMPLATE {self.template}")
        self.sessions = [self.run.connect(self.name) for _ in range(3)]
        self.stories, self.dropped = 0, drop
        if drop:
            with self.sessions[2].cursor() as cursor:
                cursor.execute(drop)

    def strike(self):
        for session in self.sessions:
            session.close()
        self.sessions = []

    def _blocked(self, cursor, session):
        cursor.execute("SELECT pg_blocking_pids(%s) <> '{}'", (session.info.backend_pid,))
        return cursor.fetchone()[0]

    def play(self, first, second, level, schedule):
        """What it breaks; and what became of both."""
        if not self.sessions or self.stories == STORIES_MAX:
            self.set(self.dropped)
        self.stories += 1
        look = self.sessions[2].cursor()
        look.execute("SELECT recount.story()")
        story = look.fetchone()[0]
        texts = [WRITERS[name].format(**story) for name in (first, second)]
        cursors = [session.cursor() for session in self.sessions[:2]]
        ends = ["", ""]

        def step(n, text):
            if ends[n]:
                return
            try:
                cursors[n].execute(text)
            except psycopg2.Error as error:
                ends[n] = error.diag.constraint_name or error.pgcode

        for cursor in cursors:
            cursor.execute(f"BEGIN ISOLATION LEVEL {level}; SET LOCAL ROLE onramp_owner; "
                           "SELECT count(*) FROM settings")
        if schedule == "late":
            step(1, texts[1])
            cursors[1].execute("COMMIT")
            step(0, texts[0])
            cursors[0].execute("COMMIT")
        else:
            step(0, texts[0])
            waiting = self.pool.submit(step, 1, texts[1])
            while True:
                done, _ = concurrent.futures.wait([waiting], timeout=0.002)
                if done or self._blocked(look, self.sessions[1]):
                    break
            try:
                cursors[0].execute("COMMIT")
            except psycopg2.Error as error:
                ends[0] = error.pgcode
            waiting.result(timeout=30)
            try:
                cursors[1].execute("COMMIT")
            except psycopg2.Error as error:
                ends[1] = error.pgcode
        look.execute("SELECT recount.broken()")
        return look.fetchone()[0], ends


def played(job):
    """One worker's part: (writers, level, schedule, breach, ends) of each."""
    import run
    template, name, programme = job
    stage = Stage(run, template, name)
    answers = []
    for first, second, level, schedule in programme:
        breach, ends = stage.play(first, second, level, schedule)
        answers.append((first, second, level, schedule, breach, ends))
        if breach:
            stage.set()
    stage.strike()
    return answers


def programme(length):
    """All that is played; in the short form each two of them once, at one level in one order."""
    every = list(itertools.product(LEVELS, SCHEDULES))
    order = list(WRITERS)
    for first, second in itertools.product(WRITERS, WRITERS):
        chosen = every
        if length == "short":
            n = order.index(first) - order.index(second)
            if n < 0:
                continue
            chosen = [every[(n + order.index(first)) % len(every)]]
        for level, schedule in chosen:
            yield first, second, level, schedule


def interleave(pool, template, workers, length):
    """Play them; how many break a rule."""
    began = time.monotonic()
    plan = list(programme(length))
    jobs = [(template, f"paired_{n}", plan[n::workers]) for n in range(workers)]
    failed, ended = 0, [0, 0, 0]
    for part in pool.map(played, jobs):
        for first, second, level, schedule, breach, ends in part:
            ended[sum(1 for end in ends if end)] += 1
            if breach:
                failed += 1
                print(f"BROKEN, {schedule} at {level}: one {first}, the other {second} "
                      f"({' / '.join(end or 'done' for end in ends)})\n  breaks: {breach}", flush=True)
    print(f"two sessions: {len(plan)} pairs of {len(WRITERS)} writers at {len(LEVELS)} levels in "
          f"{len(SCHEDULES)} orders, in {time.monotonic() - began:.1f} s; both went through {ended[0]} "
          f"times, one {ended[1]}, none {ended[2]}", flush=True)
    return failed


def finds(template, name, guard):
    """Whether some pair finds that a guard is gone that is about two sessions."""
    import run
    stage = Stage(run, template, name)
    stage.set(guard.drop)
    found = None
    for first, second, level, schedule in programme("long"):
        if "quota" in first and "order" in second and level != LEVELS[0]:
            breach, _ = stage.play(first, second, level, schedule)
            if breach:
                found = (f"one {first}, the other {second}", breach)
                break
    stage.strike()
    return found
