-- SPDX-License-Identifier: Apache-2.0
-- Room for the events of the months to come; then the oldest month goes, if its time has come.
CREATE OR REPLACE FUNCTION event_month_sweep(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_events regclass;
BEGIN
    done := 0;
    PERFORM event_months_extend();
    FOR v_events IN
        SELECT m.events FROM event_months m, settings s
        WHERE month_expires(m.month, s.event_retention) <= clock_timestamp()
        ORDER BY m.month LIMIT p_limit
    LOOP
        EXIT WHEN NOT event_month_drop(v_events);
        done := done + 1;
    END LOOP;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION event_month_sweep IS
    'Make room for events to come, and forget months that have been kept long enough, p_limit at '
    'most.';
GRANT EXECUTE ON FUNCTION event_month_sweep TO onramp_daemon;
