# SPDX-License-Identifier: Apache-2.0
"""Every statement that changes rows, made from the catalogue: each table, each column, each verb, in each
place that a statement can stand in.

Nothing here knows the schema, but for the events of circuits (`events`), whose numbers have to fit to be
looked at further. A new table or column is in it by itself.
"""

import collections
import itertools

Statement = collections.namedtuple("Statement", "table column verb form text data", defaults=[None])

# What is not a value of a row that is there; by type.
FOREIGN = {
    "uuid": ["gen_random_uuid()"],
    "boolean": ["true", "false"],
    "smallint": ["{c} + 1", "{c} - 1", "0", "-1", "11", "32767"],
    "integer": ["{c} + 1", "{c} - 1", "0", "-1", "11", "2147483647"],
    "bigint": ["{c} + 1", "{c} - 1", "0", "-1", "9223372036854775807"],
    "timestamp with time zone": [
        "{c} + interval '1 second'", "{c} - interval '3 minutes'", "clock_timestamp()",
        "'2001-01-01'::timestamptz", "'2999-01-01'::timestamptz", "'infinity'::timestamptz"],
    "interval": ["'1 second'::interval", "'-1 day'::interval", "'100 years'::interval"],
    "text": ["''::text", "'forged'::text", "repeat('x', 5000)", "replace({c}, 'test', 'gone')"],
    "jsonb": ["'{}'::jsonb", "'[]'::jsonb", "'{\"forged\": \"1\"}'::jsonb"],
    "bytea": ["sha256('forged')", "'\\x00'::bytea"],
    "cidr": ["'10.99.0.0/16'::cidr", "'10.1.0.0/16'::cidr", "'10.1.9.0/29'::cidr", "'fd00::/16'::cidr"],
    "cidr[]": ["'{10.99.0.0/16}'::cidr[]", "'{10.1.0.0/16,10.1.1.0/24}'::cidr[]", "'{}'::cidr[]",
               "'{10.0.0.0/30}'::cidr[]", "array_fill('10.98.0.0/16'::cidr, '{17}')",
               "(SELECT array_agg(format('10.%s.0.0/16', n)::cidr) FROM generate_series(150, 166) AS n)"],
    "integer[]": ["'{50}'::int[]", "'{51}'::int[]", "'{}'::int[]", "'{NULL}'::int[]"],
    "text[]": ["'{*}'::text[]", "'{}'::text[]", "array_fill('*'::text, '{51}')"],
}
WORDS_MAX = {"short": 4, "long": 12}
ROWS_MAX = {"short": 2, "long": 12}
# Values of a column that all are tried in: they are few and mean something.
KINDS_MAX = 30

CATALOGUE = """
SELECT c.oid::regclass::text, c.relispartition, a.attname,
       format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), NULL),
       a.attgenerated <> '', a.attidentity <> '', a.atthasdef OR t.typdefault IS NOT NULL
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = 'onramp'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
      AND NOT a.attisdropped
ORDER BY c.relispartition, c.oid::regclass::text, a.attnum"""
KEYS = """
SELECT i.indrelid::regclass::text,
       ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS k (n, place)
             JOIN pg_attribute ON attrelid = indrelid AND attnum = n ORDER BY place),
       indpred IS NULL
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'onramp'::regnamespace AND indisunique AND indisvalid
ORDER BY indisprimary DESC, indexrelid::regclass::text"""
REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (n, place)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY place),
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (n, place)
             JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY place)
FROM pg_constraint WHERE connamespace = 'onramp'::regnamespace AND contype = 'f'
ORDER BY conname"""
TOGETHER = """
SELECT conrelid::regclass::text,
       ARRAY(SELECT attname::text FROM unnest(conkey) AS k (n)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY n)
FROM pg_constraint
WHERE connamespace = 'onramp'::regnamespace AND contype = 'c' AND cardinality(conkey) = 2
      AND conparentid = 0
ORDER BY conname"""
VIEWS = """
SELECT c.table_name, c.column_name, c.data_type
FROM information_schema.views v JOIN information_schema.columns c USING (table_schema, table_name)
WHERE v.table_schema = 'onramp' AND v.is_updatable = 'YES' AND c.is_updatable = 'YES'
ORDER BY 1, c.ordinal_position"""


class Column:
    """A column of a table."""

    def __init__(self, name, type_, generated, identity, has_default):
        self.name = name
        self.quoted = '"' + name + '"'
        self.type = type_
        self.generated = generated
        self.identity = identity
        self.has_default = has_default


class Table:
    """A table, its keys, what it refers to, and where its rows are."""

    def __init__(self, name):
        self.name = name
        self.columns = []
        self.keys = []
        self.references = []
        self.together = []
        self.rows = []
        self.view = "seen." + name.split(".")[-1]

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    @property
    def written(self):
        return [column for column in self.columns if not column.generated]


def read_catalogue(cursor):
    """The tables of the schema as they are in this database."""
    tables = {}
    cursor.execute(CATALOGUE)
    for name, _partition, *column in cursor.fetchall():
        tables.setdefault(name, Table(name)).columns.append(Column(*column))
    cursor.execute(KEYS)
    for name, key, whole in cursor.fetchall():
        if name in tables:
            tables[name].keys.append((key, whole))
    cursor.execute(REFERENCES)
    for name, *reference in cursor.fetchall():
        tables[name].references.append(reference)
    cursor.execute(TOGETHER)
    for name, columns in cursor.fetchall():
        tables[name].together.append(columns)
    for table in tables.values():
        cursor.execute(f"SELECT tableoid::regclass::text, ctid::text FROM {table.name} ORDER BY 1, 2")
        table.rows = [f"tableoid = '{relation}'::regclass AND ctid = '{place}'"
                      for relation, place in cursor.fetchall()]
    # A month of histories is a table of its own; those without a row are all alike.
    return [t for t in tables.values() if t.rows or not t.name.startswith("circuit_events_")]


def make_views(cursor, tables):
    """A view of every table, with where its rows are, for statements that go through one."""
    cursor.execute("CREATE SCHEMA seen AUTHORIZATION onramp_owner; SET ROLE onramp_owner")
    for table in tables:
        cursor.execute(f"CREATE VIEW {table.view} AS SELECT tableoid AS row_in, ctid AS row_at, * "
                       f"FROM {table.name}")
    cursor.execute("RESET ROLE")


class Maker:
    """Makes the statements; `length` is short or long."""

    def __init__(self, cursor, tables, length):
        self.cursor = cursor
        self.tables = {table.name: table for table in tables}
        self.length = length
        self.turn = itertools.count()

    def words(self, table, names, of=None):
        """Distinct values of columns that there are, as SQL, one tuple each."""
        most = KINDS_MAX if len(names) > 1 else WORDS_MAX[self.length]
        if len(names) == 1 and of:
            most = KINDS_MAX if of.type == "text" else 2 * most
        columns = ", ".join(f'"{name}"' for name in names)
        types = [self.tables[table].column(name).type for name in names]
        self.cursor.execute(
            "SELECT DISTINCT " + ", ".join(f'quote_literal("{name}")' for name in names)
            + f" FROM {table} WHERE ({columns}) IS NOT NULL ORDER BY 1 LIMIT %s", (most,))
        return [tuple(f"{word}::{type_}" for word, type_ in zip(row, types))
                for row in self.cursor.fetchall()]

    def values(self, table, column):
        """What the column is set to: as expressions on the row."""
        found = [f"NULL::{column.type}"]
        found += [value.replace("{c}", column.quoted) for value in FOREIGN.get(column.type, [])]
        found += [word for (word,) in self.words(table.name, [column.name], column)]
        for referred, mine, theirs in table.references:
            if column.name in mine:
                name = theirs[mine.index(column.name)]
                found += [word for (word,) in self.words(referred, [name], column)]
        # What the same word means elsewhere.
        for other in self.tables.values():
            if other is not table and column.type in ("uuid", "text"):
                found += [word for namesake in other.columns
                          if namesake.name == column.name and namesake.type == column.type
                          for (word,) in self.words(other.name, [column.name])[:2]]
        return list(dict.fromkeys(found))

    def assignments(self, table):
        """(label, {column: expression}) of every change of a row that is tried."""
        for column in table.written:
            for value in self.values(table, column):
                yield column.name, {column.name: value}
        for referred, mine, theirs in table.references:
            if len(mine) > 1:
                for words in self.words(referred, theirs):
                    yield "+".join(mine), dict(zip(mine, words))
        for columns in table.together:
            if not any(table.column(name).generated for name in columns):
                values = [self.values(table, table.column(name)) for name in columns]
                for both in itertools.product(*(some[:2] + some[-4:] for some in values)):
                    yield "+".join(columns), dict(zip(columns, both))

    def numbered(self, table):
        """The changes, each with its place among those of its columns and how many these are."""
        for label, changes in itertools.groupby(self.assignments(table), lambda pair: pair[0]):
            changes = [change for _, change in changes]
            for place, change in enumerate(changes):
                yield place, len(changes), change

    def rows(self, table, place=0):
        """Some rows: all where there are few, otherwise so many, others for another place."""
        rows, most = table.rows, ROWS_MAX[self.length]
        if len(rows) <= 8 or table.name == "circuits":
            most *= 4 if self.length == "short" and table.name == "vnets" else 2
        if len(rows) > most:
            step = len(rows) / most
            rows = [rows[(int(n * step) + place) % len(rows)] for n in range(most)]
        return rows

    def thinned(self, made, place, values):
        """In the short form each place takes two values of a column, others in other places."""
        every = 1 if self.length == "long" else max(1, values // 2)
        return (s for form, s in enumerate(made) if (place + form) % every == 0)

    def next_row(self, table):
        """Another row each time."""
        return table.rows[next(self.turn) % len(table.rows)] if table.rows else "false"

    def harmless(self, table, but):
        """An UPDATE of the table that changes nothing, of another column."""
        columns = [c.quoted for c in table.written if c.name not in but and not c.identity]
        plain = [c for c in columns if c.strip('"') in ("name", "description", "tags", "metro")]
        column = (plain or columns or [table.columns[0].quoted])[-1]
        return f"UPDATE {table.name} SET {column} = {column} WHERE " + self.next_row(table)

    def in_places(self, table, columns, verb, plain, text, more=()):
        """A statement alone and in every place: `plain` has no WITH of its own and returns nothing."""
        label = "+".join(columns) if columns else "*"
        yield Statement(table.name, label, verb, "alone", text)
        first = self.harmless(table, columns)
        forms = [
            ("first of a query", f"WITH first AS ({plain} RETURNING 1) {first}"),
            ("second of a query", f"WITH first AS ({first} RETURNING 1) {plain}"),
            ("subtransaction", f"SAVEPOINT s; {plain}; RELEASE s"),
            ("exception block", f"DO $do$ BEGIN BEGIN {plain}; EXCEPTION WHEN division_by_zero THEN "
                                "NULL; END; END $do$"),
            ("actors set", "SELECT set_config('onramp.actors', '{\"x\": \"operator:hand\"}', true); "
                           + plain),
        ]
        for form, made in itertools.chain(forms, more):
            yield Statement(table.name, label, verb, form, made)

    def updates(self, table):
        for place, values, change in self.numbered(table):
            sets = ", ".join(f'"{name}" = {value}' for name, value in change.items())
            names = list(change)
            label = "+".join(names)
            for row in self.rows(table, place) or ["true"]:
                yield Statement(table.name, label, "update", "alone",
                                f"UPDATE {table.name} SET {sets} WHERE {row}")
            row = self.next_row(table)
            text = f"UPDATE {table.name} SET {sets}"
            seen = row.replace("tableoid", "row_in").replace("ctid", "row_at")
            more = [
                ("from", f"UPDATE {table.name} SET {sets} FROM (SELECT 1) AS one WHERE "
                 + row.replace("tableoid", table.name + ".tableoid").replace("ctid", table.name + ".ctid")),
                ("view", f"UPDATE {table.view} SET {sets} WHERE {seen}"),
                ("merge", f"MERGE INTO {table.name} AS t USING (SELECT 1) AS one ON "
                 + row.replace("tableoid", "t.tableoid").replace("ctid", "t.ctid")
                 + " WHEN MATCHED THEN UPDATE SET "
                 + ", ".join(f'"{n}" = ' + v.replace(f'"{n}"', f't."{n}"') for n, v in change.items())),
            ]
            whole = [key for key, complete in table.keys if complete]
            if whole:
                key = ", ".join(f'"{name}"' for name in whole[0])
                columns = ", ".join(c.quoted for c in table.written)
                conflict = (f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} "
                            f"FROM {table.name} WHERE {row} ON CONFLICT ({key}) DO UPDATE SET "
                            + ", ".join(f'"{n}" = ' + v.replace(f'"{n}"', f'{table.name}."{n}"')
                                        for n, v in change.items()))
                more += [
                    ("on conflict", conflict),
                    ("on conflict, first", f"WITH first AS ({conflict} RETURNING 1) "
                     + self.harmless(table, names)),
                    ("on conflict, second",
                     f"WITH first AS ({self.harmless(table, names)} RETURNING 1) {conflict}"),
                ]
            plain = f"{text} WHERE {row}"
            yield from self.thinned(itertools.islice(
                self.in_places(table, names, "update", plain, plain, more), 1, None), place, values)

    def inserted(self, table, change, row):
        """Columns and the SELECT that makes a row like another one, but for the change."""
        columns, values = [], []
        fresh = {}
        for key, _whole in table.keys:
            free = [n for n in key if not any(n in mine for _, mine, _ in table.references)
                    and not table.column(n).has_default and not table.column(n).identity]
            if free and not any(n in change for n in key):
                fresh[free[-1]] = table.column(free[-1]).type
        for column in table.written:
            if column.name in change:
                value = change[column.name]
            elif column.name in fresh:
                value = {"uuid": "gen_random_uuid()", "text": "'fresh'", "boolean": "true"}.get(
                    column.type, f"(SELECT max({column.quoted}) + 1 FROM {table.name})"
                    if column.type in ("bigint", "integer", "smallint") else column.quoted)
            elif column.has_default or column.identity:
                continue
            else:
                value = column.quoted
            columns.append(column.quoted)
            values.append(value)
        return ", ".join(columns), ", ".join(values), f"FROM {table.name} WHERE {row}"

    def inserts(self, table):
        if not table.rows:
            return
        for place, values, change in self.numbered(table):
            names = list(change)
            label = "+".join(names)
            for row in self.rows(table, place):
                columns, selected, source = self.inserted(table, change, row)
                yield Statement(table.name, label, "insert", "alone",
                                f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE "
                                f"SELECT {selected} {source}")
            row = self.next_row(table)
            columns, selected, source = self.inserted(table, change, row)
            plain = (f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE "
                     f"SELECT {selected} {source}")
            listed = [c.strip() for c in columns.split(", ")]
            more = [
                ("do nothing", plain + " ON CONFLICT DO NOTHING"),
                ("view", f"INSERT INTO {table.view} ({columns}) OVERRIDING SYSTEM VALUE "
                         f"SELECT {selected} {source}"),
                ("merge", f"WITH given ({columns}) AS (SELECT {selected} {source}) MERGE INTO {table.name} "
                          "AS t USING given ON false WHEN NOT MATCHED THEN INSERT "
                          f"({columns}) OVERRIDING SYSTEM VALUE VALUES ("
                          + ", ".join("given." + c for c in listed) + ")"),
            ]
            # A key that is there already, in a row that is new otherwise.
            for key, _ in table.keys:
                if len(names) > 1 and len(key) == 1 and not set(key) & set(names):
                    taken = dict(change, **{key[0]: f'(SELECT "{key[0]}" FROM {table.name} LIMIT 1)'})
                    columns, selected, source = self.inserted(table, taken, row)
                    yield Statement(table.name, label, "insert", "taken key",
                                    f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE "
                                    f"SELECT {selected} {source}")
            # And a row that is new, with a null in it.
            for column in table.written if len(names) > 1 and place < 6 else ():
                nothing = {column.name: f"NULL::{column.type}"}
                for other in self.rows(table, place) if column.name not in names else ():
                    columns, selected, source = self.inserted(table, dict(change, **nothing), other)
                    yield Statement(table.name, column.name, "insert", "null in a new row",
                                    f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE "
                                    f"SELECT {selected} {source}")
            columns, selected, source = self.inserted(table, change, row)
            copy = Statement(table.name, label, "insert", "copy",
                             f"COPY {table.name} ({columns}) FROM STDIN",
                             f"COPY (SELECT {selected} {source}) TO STDOUT")
            yield from self.thinned(itertools.chain([copy], itertools.islice(
                self.in_places(table, names, "insert", plain, plain, more), 1, None)), place, values)

    def copies(self, table):
        """Each row once more, as it is: alone, and over the one that is there."""
        columns = ", ".join(c.quoted for c in table.written)
        for row in self.rows(table):
            text = (f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} "
                    f"FROM {table.name} WHERE {row}")
            yield Statement(table.name, "*", "insert", "the same row", text)
            yield Statement(table.name, "*", "insert", "the same row, or nothing",
                            text + " ON CONFLICT DO NOTHING")

    def deletes(self, table):
        for row in self.rows(table) or ["true"]:
            plain = f"DELETE FROM {table.name} WHERE {row}"
            seen = row.replace("tableoid", "row_in").replace("ctid", "row_at")
            columns = ", ".join(c.quoted for c in table.written)
            at = row.replace("tableoid", "t.tableoid").replace("ctid", "t.ctid")
            more = [
                ("using", f"DELETE FROM {table.name} AS t USING (SELECT 1) AS one WHERE {at}"),
                ("view", f"DELETE FROM {table.view} WHERE {seen}"),
                ("merge", f"MERGE INTO {table.name} AS t USING (SELECT 1) AS one ON {at} "
                          "WHEN MATCHED THEN DELETE"),
                ("and back", f"WITH gone AS (DELETE FROM {table.name} WHERE {row} RETURNING {columns}) "
                             f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE "
                             "SELECT * FROM gone"),
            ]
            yield from self.in_places(table, [], "delete", plain, plain, more)
        yield Statement(table.name, "*", "delete", "all rows", f"DELETE FROM {table.name}")
        for form in ("", " CASCADE", " RESTART IDENTITY CASCADE"):
            yield Statement(table.name, "*", "truncate", "truncate" + form.lower(),
                            f"TRUNCATE {table.name}{form}")

    def views(self):
        """By the views of the schema that PostgreSQL writes through."""
        self.cursor.execute(VIEWS)
        for view, column, type_ in self.cursor.fetchall():
            for value in ["NULL"] + FOREIGN.get(type_, [])[:3]:
                value = value.replace("{c}", f'"{column}"')
                yield Statement(view, column, "update", "view of the schema",
                                f'UPDATE {view} SET "{column}" = {value}')
            yield Statement(view, column, "delete", "view of the schema",
                            f'DELETE FROM {view} WHERE "{column}" IS NOT NULL')

    def events(self):
        """Events by hand: every kind on every circuit, alone and with a change of the circuit's row."""
        given = ("INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, "
                 "connection_id, vnet_customer_id, actor_role, actor_name) SELECT id, {number}, {at}, "
                 "'{type}', {before}, {after}, {connection}, {guest}, 'operator', 'hand' FROM {source}")
        step = ("UPDATE circuits SET last_sequence = last_sequence + 1, previous_status = provider_status, "
                "updated_at = clock_timestamp(){more} WHERE {row} RETURNING *")
        self.cursor.execute("SELECT DISTINCT event FROM provider_transition ORDER BY 1")
        kinds = [kind for (kind,) in self.cursor.fetchall()]
        self.cursor.execute("SELECT DISTINCT from_status FROM provider_transition ORDER BY 1")
        statuses = [f"'{status}'" for (status,) in self.cursor.fetchall()] + ["provider_status"]
        connection = "(SELECT k.id FROM connections k WHERE k.circuit_id = {s}.id LIMIT 1)"
        rows = self.tables["circuits"].rows
        for place, (row, kind, after) in enumerate(itertools.product(rows, kinds, statuses)):
            if self.length == "short" and after != "provider_status" and place % 3:
                continue
            common = {"type": kind, "after": after, "guest": "NULL"}
            alone = dict(common, number="last_sequence + 1", at="clock_timestamp()",
                         before="provider_status", source=f"circuits WHERE {row}",
                         connection=connection.format(s="circuits")
                         if kind.startswith("connection.") else "NULL")
            yield Statement("circuit_events", "type", "insert", "event by hand", given.format(**alone))
            moved = dict(common, number="last_sequence", at="updated_at", before="previous_status",
                         source="moved", connection=connection.format(s="moved")
                         if kind.startswith("connection.") else "NULL")
            status = "" if after == "provider_status" else f", provider_status = {after}"
            yield Statement("circuit_events", "type", "insert", "event with its move",
                            f"WITH moved AS ({step.format(more=status, row=row)}) "
                            + given.format(**moved))
            if after == "provider_status":
                yield Statement("circuit_events", "type", "insert", "event of the same number",
                                "WITH moved AS (UPDATE circuits SET updated_at = clock_timestamp() "
                                f"WHERE {row} RETURNING *) " + given.format(**moved))
                yield Statement("circuit_events", "vnet_customer_id", "insert", "event for a stranger",
                                given.format(**dict(alone, guest="(SELECT id FROM customers ORDER BY "
                                                    "created_at DESC LIMIT 1)")))
                yield Statement("circuit_events", "connection_id", "insert", "event of another's",
                                given.format(**dict(alone, connection="(SELECT k.id FROM connections k "
                                                    "WHERE k.circuit_id <> circuits.id LIMIT 1)")))
        for _, change in self.assignments(self.tables["circuits"]):
            sets = "".join(f', "{n}" = {v}' for n, v in change.items()
                           if n not in ("last_sequence", "previous_status", "updated_at"))
            if not sets:
                continue
            for kind in ("circuit.updated", "circuit.deleted", "circuit.rejected"):
                row = self.next_row(self.tables["circuits"])
                moved = {"type": kind, "after": "provider_status", "guest": "NULL",
                         "number": "last_sequence", "at": "updated_at", "before": "previous_status",
                         "source": "moved", "connection": "NULL"}
                yield Statement("circuits", "+".join(change), "update", "with " + kind,
                                f"WITH moved AS ({step.format(more=sets, row=row)}) "
                                + given.format(**moved))

    def sets(self):
        """What stands in no single row: several connections at once, a hole in the feed, both columns of
        a key."""
        actors = ("SELECT set_config('onramp.actors', (SELECT json_object_agg(id, 'operator:hand') FROM "
                  "(SELECT id FROM connections UNION ALL SELECT id FROM vnets) AS known)::text, true); ")
        yield Statement("connections", "*", "delete", "a set", actors + "DELETE FROM connections")
        for row in self.tables["circuits"].rows:
            on = row.replace("tableoid", "c.tableoid").replace("ctid", "c.ctid")
            yield Statement("connections", "*", "delete", "a set",
                            f"{actors}DELETE FROM connections k USING circuits c WHERE c.id = "
                            f"k.circuit_id AND {on}")
            for prelude in ("", actors):
                yield Statement("connections", "*", "insert", "a set",
                                f"{prelude}INSERT INTO connections (id, circuit_id, vnet_id, "
                                "circuit_customer_id, vnet_customer_id) SELECT v.id, c.id, v.id, "
                                "c.customer_id, v.customer_id FROM circuits c JOIN vnets v USING "
                                f"(customer_id) WHERE {on}")
            for status in ("", ", deprovision_requested_at = NULL"):
                yield Statement("circuits", "service_key", "update", "with what goes with it",
                                "UPDATE circuits SET service_key = gen_random_uuid(), key_quoted_at = "
                                f"NULL{status} WHERE {row}")
            # Two numbers further, and from a status that it never stood at.
            for number, before in ((2, "provider_status"), (1, "'Provisioning'"), (1, "'Provisioned'"),
                                   (0, "provider_status"), (-1, "provider_status")):
                yield Statement(
                    "circuits", "last_sequence", "update", "with its event",
                    f"WITH moved AS (UPDATE circuits SET last_sequence = last_sequence + {number}, "
                    f"previous_status = {before}, updated_at = clock_timestamp() WHERE {row} RETURNING *) "
                    "INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, "
                    "actor_role, actor_name) SELECT id, last_sequence, updated_at, 'circuit.updated', "
                    f"provider_status, provider_status, 'operator', 'hand' FROM moved")
            yield Statement("circuit_events", "sequence", "insert", "with the last one again",
                            "INSERT INTO circuit_events SELECT e.* FROM circuit_events e JOIN circuits c "
                            "ON c.id = e.circuit_id AND c.last_sequence = e.sequence AND c.updated_at = "
                            f"e.at WHERE {on}")
            for name in ("id", "actor_role", "actor_name", "at"):
                given = {"id": "gen_random_uuid()", "at": "clock_timestamp()",
                         "actor_role": "'operator'", "actor_name": "'hand'", name: "NULL"}
                yield Statement("circuit_events", name, "insert", "event by hand",
                                "INSERT INTO circuit_events (circuit_id, sequence, type, from_status, "
                                "to_status, " + ", ".join(given) + ") SELECT c.id, last_sequence + 1, "
                                "'circuit.updated', provider_status, provider_status, "
                                + ", ".join(given.values()) + f" FROM circuits c WHERE {on}")
        yield Statement("feed", "published_at", "insert", "by hand",
                        "INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id, "
                        "service_key, vnet_customer_id, partner, traceparent, published_at) SELECT "
                        "(SELECT max(position) FROM feed) + row_number() OVER (ORDER BY seq), seq, "
                        "circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner, "
                        "traceparent, NULL FROM events_unpublished")
        for first in ("1", "2", "0", "-1"):
            for gone in ("DELETE FROM events_unpublished RETURNING *", "TABLE events_unpublished"):
                yield Statement(
                    "feed", "position", "insert", "by hand",
                    f"WITH gone AS ({gone}) INSERT INTO feed (position, seq, circuit_id, sequence, at, "
                    "customer_id, service_key, vnet_customer_id, partner, traceparent) SELECT (SELECT "
                    f"max(position) FROM feed) + {first} * row_number() OVER (ORDER BY seq), seq, "
                    "circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner, "
                    "traceparent FROM gone")

    def all(self):
        for table in self.tables.values():
            yield from self.updates(table)
            yield from self.inserts(table)
            yield from self.copies(table)
            yield from self.deletes(table)
        yield from self.views()
        yield from self.events()
        yield from self.sets()
