-- SPDX-License-Identifier: Apache-2.0
-- What the catalogue holds of onramp, as rows (object, definition): all that the chapters make, and
-- nothing that a database has by its own history. Columns of a table go by name, since an ALTER TABLE
-- adds at the end what a CREATE TABLE has in its place; those of views and composite types have their
-- order. Months of circuit_events count as one table, circuit_events_YYYY_MM; what is not alike in all
-- of them says in how many it is so. Of functions only those stand here that an object of the schema
-- calls, and of these only what applying migrations/functions/ leaves as it was.
--
-- Definitions are worded by the server: one of another major version may word the same one
-- differently, which is why the version is the first row. To be run with search_path = onramp, public
-- and the settings of catalogue_begin (db/adoption.c).
WITH relation AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, c.relname,
           c.relispartition AND c.relkind = 'r' AS month, c.*::pg_class AS class
    FROM pg_class c
    WHERE c.relnamespace = 'onramp'::regnamespace AND c.relname <> 'migrations'
), tablelike AS (
    SELECT oid, relname, month,
           CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                        WHEN 'c' THEN 'type' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, relkind
    FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'S')
), listed (object, definition) AS (
    SELECT '', 'PostgreSQL ' || current_setting('server_version_num')::int / 10000

    UNION ALL
    SELECT 'extension ' || extname, 'in ' || extnamespace::regnamespace
    FROM pg_extension WHERE extname = 'btree_gist'

    -- Privileges: of the schema, of what new objects have, of each object and of single columns.
    UNION ALL
    SELECT object || ' granted to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
                      ', ' ORDER BY privilege_type COLLATE "C")
    FROM (SELECT 'schema onramp' AS object, coalesce(nspacl, acldefault('n', nspowner)) AS acl
          FROM pg_namespace WHERE nspname = 'onramp'
          UNION ALL
          SELECT 'default of ' || CASE defaclobjtype WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
                                  ELSE defaclobjtype::text END, defaclacl
          FROM pg_default_acl WHERE defaclrole = 'onramp_owner'::regrole
          UNION ALL
          SELECT kind || ' ' || relname,
                 coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
          FROM relation JOIN tablelike USING (oid, relname, relkind) WHERE kind <> 'type'
          UNION ALL
          SELECT 'column ' || relname || '.' || attname, attacl
          FROM pg_attribute JOIN relation ON relation.oid = attrelid WHERE attnum > 0 AND attacl IS NOT NULL
          UNION ALL
          SELECT 'type ' || typname, coalesce(typacl, acldefault('T', typowner))
          FROM pg_type
          WHERE typnamespace = 'onramp'::regnamespace AND typtype IN ('c', 'd', 'e', 'r')
                AND typname <> 'migrations'
          UNION ALL
          SELECT 'function ' || oid::regprocedure, coalesce(proacl, acldefault('f', proowner))
          FROM pg_proc
          WHERE pronamespace = 'onramp'::regnamespace
                AND EXISTS (SELECT FROM pg_depend
                            WHERE refclassid = 'pg_proc'::regclass AND refobjid = pg_proc.oid
                                  AND classid <> 'pg_proc'::regclass)
         ) AS granted, aclexplode(acl)
    GROUP BY object, grantee
    UNION ALL
    SELECT 'database granted to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
           string_agg(privilege_type, ', ' ORDER BY privilege_type COLLATE "C")
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE datname = current_database()
          AND (grantee = 0 AND privilege_type <> 'CONNECT' OR grantee = 'onramp_daemon'::regrole)
    GROUP BY grantee

    -- Owners.
    UNION ALL
    SELECT 'schema onramp', 'owned by ' || nspowner::regrole FROM pg_namespace WHERE nspname = 'onramp'
    UNION ALL
    SELECT kind || ' ' || relname || ' owner', relowner::regrole::text
    FROM relation JOIN tablelike USING (oid, relname, relkind)
    UNION ALL
    SELECT 'type ' || typname || ' owner', typowner::regrole::text
    FROM pg_type WHERE typnamespace = 'onramp'::regnamespace AND typtype IN ('d', 'e', 'r')
    UNION ALL
    SELECT 'function ' || oid::regprocedure,
           'returns ' || pg_get_function_result(oid) || ', owned by ' || proowner::regrole
    FROM pg_proc
    WHERE pronamespace = 'onramp'::regnamespace
          AND EXISTS (SELECT FROM pg_depend
                      WHERE refclassid = 'pg_proc'::regclass AND refobjid = pg_proc.oid
                            AND classid <> 'pg_proc'::regclass)

    -- Types.
    UNION ALL
    SELECT 'type ' || typname,
           CASE typtype
               WHEN 'd' THEN 'domain ' || format_type(typbasetype, typtypmod)
                             || CASE WHEN typcollation <> 0 THEN ' COLLATE ' || typcollation::regcollation ELSE '' END
                             || CASE WHEN typnotnull THEN ' NOT NULL' ELSE '' END
                             || coalesce(' DEFAULT ' || typdefault, '')
               WHEN 'e' THEN (SELECT 'enum ' || string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                              FROM pg_enum WHERE enumtypid = pg_type.oid)
               ELSE 'typtype ' || typtype::text
           END
    FROM pg_type
    WHERE typnamespace = 'onramp'::regnamespace
          AND typtype IN ('d', 'e', 'r', 'm') AND typcategory <> 'A'

    -- Tables, views, sequences, and the columns of all these.
    UNION ALL
    SELECT kind || ' ' || relname,
           CASE relkind
               WHEN 'v' THEN pg_get_viewdef(oid)
               WHEN 'm' THEN pg_get_viewdef(oid)
               WHEN 'S' THEN (SELECT format('%s from %s to %s start %s by %s cache %s cycle %s',
                                            seqtypid::regtype, seqmin, seqmax, seqstart, seqincrement, seqcache,
                                            seqcycle)
                              FROM pg_sequence WHERE seqrelid = oid)
               ELSE concat_ws(' ', CASE (class).relpersistence WHEN 'p' THEN 'permanent' ELSE (class).relpersistence::text END,
                              'PARTITION BY ' || pg_get_partkeydef(oid),
                              CASE WHEN (class).relrowsecurity THEN 'row security' END,
                              CASE WHEN (class).relforcerowsecurity THEN 'forced' END,
                              'replica identity ' || (class).relreplident::text)
           END
           || coalesce(' WITH (' || array_to_string((class).reloptions, ', ') || ')', '')
    FROM relation JOIN tablelike USING (oid, relname, relkind, month)
    WHERE relkind <> 'c'
    UNION ALL
    SELECT kind || ' ' || relname || ' inherits ' || inhparent::regclass,
           CASE WHEN NOT month THEN 'yes'
                WHEN pg_get_expr((class).relpartbound, oid)
                     = format('FOR VALUES FROM (''%s-01 00:00:00+00'') TO (''%s 00:00:00+00'')',
                              replace(right(relname, 7), '_', '-'),
                              (to_date(right(relname, 7), 'YYYY_MM') + interval '1 month')::date)
                THEN 'for the month of its name'
                ELSE pg_get_expr((class).relpartbound, oid)
           END
    FROM relation JOIN tablelike USING (oid, relname, relkind, month) JOIN pg_inherits ON inhrelid = oid
    UNION ALL
    SELECT 'column ' || relname || '.' || attname,
           concat_ws(' ', CASE WHEN relkind IN ('v', 'c') THEN 'number ' || attnum END,
                     format_type(atttypid, atttypmod),
                     CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation END,
                     CASE WHEN attnotnull THEN 'NOT NULL' END,
                     CASE attgenerated WHEN 's' THEN 'GENERATED' WHEN '' THEN CASE WHEN atthasdef THEN 'DEFAULT' END
                                       ELSE 'attgenerated ' || attgenerated::text END,
                     pg_get_expr(adbin, adrelid),
                     CASE attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN '' THEN NULL
                                      ELSE 'attidentity ' || attidentity::text END,
                     CASE WHEN attstattarget > 0 THEN 'STATISTICS ' || attstattarget END,
                     CASE WHEN attstorage <> typstorage THEN 'STORAGE ' || attstorage::text END,
                     CASE WHEN attcompression <> '' THEN 'COMPRESSION ' || attcompression::text END,
                     (SELECT 'WITH (' || array_to_string(attoptions, ', ') || ')'))
    FROM tablelike
    JOIN pg_attribute ON attrelid = tablelike.oid
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'S'
    UNION ALL
    SELECT 'sequence ' || relname || ' of', refobjid::regclass || '.' || attname
    FROM tablelike
    JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = tablelike.oid
                      AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE relkind = 'S'

    -- What hangs on them.
    UNION ALL
    SELECT 'constraint ' || conname || ' on ' || coalesce(relname, typname),
           pg_get_constraintdef(pg_constraint.oid) -- ends with NOT VALID where it is not
           || CASE WHEN connoinherit AND contype = 'c' THEN ' NO INHERIT' ELSE '' END
    FROM pg_constraint
    LEFT JOIN relation ON relation.oid = conrelid
    LEFT JOIN pg_type ON pg_type.oid = contypid
    WHERE connamespace = 'onramp'::regnamespace AND contype <> 't'
          AND coalesce(relname, typname) IS NOT NULL
    UNION ALL
    SELECT 'index ' || relname, pg_get_indexdef(indexrelid)
           || CASE WHEN indisvalid AND indisready AND indislive THEN '' ELSE ' INVALID' END
           || CASE WHEN indisclustered THEN ' CLUSTER' ELSE '' END
           || CASE WHEN indisreplident THEN ' REPLICA IDENTITY' ELSE '' END
    FROM relation JOIN pg_index ON indexrelid = relation.oid
    UNION ALL
    SELECT 'statistics ' || stxname,
           pg_get_statisticsobjdef(oid) || coalesce(' STATISTICS ' || nullif(stxstattarget, -1), '')
           || ' owned by ' || stxowner::regrole
    FROM pg_statistic_ext WHERE stxnamespace = 'onramp'::regnamespace
    UNION ALL
    SELECT 'trigger ' || tgname || ' on ' || relname,
           pg_get_triggerdef(pg_trigger.oid)
           || CASE tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' DISABLED' ELSE ' tgenabled ' || tgenabled::text END
    FROM pg_trigger JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'foreign key ' || conname || ' on ' || conrelid::regclass || ' disabled',
           string_agg(DISTINCT tgenabled::text, ', ')
    FROM pg_trigger JOIN pg_constraint ON pg_constraint.oid = tgconstraint
    WHERE connamespace = 'onramp'::regnamespace AND tgisinternal AND tgenabled <> 'O'
    GROUP BY conname, conrelid
    UNION ALL
    SELECT 'rule ' || rulename || ' on ' || relname,
           pg_get_ruledef(pg_rewrite.oid) || CASE ev_enabled WHEN 'O' THEN '' ELSE ' ' || ev_enabled::text END
    FROM pg_rewrite JOIN relation ON relation.oid = ev_class WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy ' || polname || ' on ' || relname,
           concat_ws(' ', CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, 'for ' || polcmd::text,
                     'to ' || polroles::text, 'USING ' || pg_get_expr(polqual, polrelid),
                     'WITH CHECK ' || pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN relation ON relation.oid = polrelid

    -- Comments, but those of functions.
    UNION ALL
    SELECT 'comment on ' || named.kind || ' ' || named.name, description
    FROM pg_description
    JOIN (SELECT 'pg_class'::regclass AS of, oid, 0 AS part, kind, relname::text AS name FROM tablelike WHERE kind <> 'type'
          UNION ALL SELECT 'pg_class'::regclass, oid, 0, 'index', relname FROM relation WHERE relkind IN ('i', 'I')
          UNION ALL SELECT 'pg_class'::regclass, tablelike.oid, attnum, 'column', relname || '.' || attname
                    FROM tablelike JOIN pg_attribute ON attrelid = tablelike.oid AND attnum > 0
          UNION ALL SELECT 'pg_type'::regclass, oid, 0, 'type', typname
                    FROM pg_type WHERE typnamespace = 'onramp'::regnamespace
          UNION ALL SELECT 'pg_constraint'::regclass, oid, 0, 'constraint', conname
                    FROM pg_constraint WHERE connamespace = 'onramp'::regnamespace
          UNION ALL SELECT 'pg_trigger'::regclass, pg_trigger.oid, 0, 'trigger', tgname
                    FROM pg_trigger JOIN relation ON relation.oid = tgrelid
          UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, 'statistics', stxname
                    FROM pg_statistic_ext WHERE stxnamespace = 'onramp'::regnamespace
          UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, 'schema', nspname FROM pg_namespace WHERE nspname = 'onramp'
         ) AS named ON of = classoid AND named.oid = objoid AND part = objsubid
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
                          THEN format(' (in %s of %s months)', times, months) ELSE '' END AS definition
FROM alike, (SELECT count(*) AS months FROM relation WHERE month) AS of
ORDER BY 1, 2
