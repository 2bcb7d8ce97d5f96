-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION idempotency_sweep(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    DELETE FROM idempotency_keys
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys
        WHERE answered_at < clock_timestamp() - interval '24 hours'
        ORDER BY answered_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS done = ROW_COUNT;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION idempotency_sweep IS
    'Forget answers given more than 24 hours ago, p_limit at most.';
GRANT EXECUTE ON FUNCTION idempotency_sweep TO onramp_daemon;
