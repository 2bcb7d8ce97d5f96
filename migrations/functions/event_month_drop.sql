-- SPDX-License-Identifier: Apache-2.0
-- Internal: to drop a month locks all histories for a moment, for which this waits 50 ms at most:
-- less than deadlock_timeout (100 ms), so that where it stands in a circle it is this that gives way
-- and never a request.
CREATE OR REPLACE FUNCTION event_month_drop(p_events regclass)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp SET lock_timeout = '50ms' AS $$
BEGIN
    EXECUTE format('DELETE FROM acts_of_vnet_owners a USING %s e '
                   'WHERE e.circuit_id = a.circuit_id AND e.sequence = a.sequence', p_events);
    EXECUTE format('DROP TABLE %s', p_events);
    RETURN true;
EXCEPTION WHEN lock_not_available OR undefined_table THEN
    -- Others are at work, or another server was faster.
    RETURN false;
END
$$;
COMMENT ON FUNCTION event_month_drop IS
    'Forget a month of histories and who acted in it; false where it has to be tried again.';
