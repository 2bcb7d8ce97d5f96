-- SPDX-License-Identifier: Apache-2.0
-- p_days: as if histories were kept for so many days; null: as they are. The oldest month first.
CREATE OR REPLACE FUNCTION retention_list(p_days int)
RETURNS SETOF month_kept
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r month_kept;
    v_kept interval := coalesce(make_interval(days => p_days),
                                (SELECT event_retention FROM settings));
    v_events regclass;
BEGIN
    -- So that no month goes while this looks at it: to drop one takes a lock on all histories.
    LOCK TABLE ONLY circuit_events IN ACCESS SHARE MODE;
    r.outcome := 'ok';
    r.kept_days := extract(epoch FROM v_kept) / 86400;
    FOR r.month, v_events, r.events IN
        SELECT m.month, m.events, c.reltuples
        FROM event_months m JOIN pg_class c ON c.oid = m.events
        ORDER BY m.month
    LOOP
        -- Counted, where that has not been done yet: then there are few.
        IF r.events < 0 THEN
            EXECUTE format('SELECT count(*) FROM %s', v_events) INTO r.events;
        END IF;
        r.bytes := pg_total_relation_size(v_events);
        r.expires_at := month_expires(r.month, v_kept);
        r.expired := coalesce(r.expires_at <= clock_timestamp(), false);
        RETURN NEXT r;
    END LOOP;
END
$$;
COMMENT ON FUNCTION retention_list IS
    'The months of histories: about how much is in them, and when they go.';
GRANT EXECUTE ON FUNCTION retention_list TO onramp_daemon;
