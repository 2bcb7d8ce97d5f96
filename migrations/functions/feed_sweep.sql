-- SPDX-License-Identifier: Apache-2.0
-- The newest row stays: the next position counts from it.
CREATE OR REPLACE FUNCTION feed_sweep(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    done := 0;
    -- One at a time: two would leave a hole between them for a moment.
    IF pg_try_advisory_xact_lock(hashtextextended('feed_sweep', 30)) THEN
        WITH oldest AS MATERIALIZED (
            SELECT position, published_at FROM feed ORDER BY position LIMIT p_limit)
        DELETE FROM feed
        WHERE position IN (SELECT position FROM oldest) AND position < coalesce(
            -- The first that has to stay, and with it what is behind, whatever its clock said.
            (SELECT min(position) FROM oldest
             WHERE published_at >= clock_timestamp() - (SELECT feed_retention FROM settings)),
            (SELECT max(position) FROM feed));
        GET DIAGNOSTICS done = ROW_COUNT;
    END IF;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION feed_sweep IS
    'Forget events that have been in the feed for longer than it is kept, p_limit at most.';
GRANT EXECUTE ON FUNCTION feed_sweep TO onramp_daemon;
