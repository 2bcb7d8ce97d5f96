# SPDX-License-Identifier: Apache-2.0
"""Drop each guard in turn: the statements have to find that it is gone.

A guard is a trigger, or one rule among those that a trigger's function looks at (each is named where it
refuses), or a constraint. It is dropped in a transaction that is rolled back; then the statements are run,
those first that it refused, until one is accepted and breaks a rule.
"""


import os
import random
import time

import psycopg2

import pairs

# What PostgreSQL refuses to understand, whoever is asked: they say nothing about a guard.
SENSELESS = {"42601", "42703", "42P01", "42804", "42883", "42P10", "42702"}

RULES = """
SELECT DISTINCT (regexp_matches(prosrc, 'refused\\(''([a-z0-9_]+)''', 'g'))[1] FROM pg_proc
WHERE pronamespace = 'onramp'::regnamespace AND prorettype IN ('trigger'::regtype, 'void'::regtype)
ORDER BY 1"""
TRIGGERS = """
SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
WHERE c.relnamespace = 'onramp'::regnamespace AND NOT tgisinternal AND tgparentid = 0
      AND (NOT c.relispartition OR EXISTS (SELECT FROM pg_stat_user_tables s WHERE s.relid = c.oid
                                           AND n_live_tup > 0))
ORDER BY 1, 2"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname::text, contype::text,
       CASE WHEN confrelid <> 0 THEN confrelid::regclass::text END,
       EXISTS (SELECT FROM pg_index i JOIN pg_index o ON o.indrelid = i.indrelid AND o.indisunique
                   AND o.indexrelid <> i.indexrelid AND o.indpred IS NULL
               WHERE i.indexrelid = conindid AND o.indkey::int2[] <@ i.indkey::int2[])
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
WHERE k.connamespace = 'onramp'::regnamespace AND conparentid = 0 AND NOT c.relispartition
ORDER BY 1, 2"""
INDEXES = """
SELECT i.indrelid::regclass::text, c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'onramp'::regnamespace AND indisunique AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY 1, 2"""
DOMAINS = """
SELECT contypid::regtype::text, conname::text,
       ARRAY(SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
             WHERE atttypid = contypid AND relkind IN ('r', 'p') AND NOT relispartition)
FROM pg_constraint WHERE connamespace = 'onramp'::regnamespace AND contypid <> 0 AND contype = 'c'
ORDER BY 1, 2"""
NOT_NULLS = """
SELECT attrelid::regclass::text, attname::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'onramp'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND attnum > 0 AND attnotnull AND attidentity = ''
      AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary
                      AND attnum = ANY (indkey))
ORDER BY 1, 2"""

# Both refusers, but for one name.
WITHOUT_RULE = """
CREATE OR REPLACE FUNCTION onramp.refused(p_constraint text, p_sentence text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_constraint = {name} THEN RETURN; END IF;
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = p_sentence,
        CONSTRAINT = p_constraint;
END $$"""


# How many statements may look for a guard before it counts as not found: one that is kept once, and
# one that is kept twice.
TRIES_MAX = 4000
TRIES_FEW = 400


# Rules that are kept twice: what refuses first is dropped, and the same statement is refused still.
TWICE = {
    "rule an_event_follows_an_edge_of_the_graph":
        "event_moves_circuit() looks the edge up in its one query as well; the rule gives it its name",
    "foreign key an_act_is_a_customers of acts_of_vnet_owners":
        "an_act_is_of_the_vnets_owner lets in whom the event names alone, who is a customer",
    "not null secret of callback_secrets":
        "a_callback_secret_is_sealed",
    "not null from_status of circuit_events": "there is no such edge",
    "not null to_status of circuit_events": "there is no such edge",
    "not null type of circuit_events": "there is no such edge",
    "not null circuit_id of connections": "circuit_prefixes takes no null either",
    "not null role of webhook_endpoints": "owner is made of it, and takes no null",
    "not null owner of webhook_endpoints": "it is made of a role, which is not null",
    "not null secret of webhook_secrets": "a_webhook_secret_is_sealed",
    "not null customer_id of acts_of_vnet_owners":
        "an_act_is_of_the_vnets_owner lets in nobody whom the event does not name",
    "key a_vnet_connects_to_a_circuit_once of connections":
        "a VNet overlaps with itself: the_vnets_of_a_circuit_do_not_overlap",
    "key feed_pkey of feed":
        "feed_continued() lets in what goes on where the feed ends",
    "trigger a_cap_stays_with_its_kind of caps":
        "the change arrives at the counters, which stay with their kind; it is for a cap without any",
    "trigger caps_are_never_deleted of caps":
        "the counters refer to it, and are never truncated; it is for a cap without any",
    "trigger vnets_are_never_truncated of vnets":
        "connections and vnet_prefixes refer to it: TRUNCATE takes them along, and they refuse",
}
# Tables that triggers alone write, or nobody: what they declare is kept a second time by the trigger that
# refuses all else.
WRITTEN_BY_TRIGGERS = {
    "circuit_changes", "circuit_labels", "circuit_location_quotas", "circuit_prefixes",
    "events_unpublished", "provider_transition", "retired_service_keys", "vnet_prefixes",
}
# What circuit_guarded() sets or compares itself, so that no null comes to the column.
SET_BY_GUARD = {
    "last_sequence", "listed_as", "previous_status", "previously_requested", "provider_status",
    "shown_as", "updated_at", "waiting_on",
}
# Rules about two sessions; their statements are in pairs.py.
OF_TWO_SESSIONS = {"rule a_quota_begins_at_read_committed"}


class Guard:
    """Something that refuses: its name, the tables that it is about, and how to drop it."""

    def __init__(self, kind, tables, name, drop):
        self.kind = kind
        self.tables = tables
        self.name = name
        self.drop = drop

    def __str__(self):
        return f"{self.kind} {self.name}" + (f" of {self.tables[0]}" if self.tables else "")


def kept_twice(guard):
    """Why its rule holds without it; None where it does not."""
    if guard.kind not in ("rule", "trigger") and guard.tables[0] in WRITTEN_BY_TRIGGERS:
        return "nobody but a trigger writes there"
    if guard.kind == "not null" and guard.tables[0] == "circuits" and guard.name in SET_BY_GUARD:
        return "circuit_guarded() lets no null come to it"
    if guard.kind == "not null" and guard.tables[0] == "feed" and guard.name != "published_at":
        return "feed_continued() lets in what was announced alone"
    return TWICE.get(str(guard))


def quoted(name):
    return '"' + name + '"'


def listed(cursor, which):
    """The guards of the schema, and how many keys there are that another key implies."""
    guards, implied = [], 0
    cursor.execute(RULES)
    for (name,) in cursor.fetchall():
        guards.append(Guard("rule", [], name, WITHOUT_RULE.format(name="'" + name + "'")))
    cursor.execute(TRIGGERS)
    for table, name in cursor.fetchall():
        guards.append(Guard("trigger", [table], name, f"DROP TRIGGER {quoted(name)} ON {table}"))
    if which != "row":
        cursor.execute(CONSTRAINTS)
        for table, name, kind, referred, is_implied in cursor.fetchall():
            if kind in "up" and is_implied:
                implied += 1
                continue
            word = {"c": "check", "f": "foreign key", "u": "key", "p": "key", "x": "exclusion"}[kind]
            cascade = " CASCADE" if kind in "up" else ""
            guards.append(Guard(word, [table] + ([referred] if referred else []), name,
                                f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}{cascade}"))
        cursor.execute(INDEXES)
        for table, name in cursor.fetchall():
            guards.append(Guard("key", [table], name, f"DROP INDEX {quoted(name)}"))
        cursor.execute(DOMAINS)
        for domain, name, tables in cursor.fetchall():
            guards.append(Guard("domain", tables, name,
                                f"ALTER DOMAIN {domain} DROP CONSTRAINT {quoted(name)}"))
        cursor.execute(NOT_NULLS)
        for table, column in cursor.fetchall():
            guards.append(Guard("not null", [table], column,
                                f"ALTER TABLE {table} ALTER {quoted(column)} DROP NOT NULL"))
    return guards, implied


def in_order(guard, made, answers):
    """Statements in the order in which they most likely find that the guard is gone."""
    ranks = {}
    for place, (statement, (_accepted, refusal, _)) in enumerate(zip(made, answers)):
        if refusal in SENSELESS:
            continue
        near = (statement.table in guard.tables
                or any(statement.table.startswith(t + "_2") for t in guard.tables))
        if refusal == guard.name:
            rank = 0
        elif guard.kind == "not null" and refusal == "23502" and near \
                and guard.name in statement.column.split("+"):
            rank = 0
        elif near or statement.form.startswith(("event", "with", "a set", "by hand")):
            rank = 1
        else:
            rank = 2
        ranks.setdefault(rank, []).append(place)
    for rank, places in ranks.items():
        if rank:
            random.Random(guard.name).shuffle(places)
    return [place for rank in sorted(ranks) for place in ranks[rank]]


def finds(trial, guard, made, answers):
    """(the statement that finds the guard gone, what it breaks, how many were run); None, if none."""
    trial.cursor.execute("BEGIN")
    try:
        trial.cursor.execute("SET LOCAL statement_timeout = '2s'; " + guard.drop)
        run = 0
        most = TRIES_FEW if kept_twice(guard) or str(guard) in OF_TWO_SESSIONS else TRIES_MAX
        for place in in_order(guard, made, answers)[:most]:
            run += 1
            statement = made[place]
            try:
                trial.cursor.execute("SAVEPOINT tried; SET LOCAL ROLE onramp_owner")
                trial.run(statement)
                trial.cursor.execute("RESET ROLE; " + trial.recount)
                breach = trial.cursor.fetchone()[0]
            except psycopg2.Error as error:
                # What fails is no finding, but for what never ends: the rule would have ended it.
                breach = "it does not end" if error.pgcode == "57014" else ""
            if breach:
                return statement, breach, run
            trial.cursor.execute("ROLLBACK TO tried; RESET ROLE")
        return None, "", run
    finally:
        trial.cursor.execute("ROLLBACK")


def work(job):
    import run
    database, names, which, made, answers = job
    trial = run.Trial(database, "onramp_admin", run.RECOUNT_ALL if which == "all" else run.RECOUNT)
    guards, _ = listed(trial.cursor, which)
    found = []
    for guard in guards:
        if str(guard) in names:
            statement, breach, count = finds(trial, guard, made, answers)
            found.append((str(guard), statement, breach, count))
            if os.environ.get("ENUMERATOR_TELLS"):
                print(f"{guard}: {count} {breach} {statement and statement.text[:150]}", flush=True)
    trial.connection.close()
    return found


def drop_in_turn(pool, databases, template, made, answers, which):
    """Drop all of them; how many are not found."""
    import run
    began = time.monotonic()
    trial = run.Trial(databases[0], "onramp_admin")
    guards, implied = listed(trial.cursor, which)
    trial.connection.close()
    names = [str(guard) for guard in guards]
    jobs = [(database, set(names[n::len(databases)]), which, made, answers)
            for n, database in enumerate(databases)]
    missed, run_in_all = [], 0
    for part in pool.map(work, jobs):
        for name, statement, _breach, count in part:
            run_in_all += count
            if statement is None and name in OF_TWO_SESSIONS:
                guard = next(guard for guard in guards if str(guard) == name)
                statement = pairs.finds(template, "paired_0", guard)
            if statement is None:
                missed.append(name)
    twice = {str(guard): kept_twice(guard) for guard in guards
             if str(guard) in missed and kept_twice(guard)}
    print(f"guards: {len(guards)} dropped in turn, {len(guards) - len(missed)} found, by {run_in_all} "
          f"statements in {time.monotonic() - began:.1f} s; {len(twice)} are kept twice"
          + (f"; {implied} keys that others imply left out" if implied else ""), flush=True)
    for name in sorted(missed):
        print(f"  kept twice: {name}: {twice[name]}" if name in twice else f"NOT FOUND: {name}")
    return len(missed) - len(twice)
