#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Try every statement that changes rows, and recount the rules of the database after each.

    tests/db/cluster.sh tests/db/enumerator/run.py [--long] [--guards row|all|none] [--only TABLE]

As the owner of everything and as the daemon's role. A statement that is accepted and breaks a rule
(rules.sql) fails, and is printed. Then the guards are dropped in turn, each in a transaction of its own:
the same statements have to find that it is gone. What is counted is printed.
"""

import argparse
import collections
import io
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

import psycopg2

import guards
import pairs
import statements

HERE = pathlib.Path(__file__).resolve().parent
OPTIONS = ("-c search_path=onramp,public -c TimeZone=UTC -c client_min_messages=error "
           "-c statement_timeout=60s -c lock_timeout=20s -c jit=off")


# Of what has written nothing there is nothing to recount.
RECOUNT = """SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN '' ELSE recount.broken() END"""
RECOUNT_ALL = """SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN ''
                             ELSE concat(recount.broken(), recount.undeclared()) END"""


def connect(database, user="onramp_admin"):
    connection = psycopg2.connect(dbname=database, user=user, options=OPTIONS)
    connection.autocommit = True
    return connection


def in_cluster(*commands):
    """Commands on the cluster: each by itself, outside of any transaction."""
    connection = connect("postgres")
    with connection.cursor() as cursor:
        for command in commands:
            cursor.execute(command)
    connection.close()


def make_database(name):
    """The database in which all is tried: migrated, with the scene and the rules."""
    in_cluster(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    subprocess.run([HERE.parent / "migrate.sh", name], check=True)
    for part in ("scene.sql", "rules.sql", "story.sql"):
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", name, "-f", HERE / part],
                       check=True, stdout=subprocess.DEVNULL)
    connection = connect(name)
    with connection.cursor() as cursor:
        tables = statements.read_catalogue(cursor)
        statements.make_views(cursor, tables)
        cursor.execute("SELECT recount.broken()")
        broken = cursor.fetchone()[0]
        if broken:
            sys.exit(f"the scene itself breaks: {broken}")
    connection.close()


class Trial:
    """A session that tries statements and takes them back."""

    def __init__(self, database, user, recount=RECOUNT):
        self.connection = connect(database, user)
        self.cursor = self.connection.cursor()
        self.daemon = user == "onramp_daemon"
        self.set_role = "" if self.daemon else "SET LOCAL ROLE onramp_owner;"
        self.copies = {}
        self.recount = recount

    def copied(self, query):
        """What a COPY is given; None where PostgreSQL can't make it."""
        if query not in self.copies:
            rows = io.StringIO()
            try:
                self.cursor.copy_expert(query, rows)
                self.copies[query] = rows.getvalue()
            except psycopg2.Error:
                self.copies[query] = None
        return self.copies[query]

    def run(self, statement):
        """Run it in a transaction that is open; raises what PostgreSQL says."""
        if statement.data is None:
            self.cursor.execute(statement.text)
        else:
            self.cursor.copy_expert(statement.text, io.StringIO(statement.data))

    def attempt(self, statement):
        """(accepted, constraint or state, what it breaks)."""
        try:
            if statement.data is None:
                self.cursor.execute(f"BEGIN; {self.set_role} {statement.text}")
            else:
                self.cursor.execute(f"BEGIN; {self.set_role}")
                self.run(statement)
        except psycopg2.Error as error:
            self.cursor.execute("ROLLBACK")
            return False, error.diag.constraint_name or error.pgcode, ""
        try:
            if self.daemon:
                return True, "", "the daemon's role may do this"
            self.cursor.execute(self.recount)
            return True, "", self.cursor.fetchone()[0]
        except psycopg2.Error as error:
            return True, "", "the recount fails: " + str(error).splitlines()[0]
        finally:
            self.cursor.execute("ROLLBACK")


def prepared(trial, statement):
    """The statement with the rows of its COPY; None where there are none."""
    if statement.data is None:
        return statement
    rows = trial.copied(statement.data)
    return None if rows is None else statement._replace(data=rows)


def work(job):
    """One worker's part of all statements."""
    database, made, user, recount = job
    trial = Trial(database, user, recount)
    answers = []
    for place, statement in made:
        answers.append((place, *trial.attempt(statement)))
    trial.connection.close()
    return answers


def tried(pool, databases, made, user, recount):
    """Try all of them, spread over the databases; the answers in their order."""
    parts = [made[n::len(databases)] for n in range(len(databases))]
    answers = [None] * len(made)
    jobs = [(database, part, user, recount) for database, part in zip(databases, parts)]
    for part in pool.map(work, jobs):
        for place, *answer in part:
            answers[place] = answer
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="more rows and values of each column")
    parser.add_argument("--guards", choices=["row", "all", "none"], default="row",
                        help="which guards are dropped in turn")
    parser.add_argument("--only", help="statements on this table alone")
    options = parser.parse_args()
    began = time.monotonic()
    count = len(os.sched_getaffinity(0))
    databases = [f"enumerated_{n}" for n in range(count)]
    make_database(databases[0])
    connection = connect(databases[0])
    with connection.cursor() as cursor:
        tables = statements.read_catalogue(cursor)
        maker = statements.Maker(cursor, tables, "long" if options.long else "short")
        made = [s for s in maker.all() if not options.only or s.table == options.only]
    connection.close()
    for database in databases[1:]:
        in_cluster(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
                   f"CREATE DATABASE {database} TEMPLATE {databases[0]}")
    trial = Trial(databases[0], "onramp_admin")
    made = [s for s in (prepared(trial, s) for s in made) if s is not None]
    trial.connection.close()
    made = list(dict.fromkeys(made))
    numbered = list(enumerate(made))
    columns = {(s.table, s.column) for s in made}
    print(f"{len(made)} statements: {len(tables)} tables, {len(columns)} columns or keys, "
          f"{len({(s.verb, s.form) for s in made})} verbs and places; made in "
          f"{time.monotonic() - began:.1f} s", flush=True)

    failed = 0
    with multiprocessing.Pool(count) as pool:
        for user in ("onramp_admin", "onramp_daemon"):
            began = time.monotonic()
            answers = tried(pool, databases, numbered, user,
                            RECOUNT_ALL if options.long else RECOUNT)
            accepted = sum(answer[0] for answer in answers)
            whom = "the daemon" if user == "onramp_daemon" else "the owner"
            print(f"as {whom}: {len(answers)} tried, {accepted} accepted and recounted, "
                  f"{len(answers) - accepted} refused, in {time.monotonic() - began:.1f} s", flush=True)
            refusals = collections.Counter(answer[1] for answer in answers if not answer[0])
            senseless = {code: n for code, n in refusals.items() if code in guards.SENSELESS}
            if senseless:
                failed += sum(senseless.values())
                print("  made no sense: "
                      + ", ".join(f"{code} {n}" for code, n in sorted(senseless.items())))
            broken = collections.Counter()
            for (place, statement), (_, _, breach) in zip(numbered, answers):
                if breach:
                    failed += 1
                    broken[statement.table, statement.column, statement.verb, breach] += 1
                    if broken[statement.table, statement.column, statement.verb, breach] == 1:
                        print(f"ACCEPTED, as {whom} ({statement.form}): {statement.text}\n"
                              f"  breaks: {breach}", flush=True)
            if user == "onramp_admin":
                as_owner = answers
        template = "enumerated_template"
        in_cluster(f"DROP DATABASE IF EXISTS {template} WITH (FORCE)",
                   f"CREATE DATABASE {template} TEMPLATE {databases[0]}")
        failed += pairs.interleave(pool, template, count, "long" if options.long else "short")
        if options.guards != "none":
            failed += guards.drop_in_turn(pool, databases, template, made, as_owner,
                                          options.guards)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
