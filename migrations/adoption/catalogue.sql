-- SPDX-License-Identifier: Apache-2.0
-- What the catalogue holds of onramp, as rows (object, definition): all that the chapters make, and
-- nothing that a database has by its own history. Columns of a table go by name, since ALTER TABLE
-- adds at the end what CREATE TABLE has in its place; those of views and composite types have their
-- order. The months of circuit_events count as one table, circuit_events_YYYY_MM; what is not alike
-- in all of them says in how many it is so. Of functions only those are listed that an object of the
-- schema calls, and of these only what applying functions/ leaves as it was.
--
-- One statement, to be run with search_path = onramp, public, and with DateStyle, IntervalStyle and
-- TimeZone ISO, postgres and UTC. The server words the definitions, and says first which it is.
WITH relation AS (
    SELECT c.oid, c.relname AS name, c.relkind, c.relowner, c.relacl, c.reloptions, c.relpartbound,
           c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
           c.relispartition AND c.relkind = 'r' AS month,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'c' THEN 'type' WHEN 'S' THEN 'sequence'
                          WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'r' THEN 'table'
                          WHEN 'p' THEN 'table' ELSE 'relkind ' || c.relkind::text END AS kind
    FROM pg_class c
    WHERE c.relnamespace = 'onramp'::regnamespace
          AND c.relname NOT IN ('migrations', 'migrations_pkey')
), called AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, p.proowner, p.proacl
    FROM pg_proc p
    WHERE p.pronamespace = 'onramp'::regnamespace
          AND EXISTS (SELECT FROM pg_depend
                      WHERE refclassid = 'pg_proc'::regclass AND refobjid = p.oid
                            AND classid <> 'pg_proc'::regclass)
), value_type AS (
    SELECT t.oid, t.typname AS name, t.typtype, t.typowner, t.typacl, t.typbasetype, t.typtypmod,
           t.typcollation, t.typnotnull, t.typdefault
    FROM pg_type t
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'onramp'::regnamespace AND t.typcategory <> 'A'
          AND (c.oid IS NULL OR c.relkind = 'c')
), granted (object, owner, acl) AS (
    SELECT 'schema onramp', nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE nspname = 'onramp'
    UNION ALL
    SELECT kind || ' ' || name, relowner,
           coalesce(relacl,
                    acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))
    FROM relation WHERE kind NOT IN ('type', 'index')
    UNION ALL
    SELECT 'column ' || name || '.' || attname, relowner, attacl
    FROM relation JOIN pg_attribute ON attrelid = oid WHERE attacl IS NOT NULL
    UNION ALL
    SELECT 'type ' || name, typowner, coalesce(typacl, acldefault('T', typowner)) FROM value_type
    UNION ALL
    SELECT 'function ' || name, proowner, coalesce(proacl, acldefault('f', proowner)) FROM called
    UNION ALL
    SELECT 'default of objects of type ' || defaclobjtype::text, defaclrole, defaclacl
    FROM pg_default_acl WHERE defaclrole = 'onramp_owner'::regrole
), commented (object, class, oid, part) AS (
    SELECT 'schema onramp', 'pg_namespace'::regclass, oid, 0
    FROM pg_namespace WHERE nspname = 'onramp'
    UNION ALL
    SELECT kind || ' ' || name, 'pg_class', oid, 0 FROM relation
    UNION ALL
    SELECT 'column ' || name || '.' || attname, 'pg_class', oid, attnum
    FROM relation JOIN pg_attribute ON attrelid = oid WHERE attnum > 0
    UNION ALL
    SELECT 'type ' || name, 'pg_type', oid, 0 FROM value_type
    UNION ALL
    SELECT 'constraint ' || conname, 'pg_constraint', oid, 0
    FROM pg_constraint WHERE connamespace = 'onramp'::regnamespace
    UNION ALL
    SELECT 'trigger ' || tgname, 'pg_trigger', t.oid, 0
    FROM relation JOIN pg_trigger t ON tgrelid = relation.oid
    UNION ALL
    SELECT 'statistics ' || stxname, 'pg_statistic_ext', oid, 0
    FROM pg_statistic_ext WHERE stxnamespace = 'onramp'::regnamespace
), listed (object, definition) AS (
    SELECT 'server', 'PostgreSQL ' || current_setting('server_version_num')::int / 10000
    UNION ALL
    SELECT 'extension ' || extname, 'in ' || extnamespace::regnamespace
    FROM pg_extension WHERE extname = 'btree_gist'

    UNION ALL
    SELECT 'owner of ' || object, owner::regrole::text FROM granted
    UNION ALL
    SELECT 'owner of type ' || name, relowner::regrole::text FROM relation WHERE kind = 'type'
    UNION ALL
    SELECT object || ' granted to ' || coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'),
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
                      ', ' ORDER BY privilege_type COLLATE "C")
    FROM granted, aclexplode(acl)
    GROUP BY object, grantee
    -- Of the database what 0001 sets.
    UNION ALL
    SELECT 'database granted to ' || coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'),
           string_agg(privilege_type, ', ' ORDER BY privilege_type COLLATE "C")
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE datname = current_database()
          AND (grantee = 'onramp_daemon'::regrole OR grantee = 0 AND privilege_type <> 'CONNECT')
    GROUP BY grantee

    UNION ALL
    SELECT 'type ' || name,
           CASE typtype
               WHEN 'd' THEN concat_ws(' ', 'domain', format_type(typbasetype, typtypmod),
                                       'COLLATE ' || nullif(typcollation, 0)::regcollation,
                                       CASE WHEN typnotnull THEN 'NOT NULL' END,
                                       'DEFAULT ' || typdefault)
               WHEN 'e' THEN (SELECT 'enum ' || string_agg(quote_literal(enumlabel), ', '
                                                           ORDER BY enumsortorder)
                              FROM pg_enum WHERE enumtypid = value_type.oid)
               WHEN 'c' THEN 'composite'
               ELSE 'typtype ' || typtype::text
           END
    FROM value_type
    UNION ALL
    SELECT 'function ' || name, 'returns ' || pg_get_function_result(oid) FROM called

    UNION ALL
    SELECT kind || ' ' || name,
           concat_ws(' ', CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) ELSE 'made' END,
                     'PARTITION BY ' || pg_get_partkeydef(oid),
                     'PERSISTENCE ' || nullif(relpersistence, 'p')::text,
                     CASE WHEN relreplident <> 'd' AND kind = 'table'
                          THEN 'REPLICA IDENTITY ' || relreplident::text END,
                     CASE WHEN relrowsecurity THEN 'ROW LEVEL SECURITY' END,
                     CASE WHEN relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
                     'WITH (' || array_to_string(reloptions, ', ') || ')')
    FROM relation WHERE kind NOT IN ('index', 'sequence', 'type')
    UNION ALL
    SELECT 'sequence ' || name,
           concat_ws(' ', seqtypid::regtype, seqmin, seqmax, 'START', seqstart,
                     'INCREMENT', seqincrement, 'CACHE', seqcache, CASE WHEN seqcycle THEN 'CYCLE' END,
                     'OWNED BY ' || (SELECT refobjid::regclass || '.' || attname
                                     FROM pg_depend JOIN pg_attribute
                                          ON attrelid = refobjid AND attnum = refobjsubid
                                     WHERE classid = 'pg_class'::regclass AND objid = oid
                                           AND refclassid = 'pg_class'::regclass))
    FROM relation JOIN pg_sequence ON seqrelid = oid
    UNION ALL
    SELECT kind || ' ' || name || ' is part of ' || inhparent::regclass,
           CASE WHEN month AND pg_get_expr(relpartbound, oid)
                     = format('FOR VALUES FROM (''%s 00:00:00+00'') TO (''%s 00:00:00+00'')',
                              to_date(right(name, 7), 'YYYY_MM'),
                              (to_date(right(name, 7), 'YYYY_MM') + interval '1 month')::date)
                THEN 'for the month of its name'
                ELSE coalesce(pg_get_expr(relpartbound, oid), 'by inheritance')
           END
    FROM relation JOIN pg_inherits ON inhrelid = oid
    WHERE kind <> 'index'
    UNION ALL
    SELECT 'column ' || name || '.' || attname,
           concat_ws(' ', CASE WHEN relkind IN ('v', 'c') THEN 'number ' || attnum END,
                     format_type(atttypid, atttypmod),
                     CASE WHEN attcollation <> typcollation
                          THEN 'COLLATE ' || attcollation::regcollation END,
                     CASE WHEN attnotnull THEN 'NOT NULL' END,
                     CASE WHEN atthasdef
                          THEN CASE attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' END
                               || pg_get_expr(adbin, adrelid) END,
                     'IDENTITY ' || nullif(attidentity, '')::text,
                     'STATISTICS ' || nullif(attstattarget, -1),
                     CASE WHEN attstorage <> typstorage THEN 'STORAGE ' || attstorage::text END,
                     'COMPRESSION ' || nullif(attcompression, '')::text,
                     -- pg_attver is the server's own: PostgreSQL 15.20 notes it at every column.
                     'WITH (' || nullif(array_to_string(ARRAY(
                         SELECT option FROM unnest(attoptions) AS option
                         WHERE option NOT LIKE 'pg\_attver=%'), ', '), '') || ')')
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND kind NOT IN ('index', 'sequence')

    -- pg_get_constraintdef() ends with NOT VALID where a constraint is not.
    UNION ALL
    SELECT 'constraint ' || conname || ' on ' || coalesce(relation.name, value_type.name),
           pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    LEFT JOIN relation ON relation.oid = conrelid
    LEFT JOIN value_type ON value_type.oid = contypid
    WHERE contype <> 't' AND coalesce(relation.name, value_type.name) IS NOT NULL
    UNION ALL
    SELECT 'index ' || name,
           concat_ws(' ', pg_get_indexdef(oid),
                     CASE WHEN NOT (indisvalid AND indisready AND indislive) THEN 'INVALID' END,
                     CASE WHEN indisclustered THEN 'CLUSTER' END,
                     CASE WHEN indisreplident THEN 'REPLICA IDENTITY' END)
    FROM relation JOIN pg_index ON indexrelid = oid
    UNION ALL
    SELECT 'trigger ' || tgname || ' on ' || name,
           concat_ws(' ', pg_get_triggerdef(pg_trigger.oid),
                     'tgenabled ' || nullif(tgenabled, 'O')::text)
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'check of ' || conname || ' on ' || name,
           string_agg(DISTINCT 'tgenabled ' || tgenabled::text, ', ')
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid
    JOIN pg_constraint ON pg_constraint.oid = tgconstraint
    WHERE tgisinternal AND tgenabled <> 'O'
    GROUP BY conname, name
    UNION ALL
    SELECT 'rule ' || rulename || ' on ' || name,
           concat_ws(' ', pg_get_ruledef(pg_rewrite.oid),
                     'ev_enabled ' || nullif(ev_enabled, 'O')::text)
    FROM relation JOIN pg_rewrite ON ev_class = relation.oid WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy ' || polname || ' on ' || name,
           concat_ws(' ', CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                     'FOR ' || polcmd::text, 'TO ' || polroles::regrole[]::text,
                     'USING ' || pg_get_expr(polqual, polrelid),
                     'WITH CHECK ' || pg_get_expr(polwithcheck, polrelid))
    FROM relation JOIN pg_policy ON polrelid = relation.oid
    UNION ALL
    SELECT 'statistics ' || stxname,
           concat_ws(' ', pg_get_statisticsobjdef(oid), 'STATISTICS ' || nullif(stxstattarget, -1),
                     'owned by ' || stxowner::regrole)
    FROM pg_statistic_ext WHERE stxnamespace = 'onramp'::regnamespace

    UNION ALL
    SELECT 'comment on ' || object, description
    FROM commented JOIN pg_description ON classoid = class AND objoid = oid AND objsubid = part
), alike AS (
    SELECT regexp_replace(object, month, 'circuit_events_YYYY_MM', 'g') AS object,
           regexp_replace(regexp_replace(definition, month, 'circuit_events_YYYY_MM', 'g'),
                          '\s+', ' ', 'g') AS definition,
           count(*) AS times
    FROM listed, (VALUES ('circuit_events_\d{4}_\d\d')) AS of (month)
    GROUP BY 1, 2
)
SELECT object COLLATE "C" AS object,
       definition || CASE WHEN object LIKE '%circuit\_events\_YYYY\_MM%' AND times <> months
                          THEN format(' (in %s of %s months)', times, months)
                          ELSE '' END AS definition
FROM alike, (SELECT count(*) AS months FROM relation WHERE month) AS of
ORDER BY object <> 'server', 1, 2
