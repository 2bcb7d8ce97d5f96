#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each verdict decides for calls that come alone and for those that come in sets, arm by arm.

    tests/db/cluster.sh tests/db/verdicts.py

A situation is what stands against a call, and what it comes to then: one for each arm of each *_verdict
function, and the call that nothing stands against. All are tried alone, and in a set behind a call that
passes. Then each arm is taken out of its function in turn: the situations have to notice that, those
tried alone and those tried in sets, each by themselves. Every trial is rolled back.
"""

import pathlib
import re
import subprocess
import sys
import uuid

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
DATABASE = "onramp_verdicts"
OPTIONS = ("-c search_path=onramp,public -c TimeZone=UTC -c client_min_messages=error "
           "-c statement_timeout=60s -c lock_timeout=20s -c jit=off")
CUSTOMER = "(customer,Acme,,,,)"
OPERATOR = "(operator,ops,,,,)"
PARTNER = "(partner,carrier,,,,)"
NOBODY = str(uuid.UUID(int=7))
# The condition of an arm, up to its THEN.
ARM = re.compile(r"^( *)(IF|ELSIF) (.+?) THEN$", re.M | re.S)


class Scene:
    """A session with two customers, partners and places; short words for what happens."""

    def __init__(self):
        self.session = psycopg2.connect(dbname=DATABASE, user="onramp_admin", options=OPTIONS)
        self.session.autocommit = True
        self.cursor = self.session.cursor()
        self.value("""SELECT catalogue_load('{"locations": [
            {"name": "Amsterdam", "metro": "Amsterdam", "zone": 1, "site": "AM5", "localRegions": [],
             "direct": true},
            {"name": "London", "metro": "London", "zone": 1, "site": "LD5", "localRegions": [],
             "direct": false}], "partners": []}')""")
        self.run("INSERT INTO seal_keys (id, proof) VALUES ('test', 'none')")
        for name, offers in (
                ("carrier", '[{"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 1000]},'
                            ' {"peeringLocation": "London", "bandwidthsMbps": [50]}]'),
                ("rival", '[{"peeringLocation": "Amsterdam", "bandwidthsMbps": [50]}]')):
            self.value("SELECT outcome FROM partner_create(%s, %s, %s, %s, %s)", OPERATOR, name,
                       name.title(), offers, "v1.test." + name.ljust(60, "A"))
        # Two VNets are all that such a circuit takes.
        self.value("""SELECT outcome FROM vnet_limits_put(%s,
            '[{"tier": "Standard", "bandwidthMbps": 50, "limit": 2}]', 100) LIMIT 1""", OPERATOR)
        self.acme, self.other = (
            self.value("SELECT id FROM customer_create(%s, %s)", OPERATOR, name)
            for name in ("Acme", "Other"))
        self.secret = self.value("SELECT id FROM callback_secret_list('carrier') LIMIT 1")
        self.spaces = None

    def run(self, statement, *values):
        self.cursor.execute(statement, values or None)

    def value(self, statement, *values):
        self.run(statement, *values)
        row = self.cursor.fetchone()
        return row and row[0]

    def ok(self, statement, *values):
        outcome = self.value(statement, *values)
        assert outcome == "ok", f"{statement} {values}: {outcome}"

    def circuit(self, customer=None, mbps=1000, status="Provisioned"):
        made = self.value("""SELECT id FROM circuit_create(%s, %s, 'hq', 'carrier', 'Amsterdam', %s,
            'Standard', 'MeteredData', '{}')""", CUSTOMER, customer or self.acme, mbps)
        if status != "NotProvisioned":
            self.announce(made, "circuit.provisioned")
        return made

    def key(self, circuit):
        return self.value("SELECT service_key FROM circuits WHERE id = %s", circuit)

    def announce(self, circuit, event, webhook=None, at="0 s"):
        self.ok("""SELECT outcome FROM callback_apply(%s, 'carrier', %s, %s,
            clock_timestamp() + %s::interval, '{}', %s, repeat('ab', 32), %s)""", PARTNER,
                self.key(circuit), event, at, webhook or f"m_{uuid.uuid4()}", self.secret)

    def vnet(self, customer=None, gateway=True, space=None):
        number = next(self.spaces) if space is None else space
        made = self.value("SELECT id FROM vnet_create(%s, %s, 'net', %s::cidr[], '{}')", CUSTOMER,
                          customer or self.acme, f"{{10.{number}.0.0/16}}")
        if gateway:
            self.ok("SELECT outcome FROM vnet_gateway_put(%s, %s, %s, %s)", CUSTOMER, made,
                    customer or self.acme, f"10.{number}.255.0/27")
        return made

    def connected(self, circuit, vnet, customer=None, key=None):
        self.run("SELECT outcome, id FROM connection_create(%s, %s, %s, %s, %s)", CUSTOMER,
                 customer or self.acme, circuit, vnet, key)
        outcome, made = self.cursor.fetchone()
        assert outcome == "ok", outcome
        return made


class Verdict:
    """A function *_verdict: how it is asked alone and in a set, and its situations."""

    def __init__(self, name, alone, each, situations):
        self.name, self.alone, self.each, self.situations = name, alone, each, situations


# --- connection_create ---

def connecting(**changed):
    def call(s):
        made = {"customer": s.acme, "circuit": s.circuit(), "vnet": s.vnet(), "key": None}
        made.update({name: make(s) for name, make in changed.items()})
        return (made["customer"], made["circuit"], made["vnet"], made["key"])
    return call


def disabled(s):
    circuit = s.circuit()
    s.ok("SELECT outcome FROM circuit_status_set(%s, %s, 'Disabled', 'unpaid')", OPERATOR, circuit)
    return circuit


def going(s):
    circuit = s.circuit()
    s.ok("SELECT outcome FROM circuit_deprovision_request(%s, %s, %s, true)", CUSTOMER, circuit,
         s.acme)
    return circuit


def connected_already(s):
    circuit, vnet = s.circuit(), s.vnet()
    s.connected(circuit, vnet)
    return (s.acme, circuit, vnet, None)


def key_in_use(s):
    circuit, key = s.circuit(), "authk_" + "a" * 43
    s.ok("SELECT outcome FROM authorization_create(%s, %s, %s, 'guest', %s)", CUSTOMER, circuit,
         s.acme, key)
    s.connected(None, s.vnet(s.other), s.other, key)
    return (s.other, None, s.vnet(s.other), key)


def full(s):
    circuit = s.circuit(mbps=50)
    for _ in range(2):
        s.connected(circuit, s.vnet())
    return circuit


def on_four(s):
    vnet = s.vnet()
    for _ in range(4):
        s.connected(s.circuit(), vnet)
    return vnet


def overlapping(s):
    circuit = s.circuit()
    s.connected(circuit, s.vnet(space=251))
    return (s.acme, circuit, s.vnet(space=251), None)


CONNECTING = Verdict(
    "connection_create_verdict",
    "SELECT * FROM connection_create(%s, %s, %s, %s, %s)",
    "SELECT * FROM connection_create_each(%s::caller[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[])",
    [("ok", CUSTOMER, connecting()),
     ("not_found", CUSTOMER, connecting(circuit=lambda s: None, key=lambda s: "authk_none")),
     ("not_found", CUSTOMER, connecting(circuit=lambda s: NOBODY)),
     ("not_found", CUSTOMER, connecting(circuit=lambda s: s.circuit(s.other))),
     ("not_found", CUSTOMER, connecting(vnet=lambda s: s.vnet(s.other))),
     ("circuit_disabled", CUSTOMER, connecting(circuit=disabled)),
     ("circuit_not_provisioned", CUSTOMER,
      connecting(circuit=lambda s: s.circuit(status="NotProvisioned"))),
     ("circuit_deprovision_requested", CUSTOMER, connecting(circuit=going)),
     ("vnet_has_no_gateway", CUSTOMER, connecting(vnet=lambda s: s.vnet(gateway=False))),
     ("already_connected", CUSTOMER, connected_already),
     ("authorization_in_use", CUSTOMER, key_in_use),
     ("circuit_vnet_limit_reached", CUSTOMER, connecting(circuit=full)),
     ("vnet_circuit_limit_reached", CUSTOMER, connecting(vnet=on_four)),
     ("address_space_overlap", CUSTOMER, overlapping)])

# --- connection_delete ---

DISCONNECTING = Verdict(
    "connection_delete_verdict",
    "SELECT * FROM connection_delete(%s, %s, %s)",
    "SELECT * FROM connection_delete_each(%s::caller[], %s::uuid[], %s::uuid[])",
    [("ok", CUSTOMER, lambda s: (s.connected(s.circuit(), s.vnet()), s.acme)),
     ("ok", OPERATOR, lambda s: (s.connected(s.circuit(), s.vnet()), None)),
     ("not_found", CUSTOMER, lambda s: (NOBODY, s.acme)),
     ("not_found", OPERATOR, lambda s: (NOBODY, None)),
     ("not_found", CUSTOMER, lambda s: (s.connected(s.circuit(), s.vnet()), s.other))])

# --- circuit_create ---

def ordering(partner="carrier", location="Amsterdam", mbps=1000, quotas=None):
    def call(s):
        if quotas:
            s.circuit(s.other)
            s.ok("SELECT outcome FROM customer_limits_put(%s, %s, %s, %s, 100) LIMIT 1", OPERATOR,
                 s.other, *quotas)
        return (s.other if quotas else s.acme, "hq", partner, location, mbps, "Standard", "MeteredData", "{}")
    return call


ORDERING = Verdict(
    "circuit_create_verdict",
    "SELECT * FROM circuit_create(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
    "SELECT * FROM circuit_create_each(%s::caller[], %s::uuid[], %s::text[], %s::text[], %s::text[],"
    " %s::int[], %s::text[], %s::text[], %s::jsonb[])",
    [("ok", CUSTOMER, ordering()),
     ("not_offered", CUSTOMER, ordering(partner="nobody")),
     ("not_offered", CUSTOMER, ordering(location="Atlantis")),
     ("not_offered", CUSTOMER, ordering(partner="rival", location="London", mbps=50)),
     ("not_offered", CUSTOMER, ordering(mbps=200)),
     ("customer_circuit_limit_reached", CUSTOMER, ordering(quotas=(1, 2))),
     ("location_circuit_limit_reached", CUSTOMER, ordering(quotas=(2, 1)))])

# --- callback_apply ---

def calling(event="circuit.progress", key=None, at="0 s", webhook=None, secret=None, status=None,
            digest="ab", before=lambda s, circuit: None):
    def call(s):
        circuit = s.circuit(status=status or "NotProvisioned")
        shown = s.key(circuit)
        before(s, circuit)
        when = s.value("SELECT clock_timestamp() + %s::interval", at)
        return ("carrier", key or shown, event, when, '{"note": "n"}',
                webhook or f"m_{uuid.uuid4()}", digest * 32, secret or s.secret)
    return call


def remembered(s, circuit):
    s.announce(circuit, "circuit.progress", webhook="m_same")


def deleted(s, circuit):
    s.ok("SELECT outcome FROM circuit_delete(%s, %s, %s)", CUSTOMER, circuit, s.acme)


CALLING = Verdict(
    "callback_apply_verdict",
    "SELECT * FROM callback_apply(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
    "SELECT * FROM callback_apply_each(%s::caller[], %s::text[], %s::uuid[], %s::text[],"
    " %s::timestamptz[], %s::jsonb[], %s::text[], %s::text[], %s::uuid[])",
    [("applied", PARTNER, calling()),
     ("unauthenticated", PARTNER, calling(secret=NOBODY)),
     ("timestamp_in_future", PARTNER, calling(at="400 s")),
     ("not_found", PARTNER, calling(key=NOBODY)),
     ("duplicate", PARTNER, calling(webhook="m_same", before=remembered)),
     ("webhook_id_reused", PARTNER, calling(webhook="m_same", digest="cd", before=remembered)),
     ("not_found", PARTNER, calling(before=deleted)),
     ("stale", PARTNER, calling(at="-60 s", before=remembered)),
     ("illegal_transition", PARTNER, calling("circuit.deprovisioning")),
     ("already", PARTNER, calling("circuit.provisioned", status="Provisioned"))])

VERDICTS = (CONNECTING, DISCONNECTING, ORDERING, CALLING)


def answer_of(row, names):
    """What a call came to, without what is another each time."""
    shown = dict(zip(names, row))
    outcome = shown["outcome"]
    if outcome == "ok" and "reason" in shown:
        outcome = shown["reason"]
    facts = re.sub(r"20\d\d-[^ ]*Z|\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "*", repr(shown["facts"]))
    return outcome, facts


def trial(s, verdict, number, together, mutant):
    """The answer in one situation; that there was an error is an answer too. The mutant, if there is one,
    takes the function's place when all is prepared."""
    _, caller, make = verdict.situations[number]
    first = verdict.situations[0]
    s.spaces = iter(range(250))
    s.run("BEGIN")
    try:
        calls = [(first[1], *first[2](s))] if together else []
        calls.append((caller, *make(s)))
        if mutant:
            s.run(mutant)
        if together:
            s.run(verdict.each, *(list(column) for column in zip(*calls)))
        else:
            s.run(verdict.alone, *calls[0])
        names = [column.name for column in s.cursor.description]
        rows = s.cursor.fetchall()
        answers = [answer_of(row, names) for row in rows]
        s.run("SET CONSTRAINTS ALL IMMEDIATE")
        return answers
    except psycopg2.Error as error:
        return [("error", error.pgcode)]
    finally:
        s.run("ROLLBACK")


def trials(s, verdict, together):
    return [trial(s, verdict, number, together, None)
            for number in range(len(verdict.situations))]


def noticed(s, verdict, together, mutant, right):
    return any(trial(s, verdict, number, together, mutant) != right[number]
               for number in range(len(verdict.situations)))


def source(s, name):
    return s.value("SELECT pg_get_functiondef(%s::regproc)", f"onramp.{name}")


def arms_of(text):
    """Each arm's condition, and the function without that arm."""
    for arm in ARM.finditer(text):
        yield " ".join(arm[3].split()), text[:arm.start(3)] + "false" + text[arm.end(3):]


def main():
    setup = psycopg2.connect(dbname="postgres", user="onramp_admin")
    setup.autocommit = True
    with setup.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    subprocess.run([HERE / "migrate.sh", DATABASE], check=True)
    s = Scene()
    faults = []
    counted = 0
    verdicts = [name for name, in fetch(s, "SELECT proname FROM pg_proc WHERE pronamespace ="
                                           " 'onramp'::regnamespace AND proname LIKE '%\\_verdict'")]
    if sorted(verdicts) != sorted(verdict.name for verdict in VERDICTS):
        faults.append(f"the database has the verdicts {verdicts}")
    for verdict in VERDICTS:
        whole = source(s, verdict.name)
        alone, sets = trials(s, verdict, together=False), trials(s, verdict, together=True)
        for (outcome, *_), one, several in zip(verdict.situations, alone, sets):
            first = verdict.situations[0][0]
            if one[0][0] != outcome or [a[0] for a in several] != [first, outcome] \
                    or one[0] != several[1]:
                faults.append(f"{verdict.name}, {outcome}: alone {one}, in a set {several}")
        for condition, mutant in arms_of(whole):
            counted += 1
            for word, right, together in (("alone", alone, False), ("in sets", sets, True)):
                if not noticed(s, verdict, together, mutant, right):
                    faults.append(f"{verdict.name} without [{condition}]: no call {word} notices")
    print(f"{sum(len(v.situations) for v in VERDICTS)} situations, {counted} arms taken out, "
          f"{len(faults)} faults")
    for fault in faults:
        print(fault)
    s.session.close()
    with setup.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    sys.exit(1 if faults or counted == 0 else 0)


def fetch(s, statement):
    s.cursor.execute(statement)
    return s.cursor.fetchall()


if __name__ == "__main__":
    main()
