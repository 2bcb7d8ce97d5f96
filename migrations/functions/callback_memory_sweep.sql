-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION callback_memory_sweep(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    DELETE FROM remembered_callbacks
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM remembered_callbacks
        WHERE answered_at < clock_timestamp() - interval '8 days'
        ORDER BY answered_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS done = ROW_COUNT;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION callback_memory_sweep IS
    'Forget callbacks answered more than 8 days ago, p_limit at most.';
GRANT EXECUTE ON FUNCTION callback_memory_sweep TO onramp_daemon;
