-- SPDX-License-Identifier: Apache-2.0
-- Room for the events of the months to come; then the oldest month goes, if its time has come. To
-- drop it locks all histories for a moment, for which this waits half a second at most, and less
-- than anybody who waits for it may take for a deadlock: it is tried again.
CREATE OR REPLACE FUNCTION event_month_sweep(p_limit int)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET lock_timeout = '500ms' AS $$
DECLARE
    r verdict;
    v_month record;
    v_forgotten bigint := 0;
BEGIN
    PERFORM event_months_extend();
    r.outcome := 'ok';
    FOR v_month IN
        SELECT m.month, m.events FROM event_months m, settings s
        WHERE month_expires(m.month, s.event_retention) <= clock_timestamp()
        ORDER BY m.month LIMIT p_limit
    LOOP
        BEGIN
            EXECUTE format('DELETE FROM acts_of_vnet_owners a USING %s e '
                           'WHERE e.circuit_id = a.circuit_id AND e.sequence = a.sequence',
                           v_month.events);
            EXECUTE format('DROP TABLE %s', v_month.events);
            v_forgotten := v_forgotten + 1;
        EXCEPTION WHEN lock_not_available OR undefined_table THEN
            -- Others work, or another server was faster.
            EXIT;
        END;
    END LOOP;
    r.facts := jsonb_build_object('forgotten', v_forgotten);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION event_month_sweep IS
    'Make room for events to come, and forget months that have been kept long enough, p_limit at '
    'most.';
GRANT EXECUTE ON FUNCTION event_month_sweep TO onramp_daemon;
