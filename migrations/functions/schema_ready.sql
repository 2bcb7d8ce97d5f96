-- SPDX-License-Identifier: Apache-2.0
-- p_overdue: backends whose transaction has been under way for long. One that waits for no lock
-- hangs in what every other write goes through too, as a rule its commit.
CREATE OR REPLACE FUNCTION schema_ready(p_overdue int[] DEFAULT '{}')
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    r.outcome := 'ok';
    IF EXISTS (SELECT FROM unnest(p_overdue) AS o (pid)
               JOIN pg_locks l ON l.pid = o.pid
               -- Its transaction has not ended, and waits for no lock.
               GROUP BY o.pid
               HAVING bool_or(l.locktype = 'virtualxid') AND bool_and(l.granted)) THEN
        r.outcome := 'not_ready';
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION schema_ready IS
    'Answers ok when the database answers and the schema is there; not_ready when a write hangs.';
GRANT EXECUTE ON FUNCTION schema_ready TO onramp_daemon;
